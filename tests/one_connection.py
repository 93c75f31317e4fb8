"""No request that has a connection asks for another: with all taken, all would wait for each other.

Every test runs under this guard, since it takes a crowd at the same moment to see it happen.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import httpx
import pytest

from api.foundation.connections import Connection
from api.foundation.database import BareDoor, Database, Entry

_taken: ContextVar[tuple[asyncio.Task[Any] | None, list[None]]] = ContextVar("taken")
"""The connections that a request has; what it begins besides is somebody else, as is the test."""


def guard(patch: pytest.MonkeyPatch) -> None:
    """From now on a second connection is refused, at every door."""
    come, go = BareDoor.__aenter__, BareDoor.__aexit__
    session, at_once = Database.session, Database.at_once
    answer = httpx.ASGITransport.handle_async_request

    async def come_alone(self: BareDoor) -> Connection:
        taken = _none_yet()
        connection = await come(self)
        taken.append(None)
        return connection

    async def go_alone(self: BareDoor, *told: Any) -> None:
        del _mine()[:]
        await go(self, *told)

    @asynccontextmanager
    async def session_alone(self: Database, entry: Entry) -> AsyncGenerator[Any]:
        with _the_only_one():
            async with session(self, entry) as opened:
                yield opened

    async def at_once_alone(self: Database, function: str, *told: Any) -> asyncpg.Record:
        with _the_only_one():
            return await at_once(self, function, *told)

    async def answer_afresh(self: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
        former = _taken.set(
            (asyncio.current_task(), [])
        )  # what the test itself has open is not the service's
        try:
            return await answer(self, request)
        finally:
            _taken.reset(former)

    patch.setattr(BareDoor, "__aenter__", come_alone)
    patch.setattr(BareDoor, "__aexit__", go_alone)
    patch.setattr(Database, "session", session_alone)
    patch.setattr(Database, "at_once", at_once_alone)
    patch.setattr(httpx.ASGITransport, "handle_async_request", answer_afresh)


@contextmanager
def _the_only_one() -> Generator[None]:
    taken = _none_yet()
    taken.append(None)
    try:
        yield
    finally:
        taken.pop()


def _none_yet() -> list[None]:
    taken = _mine()
    assert not taken, "whoever has a connection asks for another"
    return taken


def _mine() -> list[None]:
    task, taken = _taken.get((None, []))
    return taken if task is asyncio.current_task() else []
