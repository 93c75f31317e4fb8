"""Waiting for something to happen, but not for ever; and letting nobody else wait long."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

import structlog

from api.foundation.logs import Sparing, fault_of

Item = TypeVar("Item")
_log = structlog.get_logger()


async def happens(event: asyncio.Event, within: float) -> bool:
    """Wait for an event, for at most so many seconds; whether it is set.

    Whoever is cancelled in the very moment in which it is set, is cancelled: `asyncio.wait_for`
    forgets that before Python 3.12, and a process that was told to end would stay.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()


async def outlast(work: Callable[[], Awaitable[None]], stop: asyncio.Event, *, told: str) -> None:
    """Go on with some work until told to stop, a second after each end of it.

    A database that is gone is waited for; that it is gone is told once a minute.
    """
    sparing = Sparing(seconds=60)
    while not stop.is_set():
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - whatever it was, what is owed stays owed
            if sparing.may_tell(type(error)):
                _log.warning(told, **fault_of(error))
        await happens(stop, within=1)


async def in_turns(items: Iterable[Item], *, each: int = 100) -> AsyncGenerator[Item]:
    """The items one by one; after so many, whoever else waits for this process has a turn."""
    for nth, item in enumerate(items, start=1):
        yield item
        if nth % each == 0:
            await asyncio.sleep(0)
