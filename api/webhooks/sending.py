"""Sending what is owed, as soon as it is: a task for each address, so that none waits for another.

Any number of processes may do so at once. None holds a transaction while it sends.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from api.foundation import clock, jobs
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.live import CHANNEL
from api.foundation.logs import fault_of
from api.foundation.migrations import cells, unmigrated
from api.foundation.patience import happens, outlast
from api.webhooks import deliveries, payloads
from api.webhooks.addresses import Fence
from api.webhooks.courier import Answer, Courier, Letter, longest_pause
from api.webhooks.deliveries import Bundle
from api.webhooks.fan_out import FAN_OUT

STIRRED = "onegrid_webhooks"
"""What is told by its schema when something in a cell is to be sent at once."""

LOOK_AGAIN_SECONDS = 5.0
"""How often it is asked what became due of itself: to be tried again, or left by one killed."""

_BURST_SECONDS = 0.05
_TO_END_SECONDS = 15
_log = structlog.get_logger()


@asynccontextmanager
async def sending(database: Database, url: str, fence: Fence) -> AsyncGenerator[None]:
    """Send for as long as this lasts; what is under way then may end."""
    async with Courier(fence) as courier:
        office = _Office(database, courier)
        task = asyncio.create_task(office.work(url))
        try:
            yield
        finally:
            await office.close()
            task.cancel()
            await asyncio.wait({task})


class _Office:
    """The addresses that this process is sending to."""

    def __init__(self, database: Database, courier: Courier) -> None:
        self._database, self._courier = database, courier
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._stirred = asyncio.Event()
        self._news: set[str] = set()
        self._known: set[str] = set()
        self._over = False

    async def work(self, url: str) -> None:
        """Look after every cell until cancelled; a database that is gone is waited for."""

        async def connected() -> None:
            await self._work(await asyncpg.connect(url, **_MANNER))

        await outlast(connected, asyncio.Event(), told="sending_interrupted")

    async def close(self) -> None:
        """Begin nothing more, and let what is under way end."""
        self._over = True
        if under_way := set(self._busy.values()):
            _, late = await asyncio.wait(under_way, timeout=_TO_END_SECONDS)
            for task in late:
                task.cancel()

    async def _work(self, connection: asyncpg.Connection) -> None:
        def heard(*notice: Any) -> None:
            self._news.add(notice[-1].removeprefix("cell_"))
            self._stirred.set()

        try:
            for channel in (CHANNEL, STIRRED):
                await connection.add_listener(channel, heard)
            connection.add_termination_listener(lambda _: self._stirred.set())
            due = monotonic()
            while not connection.is_closed():
                if self._stirred.is_set():
                    await self._hear()
                # However much is told of some cells: in the others something became due of itself.
                if monotonic() >= due:
                    await self._look_everywhere()
                    due = monotonic() + LOOK_AGAIN_SECONDS
                await happens(self._stirred, within=max(0.0, due - monotonic()))
        finally:
            connection.terminate()

    async def _hear(self) -> None:
        """Where something was told: owe it, and send it. What is told in bursts is owed at once."""
        await asyncio.sleep(_BURST_SECONDS)
        self._stirred.clear()
        news, self._news = self._news, set()
        for cell in news & self._known:
            await jobs.sweep(self._database, FAN_OUT, cell)
            await self._look(cell)

    async def _look_everywhere(self) -> None:
        async with self._database.connection(Entry.outside()) as connection:
            behind = set(await unmigrated(connection))
            found = {each for each in await cells(connection) if cell_schema(each) not in behind}
        self._known = found
        for cell in found:
            await self._look(cell)

    async def _look(self, cell: str) -> None:
        """Send what is due in a cell to those addresses that nothing is being sent to."""
        house = Entry.for_the_house(cell, writing=False)
        async with self._database.connection(house) as connection:
            due = await deliveries.waiting(connection, cell, clock.now())
        for subscription in due:
            if subscription not in self._busy and not self._over:
                self._busy[subscription] = asyncio.create_task(self._serve(cell, subscription))

    async def _serve(self, cell: str, subscription: UUID) -> None:
        """Send to one address until nothing more is due to it."""
        try:
            while not self._over and (bundle := await self._take(cell, subscription)):
                answers = await self._send(bundle, await self._bodies(cell, bundle))
                async with self._database.connection(Entry.for_the_house(cell)) as connection:
                    await deliveries.settle(connection, bundle, answers, clock.now())
                await _a_moment(answers)
        except Exception as error:  # noqa: BLE001 - it is due again when its lease has passed
            _log.error("sending_failed", subscription=str(subscription), **fault_of(error))
        finally:
            del self._busy[subscription]

    async def _take(self, cell: str, subscription: UUID) -> Bundle | None:
        keyring = self._database.keyring
        async with self._database.connection(Entry.for_the_house(cell)) as connection:
            return await deliveries.take(connection, cell, subscription, keyring, clock.now())

    async def _bodies(self, cell: str, bundle: Bundle) -> dict[UUID, bytes]:
        seen = Entry.within(cell, bundle.reach)
        async with self._database.connection(seen) as connection:
            keyring = self._database.keyring
            return await payloads.bodies(connection, bundle.due, bundle.scopes, keyring)

    async def _send(self, bundle: Bundle, bodies: dict[UUID, bytes]) -> dict[UUID, Answer]:
        letters = {
            each: Letter(f"msg_{each.hex}", bundle.url, body, bundle.secrets)
            for each, body in bodies.items()
        }
        answers = await asyncio.gather(*map(self._courier.send, letters.values()))
        return dict(zip(letters, answers, strict=True))


async def _a_moment(answers: Mapping[UUID, Answer]) -> None:
    """Wait where an address asks for less than would pass before it is looked after again."""
    pause = longest_pause(answers.values()).total_seconds()
    if pause <= LOOK_AGAIN_SECONDS:
        await asyncio.sleep(pause)


_MANNER: dict[str, Any] = {
    "timeout": 10,
    "command_timeout": 10,
    "server_settings": {"application_name": "onegrid webhooks", "timezone": "UTC"},
}
