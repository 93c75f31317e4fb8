"""What could not be told at the gate is asked again, outside of every transaction, until it is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from api.checkpoints import rechecks, retention
from api.foundation import clock
from api.foundation.jobs import sweep
from api.health_codes.simulated import Conduct
from tests.builders import a_checkpoint, a_household, a_pass, somebody, synthetic_resident
from tests.cast import TOWNSHIP, Town
from tests.checkpoints.conftest import code, hours_ago
from tests.health_codes.conftest import (
    Province,
    a_system,
    gu,
    province,
    province_of_the_run,
)

__all__ = ["gu", "province", "province_of_the_run", "rechecks", "retention"]

TESTED = {"proof": "negative_test", "sampled_at": hours_ago(10)}


@pytest.fixture
async def gate(lin: httpx.AsyncClient, owner: asyncpg.Connection) -> dict[str, Any]:
    """A checkpoint with nothing waiting anywhere, and no system set up yet."""
    await owner.execute("DELETE FROM passes_to_check")
    await owner.execute("DELETE FROM health_code_systems")
    return await a_checkpoint(lin, grid="t.01.01")


async def _sweep(town: Town, *, after: timedelta = timedelta(minutes=11)) -> int:
    learnt = await sweep(town.database, "checkpoints.rechecks", TOWNSHIP, at=clock.now() + after)
    assert learnt is not None
    return learnt


async def _queue(client: httpx.AsyncClient, gate: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/checkpoints/{gate['id']}/re-checks")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_code_that_is_green_after_all_is_told_with_the_pass(
    town: Town,
    lin: httpx.AsyncClient,
    gu: httpx.AsyncClient,
    province: Province,
    gate: dict[str, Any],
):
    await a_system(gu, province)
    person = somebody()
    province.turns(person["document"], "green")
    kept = await a_pass(lin, gate, person=person, shown=[TESTED])
    assert (kept["verdict"], kept["recheck"]) == ("hold", True)
    assert await _sweep(town, after=timedelta(minutes=5)) == 0
    assert province.asked == 0
    assert await _sweep(town) == 1
    read = (await lin.get(f"/v1/passes/{kept['id']}")).json()
    assert (read["verdict"], read["later_verdict"]) == ("hold", "through")
    assert read["version"] == 2
    [waiting] = await _queue(lin, gate)
    assert (waiting["state"], waiting["last_answer"], waiting["tries"]) == ("answered", "green", 1)
    assert await _sweep(town) == 0


async def test_a_resident_who_turns_red_during_an_outage_is_told_of_where_they_live(
    town: Town,
    lin: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    gu: httpx.AsyncClient,
    province: Province,
    gate: dict[str, Any],
):
    system = await a_system(gu, province, attempts=1, answer_seconds=0.3, failures=1000)
    person = synthetic_resident(relation="head")
    home = await a_household(wei, grid="t.01.02.01", residents=[person])
    resident = home["residents"][0]["id"]
    province.turns(person["document"], "red")
    province.known.conduct = Conduct(outage="maintenance_page")
    kept = await a_pass(lin, gate, person={"phone": person["phone"]}, shown=[TESTED])
    assert kept["verdict"] == "hold"
    assert await _sweep(town) == 0
    [waiting] = await _queue(lin, gate)
    assert (waiting["state"], waiting["tries"]) == ("waiting", 1)
    assert waiting["last_answer"] not in {None, "green"}
    assert await _alerts(wei, resident) == []
    province.known.conduct = Conduct()
    assert await _sweep(town, after=timedelta(hours=1)) == 1
    read = (await lin.get(f"/v1/passes/{kept['id']}")).json()
    assert read["later_verdict"] == "turn_back"
    [alert] = await _alerts(wei, resident)
    evidence = (await wei.get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert {each["kind"] for each in evidence} == {"passing", "code_state"}
    states = (await wei.get("/v1/code-states", params={"resident_id": resident})).json()["items"]
    assert [(each["system"], each["state"]) for each in states] == [(system, "red")]


async def test_a_number_told_wrong_of_a_resident_gives_them_nobody_elses_colour(
    town: Town,
    lin: httpx.AsyncClient,
    gu: httpx.AsyncClient,
    province: Province,
    gate: dict[str, Any],
):
    await a_system(gu, province)
    person = synthetic_resident(relation="head")
    other = {"document_kind": "passport", "document": "E24681357"}
    home = await a_household(lin, grid="t.01.01.01", residents=[person])
    resident = home["residents"][0]["id"]
    province.turns(person["document"], "green")
    province.turns(other["document"], "red")
    await a_pass(lin, gate, person={**other, "resident_id": resident}, shown=[TESTED])
    assert await _sweep(town) == 1
    assert await _alerts(lin, resident) == []
    states = (await lin.get("/v1/code-states", params={"resident_id": resident})).json()["items"]
    assert [each["state"] for each in states] == ["green"]


async def test_it_is_asked_ever_more_seldom_and_in_the_end_given_up_for_all_to_see(
    town: Town, lin: httpx.AsyncClient, gate: dict[str, Any]
):
    await a_pass(lin, gate, shown=[TESTED])
    pauses: list[timedelta] = []
    [waiting] = await _queue(lin, gate)
    for _ in range(4):
        at = datetime.fromisoformat(waiting["next_at"])
        await sweep(town.database, "checkpoints.rechecks", TOWNSHIP, at=at)
        [waiting] = await _queue(lin, gate)
        pauses.append(datetime.fromisoformat(waiting["next_at"]) - at)
    assert [each.total_seconds() / 60 for each in pauses] == [20, 40, 80, 160]
    assert (waiting["state"], waiting["last_answer"]) == ("waiting", "unknown_system")
    await _sweep(town, after=timedelta(hours=25))
    [over] = await _queue(lin, gate)
    assert (over["state"], over["tries"]) == ("given_up", 5)
    given_up = await lin.get(f"/v1/checkpoints/{gate['id']}/re-checks?state=given_up")
    assert [each["pass_id"] for each in given_up.json()["items"]] == [over["pass_id"]]


async def test_no_transaction_is_open_while_a_system_is_asked(
    town: Town,
    lin: httpx.AsyncClient,
    gate: dict[str, Any],
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
):
    await a_pass(lin, gate, shown=[TESTED])
    await owner.execute("UPDATE passes_to_check SET systems = '{gx_code}'")
    open_then: list[int] = []

    async def asking(*told: Any) -> Any:
        idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        mine = f"{idle} AND datname = current_database()"
        open_then.append(await owner.fetchval(mine))
        return await real(*told)

    real = rechecks.ask
    monkeypatch.setattr(rechecks, "ask", asking)
    await _sweep(town)
    assert open_then == [0]


async def test_what_was_shown_red_is_not_asked_for_again(
    lin: httpx.AsyncClient, gate: dict[str, Any]
):
    await a_pass(lin, gate, shown=[code("red")])
    assert await _queue(lin, gate) == []


async def test_passes_are_forgotten_when_their_rule_says_so(
    town: Town, lin: httpx.AsyncClient, gate: dict[str, Any], owner: asyncpg.Connection
):
    old = await a_pass(lin, gate, shown=[code("red")], passed_at=hours_ago(31 * 24))
    waiting = await a_pass(lin, gate, passed_at=hours_ago(32 * 24))
    young = await a_pass(lin, gate, passed_at=hours_ago(29 * 24))
    assert await sweep(town.database, "checkpoints.retention", TOWNSHIP) == 2
    assert (await lin.get(f"/v1/passes/{old['id']}")).status_code == 404
    assert (await lin.get(f"/v1/passes/{young['id']}")).status_code == 200
    assert [each["pass_id"] for each in await _queue(lin, gate)] == [young["id"]]
    shown = "SELECT count(*) FROM alert_evidence WHERE record_id = $1"
    assert await owner.fetchval(shown, old["id"]) == 1
    left = "SELECT count(*) FROM passes WHERE id = ANY ($1::uuid[])"
    assert await owner.fetchval(left, [old["id"], waiting["id"]]) == 0
    assert await sweep(town.database, "checkpoints.retention", TOWNSHIP) == 0


async def _alerts(client: httpx.AsyncClient, resident: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/alerts", params={"cause": "red_code", "limit": 500})
    return [each for each in answer.json()["items"] if each["resident_id"] == resident]
