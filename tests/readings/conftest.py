"""Every story of this room begins at ten past eight of one morning, and the clock stands still."""

from collections.abc import AsyncGenerator, Generator
from datetime import datetime, time, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town

DAY = clock.today() + timedelta(days=1)


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """A time of the story's day, or of some days later, on the township's clock."""
    day = DAY + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), clock.TOWNSHIP_ZONE)


def reading_body(quarantine: dict[str, Any], **told: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "quarantine_id": quarantine["id"], "value_c": 36.5, **told}


async def signed_in(town: Town, name: str) -> httpx.AsyncClient:
    """A client whose token is fresh by the moved clock."""
    return town.client(await town.token_of(name))


@pytest.fixture(autouse=True)
def morning() -> Generator[time_machine.Traveller]:
    with time_machine.travel(at(8, 10), tick=False) as traveller:
        yield traveller


@pytest.fixture
async def ming(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with await signed_in(town, "ming") as client:
        yield client


@pytest.fixture
async def lin(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with await signed_in(town, "lin") as client:
        yield client


@pytest.fixture
async def quarantine(lin: httpx.AsyncClient) -> dict[str, Any]:
    """Somebody of Ming's grid who must stay at home from today on."""
    return await a_quarantine(lin)
