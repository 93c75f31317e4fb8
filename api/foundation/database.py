"""Two doors to one room: every transaction of the service opens, enters its cell and closes here.

`Database.session` gives an `AsyncSession` for ordinary work, `Database.connection` a bare asyncpg
connection for the hot paths. Both open with the same `Entry`, a single message that begins the
transaction, enters the cell and takes up the reach (docs/decisions/0002), and both end it with one
COMMIT or ROLLBACK. `Database.at_once` sends a function of the cell that enters by itself and is its
own transaction. Nothing else in the service commits.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import MetaData, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import SQLModel

from api.foundation import clock
from api.foundation.afterwards import Afterwards
from api.foundation.connections import Connection, Connections
from api.foundation.problems import Conflict
from api.foundation.refusals import LOST, as_problems
from api.foundation.sealed import Keyring

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

_LONGEST_KEPT = 65_536
_CELL_CODE = re.compile(r"\d{6,12}")
_NAME = re.compile(r"[a-z_]+")
_PATH = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")


def cell_schema(code: str) -> str:
    """The schema of a township: one cell, one schema (docs/decisions/0003)."""
    if not _CELL_CODE.fullmatch(code):
        raise ValueError(f"{code!r} is not a division code of 6 to 12 digits")
    return f"cell_{code}"


@dataclass(frozen=True, slots=True)
class Entry:
    """The opening of a transaction; `opening` is one simple-protocol message without parameters.

    Every part is a UUID, a number, an instant or a checked name, so that none can carry SQL.
    """

    opening: str

    @classmethod
    def outside(cls) -> "Entry":
        """Into `public` only: accounts, sessions and keys, no cell and no reach."""
        return cls("BEGIN; SET LOCAL search_path TO public")

    @classmethod
    def without_reach(cls, cell: str) -> "Entry":
        """Into a cell, seeing no guarded row: sign-in by the service, everything by the owner."""
        return cls(f"BEGIN; SET LOCAL search_path TO {cell_schema(cell)}, public")

    @classmethod
    def for_the_house(cls, cell: str, *, writing: bool = True) -> "Entry":
        """Into the whole of a cell without a post: what the service does of itself, unasked.

        Never for a request, whose caller has a post. Writing shares the cell's lock as a post's
        does, so that nothing is written under a path that is being moved.
        """
        lock = "SELECT pg_advisory_xact_lock_shared(hashtext(current_schema())); " * writing
        return cls(
            f"{cls.without_reach(cell).opening}; {lock}"
            "SET LOCAL onegrid.reach_from = 't'; SET LOCAL onegrid.reach_to = 't/'; "
            "SET LOCAL onegrid.duties = ''; SET LOCAL onegrid.worker = ''"
        )

    @classmethod
    def within(cls, cell: str, reach: str) -> "Entry":
        """As `for_the_house`, to read what lies at one place or below it, for who sees no more."""
        if not _PATH.fullmatch(reach):
            raise ValueError(f"{reach!r} is not a place")
        return cls(
            f"{cls.without_reach(cell).opening}; SET LOCAL onegrid.reach_from = '{reach}'; "
            f"SET LOCAL onegrid.reach_to = '{reach}/'; "
            "SET LOCAL onegrid.duties = ''; SET LOCAL onegrid.worker = ''"
        )

    def planned_once(self) -> "Entry":
        """The same for a long statement whose one plan is right for everybody who sends it.

        Otherwise PostgreSQL compares, and plans anew what takes longer to plan than to answer.
        """
        return Entry(f"{self.opening}; SET LOCAL plan_cache_mode TO force_generic_plan")

    @classmethod
    def as_post(  # noqa: PLR0913 - exactly what the token claims, checked again by the database
        cls,
        cell: str,
        *,
        session: UUID,
        post: UUID,
        grid: UUID,
        level: int,
        role: str,
        issued_at: datetime,
        at: datetime,
        writing: bool,
        alone: bool = False,
    ) -> "Entry":
        """As the holder of a post; fails with `PostingChanged` when the claims no longer hold.

        A writing transaction also shares the cell's lock, which moving a grid takes `alone`: no row
        is written under a path that is being moved. It is taken before anything else is, never
        raised from shared to alone, so that two movers wait for each other instead of locking up.
        """
        if not _NAME.fullmatch(role):
            raise ValueError(f"{role!r} is not a role")
        lock = "; SELECT pg_advisory_xact_lock(hashtext(current_schema()))" if alone else ""
        return cls(
            f"{cls.without_reach(cell).opening}{lock}; "
            f"SELECT enter('{session}', '{post}', '{grid}', {level:d}, '{role}', "
            f"'{issued_at.isoformat()}', '{at.isoformat()}', {writing})"
        )


class Database:
    """The service's connections to one PostgreSQL, bound by row security.

    Whoever finds none waits `patience_seconds` for one: a phone has given up by then.
    """

    def __init__(
        self,
        url: str,
        keyring: Keyring,
        *,
        pool_size: int = 10,
        statement_timeout: int = 30,
        patience_seconds: float = 10,
    ) -> None:
        self._url = url
        self._settings = {
            "application_name": "onegrid",
            "statement_timeout": str(statement_timeout * 1000),
            "jit": "off",
            "timezone": "UTC",
        }
        self.keyring = keyring
        self._engine: AsyncEngine = _engine(self._connected, pool_size, patience_seconds)
        self._connections = Connections(
            self._connected, most=pool_size, patience_seconds=patience_seconds
        )
        self._afterwards = Afterwards(self._do)

    async def _connected(self) -> Connection:
        # The driver reads the address itself, so that both doors understand the same ones.
        return await asyncpg.connect(
            self._url,
            server_settings=self._settings,
            # Above the driver's limit a statement is parsed and planned anew each time it is sent.
            max_cacheable_statement_size=_LONGEST_KEPT,
        )

    async def open(self) -> None:
        await self._connections.open()

    async def close(self) -> None:
        await self._afterwards.done()
        await self._engine.dispose()
        await self._connections.close()

    @asynccontextmanager
    async def session(self, entry: Entry) -> AsyncGenerator[AsyncSession]:
        """One transaction as an ORM session; everything wrong leaves it as a `Problem`."""
        with_keyring = {"keyring": self.keyring}
        await self._afterwards.done()
        async with AsyncSession(
            self._engine, expire_on_commit=False, autoflush=False, info=with_keyring
        ) as session:
            with as_problems():
                raw = (await (await session.connection()).get_raw_connection()).driver_connection
                assert raw is not None  # noqa: S101 - the dialect always has one
                async with entered(raw, entry):
                    yield session
                    await session.flush()

    def connection(self, entry: Entry) -> "BareDoor":
        """One transaction on a bare asyncpg connection: the door of the hot paths."""
        return BareDoor(self._connections, entry, after=self._afterwards)

    async def at_once(self, function: str, *told: Any) -> asyncpg.Record:
        """What a function of a cell answers that enters by itself, as a transaction of its own.

        For a verb that is one function: one round trip instead of three (docs/decisions/0010).
        """
        places = ", ".join(f"${place}" for place in range(1, len(told) + 1))
        with as_problems():
            async with self._connections.taken() as connection:
                answer = await connection.fetchrow(f"SELECT * FROM {function}({places})", *told)
        assert answer is not None  # noqa: S101 - a function that returns no set returns one row
        return answer

    def owe(self, cell: str, function: str, ids: Sequence[UUID]) -> None:
        """Have a function of the cell called right after, with what is owed to it by then.

        Whoever opens a door of this process finds it done; a job must find it where that fails.
        """
        self._afterwards.owe(cell, function, ids)

    async def _do(self, cell: str, function: str, ids: Sequence[UUID]) -> None:
        async with BareDoor(self._connections, Entry.for_the_house(cell)) as connection:
            await connection.execute(f"SELECT {function}($1, $2)", ids, clock.now())


class BareDoor:
    """As `Database.session`, with nothing between the verb and the driver.

    A class, since three generators one inside the other cost more than the COMMIT they send.
    """

    __slots__ = ("_after", "_connections", "_entry", "_raw")

    def __init__(
        self, connections: Connections, entry: Entry, *, after: Afterwards | None = None
    ) -> None:
        self._connections = connections
        self._entry = entry
        self._after = after

    async def __aenter__(self) -> Connection:
        if self._after is not None:
            await self._after.done()
        with as_problems():
            self._raw = await self._connections.take()
            try:
                await self._raw.execute(self._entry.opening)
            except BaseException:
                await self._leave()
                raise
        return self._raw

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with as_problems():
            if error is not None:
                await self._leave()
                raise error
            try:
                await _commit(self._raw)
            except BaseException:
                await self._leave()
                raise
            self._connections.give_back(self._raw)

    async def _leave(self) -> None:
        try:
            await _roll_back(self._raw)
        finally:
            self._connections.give_back(self._raw)


def keyring_of(session: AsyncSession) -> Keyring:
    """The keys that seal personal data in this session's rows."""
    keyring: Keyring = session.info["keyring"]
    return keyring


async def driver_of(door: AsyncSession | Connection) -> Connection:
    """The driver's connection behind either door; what waits in a session is written first."""
    if not isinstance(door, AsyncSession):
        return door
    await door.flush()
    raw: Any = (await (await door.connection()).get_raw_connection()).driver_connection
    return raw


def _engine(
    connect: Callable[[], Awaitable[Connection]], pool_size: int, patience_seconds: float
) -> AsyncEngine:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        # BEGIN travels with the entry, so SQLAlchemy must not send its own.
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience_seconds,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi_connection: Any, *_: Any) -> None:
    """After a restart of the database, take a fresh connection instead of a dead one."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def entered(raw: Any, entry: Entry) -> AsyncGenerator[None]:
    """One transaction on a connection that is already there, committed where nothing fails."""
    try:
        await raw.execute(entry.opening)
        yield
        await _commit(raw)
    except BaseException:
        await _roll_back(raw)
        raise


async def _commit(raw: Any) -> None:
    if await raw.execute("COMMIT") != "COMMIT":
        raise Conflict


async def _roll_back(raw: Any) -> None:
    with suppress(asyncpg.PostgresError, *LOST):
        await raw.execute("ROLLBACK")
