"""The service on a real socket, and ears to it: an in-process client cannot hear a stream."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from api.foundation.database import Database, Entry
from api.foundation.live import tell
from api.foundation.records import new_id
from tests.cast import TOWNSHIP


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, *, unread: int | None = None) -> AsyncGenerator[str]:
    """Serve an app whose lifespan somebody else looks after; gives its address.

    `unread` is how many bytes the system keeps for whoever does not read them.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        if unread is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, unread)
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        server = _Quiet(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@dataclass
class Heard:
    """One event as it came over the wire."""

    kind: str | None = None
    id: str | None = None
    data: Any = None
    comment: str | None = None

    @property
    def event_id(self) -> int | None:
        return self.data.get("event_id") if self.data else None

    @property
    def subject(self) -> str | None:
        return self.data.get("subject_id") if self.data else None


@dataclass
class Ear:
    """What somebody hears, as it comes."""

    client: httpx.AsyncClient
    last_id: str | None = None
    heard: list[Heard] = field(default_factory=list[Heard])
    status: int | None = None
    _task: asyncio.Task[None] | None = None

    async def listen(self, **query: Any) -> None:
        """Open the stream, from where it was left; return when the first bytes are there."""
        begun = asyncio.Event()
        self._task = asyncio.create_task(self._hear(begun, query))
        begun_or_ended = {self._task, asyncio.create_task(begun.wait())}
        await asyncio.wait(begun_or_ended, return_when=asyncio.FIRST_COMPLETED)

    async def _hear(self, begun: asyncio.Event, query: dict[str, Any]) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with suppress(httpx.RemoteProtocolError, httpx.ReadError):
            async with self.client.stream(
                "GET", "/v1/events", params=query, headers=headers
            ) as response:
                self.status = response.status_code
                one = Heard()
                async for line in response.aiter_lines():
                    begun.set()
                    if line:
                        _read(one, line)
                    else:
                        self._keep(one)
                        one = Heard()

    def _keep(self, one: Heard) -> None:
        self.last_id = one.id or self.last_id
        if one.data is not None:
            self.heard.append(one)

    @property
    def is_open(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def subjects(self) -> list[str | None]:
        return [each.subject for each in self.heard]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.005)

    async def hears(self, *subjects: str) -> None:
        await self.until(lambda: set(subjects) <= set(self.subjects))

    async def cut(self) -> None:
        """The line breaks, in the middle of whatever is being said."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


def _read(one: Heard, line: str) -> None:
    name, _, said = line.partition(":")
    said = said.removeprefix(" ")
    if name == "event":
        one.kind = said
    elif name == "id":
        one.id = said
    elif name == "data":
        one.data = json.loads(said)
    elif not name:
        one.comment = said


async def happens(
    database: Database, reach: str, *, kind: str = "alert.opened", cell: str = TOWNSHIP, **told: Any
) -> str:
    """Let something happen at a place; the id of what it happened to."""
    subject = new_id()
    async with database.connection(Entry.for_the_house(cell)) as connection:
        await tell(connection, kind, subject=subject, reach=reach, **told)
    return str(subject)
