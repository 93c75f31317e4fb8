"""What an operator does before anyone can sign in: migrate, make a cell, its first account."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg
from pydantic import SecretStr, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.keyring_marks import check_keyring
from api.access.keys import make_key
from api.access.models import Account, Cell, Membership
from api.access.passwords import hash_password
from api.access.permissions import Role
from api.access.schemas import AccountName
from api.access.sessions import end_sessions
from api.foundation import clock
from api.foundation.database import Connection, Database, Entry, cell_schema
from api.foundation.embedded import EmbeddedPostgres
from api.foundation.fields import Name
from api.foundation.migrations import (
    NotAtThisVersion,
    cells,
    check_owner_role,
    check_service_role,
    grant,
    list_cell,
    migrate_cell,
    migrate_public,
    unmigrated,
)
from api.foundation.records import new_id
from api.grids.models import Grid, GridKind, Post, Worker
from api.settings import NOT_AN_ADDRESS, DatabaseSettings, Settings, SettingsError

S = TypeVar("S", bound=DatabaseSettings)


_SHORTEST, _LONGEST = 10, 200
_DIVISION_DIGITS = (6, 9, 12)
_NOT_MIGRATED = "The database is not migrated. Run `onegrid migrate`."


class OperatorError(RuntimeError):
    """What the operator asks for cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The owner's address, and the role that the service will use."""

    owner_url: str
    service_role: str

    async def migrate(self) -> list[str]:
        """Bring `public` and every cell up to date and grant the service its rights.

        Returns the codes of the cells. Raises `RoleError` when a role is not as it must be.
        """
        async with connected(self.owner_url) as connection:
            await self._check_roles(connection)
            await asyncio.to_thread(migrate_public, self.owner_url)
            await grant(connection, "public", self.service_role)
            codes = await cells(connection)
            for code in codes:
                await self._migrate_cell(connection, code)
        return codes

    async def create_cell(self, code: str, name: str) -> None:
        """Make a township's schema, migrated and granted, and only then list it; twice is once.

        Raises `OperatorError` for anything but a division code and a name, and for another name.
        """
        schema, name = _schema(code), own_name(name)
        async with connected(self.owner_url) as connection:
            await self._check_roles(connection)
            if "public" in await unmigrated(connection):
                raise NotAtThisVersion(_NOT_MIGRATED)
            await _refuse_renaming(connection, code, name)
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            await self._migrate_cell(connection, code)
            await list_cell(connection, code, name, at=clock.now())

    async def list_cells(self) -> list[tuple[str, str]]:
        """The code and name of every cell."""
        async with connected(self.owner_url) as connection:
            if "public" in await unmigrated(connection):
                raise NotAtThisVersion(_NOT_MIGRATED)
            rows = await connection.fetch("SELECT code, name FROM public.cells ORDER BY code")
        return [(row["code"], row["name"]) for row in rows]

    async def _check_roles(self, connection: Connection) -> None:
        owner = await check_owner_role(connection)
        await check_service_role(connection, self.service_role, owner=owner)

    async def _migrate_cell(self, connection: Connection, code: str) -> None:
        await asyncio.to_thread(migrate_cell, self.owner_url, code)
        await grant(connection, cell_schema(code), self.service_role)


async def _refuse_renaming(connection: Connection, code: str, name: str) -> None:
    known = await connection.fetchval("SELECT name FROM public.cells WHERE code = $1", code)
    if known not in {None, name}:
        raise OperatorError(f"The cell {code} is there already, and its name is {known}.")


def _schema(code: str) -> str:
    if len(code) not in _DIVISION_DIGITS:
        raise OperatorError(f"{code[:80]!r} is not a division code of 6, 9 or 12 digits.")
    try:
        return cell_schema(code)
    except ValueError as error:
        raise OperatorError(f"{error}.") from None


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection for an operator's work; raises `OperatorError` when there is none to be had."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OverflowError, ValueError):
        # What it stumbled over may be a part of the password.
        raise OperatorError(f"Cannot connect to the database: {NOT_AN_ADDRESS}.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = urlsplit(url)
        server = where.netloc.rpartition("@")[2]
        raise OperatorError(
            f"Cannot connect to the database at {server} as {where.username}: {error}"
        ) from None
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def with_database(settings: S) -> Generator[S]:
    """The settings with both addresses: those given, or those of the embedded server, started.

    The embedded server is brought up to date here, since nobody else looks after it.
    """
    if settings.database_url is not None:
        yield settings
        return
    with EmbeddedPostgres(settings.data_folder) as addresses:
        urls = {"database_url": addresses.service, "owner_database_url": addresses.owner}
        found = settings.model_copy(update={name: SecretStr(url) for name, url in urls.items()})
        asyncio.run(operator_of(found).migrate())
        yield found


def operator_of(settings: DatabaseSettings) -> Operator:
    """The owner and the service role that the settings name; raises `SettingsError`."""
    service, owner = settings.database_url, settings.owner_database_url
    if service is None or owner is None:
        raise SettingsError(
            "ONEGRID_OWNER_DATABASE_URL is not set. Migrations run as the owner of the tables, the "
            "service as another role that owns nothing, so that everybody's reach is guarded; set "
            "ONEGRID_OWNER_DATABASE_URL to the owner's address. If there is but one role, keep it "
            "as the owner and, as an administrator of the database, run:\n"
            "  CREATE ROLE onegrid_service LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;\n"
            "then set ONEGRID_DATABASE_URL to that role's address."
        )
    role = urlsplit(service.get_secret_value()).username
    if not role:
        raise SettingsError("ONEGRID_DATABASE_URL names no role: postgresql://role:password@…")
    return Operator(owner.get_secret_value(), unquote(role))


@asynccontextmanager
async def owner_database(settings: Settings) -> AsyncGenerator[Database]:
    """The owner's way into the database, whom no reach binds.

    Raises `OperatorError`, `NotAtThisVersion`, and `NotTheseKeys` before anything is sealed.
    """
    owner_url, keyring = operator_of(settings).owner_url, settings.keyring()
    async with connected(owner_url) as connection:
        if "public" in await unmigrated(connection):
            raise NotAtThisVersion(_NOT_MIGRATED)
        await check_keyring(connection, keyring)
    database = Database(owner_url, keyring, pool_size=2)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def create_township(database: Database, code: str, name: str) -> Grid:
    """The root of a new cell's tree; the one there is, if there is one."""
    async with database.session(Entry.without_reach(code)) as session:
        root = await _root(session)
        if root is None:
            root = Grid(
                id=new_id(),
                code=code.ljust(12, "0"),
                name=name,
                kind=GridKind.township,
                level=1,
                path="t",
                opened_on=clock.today(),
            )
            session.add(root)
    return root


async def _root(session: AsyncSession) -> Grid | None:
    return (await session.scalars(select(Grid).where(Grid.path == "t"))).first()


@dataclass(frozen=True, slots=True)
class Password:
    """A password to be set; one that was made here is changed at the first sign-in."""

    text: str = field(repr=False)
    made_here: bool = False

    @classmethod
    def made(cls) -> "Password":
        return cls(secrets.token_urlsafe(12), made_here=True)

    @classmethod
    def chosen(cls, text: str) -> "Password":
        """Raises `OperatorError` for one that nobody could sign in with, or that is too short."""
        if not _SHORTEST <= len(text) <= _LONGEST:
            raise OperatorError(f"A password has {_SHORTEST} to {_LONGEST} characters.")
        return cls(text)


def account_name(text: str) -> str:
    """A sign-in name as it is kept; raises `OperatorError`."""
    return _told(TypeAdapter[str](AccountName), text, what="an account name")


def own_name(text: str) -> str:
    """The name of a person or a township as it is kept; raises `OperatorError`."""
    return _told(TypeAdapter[str](Name), text, what="a name")


def _told(kind: TypeAdapter[str], text: str, *, what: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise OperatorError(f"{text[:80]!r} is not {what}: {said}.") from None


async def create_administrator(
    database: Database, code: str, *, account: str, name: str, password: Password
) -> Post:
    """The first account of a cell: an administrator at the root, who appoints everybody else.

    Raises `OperatorError` when there is no such cell, or the account's name is taken.
    """
    await _demand_cell(database, code)
    identity, now = new_id(), clock.now()
    hashed = await hash_password(password.text)
    async with database.session(Entry.without_reach(code)) as session:
        if await _account(session, account) is not None:
            raise OperatorError(f"There is already an account named {account}.")
        root = await _root(session)
        assert root is not None, f"cell {code} has no root"  # noqa: S101 - made with the cell
        session.add(
            Account(
                id=identity,
                name=account,
                password_hash=hashed,
                must_change_password=password.made_here,
                created_at=now,
            )
        )
        session.add(Worker(id=identity, grid_id=root.id, name=name, reach=root.path))
        await session.flush()
        post = Post(
            id=new_id(),
            worker_id=identity,
            grid_id=root.id,
            role=Role.administrator,
            began_at=now,
            reach=root.path,
        )
        session.add_all([Membership(account_id=identity, cell=code), post])
    return post


async def _demand_cell(database: Database, code: str) -> None:
    async with database.session(Entry.outside()) as session:
        if await session.get(Cell, code) is None:
            raise OperatorError(f"There is no cell {code}. `onegrid cells create` makes one.")


async def reset_password(database: Database, account: str, password: Password) -> None:
    """Set an account's password and end its sessions; raises `OperatorError` if there is none."""
    hashed = await hash_password(password.text)
    async with database.session(Entry.outside()) as session:
        found = await _account(session, account)
        if found is None:
            raise OperatorError(f"There is no account named {account}.")
        found.password_hash = hashed
        found.must_change_password = password.made_here
        await end_sessions(session, found.id, "password_reset")


async def has_account(database: Database, name: str) -> bool:
    async with database.session(Entry.outside()) as session:
        return await _account(session, name) is not None


async def _account(session: AsyncSession, name: str) -> Account | None:
    return (await session.scalars(select(Account).where(col(Account.name) == name))).first()


async def rotate_signing_key(settings: Settings) -> datetime:
    """Make a signing key; returns when it begins to sign and the keys before it retire."""
    overlap = timedelta(minutes=settings.signing_key_overlap_minutes)
    async with owner_database(settings) as database, database.session(Entry.outside()) as session:
        key = await make_key(session, overlap=overlap)
    return key.signs_from
