"""Begun by a plan: who may, what the facts decide, and every stage with its days."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.protocols.problems import NoRuleApplies
from api.quarantines.problems import (
    AlreadyInQuarantine,
    AlreadyServed,
    LinkedQuarantineUnknown,
    RunsByPlan,
)
from tests.builders import (
    FOUR,
    a_household,
    a_quarantine,
    a_quarantine_by_plan,
    by_plan_body,
    quarantine_body,
    team_of,
)
from tests.cast import Town, assert_problem
from tests.quarantines.plans import the_ninth_edition

BY_PLAN = "/v1/quarantines/by-plan"
GRID = "t.01.01.01"


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


def contact(*, exposed: int = 0, begun: int = 0, **told: Any) -> dict[str, Any]:
    """What makes somebody a close contact, exposed and under control since so many days."""
    facts = {"exposure_class": "close_contact", "last_exposure_on": day(-exposed)}
    said = {"reason": "close_contact", "facts": facts, "control_started_on": day(-begun)}
    return {**said, **told}


async def _person(town: Town, grid: str = GRID) -> str:
    home = await a_household(await town.as_("lin"), grid=grid)
    return str(home["residents"][0]["id"])


async def test_nobody_begins_by_plan_or_sees_stages(town: Town):
    nobody = town.nobody()
    body = by_plan_body(resident=str(new_id()))
    assert_problem(await nobody.post(BY_PLAN, json=body), NotSignedIn)
    assert_problem(await nobody.get(f"/v1/quarantines/{new_id()}/stages"), NotSignedIn)


async def test_the_neighbour_neither_begins_by_plan_nor_sees_the_stages(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    body = by_plan_body(resident=await _person(town))
    refused = assert_problem(await wei.post(BY_PLAN, json=body), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/resident_id"
    kept = await a_quarantine_by_plan(lin)
    for name in ("wei", "mei"):
        path = f"/v1/quarantines/{kept['id']}/stages"
        assert_problem(await (await town.as_(name)).get(path), NotFound)


async def test_a_grid_worker_may_not_begin_by_plan(town: Town):
    body = by_plan_body(resident=await _person(town))
    assert_problem(await (await town.as_("ming")).post(BY_PLAN, json=body), NotPermitted)


async def test_the_stages_are_seen_by_every_level_above_and_by_the_team(town: Town):
    kept = await a_quarantine_by_plan(await town.as_("lin"), team=team_of(*FOUR))
    path = f"/v1/quarantines/{kept['id']}/stages"
    told = (await (await town.as_("zhou")).get(path)).json()
    for name in ("ming", "lin", "li", "he"):
        assert (await (await town.as_(name)).get(path)).json() == told, name


async def test_the_facts_decide_the_plan_and_every_day_of_it(town: Town, protocol: str):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin, **contact(exposed=2))
    assert kept["category"] == "centralized_quarantine"
    assert (kept["place_kind"], kept["whereabouts"]["kind"]) == ("site", "transferred")
    assert kept["protocol"] == {"code": "cn_v9", "revision": 1, "plan_code": "contact_7_3"}
    assert (kept["started_on"], kept["planned_end_on"]) == (day(0), day(7))
    assert kept["stage"] | {"id": None} == {
        "id": None,
        "ordinal": 1,
        "category": "centralized_quarantine",
        "starts_on": day(0),
        "ends_on": day(4),
        "day_number": 3,
    }
    told = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()
    first, second = told["stages"]
    assert (first["counted_from"], first["credited_days"]) == (day(-2), 2)
    assert [test["on"] for test in first["tests"]] == [day(0), day(2), day(4)]
    assert (second["starts_on"], second["ends_on"]) == (day(5), day(7))
    assert second["category"] == "home_health_monitoring"
    assert [test["day_index"] for test in second["tests"]] == [3]
    assert (first["monitoring_policy"], second["monitoring_policy"]) == (
        "site_twice_daily",
        "twice_daily",
    )
    plan = told["plan"]
    assert (plan["protocol_id"], plan["plan_code"]) == (protocol, "contact_7_3")
    assert plan["clause"]
    assert plan["facts"]["last_exposure_on"] == day(-2)


async def test_begun_by_hand_there_is_one_stage_and_no_plan(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=5)
    assert kept["protocol"] is None
    told = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()
    assert told["plan"] is None
    [stage] = told["stages"]
    assert (stage["starts_on"], stage["ends_on"], stage["tests"]) == (day(0), day(4), [])
    assert not stage["site_check_due"]


async def test_the_measure_follows_the_stage_of_the_day_until_release_is_waited_for(
    town: Town, time_machine: Any
):
    kept = await a_quarantine_by_plan(await town.as_("lin"), **contact())
    begun = clock.now()
    seen: list[tuple[str, int | None, bool]] = []
    for later in (0, 6, 7, 9, 10):
        time_machine.move_to(begun + timedelta(days=later), tick=False)
        lin = town.client(await town.token_of("lin"))
        read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
        seen.append((read["category"], read["stage"]["day_number"], read["waiting_for_release"]))
    assert seen == [
        ("centralized_quarantine", 1, False),
        ("centralized_quarantine", 7, False),
        ("home_health_monitoring", 1, False),
        ("home_health_monitoring", 3, False),
        ("home_health_monitoring", None, True),
    ]
    course = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()
    assert course["waiting_for_release"]


async def test_a_terminated_quarantine_shows_the_stage_it_ended_in(town: Town, time_machine: Any):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin, **contact())
    ending = {"ended_on": day(0), "end_reason": "hospitalised", "note": "核酸阳性"}
    path = f"/v1/quarantines/{kept['id']}"
    assert (await lin.post(f"{path}/terminate", json=ending)).status_code == 200
    time_machine.move_to(clock.now() + timedelta(days=30), tick=False)
    lin = town.client(await town.token_of("lin"))
    read = (await lin.get(path)).json()
    assert (read["stage"]["ordinal"], read["stage"]["day_number"]) == (1, None)
    assert not read["waiting_for_release"]


async def test_the_same_facts_sent_twice_at_the_same_moment_are_one_quarantine(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for _ in range(3):
        body = by_plan_body(resident=await _person(town), team=team_of("ming", "pang", "ba", "he"))
        body |= {
            "recorded_at": clock.now().isoformat(),
            "performed_by": body["team"][0]["worker_id"],
        }
        answers = await asyncio.gather(
            *(client.post(BY_PLAN, json=body) for client in (lin, zhou, lin))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        assert len({answer.text for answer in answers}) == 1
        ending = {"ended_on": day(0), "end_reason": "moved_away", "note": "离开"}
        ended = await lin.post(f"/v1/quarantines/{body['id']}/terminate", json=ending)
        assert ended.status_code == 200


async def test_the_same_id_with_other_facts_is_refused_and_says_so(town: Town):
    lin = await town.as_("lin")
    body = by_plan_body(resident=await _person(town))
    assert (await lin.post(BY_PLAN, json=body)).status_code == 201
    other = {"facts": {**body["facts"], "vaccinated": True}}
    for change, field in (
        (other, "facts"),
        ({"reason": "other"}, "reason"),
        ({"place": "别处"}, "place"),
    ):
        refused = await lin.post(BY_PLAN, json={**body, **change})
        assert assert_problem(refused, RecordDiffers)["fields"] == [field]
    by_hand = quarantine_body(resident=await _person(town))
    assert (await lin.post("/v1/quarantines", json=by_hand)).status_code == 201
    same_id = {**by_plan_body(resident=by_hand["resident_id"]), "id": by_hand["id"]}
    assert_problem(await lin.post(BY_PLAN, json=same_id), RecordDiffers)


async def test_a_late_retry_is_what_was_decided_first_whatever_is_in_force_by_then(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    body = by_plan_body(resident=await _person(town))
    body["facts"] = {**body["facts"], "risk_level": "affected_prefecture"}
    considered = assert_problem(await lin.post(BY_PLAN, json=body), NoRuleApplies)["considered"]
    assert considered
    assert all(rule["unmet"] for rule in considered)
    local = {"id": str(new_id()), "effective_from": day(0), "activate": True}
    adopted = await zhou.post("/v1/protocol-presets/gx_2022_0118", json=local)
    assert adopted.status_code == 201
    body["facts"] |= {"arrived_on": day(0)}
    first = await lin.post(BY_PLAN, json=body)
    assert first.json()["protocol"]["code"] == "gx_2022_0118"
    retired = await zhou.post(
        f"/v1/protocols/{local['id']}/retire",
        json={"reason": "文件废止"},
        headers={"If-Match": adopted.headers["ETag"]},
    )
    assert retired.status_code == 200, retired.text
    again = await lin.post(BY_PLAN, json=body)
    assert again.status_code == 200, again.text
    assert again.json() == first.json()


async def test_who_had_served_every_day_before_control_began_serves_none(town: Town):
    lin = await town.as_("lin")
    body = by_plan_body(resident=await _person(town))
    body["facts"] = {**body["facts"], "left_risk_area_on": day(-7)}
    assert_problem(await lin.post(BY_PLAN, json=body), AlreadyServed)
    listed = await lin.get("/v1/quarantines", params={"resident_id": body["resident_id"]})
    assert listed.json()["items"] == []


async def test_somebody_in_quarantine_is_not_begun_again_by_plan(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    body = by_plan_body(resident=kept["resident_id"])
    refused = assert_problem(await lin.post(BY_PLAN, json=body), AlreadyInQuarantine)
    assert refused["quarantine_id"] == kept["id"]


async def test_whom_a_quarantine_follows_must_exist_and_be_told_with_the_reason(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    body = by_plan_body(resident=await _person(town))
    half = await lin.post(BY_PLAN, json={**body, "link": "cohabitant"})
    assert assert_problem(half, InvalidInput)["errors"][0]["pointer"] == "/body/link"
    itself = {"link": "cohabitant", "linked_quarantine_id": body["id"]}
    refused = assert_problem(await lin.post(BY_PLAN, json={**body, **itself}), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/linked_quarantine_id"
    nothing = {"link": "secondary_contact", "linked_quarantine_id": str(new_id())}
    refused = await lin.post(BY_PLAN, json={**body, **nothing})
    told = assert_problem(refused, LinkedQuarantineUnknown)
    assert told["errors"][0]["pointer"] == "/body/linked_quarantine_id"
    elsewhere = await a_quarantine_by_plan(wei, grid="t.01.02.01", **contact())
    link = {"link": "secondary_contact", "linked_quarantine_id": elsewhere["id"]}
    kept = await lin.post(BY_PLAN, json={**body, **link})
    assert kept.status_code == 201, kept.text
    course = (await lin.get(f"/v1/quarantines/{body['id']}/stages")).json()
    assert course["plan"]["linked_quarantine_id"] == elsewhere["id"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"facts": {"exposure_class": "friend"}}, "/body/facts/exposure_class"),
        ({"facts": {}}, "/body/facts/exposure_class"),
        ({"control_started_on": "1066-10-14"}, "/body/control_started_on"),
        ({"control_started_on": "9998-01-01"}, "/body/control_started_on"),
        ({"protocol_id": str(new_id())}, "/body/protocol_id"),
        ({"place": "柳村\u0000"}, "/body/place"),
        ({"category": "home_quarantine"}, "/body/category"),
        ({"team": [{"id": "1"}]}, "/body/team/0/id"),
    ],
)
async def test_a_wrong_field_is_pointed_at(town: Town, change: dict[str, Any], pointer: str):
    lin = await town.as_("lin")
    body = by_plan_body(resident=await _person(town)) | change
    refused = await lin.post(BY_PLAN, json=body)
    assert refused.status_code in (404, 422)
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_what_has_not_happened_yet_decides_nothing(town: Town):
    """Who is still to come leaves and arrives by the first day; an exposure is known or is none."""
    lin = await town.as_("lin")
    body = by_plan_body(resident=await _person(town), control_started_on=day(3))
    for name, latest in (("last_exposure_on", 0), ("left_risk_area_on", 3), ("arrived_on", 3)):
        late = {**body["facts"], name: day(latest + 1)}
        refused = await lin.post(BY_PLAN, json={**body, "facts": late})
        told = assert_problem(refused, InvalidInput)["errors"]
        assert [each["pointer"] for each in told] == [f"/body/facts/{name}"]
    coming = {"last_exposure_on": day(0), "left_risk_area_on": day(2), "arrived_on": day(3)}
    kept = await lin.post(BY_PLAN, json={**body, "facts": {**body["facts"], **coming}})
    assert (kept.status_code, kept.json()["started_on"]) == (201, day(3)), kept.text


async def test_a_start_is_a_month_ahead_or_a_year_ago_at_most(town: Town):
    lin = await town.as_("lin")
    body = by_plan_body(resident=await _person(town))
    by_hand = quarantine_body(resident=body["resident_id"], planned_end_on=day(60))
    for path, sent, name in (
        (BY_PLAN, body, "control_started_on"),
        ("/v1/quarantines", by_hand, "started_on"),
    ):
        for far in (day(32), day(-366)):
            refused = await lin.post(path, json={**sent, name: far})
            assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == f"/body/{name}"
    kept = await lin.post("/v1/quarantines", json={**by_hand, "started_on": day(31)})
    assert kept.status_code == 201, kept.text
    farther = {"started_on": day(32), "legal_basis": "指挥部", "change_reason": "更正"}
    path, current = f"/v1/quarantines/{by_hand['id']}", {"If-Match": '"1"'}
    refused = await lin.patch(path, json=farther, headers=current)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/started_on"


async def test_nobody_is_kept_for_more_than_a_year_by_a_year_mistyped(town: Town):
    lin = await town.as_("lin")
    body = quarantine_body(resident=await _person(town), planned_end_on=day(366))
    refused = await lin.post("/v1/quarantines", json=body)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/planned_end_on"
    kept = await lin.post("/v1/quarantines", json={**body, "planned_end_on": day(365)})
    assert kept.status_code == 201, kept.text
    basis = {"reason": "核酸漏检", "legal_basis": "指挥部〔2022〕4号"}
    longer = {"id": str(new_id()), "kind": "extension", "ends_on": day(367), **basis}
    refused = await lin.post(f"/v1/quarantines/{body['id']}/changes", json=longer)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/ends_on"


async def test_a_draft_decides_nothing(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    draft = {"id": str(new_id()), "effective_from": "2020-01-01", "activate": False}
    kept = await zhou.post("/v1/protocol-presets/cn_20m", json=draft)
    assert kept.status_code == 201, kept.text
    body = by_plan_body(resident=await _person(town), protocol_id=draft["id"])
    refused = assert_problem(await lin.post(BY_PLAN, json=body), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/protocol_id"


async def test_where_protocols_of_two_diseases_are_in_force_one_is_named(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    other = {"id": str(new_id()), "effective_from": day(0), "activate": True}
    kept = await zhou.post("/v1/protocol-presets/ebola_contacts_21d", json=other)
    assert kept.status_code == 201, kept.text
    body = by_plan_body(resident=await _person(town), **contact())
    refused = assert_problem(await lin.post(BY_PLAN, json=body), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/disease"
    named = await lin.post(BY_PLAN, json={**body, "disease": kept.json()["disease"]})
    assert named.status_code == 201, named.text
    begun = named.json()
    length = date.fromisoformat(begun["planned_end_on"]) - date.fromisoformat(begun["started_on"])
    assert (begun["protocol"]["code"], length.days) == ("ebola_contacts_21d", 21)
    retired = await zhou.post(
        f"/v1/protocols/{other['id']}/retire",
        json={"reason": "演练结束"},
        headers={"If-Match": kept.headers["ETag"]},
    )
    assert retired.status_code == 200, retired.text


async def test_what_runs_by_a_plan_is_not_corrected_past_it(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin)
    path, current = f"/v1/quarantines/{kept['id']}", {"If-Match": '"1"'}
    for change in (
        {"category": "health_monitoring"},
        {"started_on": day(-3), "legal_basis": "指挥部"},
    ):
        said = {**change, "change_reason": "放宽"}
        assert_problem(await lin.patch(path, json=said, headers=current), RunsByPlan)
    harmless = {"place": "柳村一组12号", "change_reason": "补登"}
    assert (await lin.patch(path, json=harmless, headers=current)).status_code == 200


async def test_a_page_of_quarantines_tells_each_its_stage(town: Town):
    lin = await town.as_("lin")
    grid = "t.01.01.02"
    planned = await a_quarantine_by_plan(lin, grid=grid, **contact(exposed=1))
    by_hand = await a_quarantine(lin, grid=grid, category="health_monitoring")
    listed = await lin.get("/v1/quarantines", params={"grid_id": planned["grid_id"]})
    shown = {each["id"]: each for each in listed.json()["items"]}
    assert shown[planned["id"]] == planned
    assert shown[by_hand["id"]] == by_hand
    assert shown[by_hand["id"]]["stage"]["category"] == "health_monitoring"


async def test_who_is_at_a_site_lacks_no_team(town: Town):
    lin = await town.as_("lin")
    before = (await lin.get("/v1/quarantines/team-gaps")).json()
    central = await a_quarantine_by_plan(lin, **contact())
    assert central["category"] == "centralized_quarantine"
    assert central["team"] == []
    after = (await lin.get("/v1/quarantines/team-gaps")).json()
    assert (after["running"], after["incomplete"]) == (before["running"] + 1, before["incomplete"])
    listed = {
        state: (await lin.get("/v1/quarantines", params={"team": state, "limit": 200})).json()
        for state in ("complete", "incomplete")
    }
    found = [state for state in listed for each in listed[state]["items"] if each == central]
    assert found == ["complete"]
