"""Listening: what was missed, then what happens, until the post ends; or asking now and then."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.access.caller import entry_of
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Connection, Database
from api.live import frames, queries
from api.live.hub import POSTING_CHANGED, Hub, Listener
from api.live.marks import Mark
from api.live.queries import Told
from api.live.schemas import EventsPage

_MOST_MISSED = 1000
_PAGE = 200
_QUIET_SECONDS = 15
"""How long a line may be silent before what lies between takes it for dead."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What listening stands on: who listens, at which process, and the database."""

    hub: Hub
    database: Database
    caller: Claims


@dataclass(frozen=True, slots=True)
class Stream:
    """A listener with what it missed."""

    listener: Listener
    missed: Told

    async def told(self, seconds: int) -> AsyncIterator[bytes]:
        """What was missed and what happens, for at most so many seconds."""
        yield _opening(self.missed)
        time = asyncio.get_running_loop().time
        ends = time() + seconds
        while self.listener.ended is None and (left := ends - time()) > 0:
            await self.listener.stirred(min(left, _QUIET_SECONDS))
            happened = b"".join(self.listener.taken())
            if self.listener.ended is None:
                yield happened or frames.KEEP_ALIVE
        if self.listener.ended == POSTING_CHANGED:
            yield frames.POSTING_CHANGED


@asynccontextmanager
async def listening(ground: Ground, after: Mark | None) -> AsyncGenerator[Stream]:
    """Listen, from the mark or from now; raises `PostingChanged`.

    It is offered what commits from here on before it reads what was before: nothing lies between.
    """
    async with ground.hub.joined(ground.caller, ground.database) as listener:
        async with _read(ground) as connection:
            missed = await _missed(connection, after)
        listener.since = missed.now
        yield Stream(listener, missed)


async def poll(ground: Ground, after: Mark | None, *, wait: int) -> EventsPage:
    """What happened since the mark, waiting up to so many seconds for something to happen."""
    if after is None or not wait:
        return await _page(ground, after)
    async with ground.hub.joined(ground.caller, ground.database) as listener:
        page = await _page(ground, after)
        if page.items or page.resync:
            return page
        await listener.stirred(wait)
        return await _page(ground, after)


@asynccontextmanager
async def _read(ground: Ground) -> AsyncGenerator[Connection]:
    async with ground.database.connection(entry_of(ground.caller, writing=False)) as connection:
        yield connection


async def _missed(connection: Connection, after: Mark | None) -> Told:
    if after is None:
        now = await queries.snapshot(connection)
        return Told((), Mark(now), now)
    return await queries.all_since(connection, after, most=_MOST_MISSED, at=clock.now())


async def _page(ground: Ground, after: Mark | None) -> EventsPage:
    async with _read(ground) as connection:
        if after is None:
            told = await _missed(connection, None)
        else:
            told = await queries.since(connection, after, limit=_PAGE, at=clock.now())
    items = [news.read for news, _ in told.items]
    return EventsPage(items=items, next=str(told.mark), resync=told.resync)


def _opening(missed: Told) -> bytes:
    if missed.resync:
        return frames.resync(missed.mark)
    return b"".join(frames.told(*each) for each in missed.items) or frames.begun(missed.mark)
