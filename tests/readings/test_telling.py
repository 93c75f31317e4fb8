"""An alert that a single reading opened is told right after it, and told once whatever happens."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from api.alerts.climbing import climb
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town
from tests.readings.conftest import reading_body

HOUSE = Entry.for_the_house(TOWNSHIP)
TELL = "SELECT tell_opened($1, $2)"
FEVER: dict[str, Any] = {"value_c": 38.5}


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that kept the reading ends before it told anybody."""

    def ended(*_: Any) -> None: ...

    monkeypatch.setattr(Database, "owe", ended)


async def _hot(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> None:
    answer = await client.post("/v1/readings", json=reading_body(quarantine, **FEVER))
    assert answer.status_code == 201, answer.text


async def _alert(owner: asyncpg.Connection, quarantine: dict[str, Any]) -> asyncpg.Record:
    [row] = await owner.fetch("SELECT * FROM alerts WHERE quarantine_id = $1", quarantine["id"])
    return row


async def _told(owner: asyncpg.Connection, alert: asyncpg.Record) -> tuple[int, list[str]]:
    """How many hops it has, and the events that tell of it."""
    hops = await owner.fetchval("SELECT count(*) FROM alert_hops WHERE alert_id = $1", alert["id"])
    events = await owner.fetch("SELECT kind FROM events WHERE subject_id = $1", alert["id"])
    return hops, [each["kind"] for each in events]


async def _climbed(town: Town) -> int:
    async with town.database.connection(HOUSE) as connection:
        return await climb(connection, TOWNSHIP, clock.now())


async def test_whoever_asks_next_finds_it_told(
    ming: httpx.AsyncClient, lin: httpx.AsyncClient, quarantine: dict[str, Any]
):
    await _hot(ming, quarantine)
    [alert] = (await lin.get("/v1/alerts")).json()["items"]
    shown = (await lin.get(f"/v1/alerts/{alert['id']}")).json()
    [hop] = shown["hops"]
    assert (hop["number"], shown["version"]) == (1, 1)
    assert hop["told_at"] >= alert["opened_at"]


async def test_it_is_told_soon_where_nobody_asks(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await _hot(ming, quarantine)
    for _ in range(100):
        await asyncio.sleep(0.05)
        if (await _alert(owner, quarantine))["hop"]:
            break
    assert await _told(owner, await _alert(owner, quarantine)) == (1, ["alert.opened"])


@pytest.mark.usefixtures("killed")
async def test_what_a_process_left_untold_the_clock_tells_and_once(
    town: Town, ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await _hot(ming, quarantine)
    alert = await _alert(owner, quarantine)
    assert (alert["status"], alert["hop"], alert["version"]) == ("open", 0, 1)
    assert await _told(owner, alert) == (0, [])
    assert sum(await asyncio.gather(*(_climbed(town) for _ in range(4)))) == 1
    assert await _climbed(town) == 0
    assert await _told(owner, alert) == (1, ["alert.opened"])
    assert (await _alert(owner, quarantine))["version"] == 1


@pytest.mark.usefixtures("killed")
async def test_several_who_tell_at_once_tell_once(
    town: Town, ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await _hot(ming, quarantine)
    alert = await _alert(owner, quarantine)

    async def tell() -> None:
        async with town.database.connection(HOUSE) as connection:
            await connection.execute(TELL, [alert["id"]], clock.now())

    await asyncio.gather(*(tell() for _ in range(4)), _climbed(town))
    assert await _told(owner, alert) == (1, ["alert.opened"])


@pytest.mark.usefixtures("killed")
async def test_whoever_adds_to_it_before_tells_of_it(
    town: Town, ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    """A round is kept by a transaction that tells for itself."""
    await _hot(ming, quarantine)
    hot = {"quarantine_id": quarantine["id"], **FEVER}
    evening = {"id": str(new_id()), "window": "evening", "exceptions": [hot]}
    answer = await ming.post("/v1/rounds", json=evening)
    assert answer.json()["created"] == 1, answer.text
    alert = await _alert(owner, quarantine)
    assert await _told(owner, alert) == (1, ["alert.evidence", "alert.opened"])
    assert await _climbed(town) == 0
