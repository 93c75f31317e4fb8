"""The doors: one transaction each, all or nothing, and everything wrong is told as a problem."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from api.access.caller import entry_of
from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.problems import (
    Conflict,
    DatabaseUnavailable,
    OutsideYourGrid,
    PostingChanged,
    Problem,
)
from api.foundation.refusals import problem_of
from api.settings import Settings
from tests.cast import TOWNSHIP, Town, grid_id

_ADD = """
    INSERT INTO workers (id, version, grid_id, name, is_party_member, reach)
    VALUES ('{id}', 1, '{grid}', '某人', false, '{reach}')
"""


async def entry(town: Town, name: str, *, writing: bool = True) -> Entry:
    return entry_of(town.app.state.keys.tokens.read(await town.token_of(name)), writing=writing)


async def count(town: Town, worker: object) -> int:
    async with town.database.connection(await entry(town, "zhou", writing=False)) as connection:
        return await connection.fetchval("SELECT count(*) FROM workers WHERE id = $1", worker)


@pytest.mark.parametrize("door", ["session", "connection"])
async def test_what_is_written_through_either_door_is_kept_when_it_closes(town: Town, door: str):
    worker = uuid4()
    add = _ADD.format(id=worker, grid=grid_id("t.01.01"), reach="t.01.01")
    async with getattr(town.database, door)(await entry(town, "lin")) as opened:
        await opened.execute(text(add) if door == "session" else add)
    assert await count(town, worker) == 1


@pytest.mark.parametrize("door", ["session", "connection"])
async def test_a_problem_raised_inside_leaves_nothing_written(town: Town, door: str):
    worker = uuid4()
    add = _ADD.format(id=worker, grid=grid_id("t.01.01"), reach="t.01.01")
    with pytest.raises(Conflict):
        async with getattr(town.database, door)(await entry(town, "lin")) as opened:
            await opened.execute(text(add) if door == "session" else add)
            raise Conflict
    assert await count(town, worker) == 0


@pytest.mark.parametrize("door", ["session", "connection"])
async def test_whoever_waits_too_long_for_a_connection_is_told_to_come_again(
    settings: Settings, door: str
):
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    small = Database(url, settings.keyring(), pool_size=1, patience_seconds=0.2)
    await small.open()

    async def enter() -> None:
        async with getattr(small, door)(Entry.outside()):
            pass

    async with getattr(small, door)(Entry.outside()):
        with pytest.raises(DatabaseUnavailable):
            await asyncio.create_task(enter())
    await enter()
    await small.close()


@pytest.mark.parametrize("door", ["session", "connection"])
async def test_writing_outside_the_reach_is_told_as_outside_your_grid(town: Town, door: str):
    add = _ADD.format(id=uuid4(), grid=grid_id("t.01.02"), reach="t.01.02")
    with pytest.raises(OutsideYourGrid):
        async with getattr(town.database, door)(await entry(town, "lin")) as opened:
            await opened.execute(text(add) if door == "session" else add)


async def test_a_swallowed_database_error_cannot_pass_as_a_commit(town: Town):
    with pytest.raises(Conflict):
        async with town.database.connection(await entry(town, "lin")) as connection:
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute("SELECT 1 / 0")


async def test_the_reach_of_one_request_does_not_stay_on_the_connection(town: Town):
    for _ in range(8):
        async with town.database.connection(await entry(town, "zhou")) as connection:
            assert await connection.fetchval("SELECT count(*) FROM grids") > 1
    for _ in range(8):
        without = Entry.without_reach(TOWNSHIP)
        async with town.database.connection(without) as connection:
            assert await connection.fetchval("SELECT count(*) FROM grids") == 0


async def test_a_session_that_never_was_is_a_changed_posting(town: Town):
    unknown = Entry.as_post(
        TOWNSHIP,
        session=uuid4(),
        post=uuid4(),
        grid=grid_id("t"),
        level=1,
        role=Role.grid_leader.value,
        issued_at=clock.now(),
        at=clock.now(),
        writing=False,
    )
    with pytest.raises(PostingChanged):
        async with town.database.session(unknown):
            pass


@pytest.mark.parametrize("code", ["", "1; DROP", "451422201'", "../etc", "45142220100000"])
def test_a_cell_is_named_by_digits_alone(code: str):
    with pytest.raises(ValueError, match="division code"):
        cell_schema(code)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ConnectionRefusedError(), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
        (asyncpg.InterfaceError("connection is closed"), DatabaseUnavailable),
        (asyncpg.AdminShutdownError("going down"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("full"), DatabaseUnavailable),
        (asyncpg.DiskFullError("full"), DatabaseUnavailable),
        (asyncpg.ReadOnlySQLTransactionError("no longer the first"), DatabaseUnavailable),
        (asyncpg.UniqueViolationError("twice"), Conflict),
        (asyncpg.InsufficientPrivilegeError("row security"), OutsideYourGrid),
        (KeyError("a fault of our own"), None),
    ],
)
def test_each_database_error_has_its_problem(error: Exception, problem: type[Problem] | None):
    found = problem_of(error)
    assert found is None if problem is None else isinstance(found, problem)
