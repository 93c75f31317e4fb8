"""Waiting for an event: until it is set, for so long, and no longer than it is wanted."""

import asyncio

import pytest

from api.foundation.patience import happens


async def test_what_is_set_in_time_has_happened():
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await happens(event, within=5)


async def test_what_is_not_set_in_time_has_not():
    assert not await happens(asyncio.Event(), within=0.01)


async def test_whoever_is_cancelled_as_it_happens_is_cancelled():
    event = asyncio.Event()
    waiting = asyncio.create_task(happens(event, within=5))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
