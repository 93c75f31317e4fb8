"""A home is checked item by item; where it is not fit, another measure begins that day, openly."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.quarantines.problems import NothingToCheck, QuarantineEnded
from tests.builders import (
    FOUR,
    a_household,
    a_preset_in_force,
    a_quarantine,
    a_quarantine_by_plan,
    team_of,
)
from tests.cast import Town, assert_problem, id_of
from tests.quarantines.plans import rows, the_ninth_edition

ITEMS = (
    "separate_room",
    "own_toilet",
    "handover_table",
    "supplies",
    "own_air",
    "waste_disinfected",
    "not_a_dormitory",
)


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


def check_body(*unfit: str, **told: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "items": {item: item not in unfit for item in ITEMS}, **told}


def path_of(quarantine: dict[str, Any]) -> str:
    return f"/v1/quarantines/{quarantine['id']}/site-checks"


async def stages(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    return (await client.get(f"/v1/quarantines/{quarantine['id']}/stages")).json()["stages"]


async def test_nobody_checks_a_home_or_sees_a_check(town: Town):
    nobody, path = town.nobody(), f"/v1/quarantines/{new_id()}/site-checks"
    assert_problem(await nobody.post(path, json=check_body()), NotSignedIn)
    assert_problem(await nobody.get(path), NotSignedIn)


async def test_the_neighbour_neither_checks_nor_sees(town: Town):
    kept = await a_quarantine_by_plan(await town.as_("lin"))
    for name in ("mei", "wei"):
        neighbour = await town.as_(name)
        assert_problem(await neighbour.post(path_of(kept), json=check_body()), NotFound)
        assert_problem(await neighbour.get(path_of(kept)), NotFound)


async def test_another_township_has_no_such_home(town: Town):
    kept = await a_quarantine_by_plan(await town.as_("lin"))
    bai = await town.as_("bai")
    assert_problem(await bai.post(path_of(kept), json=check_body()), NotFound)
    assert_problem(await bai.get(path_of(kept)), NotFound)


async def test_a_home_that_has_everything_is_fit_and_needs_no_other_check(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine_by_plan(lin)
    [stage] = await stages(lin, kept)
    assert [item["code"] for item in stage["site_checklist"]] == list(ITEMS)
    assert all(item["label"] for item in stage["site_checklist"])
    assert stage["site_check_due"]
    body = check_body(medic_id=str(id_of("he")), note="二楼东间'; DROP TABLE site_checks --𠮷")
    answer = await ming.post(path_of(kept), json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["fit"], told["fallback_category"], told["transfer_to_order"]) == (
        True,
        None,
        False,
    )
    assert (told["note"], told["medic_id"]) == (body["note"], str(id_of("he")))
    assert not (await stages(lin, kept))[0]["site_check_due"]
    for name in ("ming", "lin", "li", "zhou"):
        seen = (await (await town.as_(name)).get(path_of(kept))).json()["items"]
        assert seen == [told], name


async def test_a_home_that_is_not_fit_is_left_for_a_site(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine_by_plan(lin)
    answer = await ming.post(path_of(kept), json=check_body("own_toilet"))
    told = answer.json()
    assert (told["fit"], told["fallback_category"], told["transfer_to_order"]) == (
        False,
        "centralized_quarantine",
        True,
    )
    [stage] = await stages(lin, kept)
    assert (stage["category"], stage["site_check_due"]) == ("centralized_quarantine", False)
    read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert (read["category"], read["planned_end_on"]) == (
        "centralized_quarantine",
        kept["planned_end_on"],
    )
    assert_problem(await ming.post(path_of(kept), json=check_body()), NothingToCheck)
    order = {
        "id": str(new_id()),
        "kind": "to_site",
        "reason": "住所不符合",
        "destination": "县隔离点",
    }
    ordered = await lin.post(f"/v1/quarantines/{kept['id']}/transfers", json=order)
    assert ordered.status_code == 201, ordered.text
    [again] = (await ming.get(path_of(kept))).json()["items"]
    assert not again["transfer_to_order"]
    former = await rows(
        town,
        "SELECT body ->> 'category' AS category, replaced_by, reason FROM revisions "
        "WHERE kind = 'quarantine_stages' AND duty_id = :id",
        id=kept["id"],
    )
    assert [(row.category, row.replaced_by) for row in former] == [
        ("home_quarantine", id_of("ming"))
    ]
    noted = await rows(
        town,
        "SELECT details FROM audit_entries WHERE action = 'site_checks.record' "
        "AND subject_id = :id",
        id=kept["id"],
    )
    assert [row.details["fallback"] for row in noted] == ["centralized_quarantine"]


async def test_found_unfit_on_a_later_day_the_days_at_home_stay_days_at_home(
    town: Town, time_machine: Any
):
    kept = await a_quarantine_by_plan(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=3), tick=False)
    lin = town.client(await town.token_of("lin"))
    answer = await lin.post(path_of(kept), json=check_body("own_air"))
    assert answer.json()["transfer_to_order"]
    told = await stages(lin, kept)
    assert [(each["category"], each["starts_on"], each["ends_on"]) for each in told] == [
        ("home_quarantine", day(-3), day(-1)),
        ("centralized_quarantine", day(0), day(3)),
    ]
    assert [each["day_number"] for each in told] == [None, 4]
    tests = [test["day_index"] for each in told for test in each["tests"]]
    assert tests == [1, 4, 7]


async def test_the_doctor_on_duty_from_the_next_village_checks_and_the_stage_follows(town: Town):
    lin, he = await town.as_("lin"), await town.as_("he")
    kept = await a_quarantine_by_plan(lin, team=team_of(*FOUR))
    answer = await he.post(path_of(kept), json=check_body("supplies"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["fallback_category"] == "centralized_quarantine"
    assert (await he.get(path_of(kept))).json()["items"] == [answer.json()]
    assert (await stages(lin, kept))[0]["category"] == "centralized_quarantine"


async def test_a_stage_to_come_is_checked_before_it_begins(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin, control_started_on=day(2))
    assert (await stages(lin, kept))[0]["site_check_due"]
    assert (await lin.post(path_of(kept), json=check_body())).status_code == 201
    assert not (await stages(lin, kept))[0]["site_check_due"]


async def test_the_same_check_sent_twice_at_the_same_moment_is_one(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    for unfit in ((), ("own_toilet",)):
        kept = await a_quarantine_by_plan(lin)
        body = check_body(*unfit, checked_at=clock.now().isoformat())
        answers = await asyncio.gather(*(ming.post(path_of(kept), json=body) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        assert len({answer.text for answer in answers}) == 1
        assert len(await stages(lin, kept)) == 1
        other = {**body, "items": {**body["items"], "supplies": False}}
        refused = assert_problem(await ming.post(path_of(kept), json=other), RecordDiffers)
        assert refused["fields"] == ["items"]
        elsewhere = await a_quarantine_by_plan(lin)
        refused = assert_problem(await ming.post(path_of(elsewhere), json=body), RecordDiffers)
        assert refused["fields"] == ["quarantine_id"]


async def test_where_no_stage_asks_for_it_there_is_nothing_to_check(town: Town):
    lin = await town.as_("lin")
    by_hand = await a_quarantine(lin)
    assert_problem(await lin.post(path_of(by_hand), json=check_body()), NothingToCheck)
    contact = {"exposure_class": "close_contact", "last_exposure_on": day(0)}
    central = await a_quarantine_by_plan(lin, facts=contact)
    assert_problem(await lin.post(path_of(central), json=check_body()), NothingToCheck)


async def test_after_the_end_nothing_is_checked(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin)
    ending = {"ended_on": day(0), "end_reason": "moved_away", "note": "离开"}
    ended = await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ending)
    assert ended.status_code == 200
    assert_problem(await lin.post(path_of(kept), json=check_body()), QuarantineEnded)
    assert not (await stages(lin, kept))[0]["site_check_due"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"items": {}}, "/body/items"),
        ({"items": {"own_toilet": True}}, "/body/items"),
        ({"items": dict.fromkeys((*ITEMS, "own_garden"), True)}, "/body/items/own_garden"),
        ({"items": dict.fromkeys(ITEMS, "yes")}, "/body/items/separate_room"),
        ({"medic_id": str(new_id())}, "/body/medic_id"),
        ({"performed_by": str(new_id())}, "/body/performed_by"),
        ({"checked_at": "2022-02-09"}, "/body/checked_at"),
        ({"fit": True}, "/body/fit"),
    ],
)
async def test_a_wrong_check_is_pointed_at_and_nothing_is_kept(
    town: Town, told: dict[str, Any], pointer: str
):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin)
    refused = await lin.post(path_of(kept), json={**check_body(), **told})
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert (await lin.get(path_of(kept))).json()["items"] == []
    assert (await stages(lin, kept))[0]["site_check_due"]


async def test_a_check_is_not_made_in_the_future(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin)
    later = (clock.now() + timedelta(hours=1)).isoformat()
    refused = await lin.post(path_of(kept), json=check_body(checked_at=later))
    assert_problem(refused, RecordedInTheFuture)


async def test_what_is_missing_is_named_in_the_language_of_the_field(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine_by_plan(lin)
    refused = await lin.post(path_of(kept), json=check_body() | {"items": {"own_toilet": True}})
    body = assert_problem(refused, InvalidInput)
    assert "own_toilet" not in body["missing"]
    assert len(body["missing"]) == len(ITEMS) - 1


async def test_a_check_told_late_brings_nobody_to_a_site_who_was_found_fit_since(town: Town):
    """The morning's check reaches the service after the one that found all put right."""
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept, now = await a_quarantine_by_plan(lin), clock.now()
    fit = check_body(checked_at=now.isoformat())
    assert (await ming.post(path_of(kept), json=fit)).status_code == 201
    late = check_body("own_toilet", checked_at=(now - timedelta(hours=5)).isoformat())
    answer = await ming.post(path_of(kept), json=late)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["fit"], answer.json()["fallback_category"]) == (False, None)
    [stage] = await stages(lin, kept)
    assert (stage["category"], stage["site_check_due"]) == ("home_quarantine", False)
    found = check_body("own_toilet")
    assert (await ming.post(path_of(kept), json=found)).json()["transfer_to_order"]
    assert (await stages(lin, kept))[0]["category"] == "centralized_quarantine"


async def test_what_was_found_of_a_former_home_says_nothing_of_theirs(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept, before = await a_quarantine_by_plan(lin), clock.now() - timedelta(hours=1)
    home = await a_household(lin, grid="t.01.01.01")
    move = {"household_id": home["id"], "relation": "other"}
    moved = await lin.post(f"/v1/residents/{kept['resident_id']}/move", json=move)
    assert moved.status_code == 200, moved.text
    late = check_body("own_toilet", checked_at=before.isoformat())
    assert (await ming.post(path_of(kept), json=late)).json()["fallback_category"] is None
    [stage] = await stages(lin, kept)
    assert (stage["category"], stage["site_check_due"]) == ("home_quarantine", True)


@pytest.mark.parametrize("passed", [0, 2])
async def test_what_is_due_is_what_the_plan_asks_of_others_at_a_site(
    town: Town, time_machine: Any, passed: int
):
    kept = await a_quarantine_by_plan(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=passed), tick=False)
    lin = town.client(await town.token_of("lin"))
    [before] = await stages(lin, kept)
    assert (await lin.post(path_of(kept), json=check_body("own_toilet"))).status_code == 201
    told = await stages(lin, kept)
    assert [_due(each) for each in told] == [
        *([_due(before)] if passed else []),
        ("site_twice_daily", None, 0, 0, "never"),
    ]
    assert _due(before) == ("twice_daily", "four_to_one", 2, 1, "approved_medical")
    assert told[-1]["cohabitant_rule"] == before["cohabitant_rule"]


def _due(stage: dict[str, Any]) -> tuple[Any, ...]:
    names = ("monitoring_policy", "care_policy", "visits_per_day", "calls_per_day", "leave_home")
    return tuple(stage[name] for name in names)


async def test_where_the_protocol_says_nothing_of_a_site_temperatures_are_taken_there_too(
    town: Town,
):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    alone = await a_preset_in_force(zhou, "cn_2020_home14")
    facts = {"exposure_class": "close_contact", "last_exposure_on": day(0)}
    kept = await a_quarantine_by_plan(lin, protocol_id=alone["id"], facts=facts)
    [before] = await stages(lin, kept)
    items = {item["code"]: False for item in before["site_checklist"]}
    check = {"id": str(new_id()), "items": items}
    assert (await lin.post(path_of(kept), json=check)).status_code == 201
    [after] = await stages(lin, kept)
    calls, team = before["calls_per_day"], before["care_policy"]
    assert _due(after) == ("site_twice_daily", team, 0, calls, "never")
