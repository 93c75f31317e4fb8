"""Who stands at a gate stands there as they did when they passed, whenever the pass is told."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.arrivals.problems import DocumentsDiffer
from api.foundation import clock
from api.foundation.identity import synthetic_identity_number
from api.foundation.problems import NotFound
from api.foundation.records import new_id
from tests.builders import (
    a_code_state,
    a_household,
    a_pass,
    a_quarantine,
    code_state_body,
    pass_body,
    synthetic_resident,
    travel_card_body,
)
from tests.cast import assert_problem
from tests.checkpoints.conftest import green, hours_ago

RULE: dict[str, Any] = {
    "name": "查行程卡",
    "legal_basis": "演示",
    "effective_from": "2020-01-01",
    "on_unavailable": "hold",
    "proofs": [
        {"proof": "travel_card", "fresh_minutes": 1440, "at_risk": "hold", "missing": "hold"}
    ],
}


@pytest.fixture
async def person(wei: httpx.AsyncClient) -> str:
    home = await a_household(wei, grid="t.01.02.01")
    return home["residents"][0]["id"]


@pytest.fixture
async def cards(zhou: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]) -> Any:
    """The bridge, where travel cards are looked at and nothing else."""
    rule = {**RULE, "id": str(new_id()), "code": f"cards_{new_id().hex[-8:]}"}
    published = await zhou.post("/v1/checkpoint-rules", json=rule)
    assert published.status_code == 201, published.text
    headers = {"If-Match": f'"{bridge["version"]}"'}
    changed = await lin.patch(
        f"/v1/checkpoints/{bridge['id']}",
        json={"rule_code": rule["code"], "reason": "改查行程卡"},
        headers=headers,
    )
    assert changed.status_code == 200, changed.text
    return changed.json()


@pytest.mark.parametrize("colour", ["yellow", "orange", "red"])
async def test_a_travel_card_that_is_not_green_is_at_risk_whatever_cities_it_names(
    guard: httpx.AsyncClient, cards: dict[str, Any], colour: str
):
    shown = [{"proof": "travel_card", "colour": colour}]
    said = await a_pass(guard, cards, shown=shown)
    assert [each["finding"] for each in said["reasons"]] == ["at_risk"]
    assert said["verdict"] == "hold"


async def test_the_colour_of_a_card_that_is_known_counts_as_that_of_one_that_is_shown(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, cards: dict[str, Any], person: str
):
    card = travel_card_body(person, colour="red", cities=[{"name": "广西南宁市"}])
    assert (await wei.post("/v1/travel-cards", json=card)).status_code == 201
    said = await a_pass(guard, cards, person={"resident_id": person}, shown=[])
    assert [each["finding"] for each in said["reasons"]] == ["at_risk"]


async def test_who_passed_on_leave_did_so_also_when_it_is_told_after_their_return(
    guard: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    zhou: httpx.AsyncClient,
    bridge: dict[str, Any],
    person: str,
):
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    quarantine = await a_quarantine(wei, resident=person, started_on=yesterday)
    leave = await _leave(wei, zhou, quarantine["id"])
    out, back = clock.now() - timedelta(minutes=50), clock.now() - timedelta(minutes=10)
    for step, at in (("out", {"left_at": out}), ("back", {"returned_at": back})):
        told = {name: value.isoformat() for name, value in at.items()}
        done = await wei.post(f"/v1/leaves/{leave}/{step}", json=told)
        assert done.status_code == 200, done.text

    async def passed(at: datetime) -> str:
        told = {"person": {"resident_id": person}, "shown": green()}
        said = await a_pass(guard, bridge, passed_at=at.isoformat(), **told)
        return said["verdict"]

    assert await passed(out + timedelta(minutes=20)) == "through"
    assert await passed(back + timedelta(minutes=5)) == "hold"
    breaches = (await wei.get("/v1/alerts", params={"cause": "breach"})).json()["items"]
    assert len([each for each in breaches if each["resident_id"] == person]) == 1


async def _leave(wei: httpx.AsyncClient, zhou: httpx.AsyncClient, quarantine: str) -> str:
    asked = {
        "id": str(new_id()),
        "reason": "每周两次透析",
        "route": "家—县医院",
        "from_at": (clock.now() - timedelta(hours=1)).isoformat(),
        "until_at": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    made = await wei.post(f"/v1/quarantines/{quarantine}/leaves", json=asked)
    assert made.status_code == 201, made.text
    approved = await zhou.post(f"/v1/leaves/{asked['id']}/approve", json={})
    assert approved.status_code == 200, approved.text
    return asked["id"]


async def test_a_red_code_once_seen_on_a_phone_gives_way_to_what_a_system_said_later(
    guard: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    bridge: dict[str, Any],
    person: str,
    owner: asyncpg.Connection,
):
    then = {"recorded_at": hours_ago(240), "changed_at": hours_ago(241)}
    seen = await wei.post("/v1/code-states", json=code_state_body(person, state="red", **then))
    assert seen.status_code == 201, seen.text
    told = await a_code_state(wei, person, state="green")

    async def said_by(system: str, state: str) -> str:
        """What the system's answer of an hour ago was, with the one of a worker as it was."""
        await owner.execute(
            "UPDATE code_states SET system = $2, state = $3, fetched_at = $4 WHERE id = $1",
            *(UUID(told["id"]), system, state, clock.now() - timedelta(hours=1)),
        )
        said = await a_pass(guard, bridge, person={"resident_id": person}, shown=green())
        return said["verdict"]

    assert await said_by("gx_health_code", "green") == "through"
    assert await said_by("gx_health_code", "not_found") == "turn_back"
    assert await said_by("gx_health_code", "red") == "turn_back"


async def test_of_whom_only_a_name_is_known_nobody_is_asked_again_and_none_is_promised(
    guard: httpx.AsyncClient, bridge: dict[str, Any]
):
    named = await a_pass(guard, bridge, person={"name": "王二"}, shown=[])
    told = await a_pass(guard, bridge, person={"phone": "13900000001"}, shown=[])
    assert (named["verdict"], named["recheck"], told["recheck"]) == ("hold", False, True)
    assert (await guard.get(f"/v1/passes/{named['id']}")).json() == named
    waiting = await guard.get(f"/v1/checkpoints/{bridge['id']}/re-checks")
    assert [each["pass_id"] for each in waiting.json()["items"]] == [told["id"]]


async def _living(wei: httpx.AsyncClient, **told: Any) -> str:
    home = await a_household(wei, grid="t.01.02.01", residents=[synthetic_resident(**told)])
    return home["residents"][0]["id"]


def _identity(number: str) -> dict[str, str]:
    return {"document_kind": "resident_identity", "document": number}


def _number(sequence: int) -> str:
    return synthetic_identity_number(division="451422", born=date(1988, 8, 8), sequence=sequence)


@pytest.mark.parametrize(
    ("on_file", "first"), [("resident_identity", 101), ("household_book", 113)]
)
async def test_who_is_named_beside_the_document_of_somebody_else_does_not_pass_as_them(
    guard: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    bridge: dict[str, Any],
    on_file: str,
    first: int,
):
    own, anothers = _number(first), _number(first + 2)
    named = await _living(wei, document_kind=on_file, document=own)
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    for _ in range(2):  # the second one stands as is usual here
        await a_pass(guard, bridge, person={"resident_id": named, **_identity(own)}, shown=green())
    person = {"resident_id": named, **_identity(anothers)}
    refused = await guard.post(path, json=pass_body(person=person, shown=green()))
    problem = assert_problem(refused, DocumentsDiffer)
    assert problem["errors"][0]["pointer"] == "/body/person/document"
    assert own not in refused.text


async def test_who_has_no_document_on_file_passes_by_their_own_and_not_by_somebody_elses(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    unknown, neighbours, passport = _number(105), _number(107), "E12345678"
    named = await _living(wei, document_kind=None, document=None)
    await _living(wei, document_kind="resident_identity", document=neighbours)
    path = f"/v1/checkpoints/{bridge['id']}/passes"

    async def passed(**document: str) -> httpx.Response:
        person = {"resident_id": named, **document}
        return await guard.post(path, json=pass_body(person=person, shown=green()))

    for _ in range(2):
        assert (await passed(**_identity(unknown))).status_code == 201
        assert_problem(await passed(**_identity(neighbours)), DocumentsDiffer)
    shown = await passed(document_kind="passport", document=passport)
    assert shown.status_code == 201, shown.text


async def test_a_paper_of_another_kind_than_the_one_on_file_says_nothing_against_them(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    named = await _living(wei, document_kind="resident_identity", document=_number(109))
    person = {"resident_id": named, "document_kind": "passport", "document": "E87654321"}
    assert (await a_pass(guard, bridge, person=person, shown=green()))["verdict"] == "through"


async def test_who_is_named_and_not_here_is_not_whoever_the_document_finds(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    number = _number(111)
    here = await _living(wei, document_kind="resident_identity", document=number)
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    for _ in range(2):
        person = {"resident_id": here, **_identity(number)}
        await a_pass(guard, bridge, person=person, shown=green())
        stranger = {"resident_id": str(new_id()), **_identity(number)}
        refused = await guard.post(path, json=pass_body(person=stranger, shown=green()))
        problem = assert_problem(refused, NotFound)
        assert problem["errors"][0]["pointer"] == "/body/person/resident_id"
