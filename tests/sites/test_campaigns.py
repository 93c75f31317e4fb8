"""A campaign: who was to come, who came, who has not, and who is sampled at home."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.access.colleagues import NotAColleague
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import new_id
from api.sites.problems import HomeSamplingOver, HomeSamplingWanted
from tests.builders import (
    a_diagnostic_test,
    a_household,
    a_quarantine,
    a_vaccination,
    synthetic_resident,
)
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.sites.test_sites import FIRST, made

GROUP = "t.01.01.01"


def _days() -> dict[str, str]:
    return {"from_on": str(clock.today()), "to_on": str(clock.today() + timedelta(days=1))}


async def _campaign(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    said = {"grid_id": str(grid_id("t.01.01")), "name": "第一轮全员核酸", "kind": "sampling"}
    return await made(client, "/v1/sampling-campaigns", **said | _days() | told)


async def test_who_has_not_come_follows_from_the_tests(town: Town, lin: httpx.AsyncClient):
    people = [synthetic_resident(relation=each) for each in ("head", "spouse", "parent")]
    people[2]["mobility_limited"] = True
    home = await a_household(lin, grid=grid_id(GROUP), residents=people)
    first, second, third = (each["id"] for each in home["residents"])
    campaign = await _campaign(lin)
    address = f"/v1/sampling-campaigns/{campaign['id']}"
    before = (await lin.get(f"{address}/coverage")).json()
    await a_diagnostic_test(lin, first)
    after = (await lin.get(f"{address}/coverage")).json()
    assert after["whole"]["done"] == before["whole"]["done"] + 1
    assert after["whole"]["expected"] == before["whole"]["expected"]
    below = {each["grid_id"]: each for each in after["items"]}
    assert below[str(grid_id(GROUP))]["done"] == before["items"][0]["done"] + 1
    missing = (await lin.get(f"{address}/not-sampled?limit=500")).json()["items"]
    assert {second, third} <= {each["resident_id"] for each in missing}
    assert first not in {each["resident_id"] for each in missing}
    proposed = (await lin.get(f"{address}/home-sampling-proposals?limit=500")).json()["items"]
    assert {third} == {each["resident_id"] for each in proposed} & {second, third}


async def test_who_came_and_left_before_it_was_over_came_all_the_same(lin: httpx.AsyncClient):
    home = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    other = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    came, did_not = (each["residents"][0]["id"] for each in (home, other))
    address = f"/v1/sampling-campaigns/{(await _campaign(lin))['id']}"
    await a_diagnostic_test(lin, came)
    before = (await lin.get(f"{address}/coverage")).json()["whole"]
    for person in (came, did_not):
        path, today = f"/v1/residents/{person}/leave", {"left_on": str(clock.today())}
        assert (await lin.post(path, json=today, headers=FIRST)).status_code == 200
    after = (await lin.get(f"{address}/coverage")).json()["whole"]
    assert (after["expected"], after["done"]) == (before["expected"] - 1, before["done"])
    missing = (await lin.get(f"{address}/not-sampled?limit=500")).json()["items"]
    assert not {came, did_not} & {each["resident_id"] for each in missing}


async def test_who_is_in_hospital_or_at_a_site_is_sampled_there(lin: httpx.AsyncClient):
    at_home, ill = [await a_quarantine(lin) for _ in range(2)]
    told = {"hospital": "县人民医院", "reason": "发热"}
    path = f"/v1/quarantines/{ill['id']}/hospital-referrals"
    await made(lin, path, **told)
    site = {"place_kind": "site", "category": "centralized_quarantine"}
    person = (await a_household(lin, grid=grid_id(GROUP)))["residents"][0]["id"]
    away = await a_quarantine(lin, resident=person, **site)
    address = f"/v1/sampling-campaigns/{(await _campaign(lin))['id']}"
    listed = (await lin.get(f"{address}/home-sampling-proposals?limit=500")).json()["items"]
    proposed = {each["resident_id"] for each in listed}
    assert at_home["resident_id"] in proposed
    assert not {ill["resident_id"], away["resident_id"]} & proposed


async def test_pages_of_who_is_missing_meet(lin: httpx.AsyncClient):
    people = [synthetic_resident(relation=each) for each in ("head", "spouse", "child", "parent")]
    await a_household(lin, grid=grid_id(GROUP), residents=people)
    address = f"/v1/sampling-campaigns/{(await _campaign(lin))['id']}/not-sampled"
    whole = (await lin.get(f"{address}?limit=500")).json()["items"]
    parts: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await lin.get(address, params=query)).json()
        parts += page["items"]
        cursor = page["next_cursor"]
    assert parts == whole


async def test_of_the_townships_campaign_everybody_sees_their_own_grid(
    town: Town, lin: httpx.AsyncClient
):
    campaign = await _campaign(await town.as_("zhou"), grid_id=str(grid_id("t")))
    home = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    person = home["residents"][0]["id"]
    address = f"/v1/sampling-campaigns/{campaign['id']}"
    for name, theirs in (("ming", True), ("mei", False), ("lin", True), ("han", False)):
        client = await town.as_(name)
        told = (await client.get(f"{address}/not-sampled?limit=500")).json()["items"]
        assert (person in {each["resident_id"] for each in told}) is theirs, name
    ming = await town.as_("ming")
    elsewhere = await ming.get(f"{address}/coverage?grid_id={grid_id('t.01.02')}")
    assert_problem(elsewhere, NotFound)


async def test_the_next_village_does_not_find_a_villages_campaign(
    town: Town, lin: httpx.AsyncClient
):
    own = await _campaign(lin)
    wei = await town.as_("wei")
    assert_problem(await wei.get(f"/v1/sampling-campaigns/{own['id']}"), NotFound)


async def test_a_sampling_at_home_is_asked_for_given_and_done_by_the_test(
    town: Town, lin: httpx.AsyncClient
):
    home = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    person = home["residents"][0]["id"]
    said = {"resident_id": person, "reason": "mobility", "wanted_on": str(clock.today())}
    asked = await made(lin, "/v1/home-samplings", **said)
    twice = await lin.post("/v1/home-samplings", json={"id": str(new_id()), **said})
    assert_problem(twice, HomeSamplingWanted)
    address = f"/v1/home-samplings/{asked['id']}"
    stranger = await lin.post(f"{address}/assign", json={"worker_id": str(new_id())}, headers=FIRST)
    assert_problem(stranger, NotAColleague)
    for name in ("han", "mei"):  # of the next village, of the next group
        far = {"worker_id": str(id_of(name))}
        refused = await lin.post(f"{address}/assign", json=far, headers=FIRST)
        assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/worker_id"
    given = await lin.post(
        f"{address}/assign", json={"worker_id": str(id_of("ming"))}, headers=FIRST
    )
    assert given.json()["assigned_to"] == str(id_of("ming"))
    mine = (await lin.get(f"/v1/home-samplings?assigned_to={id_of('ming')}")).json()["items"]
    assert asked["id"] in {each["id"] for each in mine}
    test = await a_diagnostic_test(await town.as_("ming"), person)
    told = (await lin.get(address)).json()
    assert told["test_id"] == test["id"]
    late = await lin.post(f"{address}/cancel", json={"reason": "x"}, headers={"If-Match": '"2"'})
    assert_problem(late, HomeSamplingOver)


async def test_a_bad_sample_or_an_antigen_kit_leaves_somebody_to_be_sampled(
    town: Town, lin: httpx.AsyncClient
):
    people = [synthetic_resident() for _ in range(2)]
    home = await a_household(lin, grid=grid_id(GROUP), residents=people)
    bad, kit = (each["id"] for each in home["residents"])
    campaign = await _campaign(lin)
    at_home = {"resident_id": bad, "reason": "mobility", "wanted_on": str(clock.today())}
    asked = await made(lin, "/v1/home-samplings", **at_home)
    ming = await town.as_("ming")
    first = await a_diagnostic_test(ming, bad, outcome="invalid")
    await a_diagnostic_test(ming, kit, kind="antigen", outcome="negative")
    path = f"/v1/sampling-campaigns/{campaign['id']}/not-sampled"
    left = (await lin.get(path, params={"grid_id": str(grid_id(GROUP)), "limit": 500})).json()
    assert {bad, kit} <= {each["resident_id"] for each in left["items"]}
    assert (await lin.get(f"/v1/home-samplings/{asked['id']}")).json()["test_id"] is None
    again = await a_diagnostic_test(ming, bad)
    assert again["id"] != first["id"]
    told = (await lin.get(f"/v1/home-samplings/{asked['id']}")).json()
    assert told["test_id"] == again["id"]


async def test_whoever_goes_hears_of_it_and_whoever_need_not_any_more(
    town: Town, lin: httpx.AsyncClient
):
    home = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    said = {"resident_id": home["residents"][0]["id"], "reason": "age"}
    asked = await made(lin, "/v1/home-samplings", **said, wanted_on=str(clock.today()))
    address = f"/v1/home-samplings/{asked['id']}"
    ming, shan = [await town.as_(name) for name in ("ming", "shan")]
    marks = [(await each.get("/v1/events/poll")).json()["next"] for each in (ming, shan)]
    for version, name in enumerate(("ming", "shan"), start=1):
        given = {"worker_id": str(id_of(name))}
        headers = {"If-Match": f'"{version}"'}
        answer = await lin.post(f"{address}/assign", json=given, headers=headers)
        assert answer.status_code == 200, answer.text
    off, headers = {"reason": "自己来点了"}, {"If-Match": '"3"'}
    assert (await lin.post(f"{address}/cancel", json=off, headers=headers)).status_code == 200
    for client, mark in zip((ming, shan), marks, strict=True):
        told = (await client.get("/v1/events/poll", params={"after": mark})).json()["items"]
        heard = [each for each in told if each["subject_id"] == asked["id"]]
        assert len(heard) >= 2, heard


async def test_a_sampling_at_home_lies_within_its_campaign(town: Town, lin: httpx.AsyncClient):
    home = await a_household(lin, grid=grid_id(GROUP), residents=[synthetic_resident()])
    campaign = await _campaign(lin)
    said = {"id": str(new_id()), "resident_id": home["residents"][0]["id"], "reason": "mobility"}
    said |= {"campaign_id": campaign["id"], "wanted_on": str(clock.today() + timedelta(days=2))}
    refused = await lin.post("/v1/home-samplings", json=said)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/wanted_on"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"to_on": "2020-01-01"}, "/body/to_on"),
        ({"target": {"dose_number": 2}}, "/body/target/dose_number"),
        ({"target": {"min_age": -1}}, "/body/target/min_age"),
        ({"kind": "party"}, "/body/kind"),
    ],
)
async def test_a_campaign_that_cannot_be_is_refused(
    lin: httpx.AsyncClient, wrong: dict[str, Any], pointer: str
):
    said = {"id": str(new_id()), "grid_id": str(grid_id("t.01.01")), "name": "一轮"}
    said |= {"kind": "sampling", **_days()}
    answer = await lin.post("/v1/sampling-campaigns", json=said | wrong)
    assert assert_problem(answer, InvalidInput)["errors"][0]["pointer"] == pointer


async def test_what_a_campaign_came_to_does_not_shrink_as_people_leave(lin: httpx.AsyncClient):
    long_ago = (clock.now() - timedelta(days=9)).isoformat()
    people = [synthetic_resident(relation=each) for each in ("head", "spouse")]
    home = await a_household(lin, grid=grid_id(GROUP), residents=people, recorded_at=long_ago)
    sampled, missed = (each["id"] for each in home["residents"])
    over = [str(clock.today() - timedelta(days=ago)) for ago in (3, 1)]
    campaign = await _campaign(lin, from_on=over[0], to_on=over[1])
    address = f"/v1/sampling-campaigns/{campaign['id']}/coverage"
    then = (clock.now() - timedelta(days=2)).isoformat()
    await a_diagnostic_test(lin, sampled, sampled_at=then)
    before = (await lin.get(address)).json()
    for resident in (sampled, missed):
        left = await lin.post(f"/v1/residents/{resident}/leave", json={"left_on": over[1]})
        assert left.status_code == 200, left.text
    during = (await lin.get(address)).json()["whole"]
    for name, lost in (("expected", 1), ("done", 0), ("not_yet", 1)):
        assert during[name] == before["whole"][name] - lost
    for resident in (sampled, missed):
        now = (await lin.get(f"/v1/residents/{resident}")).json()
        headers = {"If-Match": f'"{now["version"]}"'}
        later = {"left_on": str(clock.today())}
        put = await lin.patch(f"/v1/residents/{resident}", json=later, headers=headers)
        assert put.status_code == 200, put.text
    assert (await lin.get(address)).json() == before


async def test_nobody_is_both_older_and_younger(lin: httpx.AsyncClient):
    said = {"grid_id": str(grid_id("t.01.01")), "name": "老年人核酸", "kind": "sampling"}
    body = {"id": str(new_id()), **said, **_days(), "target": {"min_age": 60, "max_age": 10}}
    told = assert_problem(await lin.post("/v1/sampling-campaigns", json=body), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/target/max_age"


async def test_who_must_not_be_vaccinated_is_not_expected_and_counted_apart(lin: httpx.AsyncClient):
    home = await a_household(
        lin, grid=grid_id(GROUP), residents=[synthetic_resident() for _ in range(4)]
    )
    well, never, once, since = (each["id"] for each in home["residents"])
    not_any = {"outcome": "contraindicated", "dose_number": None, "technology": None}
    address = f"/v1/sampling-campaigns/{(await _campaign(lin, kind='vaccination'))['id']}"
    swabs = f"/v1/sampling-campaigns/{(await _campaign(lin))['id']}/coverage"
    query = {"grid_id": str(grid_id(GROUP))}

    async def numbers() -> dict[str, int]:
        return (await lin.get(f"{address}/coverage", params=query)).json()["whole"]

    before, sampled = await numbers(), (await lin.get(swabs)).json()
    assert before["exempt"] == 0
    told = [await a_vaccination(lin, each, **not_any) for each in (never, once, since)]
    assert await numbers() == before | {
        "expected": before["expected"] - 3,
        "not_yet": before["not_yet"] - 3,
        "exempt": 3,
    }
    await a_vaccination(lin, once, given_on="2021-09-01")  # it was for a time: expected again
    await a_vaccination(lin, since, given_on=str(clock.today()))
    assert await numbers() == before | {
        "expected": before["expected"] - 1,
        "done": before["done"] + 1,
        "not_yet": before["not_yet"] - 2,
        "exempt": 1,
    }
    listed = (await lin.get(f"{address}/not-sampled", params=query | {"limit": "500"})).json()
    people = {each["resident_id"] for each in listed["items"]}
    assert {well, once} <= people
    assert not {never, since} & people
    wrong = {"reason": "登错了人"}
    path = f"/v1/vaccinations/{told[0]['id']}/discard"
    assert (await lin.post(path, json=wrong, headers=FIRST)).status_code == 200
    assert (await numbers())["exempt"] == 0
    assert (await lin.get(swabs)).json() == sampled
