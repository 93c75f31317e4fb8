"""What a request sends to PostgreSQL is counted, so that nobody adds a round trip unnoticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from asyncpg.connection import Connection

from tests.builders import a_checkpoint, a_household, a_pass, a_quarantine
from tests.cast import Town
from tests.readings.conftest import reading_body


@contextmanager
def _sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every message the driver sends while open: simple ones, and statements prepared before."""
    messages: list[str] = []
    execute, run = Connection.execute, vars(Connection)["_execute"]

    async def execute_noted(self: Any, query: str, *args: Any, **told: Any) -> Any:
        if not args:
            messages.append(query)
        return await execute(self, query, *args, **told)

    async def run_noted(self: Any, query: str, *args: Any, **told: Any) -> Any:
        messages.append(query)
        return await run(self, query, *args, **told)

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", execute_noted)
        patched.setattr(asyncpg.Connection, "_execute", run_noted)
        yield messages


def _kinds(messages: list[str]) -> list[str]:
    return [each.split(maxsplit=1)[0].rstrip(";") for each in messages]


async def _recorded(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> None:
    response = await client.post("/v1/readings", json=reading_body(quarantine))
    assert response.status_code == 201, response.text


async def test_a_reading_takes_one_round_trip_that_enters_keeps_and_commits(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    first, second = await a_quarantine(lin), await a_quarantine(lin)
    await _recorded(ming, first)
    with _sent(monkeypatch) as messages:
        await _recorded(ming, second)
    (message,) = messages
    assert "keep_reading" in message


async def test_a_resident_seen_for_the_first_time_passes_in_one_round_trip(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    lin = await town.as_("lin")
    gate = await a_checkpoint(lin, grid="t.01.01")
    homes = [await a_household(lin, grid="t.01.01.01") for _ in range(3)]
    people = [{"resident_id": home["residents"][0]["id"]} for home in homes]
    for person in people[:2]:  # by what rule, and how residents usually stand
        await a_pass(lin, gate, person=person)
    with _sent(monkeypatch) as messages:
        await a_pass(lin, gate, person=people[2])
    (message,) = messages
    assert "pass_gate" in message


async def test_a_list_of_readings_takes_three_round_trips(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    ming = await town.as_("ming")
    with _sent(monkeypatch) as messages:
        listed = await ming.get("/v1/readings")
    assert listed.status_code == 200, listed.text
    assert _kinds(messages) == ["BEGIN", "SELECT", "COMMIT"], messages


async def test_a_round_takes_as_many_round_trips_for_many_as_for_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    people = [await a_quarantine(lin) for _ in range(4)]
    counts: list[int] = []
    for some in (people[:1], people[1:]):
        readings = [reading_body(each) for each in some]
        with _sent(monkeypatch) as messages:
            said = await ming.post(
                "/v1/rounds", json={"id": readings[0]["id"], "readings": readings}
            )
        assert said.json()["created"] == len(some), said.text
        counts.append(len(messages))
    assert counts[0] == counts[1] == 5


async def test_an_ordinary_request_opens_exactly_one_transaction(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    ming = await town.as_("ming")
    with _sent(monkeypatch) as messages:
        listed = await ming.get("/v1/visits")
    assert listed.status_code == 200, listed.text
    kinds = _kinds(messages)
    assert (kinds.count("BEGIN"), kinds.count("COMMIT"), kinds.count("ROLLBACK")) == (1, 1, 0)
