"""Waiting for something to happen, but not for ever; and letting nobody else wait long."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")


async def happens(event: asyncio.Event, within: float) -> bool:
    """Wait for an event, for at most so many seconds; whether it is set.

    Whoever is cancelled in the very moment in which it is set, is cancelled: `asyncio.wait_for`
    forgets that before Python 3.12, and a process that was told to end would stay.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()


async def in_turns(items: Iterable[Item], *, each: int = 100) -> AsyncGenerator[Item]:
    """The items one by one; after so many, whoever else waits for this process has a turn."""
    for nth, item in enumerate(items, start=1):
        yield item
        if nth % each == 0:
            await asyncio.sleep(0)
