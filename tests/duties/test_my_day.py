"""A post's day: what is due of it and of nobody else, where, until when and how to report it."""

from typing import Any

import httpx
import pytest

from api.duties.schemas import MyDay
from api.foundation.database import Database
from api.foundation.problems import NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, a_visit
from tests.cast import Town, assert_problem
from tests.duties.scenery import duties_of, my_day, only_stage
from tests.readings.conftest import at, reading_body, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


async def test_nobody_has_a_day(town: Town):
    assert_problem(await town.nobody().get("/v1/my-day"), NotSignedIn)


async def test_the_neighbour_has_another_day(town: Town, wei: httpx.AsyncClient, owner: Database):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person)
    assert duties_of(await my_day(town, "han"), person["resident_id"])
    for name in ("ming", "mei", "lin"):
        assert not duties_of(await my_day(town, name), person["resident_id"])


async def test_the_one_above_leads_and_has_no_temperature_to_take(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person)
    for name in ("wei", "li", "zhou"):
        assert not duties_of(await my_day(town, name), person["resident_id"])


async def test_a_team_has_the_duties_and_the_grid_has_them_no_more(town: Town, owner: Database):
    lin = await signed_in(town, "lin")
    person = await a_quarantine(lin, team=("pang", "ba", "mei", "qin"))
    await only_stage(owner, person)
    for name in ("pang", "ba", "mei", "qin"):
        mine = duties_of(await my_day(town, name), person["resident_id"])
        assert mine == [("reading", "due"), ("reading", "later")]
    assert not duties_of(await my_day(town, "ming"), person["resident_id"])


async def test_each_duty_says_what_to_do_until_when_and_where_to_report_it(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person, visits_per_day=1, calls_per_day=1, tests=[{"day": 1}])
    day = await my_day(town, "han")
    MyDay.model_validate(day)
    stop = next(stop for stop in day["stops"] if stop["household"]["id"] == person["household_id"])
    first = stop["duties"][0]
    assert first["report"] == {
        "method": "POST",
        "path": "/v1/readings",
        "body": {"quarantine_id": person["id"], "window": "morning"},
    }
    assert first["what"] == f"测{person['resident_name']}的早体温"
    assert stop["household"]["place"] is None or "*" in stop["household"]["place"]
    paths = {duty["kind"]: duty["report"] for duty in stop["duties"]}
    at_the_door = {"household_id": person["household_id"], "mode": "visit"}
    assert paths["visit"]["body"] == at_the_door  # told otherwise, it would stay due
    assert paths["call"]["path"] == f"/v1/quarantines/{person['id']}/calls"
    assert paths["test"]["body"] == {"resident_id": person["resident_id"], "kind": "nucleic_acid"}
    assert {"due": day["due"], "later": day["later"], "late": day["late"]} == {
        state: sum(each["state"] == state for stop in day["stops"] for each in stop["duties"])
        for state in ("due", "later", "late")
    }


async def test_what_is_reported_is_due_no_more(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person, visits_per_day=2)
    told = await wei.post("/v1/readings", json=reading_body(person, source="visit"))
    assert told.status_code == 201, told.text
    left = duties_of(await my_day(town, "han"), person["resident_id"])
    assert left == [("reading", "later"), ("visit", "due")]
    morning.move_to(at(16))
    wei = await signed_in(town, "wei")
    await wei.post("/v1/readings", json=reading_body(person, source="visit"))
    assert not duties_of(await my_day(town, "han"), person["resident_id"])


async def test_a_reading_not_taken_in_its_window_is_late_until_midnight(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person)
    morning.move_to(at(12))
    mine = duties_of(await my_day(town, "han"), person["resident_id"])
    assert mine == [("reading", "late"), ("reading", "later")]
    morning.move_to(at(8, days=1))
    mine = duties_of(await my_day(town, "han"), person["resident_id"])
    assert mine == [("reading", "due"), ("reading", "later")]


async def test_a_day_outside_every_stage_has_no_duties(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person, ends_on=at(0).date())
    morning.move_to(at(8, days=1))
    assert not duties_of(await my_day(town, "han"), person["resident_id"])


async def test_a_missed_test_stays_due_until_a_sample_makes_up_for_it(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person, tests=[{"day": 1}, {"day": 4}])
    morning.move_to(at(5, days=1))
    assert ("test", "late") in duties_of(await my_day(town, "han"), person["resident_id"])
    wei = await signed_in(town, "wei")
    body = {
        "id": str(new_id()),
        "resident_id": person["resident_id"],
        "kind": "nucleic_acid",
        "sampled_at": at(4, days=1).isoformat(),
        "outcome": "pending",
    }
    sampled = await wei.post("/v1/tests", json=body)
    assert sampled.status_code == 201, sampled.text
    assert "test" not in dict(duties_of(await my_day(town, "han"), person["resident_id"]))


async def test_those_who_live_with_somebody_are_tested_on_the_same_days(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    home = await a_household(wei, grid=HAN)
    one, other = (str(each["id"]) for each in home["residents"])
    person = await a_quarantine(wei, resident=one)
    await only_stage(owner, person, tests=[{"day": 1}], cohabitant_rule="same_test_days")
    day = await my_day(town, "han")
    assert ("test", "due") in duties_of(day, one)
    assert duties_of(day, other) == [("test", "due")]


async def test_whom_a_call_did_not_reach_is_visited(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, person, calls_per_day=1)
    call = {"id": str(new_id()), "kind": "daily", "outcome": "unreachable"}
    told = await wei.post(f"/v1/quarantines/{person['id']}/calls", json=call)
    assert told.status_code == 201, told.text
    kinds = dict(duties_of(await my_day(town, "han"), person["resident_id"]))
    assert (kinds["call"], kinds["visit"]) == ("due", "due")
    morning.shift(60)
    wei = await signed_in(town, "wei")
    await a_visit(wei, {"id": person["household_id"]})
    assert "visit" not in dict(duties_of(await my_day(town, "han"), person["resident_id"]))


async def test_a_door_that_found_nobody_is_knocked_at_again(town: Town, wei: httpx.AsyncClient):
    home = await a_household(wei, grid=HAN)
    await a_visit(wei, home, outcome="absent")
    day = await my_day(town, "han")
    stop = next(stop for stop in day["stops"] if stop["household"]["id"] == home["id"])
    assert [duty["what"] for duty in stop["duties"]] == ["上次家中无人，再次上门走访"]
    assert stop["duties"][0]["report"]["body"] == {"household_id": home["id"]}


async def test_doors_come_by_their_nearest_deadline_and_each_door_once(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    for _ in range(2):
        await only_stage(owner, await a_quarantine(wei, grid=HAN), calls_per_day=1)
    home = await a_household(wei, grid=HAN)
    await a_visit(wei, home, outcome="refused")
    stops = (await my_day(town, "han"))["stops"]
    doors = [stop["household"]["id"] for stop in stops]
    assert len(doors) == len(set(doors))
    firsts = [stop["duties"][0]["due_at"] for stop in stops]
    assert firsts == sorted(firsts)
    for stop in stops:
        assert [each["due_at"] for each in stop["duties"]] == sorted(
            each["due_at"] for each in stop["duties"]
        )


async def test_a_home_is_checked_before_somebody_stays_in_it(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await a_quarantine(wei, grid=HAN)
    await only_stage(
        owner, person, site_checklist=[{"code": "own_toilet", "label": "有独立卫生间"}]
    )
    han, path = await signed_in(town, "han"), f"/v1/quarantines/{person['id']}/site-checks"
    for fit in (None, False, True):
        if fit is not None:
            check = {"id": str(new_id()), "items": {"own_toilet": fit}}
            assert (await han.post(path, json=check)).status_code == 201
        kinds = dict(duties_of(await my_day(town, "han"), person["resident_id"]))
        assert kinds.get("site_check") == (None if fit else "due")


async def test_a_period_that_is_over_waits_for_the_village_and_for_nobody_above(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    person = await a_quarantine(wei, grid=HAN, days=2)
    await only_stage(owner, person, ends_on=at(0, days=1).date())
    morning.move_to(at(8, days=1))
    mine = duties_of(await my_day(town, "wei"), person["resident_id"])
    assert mine == [("release", "due")]
    for name in ("han", "li", "zhou", "lin"):
        assert ("release", "due") not in duties_of(await my_day(town, name), person["resident_id"])


async def test_the_same_day_asked_again_is_answered_with_nothing(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    await only_stage(owner, await a_quarantine(wei, grid=HAN))
    han = await signed_in(town, "han")
    tag = (await han.get("/v1/my-day")).headers["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"older", {tag}', "*"):
        again = await han.get("/v1/my-day", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b""), known
    assert (await han.get("/v1/my-day", headers={"If-None-Match": '"older"'})).status_code == 200


async def test_a_worker_with_a_hundred_doors_gets_a_day_a_phone_can_carry(
    town: Town, owner: Database
):
    lin = await signed_in(town, "lin")
    for number in range(100):
        home = await a_household(lin, grid="t.01.01.02", address=f"柳村二组{number}号")
        if number < 10:
            person = await a_quarantine(lin, resident=home["residents"][0]["id"])
            await only_stage(owner, person, visits_per_day=2, calls_per_day=1, tests=[{"day": 1}])
        elif number < 20:
            await a_visit(lin, home, outcome="absent")
    mei = await signed_in(town, "mei")
    answer = await mei.get("/v1/my-day")
    assert len(answer.json()["stops"]) >= 20
    assert len(answer.content) <= 30_000, len(answer.content)
