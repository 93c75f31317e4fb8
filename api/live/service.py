"""Listening: what was missed, then what happens, until the post ends; or asking now and then."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi.sse import ServerSentEvent

from api.access.caller import entry_of
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Connection, Database
from api.live import queries
from api.live.hub import POSTING_CHANGED, Hub, Listener
from api.live.marks import Mark
from api.live.queries import News, Told
from api.live.schemas import EventsPage

_MOST_MISSED = 1000
_PAGE = 200
_COME_BACK_MS = 2000


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

    async def told(self, seconds: int) -> AsyncIterator[ServerSentEvent]:
        """What was missed and what happens, for at most so many seconds."""
        for event in _opening(self.missed):
            yield event
        ends = asyncio.get_running_loop().time() + seconds
        while self.listener.ended is None:
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await self.listener.stirred(left)
            for news, mark in self.listener.taken():
                if self.listener.ended is None:
                    yield _event(news, mark)
        if self.listener.ended == POSTING_CHANGED:
            yield ServerSentEvent(event=POSTING_CHANGED, data={})


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


def _opening(missed: Told) -> Iterator[ServerSentEvent]:
    if missed.resync:
        yield ServerSentEvent(event="resync", data={}, id=str(missed.mark), retry=_COME_BACK_MS)
    elif not missed.items:
        yield ServerSentEvent(comment="listening", id=str(missed.mark), retry=_COME_BACK_MS)
    for news, mark in missed.items:
        yield _event(news, mark)


def _event(news: News, mark: Mark) -> ServerSentEvent:
    return ServerSentEvent(event=news.read.kind.value, raw_data=news.said, id=str(mark))
