"""`onegrid worker` as processes: several, killed at random, told to stop, asked what failed."""

import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.embedded import Addresses
from api.foundation.jobs import enqueue, queue_of
from tests.cast import TOWNSHIP

PATIENCE_SECONDS = 120
PROGRAM = Path(__file__).with_name("laborious.py")
HOUSE = Entry.for_the_house(TOWNSHIP)
Ask = Callable[[str], Any]


@pytest.fixture
def database(server: Addresses, template: str) -> Iterator[Addresses]:
    """A township of its own for each test: what one leaves in the queue, another would do."""
    name = f"town_{int(time.time())}_{secrets.token_hex(4)}"
    _fetch(server.superuser, f"CREATE DATABASE {name} TEMPLATE {template} OWNER onegrid_owner")
    addresses = server.database(name)
    columns = "what text, cell text, number bigint, PRIMARY KEY (what, cell, number)"
    for statement in (
        f"CREATE TABLE public.notes ({columns})",
        "CREATE SEQUENCE public.begun",
        "GRANT SELECT, INSERT ON public.notes TO onegrid_service",
        "GRANT USAGE ON SEQUENCE public.begun TO onegrid_service",
    ):
        _fetch(addresses.owner, statement)
    yield addresses
    _fetch(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def environment(database: Addresses, secrets_of_the_run: tuple[str, str]) -> dict[str, str]:
    sealing, lookup = secrets_of_the_run
    return {
        **os.environ,
        "ONEGRID_DATABASE_URL": database.service,
        "ONEGRID_OWNER_DATABASE_URL": database.owner,
        "ONEGRID_SEALING_KEYS": sealing,
        "ONEGRID_LOOKUP_KEY": lookup,
    }


Starter = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Starter]:
    running: list[subprocess.Popen[bytes]] = []

    def started() -> "subprocess.Popen[bytes]":
        with (tmp_path / "worker.log").open("ab") as log:
            running.append(
                subprocess.Popen(
                    (sys.executable, PROGRAM, "worker"), env=environment, stdout=log, stderr=log
                )
            )
        return running[-1]

    yield started
    for each in running:
        with suppress(ProcessLookupError):
            each.kill()
        each.wait()


def _fetch(url: str, statement: str) -> list[asyncpg.Record]:
    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def _put_off(url: str, name: str, *payloads: dict[str, Any]) -> None:
    async def put_off() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(HOUSE.opening)
        for payload in payloads:
            await enqueue(connection, name, payload)
        await connection.execute("COMMIT")
        await connection.close()

    asyncio.run(put_off())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture
def count(database: Addresses) -> Callable[[str], int]:
    def count(rows: str) -> int:
        return _fetch(database.owner, f"SELECT count(*) FROM public.{rows}")[0][0]

    return count


def test_two_workers_killed_at_random_do_everything_and_change_the_world_once(
    start: Starter, database: Addresses, count: Callable[[str], int]
):
    chance = random.Random(2022)
    _put_off(database.service, "notes.take", *({"number": n, "seconds": 0.3} for n in range(30)))
    workers = [start(), start()]
    until(lambda: count("notes WHERE what = 'job'") > 0)
    for _ in range(4):
        time.sleep(chance.random())
        victim = chance.randrange(2)
        workers[victim].kill()
        workers[victim].wait()
        workers[victim] = start()
    until(lambda: count("notes WHERE what = 'job'") == 30)
    until(lambda: count("pgqueuer WHERE entrypoint = 'notes.take'") == 0)
    begun = _fetch(database.owner, "SELECT last_value FROM public.begun")[0][0]
    assert begun >= 30, "whatever was killed half way was begun again elsewhere"
    failed = count("pgqueuer_log WHERE status IN ('exception', 'failed', 'canceled')")
    assert failed == 0


def test_a_clock_goes_on_when_whoever_kept_it_is_killed(
    start: Starter, database: Addresses, count: Callable[[str], int]
):
    first, second = start(), start()
    until(lambda: count("notes WHERE what = 'tick'") >= 4)
    first.kill()
    first.wait()
    before = count("notes WHERE what = 'tick'")
    until(lambda: count("notes WHERE what = 'tick'") >= before + 4)
    assert second.poll() is None
    cells = _fetch(database.owner, "SELECT DISTINCT cell FROM public.notes")
    assert len(cells) == 2


def test_told_to_stop_a_worker_ends_what_it_is_doing_and_nothing_stays_picked(
    start: Starter, database: Addresses, count: Callable[[str], int]
):
    worker = start()
    _put_off(database.service, "notes.take", {"number": 1, "seconds": 2})
    until(lambda: count("pgqueuer WHERE entrypoint = 'notes.take' AND status = 'picked'") == 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_SECONDS) == 0
    assert count("notes WHERE what = 'job'") == 1
    assert count("pgqueuer WHERE status = 'picked'") == 0


def test_what_failed_is_listed_and_tried_again(
    database: Addresses, environment: dict[str, str], count: Callable[[str], int]
):
    def onegrid(*command: str) -> str:
        return subprocess.run(
            (Path(sys.executable).with_name("onegrid"), *command),
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert onegrid("jobs", "list") == ""
    _put_off(database.service, "notes.fail", {"number": 1})
    asyncio.run(_park(database.service))
    told = onegrid("jobs", "list").strip().split("\t")
    assert told[1] == "notes.fail"
    assert told[2].startswith(f"{clock.now():%Y-%m-%d}")
    onegrid("jobs", "retry", told[0])
    assert onegrid("jobs", "list") == ""
    assert count("pgqueuer WHERE status = 'queued'") == 1


async def _park(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE public.pgqueuer SET status = 'failed'")
    assert await queue_of(connection).list_failed_jobs()
    await connection.close()


def test_the_log_of_a_worker_tells_what_failed_without_its_words(
    start: Starter, database: Addresses, tmp_path: Path, count: Callable[[str], int]
):
    worker = start()
    _put_off(database.service, "notes.fail", {"number": 1})
    until(lambda: count("pgqueuer_log WHERE traceback IS NOT NULL") > 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_SECONDS) == 0
    log = (tmp_path / "worker.log").read_text()
    assert "builtins.ValueError" in log
    assert "黄秀英" not in log
    kept = _fetch(database.owner, "SELECT traceback::text FROM public.pgqueuer_log")
    assert not [row for row in kept if row[0] and ("黄" in row[0] or "\\u9ec4" in row[0])]
