"""Background work: put off with its transaction, done once, held where it cannot be done."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock, jobs, worker
from api.foundation.database import Connection, Database, Entry, cell_schema
from api.foundation.embedded import Addresses
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town

HOUSE = Entry.for_the_house(TOWNSHIP)


@pytest.fixture(autouse=True)
def nothing_else_is_due() -> Iterator[None]:
    """Only what a test registers, and nothing of it afterwards."""
    kept = dict(jobs.SWEEPS), dict(jobs.JOBS)
    jobs.SWEEPS.clear()
    jobs.JOBS.clear()
    yield
    jobs.SWEEPS.clear()
    jobs.JOBS.clear()
    jobs.SWEEPS.update(kept[0])
    jobs.JOBS.update(kept[1])


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_FIRST_PAUSE", timedelta(milliseconds=10))


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.owner)
    yield connection
    await connection.execute("TRUNCATE public.pgqueuer, public.pgqueuer_log")
    await connection.close()


Working = Callable[[], Any]


@pytest.fixture
def at_work(town: Town, addresses: Addresses) -> Working:
    @asynccontextmanager
    async def at_work() -> AsyncGenerator[None]:
        async with worker.working(town.database, addresses.service):
            yield

    return at_work


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            told = condition()
            if told if isinstance(told, bool) else await told:
                return
            await asyncio.sleep(0.02)


def note_calls(name: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    @jobs.job(name)
    async def note(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
        calls.append({"cell": cell, **payload})

    return calls


async def _waiting(owner: asyncpg.Connection) -> int:
    return await owner.fetchval("SELECT count(*) FROM public.pgqueuer WHERE dedupe_key IS NULL")


async def test_the_queue_is_the_one_that_the_library_declares(addresses: Addresses):
    connection = await asyncpg.connect(addresses.owner)
    plan = await jobs.queue_of(connection).plan_upgrade()
    await connection.close()
    assert plan.statements == ()
    assert plan.notes == ()


async def test_what_is_put_off_is_done_once_its_transaction_has_committed(
    town: Town, owner: asyncpg.Connection, at_work: Working
):
    calls = note_calls("notes.take")
    async with at_work():
        async with town.database.session(HOUSE) as session:
            await session.execute(text("SELECT 1"))
            await jobs.enqueue(session, "notes.take", {"number": 1})
        async with town.database.connection(HOUSE) as connection:
            await jobs.enqueue(connection, "notes.take", {"number": 2})
        await until(lambda: len(calls) == 2)

        async def nothing_waits() -> bool:
            return await _waiting(owner) == 0

        await until(nothing_waits)
    assert sorted(call["number"] for call in calls) == [1, 2]
    assert {call["cell"] for call in calls} == {TOWNSHIP}


@pytest.mark.parametrize("door", [Database.session, Database.connection])
async def test_what_is_put_off_by_a_transaction_that_fails_was_never_put_off(
    town: Town, owner: asyncpg.Connection, door: Callable[..., Any]
):
    with pytest.raises(ZeroDivisionError):
        async with door(town.database, HOUSE) as opened:
            await jobs.enqueue(opened, "notes.take", {})
            raise ZeroDivisionError
    assert await _waiting(owner) == 0


async def test_what_is_put_off_to_an_instant_waits_for_it(
    town: Town, owner: asyncpg.Connection, at_work: Working
):
    calls = note_calls("notes.take")
    async with town.database.connection(HOUSE) as connection:
        later, soon = clock.now() + timedelta(days=1), clock.now() + timedelta(seconds=1)
        await jobs.enqueue(connection, "notes.take", {"when": "later"}, at=later)
        await jobs.enqueue(connection, "notes.take", {"when": "soon"}, at=soon)
        past = soon - timedelta(days=9)
        await jobs.enqueue(connection, "notes.take", {"when": "long ago"}, at=past)
    async with at_work():
        await until(lambda: len(calls) == 2)
    assert [call["when"] for call in calls] == ["long ago", "soon"]
    assert await _waiting(owner) == 1


async def test_what_fails_is_tried_again_then_held_without_a_word_of_what_it_stumbled_over(
    town: Town, owner: asyncpg.Connection, at_work: Working
):
    tried: list[int] = []
    mended = False

    @jobs.job("notes.fail")
    async def fail(session: AsyncSession, cell: str, payload: dict[str, Any]) -> None:
        tried.append(1)
        if not mended:
            raise ValueError("黄秀英 13800005678")

    async with town.database.connection(HOUSE) as connection:
        await jobs.enqueue(connection, "notes.fail", {})

    async def held() -> bool:
        return len(await jobs.parked(owner)) == 1

    async with at_work():
        await until(held)
        parked = (await jobs.parked(owner))[0]
        assert len(tried) == 6
        assert parked.name == "notes.fail"
        assert "ValueError" in parked.fault
        kept = await owner.fetch("SELECT traceback::text FROM public.pgqueuer_log")
        assert not [row for row in kept if row[0] and "黄" in row[0]]

        mended = True
        await jobs.retry(owner, [parked.id])

        async def gone() -> bool:
            return await _waiting(owner) == 0

        await until(gone)
    assert len(tried) == 7
    assert await jobs.parked(owner) == []


async def test_a_sweep_looks_every_cell_over_again_and_again(at_work: Working):
    seen: list[tuple[str, datetime]] = []

    @jobs.every(seconds=1, name="notes.look")
    async def look(connection: Connection, cell: str, at: datetime) -> int:
        schema = await connection.fetchval("SELECT current_schema()")
        assert schema == cell_schema(cell)
        seen.append((cell, at))
        return 0

    async with at_work():
        await until(lambda: len(seen) >= 4)
    assert {cell for cell, _ in seen} == {TOWNSHIP, OTHER_TOWNSHIP}


async def test_a_sweep_that_fails_in_one_cell_is_done_in_the_others(
    owner: asyncpg.Connection, at_work: Working
):
    done: list[str] = []

    @jobs.every(seconds=3600, name="notes.look")
    async def look(connection: Connection, cell: str, at: datetime) -> int:
        if cell == TOWNSHIP:
            raise ValueError("黄秀英")
        done.append(cell)
        return 1

    async def told() -> bool:
        query = "SELECT count(*) FROM public.pgqueuer_log WHERE status = 'exception'"
        return await owner.fetchval(query) == 1

    async with at_work():
        await until(told)
    assert done == [OTHER_TOWNSHIP]
    kept = await owner.fetch("SELECT traceback::text FROM public.pgqueuer_log")
    assert not [row for row in kept if row[0] and "黄" in row[0]]


async def test_a_cell_that_is_not_migrated_yet_is_left_out(
    owner: asyncpg.Connection, at_work: Working
):
    done: list[str] = []

    @jobs.every(seconds=1, name="notes.look")
    async def look(connection: Connection, cell: str, at: datetime) -> int:
        done.append(cell)
        return 0

    version = f"{cell_schema(OTHER_TOWNSHIP)}.alembic_version"
    head = await owner.fetchval(f"SELECT version_num FROM {version}")
    await owner.execute(f"UPDATE {version} SET version_num = '0001'")
    async with at_work():
        await until(lambda: len(done) >= 2)
    await owner.execute(f"UPDATE {version} SET version_num = $1", head)
    assert set(done) == {TOWNSHIP}


async def test_one_cell_is_swept_by_one_at_a_time(town: Town):
    began, end = asyncio.Event(), asyncio.Event()

    @jobs.every(seconds=3600, name="notes.look")
    async def look(connection: Connection, cell: str, at: datetime) -> int:
        began.set()
        await end.wait()
        return 1

    first = asyncio.create_task(jobs.sweep(town.database, "notes.look", TOWNSHIP))
    await began.wait()
    assert await jobs.sweep(town.database, "notes.look", TOWNSHIP) is None
    end.set()
    assert await first == 1
    assert await jobs.sweep(town.database, "notes.look", OTHER_TOWNSHIP) == 1


async def test_the_house_sees_the_whole_cell_and_nothing_of_another(town: Town):
    async with town.database.connection(HOUSE) as connection:
        paths = {row["path"] for row in await connection.fetch("SELECT path FROM grids")}
    assert "t" in paths
    assert "t.01.02.01" in paths
    async with town.database.connection(Entry.for_the_house(OTHER_TOWNSHIP)) as connection:
        assert await connection.fetchval("SELECT count(*) FROM grids") == 1


def test_no_two_pieces_of_work_share_a_name():
    note_calls("notes.take")
    with pytest.raises(ValueError, match=r"notes\.take"):
        jobs.every(seconds=1, name="notes.take")(jobs.SWEEPS.get)  # pyright: ignore[reportArgumentType]
