"""The database goes away in mid-load and comes back: 503 meanwhile, and nothing half written."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import create_app
from api.foundation import jobs
from api.foundation.database import Connection, Database, Entry, cell_schema, driver_of
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.problems import DatabaseUnavailable
from api.foundation.records import new_id
from api.foundation.worker import working
from api.settings import Settings
from tests.builders import household_body
from tests.cast import TOWNSHIP, Town, assert_problem, build_towns, grid_id

PAIR = "INSERT INTO pairs (id, half) VALUES ('{id}', {half})"
Restart = Callable[[EmbeddedPostgres], None]


def kill(postgres: EmbeddedPostgres) -> None:
    """As the kernel does when memory runs out: no farewell, and recovery at the next start."""
    pid = int((postgres.place / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def stop(postgres: EmbeddedPostgres) -> None:
    """As an operator does it: everybody's connection is ended with a farewell."""
    noted = postgres.place / "data" / "postmaster.pid"
    said = noted.read_text()
    postgres.stop()
    noted.write_text(said)  # so that it comes back at the same port, as a server of its own does


@pytest.fixture(scope="module")
def postgres(secrets_of_the_run: tuple[str, str]) -> Iterator[tuple[EmbeddedPostgres, Addresses]]:
    """A server of its own, since the others must not notice."""
    folder = Path(tempfile.mkdtemp(prefix="restart-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    addresses = postgres.start()
    asyncio.run(build_towns(addresses, secrets_of_the_run))
    yield postgres, addresses
    postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def town(
    postgres: tuple[EmbeddedPostgres, Addresses], secrets_of_the_run: tuple[str, str]
) -> AsyncGenerator[Town]:
    _, addresses = postgres
    await _execute(
        addresses.owner,
        f"CREATE TABLE {cell_schema(TOWNSHIP)}.pairs (id uuid, half int, PRIMARY KEY (id, half));"
        f"GRANT SELECT, INSERT ON {cell_schema(TOWNSHIP)}.pairs TO onegrid_service",
    )
    sealing, lookup = map(SecretStr, secrets_of_the_run)
    app = create_app(
        Settings(
            database_url=SecretStr(addresses.service),
            sealing_keys=sealing,
            lookup_key=lookup,
            pool_size=4,
        )
    )
    async with app.router.lifespan_context(app), Town(app) as town:
        yield town


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _pair_by_session(database: Database, identity: UUID) -> None:
    async with database.session(Entry.without_reach(TOWNSHIP)) as session:
        for half in (1, 2):
            connection = await session.connection()
            await connection.exec_driver_sql(PAIR.format(id=identity, half=half))
            await asyncio.sleep(0)


async def _pair_by_connection(database: Database, identity: UUID) -> None:
    async with database.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for half in (1, 2):
            await connection.execute(PAIR.format(id=identity, half=half))
            await asyncio.sleep(0)


async def _keep_asking(ask: Callable[[], Awaitable[int]], told: Counter[int], ended: asyncio.Event):
    while not ended.is_set():
        told[await ask()] += 1
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("interrupt", [stop, kill])
async def test_both_doors_fail_as_unavailable_recover_by_themselves_and_write_nothing_by_halves(
    town: Town, postgres: tuple[EmbeddedPostgres, Addresses], interrupt: Restart
):
    server, addresses = postgres
    kept: list[UUID] = []

    def writing(door: Callable[[Database, UUID], Awaitable[None]]) -> Callable[[], Awaitable[int]]:
        async def write() -> int:
            identity = new_id()
            try:
                await door(town.database, identity)
            except DatabaseUnavailable as problem:
                return problem.status
            kept.append(identity)
            return 200

        return write

    ming = await town.as_("ming")

    def reading(path: str) -> Callable[[], Awaitable[int]]:
        async def read() -> int:
            answer = await ming.get(path)
            if answer.status_code != 200:
                assert_problem(answer, DatabaseUnavailable)
            return answer.status_code

        return read

    callers = [
        writing(_pair_by_session),
        writing(_pair_by_connection),
        reading("/readyz"),
        reading("/v1/grids"),
        reading("/v1/me"),
    ] * 3
    tolds = [Counter[int]() for _ in callers]
    ended = asyncio.Event()
    asking = asyncio.gather(
        *(_keep_asking(ask, told, ended) for ask, told in zip(callers, tolds, strict=True))
    )
    await _until(lambda: all(told[200] > 5 for told in tolds), asking)
    await asyncio.to_thread(interrupt, server)
    await _until(lambda: all(told[503] > 0 for told in tolds), asking)
    assert await asyncio.to_thread(server.start) == addresses
    before = [told[200] for told in tolds]
    await _until(
        lambda: all(told[200] > former for told, former in zip(tolds, before, strict=True)), asking
    )
    ended.set()
    await asking
    assert all(set(told) == {200, 503} for told in tolds)
    rows = await _rows_of_pairs(addresses)
    assert set(rows.values()) == {2}, "a pair is written whole, whether its writer was told or not"
    assert set(kept) <= set(rows), "what a writer was told is kept, is kept"


async def _until(condition: Callable[[], bool], asking: asyncio.Future[list[None]]) -> None:
    while not condition():
        if asking.done():
            await asking
        await asyncio.sleep(0.02)


_LEFT_TO_DO = "SELECT count(*) FROM public.pgqueuer WHERE entrypoint = 'notes.pair'"


async def _fetch(url: str, question: str) -> Any:
    connection = await asyncpg.connect(url)
    answer = await connection.fetchval(question)
    await connection.close()
    return answer


async def _rows_of_pairs(addresses: Addresses) -> dict[UUID, int]:
    connection = await asyncpg.connect(addresses.owner)
    pairs = f"{cell_schema(TOWNSHIP)}.pairs"
    rows = await connection.fetch(f"SELECT id, count(*) AS rows FROM {pairs} GROUP BY id")
    await connection.execute(f"TRUNCATE {pairs}")
    await connection.close()
    return {row["id"]: row["rows"] for row in rows}


async def test_a_household_sent_again_after_the_restart_is_one_household(
    town: Town, postgres: tuple[EmbeddedPostgres, Addresses]
):
    server, _ = postgres
    ming = await town.as_("ming")
    body = household_body(grid=grid_id("t.01.01.01"))
    await asyncio.to_thread(kill, server)
    assert_problem(await ming.post("/v1/households", json=body), DatabaseUnavailable)
    await asyncio.to_thread(server.start)
    sent = [await ming.post("/v1/households", json=body) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 200], sent[0].text


@pytest.mark.parametrize("interrupt", [stop, kill])
async def test_a_worker_waits_for_the_database_and_goes_on_with_what_is_due(
    town: Town, postgres: tuple[EmbeddedPostgres, Addresses], interrupt: Restart
):
    server, addresses = postgres
    seen: list[datetime] = []

    @jobs.every(seconds=1, name="notes.look")
    async def look(connection: Connection, cell: str, at: datetime) -> int:
        seen.append(at)
        return 0

    try:
        async with working(town.database, addresses.service):
            await _come_to_pass(lambda: len(seen) > 2)
            await asyncio.to_thread(interrupt, server)
            assert await asyncio.to_thread(server.start) == addresses
            before = len(seen)
            await _come_to_pass(lambda: len(seen) > before + 4)
    finally:
        del jobs.SWEEPS["notes.look"]


@pytest.mark.parametrize("interrupt", [stop, kill])
async def test_what_was_half_done_when_the_database_went_is_done_again_and_kept_once(
    town: Town,
    postgres: tuple[EmbeddedPostgres, Addresses],
    interrupt: Restart,
    caplog: pytest.LogCaptureFixture,
):
    server, addresses = postgres
    identity, begun, go_on = new_id(), asyncio.Semaphore(0), asyncio.Event()
    lines: list[Connection] = []

    @jobs.job("notes.pair")
    async def pair(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
        connection = await driver_of(session)
        lines.append(connection)
        await connection.execute(PAIR.format(id=payload["id"], half=1))
        begun.release()
        await go_on.wait()
        await connection.execute(PAIR.format(id=payload["id"], half=2))

    try:
        async with working(town.database, addresses.service):
            async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
                await jobs.enqueue(connection, "notes.pair", {"id": str(identity)})
            await begun.acquire()
            await asyncio.to_thread(interrupt, server)
            await _come_to_pass(lines[0].is_closed)  # killed, its last processes go a little later
            await asyncio.sleep(1)  # signs of life find no database
            go_on.set()
            assert await asyncio.to_thread(server.start) == addresses
            await _come_to_pass(lambda: not begun.locked())
            async with asyncio.timeout(60):
                while await _fetch(addresses.owner, _LEFT_TO_DO):
                    await asyncio.sleep(0.1)
    finally:
        del jobs.JOBS["notes.pair"]
    repeated = [each.exc_info for each in caplog.records if "Flush failed" in each.message]
    told = Counter(each[0] for each in repeated if each)
    assert not told or max(told.values()) == 1, told
    assert await _rows_of_pairs(addresses) == {identity: 2}


ONEGRID = Path(sys.executable).with_name("onegrid")


def test_told_to_stop_while_the_database_is_away_service_and_worker_end_in_good_order(
    postgres: tuple[EmbeddedPostgres, Addresses],
    secrets_of_the_run: tuple[str, str],
    tmp_path: Path,
):
    server, addresses = postgres
    said = {"DATABASE_URL": addresses.service, "SEALING_KEYS": secrets_of_the_run[0]}
    said |= {"LOOKUP_KEY": secrets_of_the_run[1], "STOP_SECONDS": "60"}
    environment = {**os.environ, **{f"ONEGRID_{name}": told for name, told in said.items()}}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    log = tmp_path / "log"
    with log.open("wb") as out:
        running = [
            subprocess.Popen((ONEGRID, *command), env=environment, stdout=out, stderr=out)
            for command in (("serve", "--port", port, "--workers", "2"), ("worker",))
        ]
    try:
        until(lambda: log.read_text().count("startup complete") == 2)
        until(lambda: '"event":"working"' in log.read_text())
        stop(server)
        for process in running:
            process.terminate()
        assert [process.wait(30) for process in running] == [0, 0], log.read_text()
    finally:
        for process in running:
            process.kill()
            process.wait()
        server.start()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


async def _come_to_pass(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.05)
