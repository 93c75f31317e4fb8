"""The clock of these stories stands still at nine in the morning, and is moved by hand."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import datetime, time, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import time_machine

from api.alerts.climbing import climb
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding
from api.foundation import clock
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town, grid_id

HOUSE = Entry.for_the_house(TOWNSHIP)
HOME = "t.01.01.01"
_DAY = clock.today() + timedelta(days=1)
NINE = datetime.combine(_DAY, time(9), clock.TOWNSHIP_ZONE)


def after(minutes: float) -> datetime:
    """So many minutes past nine."""
    return NINE + timedelta(minutes=minutes)


def finding(**told: Any) -> Finding:
    """A report about somebody of Ming's grid, of whom nothing else is known."""
    said: dict[str, Any] = {
        "cause": Cause.fever,
        "subject_id": new_id(),
        "grid_id": grid_id(HOME),
        "reach": HOME,
        "kind": EvidenceKind.report,
        "record_id": new_id(),
        "found_at": clock.now(),
    }
    return Finding(**said | told)


@pytest.fixture(autouse=True)
def nine() -> Generator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    """The owner's connection; each story begins without alerts, so that none climbs into it."""
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    await connection.execute(
        "TRUNCATE alerts, alert_evidence, alert_hops, alert_tellings, alert_actions"
    )
    yield connection
    await connection.close()


Signed = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def signed(town: Town) -> AsyncGenerator[Signed]:
    """A client of somebody of the cast, whose token is fresh by the moved clock."""
    clients: list[httpx.AsyncClient] = []

    async def signed_in(name: str) -> httpx.AsyncClient:
        clients.append(town.client(await town.token_of(name)))
        return clients[-1]

    yield signed_in
    for client in clients:
        await client.aclose()


Climb = Callable[[float], Awaitable[int]]


@pytest.fixture
def climb_at(town: Town, nine: time_machine.Traveller) -> Climb:
    """Moves the clock to so many minutes past nine and lets climb what is due then."""

    async def climb_then(minutes: float) -> int:
        nine.move_to(after(minutes))
        async with town.database.connection(HOUSE) as connection:
            return await climb(connection, TOWNSHIP, clock.now())

    return climb_then
