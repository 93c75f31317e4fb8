"""Work that nobody waits for: what is looked at again and again, and what a verb puts off.

A room says `every` for the first and `job` for the second; `onegrid worker` does both. Whatever it
does may be done twice, since a worker can be killed after the work and before that is noted: each
function here changes the world once, however often it runs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson
from pgqueuer import AsyncpgDriver, Queries
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.settings import DBSettings
from pgqueuer.types import Channel, JobId
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import Connection, Database, Entry

Sweep = Callable[[Connection, str, datetime], Awaitable[int]]
"""Looks a cell over at an instant, within a transaction of the house; tells how much it changed."""

Errand = Callable[[Database, str, datetime], Awaitable[int]]
"""As a sweep, of what asks others outside: it opens transactions of its own, and waits in none."""

Job = Callable[[AsyncSession, str, dict[str, Any]], Awaitable[None]]
"""Does what was put off in a cell, within a transaction of the house."""

Work = TypeVar("Work", Sweep, Job)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A sweep, or an errand, and how often it is due in each cell."""

    name: str
    seconds: int
    work: Sweep | None = None
    errand: Errand | None = None


SWEEPS: dict[str, Periodic] = {}
JOBS: dict[str, Job] = {}


def every(*, seconds: int, name: str) -> Callable[[Sweep], Sweep]:
    """Have a sweep done in each cell, every so many `seconds` of the clock."""

    def register(work: Sweep) -> Sweep:
        _claim(name)
        SWEEPS[name] = Periodic(name, seconds, work)
        return work

    return register


def errand(*, seconds: int, name: str) -> Callable[[Errand], Errand]:
    """Have an errand run in each cell, every so many `seconds`; two may run it at once."""

    def register(work: Errand) -> Errand:
        _claim(name)
        SWEEPS[name] = Periodic(name, seconds, errand=work)
        return work

    return register


def job(name: str) -> Callable[[Job], Job]:
    """Have a function do what is put off by `enqueue` under this name."""

    def register(work: Job) -> Job:
        _claim(name)
        JOBS[name] = work
        return work

    return register


def _claim(name: str) -> None:
    if name in SWEEPS or name in JOBS:
        raise ValueError(f"there is already background work named {name!r}")


async def enqueue(
    door: AsyncSession | Connection,
    name: str,
    payload: Mapping[str, Any],
    *,
    at: datetime | None = None,
    cell: str | None = None,
) -> None:
    """Put `name` off until this transaction has committed, or until `at`; for its cell or another.

    The queue is not sealed: `payload` is ids and numbers, never anything about a person.
    """
    connection = await _driver(door)
    if cell is None:
        cell = (await connection.fetchval("SELECT current_schema()")).removeprefix("cell_")
    said = {"cell": cell, "payload": dict(payload)}
    delay = None if at is None else max(at - clock.now(), timedelta())
    await queue_of(connection).enqueue(name, orjson.dumps(said), execute_after=delay)


async def _driver(door: AsyncSession | Connection) -> Any:
    if not isinstance(door, AsyncSession):
        return door
    return (await (await door.connection()).get_raw_connection()).driver_connection


async def sweep(
    database: Database, name: str, cell: str, *, at: datetime | None = None
) -> int | None:
    """Do a sweep in one cell now; None where another worker is at it this very moment."""
    periodic, at = SWEEPS[name], at or clock.now()
    if periodic.errand is not None:
        return await periodic.errand(database, cell, at)
    assert periodic.work is not None  # noqa: S101 - what is no errand is a sweep
    async with database.connection(Entry.for_the_house(cell)) as connection:
        if not await connection.fetchval(_ALONE, f"{name} {cell}"):
            return None
        return await periodic.work(connection, cell, at)


_ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('sweeps'), hashtext($1))"


@dataclass(frozen=True, slots=True)
class Parked:
    """What was put off, failed as often as it may, and now waits for somebody to look at it."""

    id: int
    name: str
    since: datetime
    fault: str


async def parked(connection: Connection) -> list[Parked]:
    """What waits to be looked at, the oldest first."""
    return [Parked(**row) for row in await connection.fetch(_PARKED)]


async def retry(connection: Connection, ids: Sequence[int]) -> None:
    """Let what is parked be tried from the beginning, as soon as there is a worker."""
    await queue_of(connection).requeue_jobs([JobId(each) for each in ids])


_PARKED = """
    SELECT q.id, q.entrypoint AS name, q.updated AS since, coalesce((
        SELECT l.traceback ->> 'exception_message' FROM public.pgqueuer_log l
        WHERE l.job_id = q.id AND l.status = 'failed' ORDER BY l.id DESC LIMIT 1
    ), '') AS fault
    FROM public.pgqueuer q WHERE q.status = 'failed' ORDER BY q.updated, q.id
"""


class _Names(DBSettings):
    """The names in the migration, whatever a variable named CHANNEL or FUNCTION may hold."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


_NAMES = _Names(db_schema="public")
CHANNEL: Channel = _NAMES.channel
"""By which workers wake each other."""


def queue_of(connection: Any) -> Queries:
    """The queue, by an asyncpg connection; what it does there belongs to its transaction."""
    return Queries(
        AsyncpgDriver(connection),
        qbe=QueryBuilderEnvironment(_NAMES),
        qbq=QueryQueueBuilder(_NAMES),
        qbs=QuerySchedulerBuilder(_NAMES),
    )
