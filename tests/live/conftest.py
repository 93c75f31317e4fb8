"""Ears for the people of the town."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
import pytest

from tests.cast import Town
from tests.live.street import Ear, serving

Listening = Callable[[str], Awaitable[Ear]]


@pytest.fixture(scope="module")
async def address(town: Town) -> AsyncGenerator[str]:
    async with serving(town.app) as url:
        yield url


@pytest.fixture
async def ear_of(town: Town, address: str) -> AsyncGenerator[Listening]:
    """`await ear_of("ming")` is Ming's ear, not yet listening."""
    ears: list[Ear] = []

    async def ear_of(name: str) -> Ear:
        headers = {"Authorization": f"Bearer {await town.token_of(name)}"}
        ears.append(Ear(httpx.AsyncClient(base_url=address, headers=headers, timeout=60)))
        return ears[-1]

    yield ear_of
    for ear in ears:
        await ear.cut()
        await ear.client.aclose()
