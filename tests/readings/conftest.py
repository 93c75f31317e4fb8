"""Every story of this room begins at ten past eight of one morning, and the clock stands still."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import datetime, time, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from api.readings.sweep import sweep_missed
from tests.builders import a_quarantine
from tests.cast import TOWNSHIP, Town

DAY = clock.today() + timedelta(days=1)
Look = Callable[..., Awaitable[int]]


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


@pytest.fixture
async def owner(addresses: Addresses):
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    await connection.execute("TRUNCATE alerts, alert_evidence, alert_actions, sweeps")
    yield connection
    await connection.close()


@pytest.fixture
def look(town: Town, morning: time_machine.Traveller) -> Look:
    """Moves the clock to a time of the story's day, looks, and answers how many were missed."""

    async def look_then(hour: int, minute: int = 0, *, days: int = 0) -> int:
        morning.move_to(at(hour, minute, days=days))
        async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
            return await sweep_missed(connection, TOWNSHIP, clock.now())

    return look_then
