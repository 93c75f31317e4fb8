"""The worker: keeps time for what is due again and again, and works the queue off.

Several may run, and any may be killed. Each puts what is due into the queue, where it stands once;
whoever takes it sends signs of life, and where they stop another takes it over within seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Any

import asyncpg
import orjson
import structlog
from pgqueuer import DatabaseRetryEntrypointExecutor, Job, Queries, QueueManager
from pgqueuer.executors import EntrypointExecutorParameters

from api.foundation import clock, jobs
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.jobs import JOBS, SWEEPS, queue_of
from api.foundation.logs import Seldom, fault_of
from api.foundation.migrations import cells, unmigrated
from api.foundation.patience import happens, outlast

_TIDY = "jobs.tidy"
_TIDY_SECONDS = 3600
_SOON = 10
"""The priority of what is due by the clock, before what was put off."""

_SIGN_OF_LIFE = timedelta(seconds=5)
_LOOK_AGAIN = timedelta(seconds=2)
_TO_END_SECONDS = 10
_AT_ONCE = 5
_CELLS_AT_ONCE = 4
_ATTEMPTS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=5)

_log = structlog.get_logger()
# Signs of life that find no database are kept, and tried again several times a second.
getLogger("pgqueuer").addFilter(Seldom("Flush failed", seconds=60))


class WorkFailed(Exception):
    """What is kept of a failure: its kind and our lines, since its words may quote a row."""

    @classmethod
    def by(cls, error: Exception) -> "WorkFailed":
        fault = fault_of(error)
        return cls(f"{fault['error']} at {'; '.join(fault['trace'])}")


async def work(database: Database, url: str, stop: asyncio.Event) -> None:
    """Work until told to stop, ending what is under way; a database that is gone is waited for."""
    await outlast(lambda: _work(database, url, stop), stop, told="worker_interrupted")


@asynccontextmanager
async def working(database: Database, url: str) -> AsyncGenerator[None]:
    """A worker beside what else the process does, told to stop when that ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(database, url, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=_TO_END_SECONDS)
        task.cancel()
        await asyncio.wait({task})


async def _work(database: Database, url: str, stop: asyncio.Event) -> None:
    connection = await asyncpg.connect(url, timeout=10, server_settings=_SESSION)
    queries = queue_of(connection)
    queue = _manager(queries, database)
    beside = [
        asyncio.create_task(_keep_time(queries, queue.shutdown)),
        asyncio.create_task(_pass_on(stop, queue.shutdown)),
    ]
    working = asyncio.create_task(queue.run(**_MANNER))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        # What is cancelled would be noted as done: cut off, it is taken up by another worker.
        connection.terminate()
        raise
    finally:
        for task in (*beside, working):
            task.cancel()
        await asyncio.wait((*beside, working))
        await connection.close(timeout=5)


_MANNER: dict[str, Any] = {
    "dequeue_timeout": _LOOK_AGAIN,
    "batch_size": _AT_ONCE,
    "max_concurrent_tasks": 2 * _AT_ONCE,
    "heartbeat_timeout": _SIGN_OF_LIFE,
    "shutdown_on_listener_failure": True,
    "log_aggregation_interval": timedelta(),
}


async def _pass_on(stop: asyncio.Event, shutdown: asyncio.Event) -> None:
    """The library sets its own event also when it fails, which must not stop the worker."""
    await stop.wait()
    shutdown.set()


_SESSION = {"application_name": "onegrid worker", "statement_timeout": "30000", "timezone": "UTC"}


def _manager(queries: Queries, database: Database) -> QueueManager:
    queue = QueueManager(queries, channel=jobs.CHANNEL)
    queue.entrypoint(_TIDY)(_tidying(database))
    for name in SWEEPS:
        queue.entrypoint(name)(_sweeping(database, name))
    for name in JOBS:
        queue.entrypoint(name, on_failure="hold", executor_factory=_patient)(_doing(database, name))
    return queue


def _patient(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(
        parameters,
        max_attempts=_ATTEMPTS,
        initial_delay=_FIRST_PAUSE,
        max_delay=_LONGEST_PAUSE,
    )


async def _keep_time(queue: Queries, stop: asyncio.Event) -> None:
    """Put each sweep into the queue when it is due: those that a long night left out, once."""
    periods = {sweep.name: sweep.seconds for sweep in SWEEPS.values()} | {_TIDY: _TIDY_SECONDS}
    looked_at = datetime.min.replace(tzinfo=UTC)
    while not stop.is_set():
        now = clock.now()
        due = [name for name, seconds in periods.items() if _rang(looked_at, now, seconds)]
        if due:
            many = len(due)
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await queue.enqueue(
                    due, [None] * many, [_SOON] * many, dedupe_key=[*due], on_conflict="skip"
                )
                looked_at = now
        await happens(stop, within=1 - clock.now().timestamp() % 1)


def _rang(last: datetime, now: datetime, seconds: int) -> bool:
    return last.year == 1 or now.timestamp() // seconds > last.timestamp() // seconds


def _sweeping(database: Database, name: str) -> Callable[[Job], Awaitable[None]]:
    async def sweep_all(_: Job) -> None:
        few = asyncio.Semaphore(_CELLS_AT_ONCE)
        codes = await _cells_at_head(database, name)
        failures = await asyncio.gather(*(_swept(database, name, code, few) for code in codes))
        failed = [code for code, failure in zip(codes, failures, strict=True) if failure]
        if failed:
            raise WorkFailed(f"{name} in {', '.join(failed)}")

    return sweep_all


async def _swept(database: Database, name: str, cell: str, few: asyncio.Semaphore) -> bool:
    """Whether it failed: one cell must not keep the others from being looked after."""
    async with few:
        try:
            changed = await jobs.sweep(database, name, cell)
        except Exception as error:  # noqa: BLE001 - told, and tried again when it is next due
            _log.error("sweep_failed", sweep=name, cell=cell, **fault_of(error))
            return True
    if changed:
        _log.info("swept", sweep=name, cell=cell, changed=changed)
    return False


async def _cells_at_head(database: Database, name: str) -> list[str]:
    async with database.connection(Entry.outside()) as connection:
        behind = set(await unmigrated(connection))
        codes = await cells(connection)
    for code in codes:
        if cell_schema(code) in behind:
            _log.info("cell_skipped", sweep=name, cell=code)
    return [code for code in codes if cell_schema(code) not in behind]


def _doing(database: Database, name: str) -> Callable[[Job], Awaitable[None]]:
    async def do(taken: Job) -> None:
        told: dict[str, Any] = orjson.loads(taken.payload or b"{}")
        try:
            async with database.session(Entry.for_the_house(told["cell"])) as session:
                await JOBS[name](session, told["cell"], told["payload"])
        except Exception as error:  # noqa: BLE001 - tried again, and in the end held
            _log.error("job_failed", job=name, id=taken.id, **fault_of(error))
            raise WorkFailed.by(error) from None

    return do


def _tidying(database: Database) -> Callable[[Job], Awaitable[None]]:
    async def tidy(_: Job) -> None:
        async with database.connection(Entry.outside()) as connection:
            await connection.execute(_FORGET)

    return tidy


_FORGET = """
    DELETE FROM public.pgqueuer_log l
    WHERE l.created < now() - interval '1 day'
        AND NOT EXISTS (SELECT FROM public.pgqueuer q WHERE q.id = l.job_id)
"""
