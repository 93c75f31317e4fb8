"""Bare connections for the hot paths, kept open and handed from one transaction to the next.

The driver's own pool gives each connection back in a task of its own, under a timer, so that it can
be reset: 75 µs of the server process, three times what sending a simple statement takes. Here there
is nothing to reset, since everything is set transaction-locally; a connection of which that is not
certain is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

Connection = asyncpg.Connection


class Connections:
    """At most so many at once; whoever comes when all are taken waits for their turn, a while.

    Whoever has one never asks for a second: all would wait for each other when all are taken.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], *, most: int, patience_seconds: float
    ) -> None:
        self._connect = connect
        self._patience_seconds = patience_seconds
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(most)
        self._open = False

    async def open(self) -> None:
        """Connect once, so that a service without its database does not start."""
        self._open = True
        async with self.taken():
            pass

    async def take(self) -> Connection:
        """One that nobody else has until it is given back; the one used last, or a fresh one.

        Raises the driver's `InterfaceError` before they are opened and after they are closed, and
        `TimeoutError` where none was given back for so long.
        """
        async with asyncio.timeout(self._patience_seconds if self._places.locked() else None):
            await self._places.acquire()
        try:
            return self._last_used() or await self._connected()
        except BaseException:
            self._places.release()
            raise

    def _last_used(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():  # as after a restart of the database
                return connection
        return None

    async def _connected(self) -> Connection:
        if not self._open:
            raise asyncpg.InterfaceError("the connections are not open")
        return await self._connect()

    def give_back(self, connection: Connection, *, sound: bool = True) -> None:
        """Let somebody else have it; it is closed where a transaction may still be open on it."""
        if (
            self._open
            and sound
            and not connection.is_closed()
            and not connection.is_in_transaction()
        ):
            self._idle.append(connection)
        else:
            connection.terminate()
        self._places.release()

    def taken(self) -> "Taken":
        """One for what is a transaction of its own."""
        return Taken(self)

    async def close(self) -> None:
        """Say goodbye on all that nobody has; what somebody has is closed when it is given back."""
        self._open = False
        while self._idle:
            await self._idle.pop().close(timeout=5)


class Taken:
    """Given back at the end; not after an error that leaves open what the server still does."""

    __slots__ = ("_connections", "_raw")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Connection:
        self._raw = await self._connections.take()
        return self._raw

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        sound = error is None or isinstance(error, asyncpg.PostgresError)
        self._connections.give_back(self._raw, sound=sound)
