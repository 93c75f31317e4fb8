"""Waiting for an event, for so long and no longer than it is wanted; and letting others go on."""

import asyncio

import pytest

from api.foundation.patience import happens, in_turns


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


async def test_among_many_items_others_have_their_turn():
    """Each of the two goes on when the other has had three."""
    taken: list[str] = []

    async def take(whose: str) -> None:
        async for nth in in_turns(range(6), each=3):
            turn = f"{whose}{nth}"
            taken.append(turn)

    await asyncio.gather(take("甲"), take("乙"))
    assert " ".join(taken) == "甲0 甲1 甲2 乙0 乙1 乙2 甲3 甲4 甲5 乙3 乙4 乙5"
