"""Waiting for something to happen, but not for ever."""

import asyncio
from contextlib import suppress


async def happens(event: asyncio.Event, within: float) -> bool:
    """Wait for an event, for at most so many seconds; whether it is set.

    Whoever is cancelled in the very moment in which it is set, is cancelled: `asyncio.wait_for`
    forgets that before Python 3.12, and a process that was told to end would stay.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await event.wait()
    return event.is_set()
