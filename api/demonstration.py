"""`onegrid demo`: the invented township on an embedded database of its own, loaded once, served."""

import asyncio
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import text

from api import operations
from api.app import create_app
from api.arrivals.division_files import example_divisions
from api.arrivals.divisions import import_divisions
from api.demo.clients import LetIn, Secrets, let_in
from api.demo.load import load_township
from api.demo.names import TOWNSHIP, TOWNSHIP_CODE
from api.demo.progress import shown
from api.demo.sign_ins import ADMINISTRATOR
from api.demo.welcome import welcome
from api.foundation import logs
from api.foundation.database import Entry
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.sealed import new_key
from api.serving import check_address, serve
from api.settings import Settings

_HOST = "127.0.0.1"


def serve_demonstration(folder: Path, *, reset: bool, port: int) -> None:
    """Prepare what is missing, showing progress, and serve until told to stop.

    Raises `OperatorError` when the port is taken, or the same demonstration runs already.
    """
    console = Console(highlight=False)
    check_address(_HOST, port)
    postgres = EmbeddedPostgres(folder)
    with _alone(folder), postgres as addresses:
        if reset:
            console.print("Forgetting the former demonstration …")
            asyncio.run(_forget(addresses))
            postgres.start()
        settings = _settings(folder, addresses, port)
        logs.configure(settings.log_level)  # else every record told would be a line
        others = asyncio.run(_prepare(settings, console, Secrets(folder / "machine-clients")))
        serve(
            settings,
            host=_HOST,
            port=port,
            when_ready=lambda: welcome(console, settings.public_url, others),
        )


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise operations.OperatorError("The demonstration is running already.") from None
        yield


async def _forget(addresses: Addresses) -> None:
    connection = await asyncpg.connect(addresses.database("postgres").superuser)
    await connection.execute("DROP DATABASE onegrid WITH (FORCE)")
    await connection.close()


def _settings(folder: Path, addresses: Addresses, port: int) -> Settings:
    sealing, lookup = _secrets(folder / "secrets")
    return Settings(
        database_url=SecretStr(addresses.service),
        owner_database_url=SecretStr(addresses.owner),
        sealing_keys=SecretStr(sealing),
        lookup_key=SecretStr(lookup),
        public_url=f"http://{_HOST}:{port}",
        log_level="WARNING",
        with_worker=True,
    )


def _secrets(place: Path) -> tuple[str, str]:
    """The sealing and look-up keys of the data, readable by their owner only."""
    if not place.exists():
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"demo:{new_key()}\n{new_key()}\n")
    sealing, lookup = place.read_text().split()
    return sealing, lookup


async def _prepare(settings: Settings, console: Console, secrets: Secrets) -> LetIn:
    """Migrate, make what is not there yet, and load the township unless that was done before."""
    console.print("Preparing the database …")
    operator = operations.operator_of(settings)
    await operator.migrate()
    await operator.create_cell(TOWNSHIP_CODE, TOWNSHIP)
    async with operations.connected(operator.owner_url) as connection:
        await import_divisions(connection, example_divisions(), dry_run=False)
    async with operations.owner_database(settings) as database:
        await operations.create_township(database, TOWNSHIP_CODE, TOWNSHIP)
        if not await operations.has_account(database, ADMINISTRATOR.account):
            await operations.create_administrator(
                database,
                TOWNSHIP_CODE,
                account=ADMINISTRATOR.account,
                name=ADMINISTRATOR.who,
                password=operations.Password(ADMINISTRATOR.password),
            )
    app = create_app(settings.model_copy(update={"with_worker": False}))
    async with app.router.lifespan_context(app):
        with shown(console) as report:
            loaded = await load_township(app, report)
            others = await let_in(app, secrets, report)
    if loaded:
        await _look_over(settings)
    return others


async def _look_over(settings: Settings) -> None:
    """Let the planner see the new rows at once; by itself it would look within a minute."""
    entry = Entry.without_reach(TOWNSHIP_CODE)
    async with operations.owner_database(settings) as database, database.session(entry) as session:
        await session.execute(text("ANALYZE"))
