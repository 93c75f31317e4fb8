"""The command line, `onegrid`: what an operator types. Errors are one sentence and exit code 2."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from api.foundation.database import Connection
    from api.operations import Password
    from api.settings import Settings

Done = TypeVar("Done")


def _group(purpose: str) -> typer.Typer:
    return typer.Typer(
        help=purpose, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )


commands = _group("一张网: the service that holds a township's grid together.")
cells = _group("Townships: one cell each, with tables of its own.")
accounts = _group("The first sign-in of a township, and forgotten passwords.")
keys = _group("Keys that sign tokens and seal personal data.")
parked = _group("Background work that failed, and waits for somebody to look at it.")
divisions = _group("Administrative divisions, shared by all townships.")
simulations = _group("Other people's systems, simulated for trying things out.")
commands.add_typer(cells, name="cells")
commands.add_typer(divisions, name="divisions")
commands.add_typer(accounts, name="accounts")
commands.add_typer(keys, name="keys")
commands.add_typer(parked, name="jobs")
commands.add_typer(simulations, name="simulate")

Code = Annotated[str, typer.Argument(help="Division code of the township, as a rule 9 digits.")]
Account = Annotated[str, typer.Option(help="Name to sign in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]


def main() -> None:
    """Run a command; what an operator can mend is told in a sentence, without a traceback."""
    try:
        commands()
    except Exception as error:
        sentence = _sentence_of(error)
        if sentence is None:
            raise
        typer.echo(f"onegrid: {sentence}", err=True)
        sys.exit(2)


def _sentence_of(error: Exception) -> str | None:
    from sqlalchemy.exc import DBAPIError

    from api.access.keyring_marks import NotTheseKeys
    from api.arrivals.division_files import DivisionsRefused
    from api.foundation.embedded import EmbeddedPostgresError
    from api.foundation.migrations import NotAtThisVersion, RoleError
    from api.foundation.problems import Problem
    from api.foundation.sealed import SealBroken
    from api.operations import OperatorError
    from api.settings import SettingsError

    told = (EmbeddedPostgresError, NotAtThisVersion, OperatorError, RoleError, SettingsError)
    if isinstance(error, (*told, DivisionsRefused, NotTheseKeys)):
        return str(error)
    if isinstance(error, SealBroken):
        return f"ONEGRID_SEALING_KEYS are not those of this database: {error}."
    if isinstance(error, Problem):
        return error.said
    return f"The database refused: {error.orig}" if isinstance(error, DBAPIError) else None


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=64)] = 1,
    *,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Do the background work too.")
    ] = False,
) -> None:
    """Serve, on the database of ONEGRID_DATABASE_URL or else an embedded one."""
    from api import operations, serving
    from api.settings import load_settings

    given = load_settings()
    also = {"with_worker": with_worker or given.with_worker}
    with operations.with_database(given.model_copy(update=also)) as settings:
        asyncio.run(serving.rehearse(settings))
        serving.serve(settings, host=host, port=port, workers=workers)


@commands.command()
def worker() -> None:
    """Do the background work until told to stop; several may run, and any may be killed."""
    from api import operations, working
    from api.settings import load_settings

    with operations.with_database(load_settings()) as settings:
        working.work_until_told(settings)


@commands.command()
def demo(
    *,
    reset: Annotated[bool, typer.Option("--reset", help="Begin with fresh data.")] = False,
    port: Port = 8000,
) -> None:
    """Serve a township invented for trying everything out, on an embedded database of its own."""
    from api.demonstration import serve_demonstration
    from api.settings import DatabaseSettings, load_settings

    folder = load_settings(DatabaseSettings).data_folder / "demo"
    serve_demonstration(folder, reset=reset, port=port)


@commands.command()
def migrate() -> None:
    """Bring the database up to date, as its owner, and grant the service role its rights."""
    from api import operations
    from api.settings import DatabaseSettings, load_settings

    given = load_settings(DatabaseSettings)
    with operations.with_database(given) as settings:
        codes = asyncio.run(operations.operator_of(settings).migrate())
    typer.echo(f"Migrated: public and {len(codes)} cells.")


@cells.command("create")
def create_cell(
    code: Code, name: Annotated[str, typer.Argument(help="Name of the township, 青竹乡.")]
) -> None:
    """Make a township's cell, with the root of its grid tree; twice is once."""
    from api import operations

    async def make(settings: "Settings") -> None:
        await operations.operator_of(settings).create_cell(code, name)
        async with operations.owner_database(settings) as database:
            await operations.create_township(database, code, name)

    _with_database(make)
    typer.echo(f"The cell {code} is ready.")


@cells.command("list")
def list_cells() -> None:
    """List the townships, code and name."""
    from api import operations
    from api.settings import DatabaseSettings, load_settings

    with operations.with_database(load_settings(DatabaseSettings)) as settings:
        for code, name in asyncio.run(operations.operator_of(settings).list_cells()):
            typer.echo(f"{code}\t{name}")


@divisions.command("import")
def import_divisions(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns code, name and parent; UTF-8 or GBK.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Keep nothing; say what would be kept.")
    ] = False,
) -> None:
    """Take over a table of divisions, whole or not at all; the same table twice is once."""
    from api.arrivals.divisions import import_divisions

    raw = file.read_bytes()
    new, changed, unchanged = _with_connection(
        lambda connection: import_divisions(connection, raw, dry_run=dry_run), as_owner=True
    )
    done = "Would be kept" if dry_run else "Kept"
    typer.echo(f"{done}: {new} new, {changed} changed, {unchanged} as they were.")


@accounts.command("create-administrator")
def create_administrator(
    cell: Annotated[str, typer.Option(help="Division code of the township.")],
    account: Account,
    name: Annotated[str, typer.Option(help="The administrator's own name.")],
    *,
    password_stdin: FromStdin = False,
) -> None:
    """Open the first account of a township; everybody else is appointed by signing in with it.

    The password is taken from ONEGRID_NEW_PASSWORD, from standard input with --password-stdin, or
    asked for; where nobody can be asked, it is made and printed once.
    """
    from api import operations

    password = _password(from_stdin=password_stdin)
    login, person = operations.account_name(account), operations.own_name(name)

    async def make(settings: "Settings") -> None:
        async with operations.owner_database(settings) as database:
            await operations.create_administrator(
                database, cell, account=login, name=person, password=password
            )

    _with_database(make)
    _tell(login, password)


@accounts.command("reset-password")
def reset_password(account: Account, *, password_stdin: FromStdin = False) -> None:
    """Set an account's password anew and end all its sessions."""
    from api import operations

    password = _password(from_stdin=password_stdin)
    login = operations.account_name(account)

    async def reset(settings: "Settings") -> None:
        async with operations.owner_database(settings) as database:
            await operations.reset_password(database, login, password)

    _with_database(reset)
    _tell(login, password)


@parked.command("list")
def list_parked() -> None:
    """List what failed as often as it may: number, name, since when, and where it failed."""
    from api.foundation import jobs

    for each in _with_connection(jobs.parked):
        typer.echo(f"{each.id}\t{each.name}\t{each.since:%Y-%m-%d %H:%M} UTC\t{each.fault}")


@parked.command("retry")
def retry_parked(
    numbers: Annotated[list[int], typer.Argument(help="As `onegrid jobs list` tells them.")],
) -> None:
    """Let what failed be tried again from the beginning."""
    from api.foundation import jobs

    _with_connection(lambda connection: jobs.retry(connection, numbers))


@simulations.command("health-codes")
def simulate_health_codes(port: Port = 8900) -> None:
    """Simulate provincial health-code systems on 127.0.0.1, for invented people only.

    They speak as the presets do, below /gate, /national and /bus, and behave as /_control is told.
    """
    from api.health_codes.simulated import CREDENTIALS
    from api.health_codes.simulator import serve_simulator

    for dialect, secrets_of_it in CREDENTIALS.items():
        typer.echo(f"http://127.0.0.1:{port}/{dialect}\t{json.dumps(secrets_of_it)}")
    serve_simulator(port=port)


@keys.command("new")
def new_signing_key() -> None:
    """Make a signing key; it signs after the overlap, and the keys before it retire then."""
    from api import operations

    signs_from = _with_database(operations.rotate_signing_key)
    typer.echo(f"A new key is published; it signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC.")


@keys.command("secrets")
def new_secrets() -> None:
    """Print fresh sealing and look-up keys as lines for .env; keep them as long as the data."""
    from api.foundation.sealed import new_key

    typer.echo(f"ONEGRID_SEALING_KEYS={secrets.token_hex(3)}:{new_key()}")
    typer.echo(f"ONEGRID_LOOKUP_KEY={new_key()}")


@commands.command()
def openapi(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the files are not current.")
    ] = False,
) -> None:
    """Write the contract and its catalogue into openapi/, in the current folder."""
    from api.app import contract_files
    from api.operations import OperatorError

    for name, text in contract_files().items():
        path = Path("openapi", name)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        if check:
            raise OperatorError(f"{path} is not current; run `make openapi` and commit it.")
        path.write_text(text, "utf-8")
        typer.echo(f"Written: {path}")


def _with_connection(
    work: "Callable[[Connection], Coroutine[Any, Any, Done]]", *, as_owner: bool = False
) -> "Done":
    from api.operations import connected, operator_of, with_database
    from api.settings import DatabaseSettings, load_settings

    async def ask(url: str) -> "Done":
        async with connected(url) as connection:
            return await work(connection)

    with with_database(load_settings(DatabaseSettings)) as settings:
        assert settings.database_url is not None  # noqa: S101 - found or started
        own = settings.database_url.get_secret_value()
        return asyncio.run(ask(operator_of(settings).owner_url if as_owner else own))


def _with_database(work: "Callable[[Settings], Coroutine[Any, Any, Done]]") -> "Done":
    from api.operations import with_database
    from api.settings import load_settings

    with with_database(load_settings()) as settings:
        return asyncio.run(work(settings))


def _password(*, from_stdin: bool) -> "Password":
    from api.operations import Password

    text = os.environ.get("ONEGRID_NEW_PASSWORD", "")
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif not text and sys.stdin.isatty():
        text = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return Password.chosen(text) if text or from_stdin else Password.made()


def _tell(account: str, password: "Password") -> None:
    typer.echo(f"{account} can sign in.")
    if password.made_here:
        typer.echo(f"Password, shown only now, to be changed at the first sign-in: {password.text}")
