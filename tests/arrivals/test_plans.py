"""What the rules propose for an arrival, what a leader decides, and what changes afterwards."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.arrivals.problems import ArrivalConfirmed, ArrivalNotSo, NothingToDecide
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, RecordDiffers
from api.foundation.records import new_id
from api.protocols.problems import NoRuleApplies
from api.quarantines.problems import AlreadyInQuarantine
from tests.builders import (
    FOUR,
    a_household,
    a_quarantine,
    a_risk_area,
    an_arrival,
    synthetic_resident,
    team_of,
)
from tests.cast import Town, assert_problem, id_of

HOME = "t.01.01.01"
RISKY = "451026101"
FIRST = {"If-Match": '"1"'}


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


@pytest.fixture(scope="module", autouse=True)
async def rules(town: Town) -> dict[str, Any]:
    """The Guangxi notice in force for two months, and a county at medium risk since a month."""
    zhou = await town.as_("zhou")
    adoption = {"id": str(new_id()), "effective_from": day(-60), "activate": True}
    adopted = await zhou.post("/v1/protocol-presets/gx_2022_0118", json=adoption)
    assert adopted.status_code == 201, adopted.text
    await a_risk_area(zhou, from_on=day(-30))
    return adopted.json()


async def _verified(
    client: Any,
    *,
    came: int = 0,
    code: str = RISKY,
    home: dict[str, Any] | None = None,
    **told: Any,
) -> dict[str, Any]:
    """Somebody who came so many days ago from a place and is known; `came` is 0 or less."""
    home = home or await a_household(client, grid=HOME, residents=[synthetic_resident()])
    arrived = clock.day_bounds(clock.today() + timedelta(days=came))[0]
    stays = [{"code": code, "from_on": day(came - 30), "to_on": day(came)}]
    person = home["residents"][0]["id"]
    told = {"resident_id": person, "stays": stays, "arrived_at": arrived.isoformat(), **told}
    arrival = await an_arrival(client, home, **told)
    address = f"/v1/arrivals/{arrival['id']}/verify"
    verified = await client.post(address, json={"resident_id": person})
    assert verified.status_code == 200, verified.text
    return verified.json()


def _confirmation(**told: Any) -> dict[str, Any]:
    return {"quarantine_id": str(new_id()), "control_started_on": day(0), **told}


async def _confirm(client: Any, arrival: dict[str, Any], body: dict[str, Any]) -> Any:
    return await client.post(f"/v1/arrivals/{arrival['id']}/confirm", json=body)


async def _now(client: Any, arrival: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"]


async def _proposal(client: Any, arrival: dict[str, Any], **asked: Any) -> dict[str, Any]:
    response = await client.get(f"/v1/arrivals/{arrival['id']}/proposal", params=asked)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_plan_is_proposed_with_its_clause_and_days_and_nothing_is_stored(
    town: Town, rules: dict[str, Any]
):
    ming = await town.as_("ming")
    arrival = await _verified(ming)
    proposed = await _proposal(ming, arrival)
    assert proposed["facts"]["risk_level"] == "medium"
    assert (proposed["facts"]["arrived_on"], proposed["facts"]["area_codes"]) == (day(0), [RISKY])
    assert "岭边县" in proposed["explanation"]
    plan = proposed["plan"]
    assert (plan["code"], plan["protocol"]["id"]) == ("central_14_home_7", rules["id"])
    assert plan["clause"]
    assert [(each["starts_on"], each["ends_on"]) for each in plan["stages"]] == [
        (day(0), day(13)),
        (day(14), day(20)),
    ]
    tests = [test["on"] for stage in plan["stages"] for test in stage["tests"]]
    assert tests == [day(n) for n in (0, 3, 6, 9, 13, 15, 17, 20)]
    assert sum(rule["decided"] for rule in proposed["considered"]) == 1
    assert await _now(ming, arrival) == arrival
    quarantines = await ming.get("/v1/quarantines", params={"resident_id": arrival["resident_id"]})
    assert quarantines.json()["items"] == []


async def test_for_whom_is_yet_to_come_the_plan_is_that_of_the_day_they_come(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME, residents=[synthetic_resident()])
    stays = [{"code": RISKY, "from_on": day(-9), "to_on": day(3)}]
    coming = await an_arrival(ming, home, stays=stays, expected_on=day(3))
    proposed = await _proposal(ming, coming)
    assert proposed["control_starts_on"] == day(3)
    assert proposed["plan"]["stages"][0]["starts_on"] == day(3)
    today = await _proposal(ming, coming, control_started_on=day(0))
    assert today["plan"] is None


@pytest.mark.parametrize(
    ("came", "code", "plan"),
    [
        (-6, RISKY, "central_14_home_7"),
        (-7, RISKY, "central_7_home_7"),
        (-13, RISKY, "central_7_home_7"),
        (-14, RISKY, "home_7"),
        (-20, RISKY, "home_7"),
        (-21, RISKY, None),
        (0, "441900003", None),
    ],
)
async def test_the_tier_is_that_of_the_day_control_begins(
    town: Town, came: int, code: str, plan: str | None
):
    ming = await town.as_("ming")
    arrival = await _verified(ming, came=came, code=code)
    proposed = (await _proposal(ming, arrival))["plan"]
    assert (proposed and proposed["code"]) == plan
    later = await _proposal(ming, arrival, control_started_on=day(21 + came))
    assert later["plan"] is None


@pytest.mark.parametrize("asked", ["1900-01-01", "2199-12-31"])
async def test_a_day_on_which_nobody_lives_asks_for_no_age(town: Town, asked: str):
    ming = await town.as_("ming")
    arrival = await _verified(ming, birth_date="1990-01-01")
    proposed = await _proposal(ming, arrival, control_started_on=asked)
    assert (proposed["facts"]["age"], proposed["plan"]) == (None, None)
    assert (await _proposal(ming, arrival))["facts"]["age"] >= 36
    beyond = {"control_started_on": "2200-01-01"}
    address = f"/v1/arrivals/{arrival['id']}/proposal"
    assert_problem(await ming.get(address, params=beyond), InvalidInput)


async def test_a_leader_confirms_and_the_quarantine_begins_with_its_stages(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    arrival = await _verified(ming)
    assert arrival["awaits_decision"] is True
    body = _confirmation(place="县职校集中隔离点", team=team_of(*FOUR))
    assert_problem(await _confirm(ming, arrival, body), NotPermitted)
    answers = await asyncio.gather(*(_confirm(lin, arrival, body) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
    confirmed = answers[0].json()
    assert {answer.text for answer in answers} == {answers[0].text}
    assert confirmed["quarantine_id"] == body["quarantine_id"]
    assert (confirmed["awaits_decision"], confirmed["differs_from_plan"]) == (False, False)
    assert confirmed["decided_by"] == str(id_of("lin"))

    address = f"/v1/quarantines/{body['quarantine_id']}"
    begun = (await lin.get(address)).json()
    assert (begun["category"], begun["place_kind"]) == ("centralized_quarantine", "site")
    assert (begun["reason"], begun["team_complete"]) == ("medium_risk_area", True)
    assert (begun["started_on"], begun["planned_end_on"]) == (day(0), day(20))

    for other, fields in (
        (body | {"place": "别处"}, ["place"]),
        (body | {"protocol_id": str(new_id())}, ["protocol_id"]),
    ):
        differs = assert_problem(await _confirm(lin, arrival, other), RecordDiffers)
        assert differs["fields"] == fields
    second = assert_problem(await _confirm(lin, arrival, _confirmation()), ArrivalConfirmed)
    assert second["quarantine_id"] == body["quarantine_id"]


async def test_nobody_is_confirmed_who_is_not_known_or_controlled_by_another_decision(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid=HOME)
    expected = await an_arrival(ming, home)
    refused = assert_problem(await _confirm(lin, expected, _confirmation()), ArrivalNotSo)
    assert refused["arrival_status"] == "expected"
    arrival = await _verified(ming, home=home)
    await a_quarantine(lin, resident=arrival["resident_id"])
    assert_problem(await _confirm(lin, arrival, _confirmation()), AlreadyInQuarantine)
    assert await _now(ming, arrival) == arrival
    told = assert_problem(
        await _confirm(lin, arrival, _confirmation(control_started_on="soon")), InvalidInput
    )
    assert told["errors"][0]["pointer"] == "/body/control_started_on"


async def test_an_id_that_stands_for_another_quarantine_begins_nothing(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    taken = await a_quarantine(lin)
    arrival = await _verified(ming)
    body = _confirmation(quarantine_id=taken["id"])
    assert (await _confirm(lin, arrival, body)).status_code == 409
    assert await _now(ming, arrival) == arrival


async def test_whom_no_clause_concerns_is_not_controlled_and_told_why(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    arrival = await _verified(ming, code="441900003")
    assert (arrival["risk_level"], arrival["awaits_decision"]) == ("none", False)
    mistyped = _confirmation(control_started_on=day(-730))
    refused = assert_problem(await _confirm(lin, arrival, mistyped), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/control_started_on"
    refused = assert_problem(await _confirm(lin, arrival, _confirmation()), NoRuleApplies)
    assert len(refused["considered"]) == 6
    assert all(rule["unmet"] for rule in refused["considered"])
    nothing = await lin.post(
        f"/v1/arrivals/{arrival['id']}/leave-as-is", json={"reason": "无需管控"}
    )
    assert_problem(nothing, NothingToDecide)


async def test_one_protocol_may_be_named_but_it_must_be_in_force(town: Town, rules: dict[str, Any]):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    arrival = await _verified(ming)
    named = await _proposal(ming, arrival, protocol_id=rules["id"])
    assert named["plan"]["code"] == "central_14_home_7"
    address = f"/v1/arrivals/{arrival['id']}/proposal"
    assert_problem(await ming.get(address, params={"protocol_id": str(new_id())}), NotFound)
    body = _confirmation(protocol_id=str(new_id()))
    assert_problem(await _confirm(lin, arrival, body), NotFound)
    body = _confirmation(protocol_id=rules["id"], control_started_on=day(-61))
    assert_problem(await _confirm(lin, arrival, body), NotFound)


async def test_a_leader_may_leave_it_as_it_is_until_it_is_classed_otherwise(town: Town):
    ming, lin, zhou = [await town.as_(name) for name in ("ming", "lin", "zhou")]
    area = await a_risk_area(zhou, code_prefix="530103", from_on=day(-5))
    arrival = await _verified(ming, code="530103001")
    address, why = f"/v1/arrivals/{arrival['id']}/leave-as-is", {"reason": "只在车上过夜"}
    for _ in range(2):
        told = (await lin.post(address, json=why)).json()
        assert (told["awaits_decision"], told["version"]) == (False, arrival["version"] + 1)
    assert arrival["id"] not in await _waiting(lin)
    await a_risk_area(zhou, code_prefix="530103001", level="high", from_on=day(-3))
    assert (await _now(lin, arrival))["awaits_decision"] is True
    assert arrival["id"] in await _waiting(lin)
    discard = {"reason": "误列"}
    gone = await zhou.post(f"/v1/risk-areas/{area['id']}/discard", json=discard, headers=FIRST)
    assert gone.status_code == 200
    assert (await lin.post(address, json=why)).json()["awaits_decision"] is False


async def test_a_plan_goes_on_when_the_list_changes_and_somebody_has_to_look(town: Town):
    ming, lin, zhou = [await town.as_(name) for name in ("ming", "lin", "zhou")]
    area = await a_risk_area(zhou, code_prefix="530104", from_on=day(-5))
    arrival = await _verified(ming, code="530104001")
    body = _confirmation()
    assert (await _confirm(lin, arrival, body)).status_code == 200
    address = f"/v1/quarantines/{body['quarantine_id']}"
    before = (await lin.get(address)).json()
    why = {"reason": "误列"}
    await zhou.post(f"/v1/risk-areas/{area['id']}/discard", json=why, headers=FIRST)
    told = await _now(lin, arrival)
    assert (told["risk_level"], told["differs_from_plan"]) == ("none", True)
    assert told["awaits_decision"] is True
    assert arrival["id"] in await _waiting(lin)
    assert (await lin.get(address)).json() == before
    duties = [
        each for stop in (await lin.get("/v1/my-day")).json()["stops"] for each in stop["duties"]
    ]
    paths = [each["report"]["path"] for each in duties if each["kind"] == "arrival"]
    assert f"/v1/arrivals/{arrival['id']}/leave-as-is" in paths
    looked = await lin.post(
        f"/v1/arrivals/{arrival['id']}/leave-as-is", json={"reason": "另行申请提前结束"}
    )
    assert (looked.json()["differs_from_plan"], looked.json()["awaits_decision"]) == (False, False)


async def test_a_close_contact_waits_for_a_decision_wherever_they_come_from(town: Town):
    ming = await town.as_("ming")
    arrival = await _verified(
        ming, code="441900003", exposure_class="close_contact", last_exposure_on=day(-3)
    )
    assert (arrival["risk_level"], arrival["awaits_decision"]) == ("none", True)


async def test_who_else_is_concerned_is_told(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid=HOME)
    stays_home, party = home["residents"][1]["id"], str(new_id())
    quarantine = await a_quarantine(lin, resident=stays_home)
    companion = await an_arrival(ming, home, name="同车的人", party_id=party)
    untrue = await an_arrival(ming, home, name="查无此人", party_id=party)
    await ming.post(f"/v1/arrivals/{untrue['id']}/invalidate", json={"reason": "查无此人"})
    arrival = await _verified(ming, home=home, party_id=party)
    concerned = (await _proposal(ming, arrival))["concerned"]
    assert [each["concern"] for each in concerned] == ["companion", "cohabitant"]
    assert (concerned[0]["arrival_id"], concerned[0]["name"]) == (companion["id"], "同车的人")
    assert concerned[1]["resident_id"] == stays_home
    assert concerned[1]["quarantine_id"] == quarantine["id"]
    assert concerned[1]["must_follow"] is False


@pytest.mark.parametrize(
    ("recorded", "told", "pre_reported", "reported"),
    [(-25, 11, True, True), (-23, 13, False, False), (-24, 12, True, True)],
)
async def test_reports_are_held_to_the_hours_of_the_protocol_in_force(
    town: Town, recorded: int, told: int, *, pre_reported: bool, reported: bool
):
    """广西: 24 hours before, and within 12 hours after the arrival."""
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    came = clock.now() - timedelta(hours=14)

    def at(hours: int) -> str:
        return (came + timedelta(hours=hours)).isoformat()

    arrival = await an_arrival(
        ming, home, recorded_at=at(recorded), expected_on=clock.local_day(came).isoformat()
    )
    assert (arrival["arrival_report_due_at"], arrival["reported_in_time"]) == (None, None)
    body = {"arrived_at": at(0), "told_at": at(told)}
    here = (await ming.post(f"/v1/arrivals/{arrival['id']}/arrive", json=body)).json()
    assert (here["pre_reported_in_time"], here["reported_in_time"]) == (pre_reported, reported)
    due_at = (came + timedelta(hours=12)).isoformat().replace("+00:00", "Z")
    assert here["arrival_report_due_at"] == due_at


async def _waiting(client: Any) -> list[str]:
    wanted = {"awaits_decision": True, "limit": 500}
    return [
        item["id"] for item in (await client.get("/v1/arrivals", params=wanted)).json()["items"]
    ]
