"""One listener of the database for all who listen to this process.

A process holds one connection that hears of events, whoever they concern. It fetches what is new
once, asks once where each of its listeners stands now, and hands each what concerns them. A
listener holds no connection and no transaction.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Database, Entry, entered
from api.foundation.live import CHANNEL
from api.foundation.patience import happens, outlast
from api.live import frames, queries
from api.live.marks import Mark, Snapshot
from api.live.queries import News, Told

LOOK_AGAIN_SECONDS = 5
"""How often it is asked whether listeners still hold their posts when nothing happens."""

_GATHER_SECONDS = 0.01
"""What commits within this time of the first of it is fetched together: where a township's morning
rounds tell an event every few milliseconds, listeners are asked about once for all of them."""

_PATIENCE = 256
"""Events that a listener may lag behind before it is sent away, to come back with its last mark."""

POSTING_CHANGED = "posting-changed"
_AT_ONCE = 500


Offer = tuple[int, bytes]
"""The transaction that told an event, and the bytes that tell it on."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What concerns a listener at this moment: as row security has it (see the events' policy)."""

    worker: UUID
    reach: str
    duties: frozenset[UUID]

    def holds(self, news: News) -> bool:
        return (
            self.reach <= news.reach < f"{self.reach}/"
            or news.read.quarantine_id in self.duties
            or news.worker_id == self.worker
        )


@dataclass(eq=False, slots=True)
class Listener:
    """Somebody who listens: what waits for them, until it ends."""

    caller: Claims
    since: Snapshot = field(default_factory=lambda: Snapshot(0))
    waiting: deque[Offer] = field(default_factory=deque[Offer])
    ended: str | None = None
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, items: Sequence[Offer]) -> None:
        if len(self.waiting) + len(items) > _PATIENCE:
            self.end("slow")
            return
        self.waiting.extend(items)
        self._stirred.set()

    def end(self, why: str) -> None:
        """Nothing more is told, not even what waits."""
        self.waiting.clear()
        self.ended = self.ended or why
        self._stirred.set()

    async def stirred(self, seconds: float) -> None:
        """Return when something waits or it has ended, at the latest after `seconds`."""
        await happens(self._stirred, within=seconds)
        self._stirred.clear()

    def taken(self) -> list[bytes]:
        """What waits, but for what `since` sees: that was told before it began to listen."""
        frames = [frame for xid, frame in self.waiting if not self.since.sees(xid)]
        self.waiting.clear()
        return frames


@dataclass(slots=True)
class _Cell:
    mark: Mark
    listeners: set[Listener] = field(default_factory=set[Listener])


class Hub:
    """The listeners of this process, by cell."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._stirred = asyncio.Event()
        self._dirty: set[str] = set()
        self._over = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def joined(self, caller: Claims, database: Database) -> AsyncGenerator[Listener]:
        """Listen; whatever commits from here on is offered, whatever was before must be read."""
        cell = self._cells.get(caller.cell)
        if cell is None:
            async with database.connection(Entry.without_reach(caller.cell)) as connection:
                mark = Mark(await queries.snapshot(connection))
            cell = self._cells.setdefault(caller.cell, _Cell(mark))
        listener = Listener(caller)
        cell.listeners.add(listener)
        if self._over:
            listener.end("over")
        try:
            yield listener
        finally:
            cell.listeners.discard(listener)
            if not cell.listeners and self._cells.get(caller.cell) is cell:
                del self._cells[caller.cell]

    def end(self) -> None:
        """Send everybody away, as the process is about to end."""
        self._over = True
        for cell in self._cells.values():
            for listener in cell.listeners:
                listener.end("over")

    def end_soon(self) -> None:
        """As `end`, from where a signal is handled."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.end)

    @asynccontextmanager
    async def open(self, url: str) -> AsyncGenerator[None]:
        """Hear of events for as long as this lasts; a database that is gone is waited for."""
        self._loop = asyncio.get_running_loop()
        task = asyncio.create_task(self._hear(url))
        try:
            yield
        finally:
            self._loop = None
            self.end()
            task.cancel()
            await asyncio.wait({task})

    async def _hear(self, url: str) -> None:
        async def connected() -> None:
            await self._hear_by(await asyncpg.connect(url, **_MANNER))

        await outlast(connected, asyncio.Event(), told="listening_interrupted")

    async def _hear_by(self, connection: asyncpg.Connection) -> None:
        def heard(*notice: Any) -> None:
            self._dirty.add(notice[-1].removeprefix("cell_"))
            self._stirred.set()

        try:
            await connection.add_listener(CHANNEL, heard)
            connection.add_termination_listener(lambda _: self._stirred.set())
            self._dirty.update(self._cells)  # what was told while nobody listened
            while True:
                await self._tell_all(connection)
                stirred = await happens(self._stirred, within=LOOK_AGAIN_SECONDS)
                await asyncio.sleep(_GATHER_SECONDS)
                if not stirred or connection.is_closed():
                    self._dirty.update(self._cells)
                self._stirred.clear()
        finally:
            connection.terminate()

    async def _tell_all(self, connection: asyncpg.Connection) -> None:
        while self._dirty:
            code = self._dirty.pop()
            cell = self._cells.get(code)
            if cell is not None and await self._tell(connection, code, cell):
                self._dirty.add(code)

    async def _tell(self, connection: asyncpg.Connection, code: str, cell: _Cell) -> bool:
        """Tell a cell's listeners what is new; whether there is more."""
        at = clock.now()
        async with entered(connection, Entry.for_the_house(code, writing=False)):
            told = await queries.since(connection, cell.mark, limit=_AT_ONCE, at=at)
            # Whoever joins from here on reads for themselves what was fetched by now.
            listeners = [each for each in cell.listeners if each.ended is None]
            scopes = await _scopes(connection, listeners, at)
        batch = _Batch(told)
        for nth, listener in enumerate(listeners, start=1):
            batch.hand(listener, scopes.get(nth))
        cell.mark = told.mark
        return told.mark.until is not None


_MANNER: dict[str, Any] = {
    "timeout": 10,
    "command_timeout": 10,
    "server_settings": {"application_name": "onegrid live", "timezone": "UTC"},
}
_SCOPES = """
    SELECT nth, worker_id, reach, duties FROM scopes_of(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7
    )
"""


async def _scopes(
    connection: asyncpg.Connection, listeners: Sequence[Listener], at: datetime
) -> dict[int, Scope]:
    """Where each listener stands, counted from 1; whose post or session has ended is left out."""
    claims = [each.caller for each in listeners]
    rows = await connection.fetch(
        _SCOPES,
        [each.session for each in claims],
        [each.post for each in claims],
        [each.grid for each in claims],
        [each.level for each in claims],
        [each.role for each in claims],
        [each.issued_at for each in claims],
        at,
    )
    return {
        row["nth"]: Scope(row["worker_id"], row["reach"], frozenset(row["duties"])) for row in rows
    }


class _Batch:
    """What was found at once, in the two ways in which a listener hears each of it."""

    def __init__(self, told: Told) -> None:
        self._news = [news for news, _ in told.items]
        self._resync = told.resync
        self._more: list[Offer] = [(each.xid, frames.told(each, at)) for each, at in told.items]
        # Where nothing more of a batch concerns somebody, their mark is the one after all of it.
        self._last: list[Offer] = [(each.xid, frames.told(each, told.mark)) for each in self._news]

    def hand(self, listener: Listener, scope: Scope | None) -> None:
        if scope is None:
            listener.end(POSTING_CHANGED)
        elif self._resync:
            listener.end("over")  # coming back with its mark, it is told to read everything anew
        elif own := [nth for nth, news in enumerate(self._news) if scope.holds(news)]:
            listener.offer([*(self._more[nth] for nth in own[:-1]), self._last[own[-1]]])
