"""The doors of a process that serves or works: opened patiently, where all is as it must be."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from api.access.keyring_marks import check_keyring
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.migrations import check_fit_to_serve
from api.foundation.problems import DatabaseUnavailable
from api.foundation.refusals import problem_of
from api.settings import Settings

_PATIENCE = timedelta(minutes=1)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Database]:
    """The database by the service role; raises `RoleError`, `NotAtThisVersion`, `NotTheseKeys`."""
    assert settings.database_url is not None  # noqa: S101 - the caller found or started one
    database = Database(
        settings.database_url.get_secret_value(),
        settings.keyring(),
        pool_size=settings.pool_size,
        statement_timeout=settings.statement_timeout_seconds,
    )
    await _open_patiently(database)
    try:
        async with database.connection(Entry.outside()) as connection:
            await check_fit_to_serve(connection)
            await check_keyring(connection, settings.keyring())
        yield database
    finally:
        await database.close()


async def _open_patiently(database: Database) -> None:
    """A process that is replaced while the database restarts waits for it, instead of giving up."""
    deadline = clock.now() + _PATIENCE
    while True:
        try:
            await database.open()
        except Exception as error:
            if clock.now() > deadline or not isinstance(problem_of(error), DatabaseUnavailable):
                raise
            await asyncio.sleep(1)
        else:
            return
