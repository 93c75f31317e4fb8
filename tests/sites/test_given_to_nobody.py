"""A sampling at home stays in somebody's day when its person moves, or its worker's post ends."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput
from api.foundation.records import new_id
from api.grids.problems import OpenDuties
from api.registry.problems import ResidentLeft
from tests.builders import a_diagnostic_test, a_household, a_quarantine, synthetic_resident
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.duties.scenery import my_day
from tests.sites.test_sites import FIRST, made

HOMES = "/v1/home-samplings"
TODAY = str(clock.today())


async def _asked(lin: httpx.AsyncClient, person: str, worker: str, **told: Any) -> dict[str, Any]:
    """A sampling of today that was given to somebody."""
    said = {"resident_id": person, "reason": "mobility", "wanted_on": TODAY}
    asked = await made(lin, HOMES, **said | told)
    given = await lin.post(
        f"{HOMES}/{asked['id']}/assign", json={"worker_id": worker}, headers=FIRST
    )
    assert given.status_code == 200, given.text
    return given.json()


async def _people(lin: httpx.AsyncClient, number: int = 1) -> list[str]:
    people = [synthetic_resident() for _ in range(number)]
    home = await a_household(lin, grid="t.01.01.01", residents=people)
    return [each["id"] for each in home["residents"]]


async def _whom(town: Town, name: str) -> set[tuple[str, str]]:
    """Whom somebody is to sample, or to send somebody to."""
    duties = [each for stop in (await my_day(town, name))["stops"] for each in stop["duties"]]
    return {
        (each["person"]["id"], each["report"]["path"].rpartition("/")[2])
        for each in duties
        if each["kind"] == "home_sampling"
    }


async def test_who_moved_to_another_grid_is_given_to_somebody_there(
    town: Town, lin: httpx.AsyncClient
):
    [person] = await _people(lin)
    asked = await _asked(lin, person, str(id_of("ming")))
    assert (person, "tests") in await _whom(town, "ming")
    assert person not in {whom for whom, _ in await _whom(town, "lin")}
    there = await a_household(lin, grid="t.01.01.02")
    told = {"household_id": there["id"], "relation": "other"}
    moved = await lin.post(f"/v1/residents/{person}/move", json=told, headers=FIRST)
    assert moved.status_code == 200, moved.text
    assert (person, "assign") in await _whom(town, "lin")
    assert person not in {whom for whom, _ in await _whom(town, "ming")}
    mei = {"worker_id": str(id_of("mei"))}
    given = await lin.post(
        f"{HOMES}/{asked['id']}/assign", json=mei, headers={"If-Match": f'"{asked["version"]}"'}
    )
    assert given.status_code == 200, given.text
    assert (person, "tests") in await _whom(town, "mei")
    assert person not in {whom for whom, _ in await _whom(town, "lin")}


async def test_who_has_left_is_sampled_by_nobody(town: Town, lin: httpx.AsyncClient):
    gone, expected = await _people(lin, 2)
    await _asked(lin, gone, str(id_of("ming")))
    said = {"resident_id": expected, "reason": "age", "wanted_on": TODAY}
    await made(lin, HOMES, **said)
    for person in (gone, expected):
        path = f"/v1/residents/{person}/leave"
        left = await lin.post(path, json={"left_on": TODAY}, headers=FIRST)
        assert left.status_code == 200, left.text
    for name in ("ming", "lin"):
        assert not {gone, expected} & {whom for whom, _ in await _whom(town, name)}, name
    said["wanted_on"] = str(clock.today() + timedelta(days=1))
    again = await lin.post(HOMES, json={"id": str(new_id()), **said})
    assert_problem(again, ResidentLeft)


async def test_who_is_in_hospital_is_not_sampled_at_home(town: Town, lin: httpx.AsyncClient):
    given, expected = await _people(lin, 2)
    await _asked(lin, given, str(id_of("ming")))
    said = {"resident_id": expected, "reason": "quarantine", "wanted_on": TODAY}
    await made(lin, HOMES, **said)
    quarantines = [await a_quarantine(lin, resident=person) for person in (given, expected)]
    assert (given, "tests") in await _whom(town, "ming")
    assert (expected, "assign") in await _whom(town, "lin")
    for each in quarantines:
        path = f"/v1/quarantines/{each['id']}/hospital-referrals"
        await made(lin, path, hospital="县人民医院", reason="发热")
    for name in ("ming", "lin"):
        assert not {given, expected} & {whom for whom, _ in await _whom(town, name)}, name


async def test_a_post_with_samplings_ahead_ends_by_handing_them_over(
    town: Town, lin: httpx.AsyncClient
):
    zhou = await town.as_("zhou")
    worker, post = str(new_id()), str(new_id())
    grid = str(grid_id("t.01.01.01"))
    await lin.post("/v1/workers", json={"id": worker, "grid_id": grid, "name": "莫医生"})
    held = {"id": post, "worker_id": worker, "grid_id": grid, "role": "village_doctor"}
    assert (await zhou.post("/v1/posts", json=held)).status_code == 201
    waiting, done, gone = await _people(lin, 3)
    asked = [await _asked(lin, person, worker) for person in (waiting, done, gone)]
    await a_diagnostic_test(lin, done)
    why = {"reason": "登记重复"}
    off = await lin.post(f"{HOMES}/{asked[2]['id']}/cancel", json=why, headers={"If-Match": '"2"'})
    assert off.status_code == 200, off.text
    ended = await zhou.post(f"/v1/posts/{post}/end", json={"reason": "离岗"})
    assert assert_problem(ended, OpenDuties)["duties"] == {"home_samplings": 1}
    successor = {"new_post_id": str(new_id()), "successor_worker_id": str(id_of("ming"))}
    passed = await zhou.post(f"/v1/posts/{post}/hand-over", json={**successor, "reason": "离岗"})
    assert passed.status_code == 200, passed.text
    assert passed.json()["passed_on"]["home_samplings"] == 1
    given = [(await lin.get(f"{HOMES}/{each['id']}")).json()["assigned_to"] for each in asked]
    assert given == [str(id_of("ming")), worker, worker]


@pytest.mark.parametrize("days", [-32, 367])
async def test_nobody_is_wanted_far_away(lin: httpx.AsyncClient, days: int):
    [person] = await _people(lin)
    far = str(clock.today() + timedelta(days=days))
    said = {"id": str(new_id()), "resident_id": person, "reason": "age", "wanted_on": far}
    told = assert_problem(await lin.post(HOMES, json=said), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/wanted_on"
