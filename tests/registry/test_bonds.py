"""1+1+1: who stands for a household, what is lacking, and what becomes of it at a handover."""

import asyncio
from typing import Any

from api.foundation.problems import InvalidInput, NotFound, NotSignedIn
from api.foundation.records import new_id
from api.registry.problems import (
    HouseholdLeft,
    NotOfThisGrid,
    NotOfThisHousehold,
    NotPartyMember,
    StillStandsForHouseholds,
)
from tests.builders import a_household
from tests.cast import Town, assert_problem, grid_id, id_of

HOME = "t.01.01.01"


def _bond(household: dict[str, Any], kind: str) -> str:
    return f"/v1/households/{household['id']}/bonds/{kind}"


def _worker(name: str) -> dict[str, str]:
    return {"worker_id": str(id_of(name))}


async def test_nobody_and_the_neighbour_assign_nothing(town: Town):
    home = await a_household(await town.as_("ming"), grid=HOME)
    url = _bond(home, "grid_worker")
    assert_problem(await town.nobody().put(url, json=_worker("ming")), NotSignedIn)
    mei = await town.as_("mei")
    assert_problem(await mei.put(url, json=_worker("mei")), NotFound)
    assert_problem(await mei.delete(url), NotFound)


async def test_a_bond_is_replaced_and_who_stood_before_stays_on_record(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid=HOME, grid_worker_id=str(id_of("ming")))
    url = _bond(home, "grid_worker")
    first = await lin.put(url, json=_worker("shan"))
    assert first.status_code == 200, first.text
    assert (first.json()["name"], first.json()["ended_at"]) == ("单干部", None)
    assert (await lin.put(url, json=_worker("shan"))).json() == first.json()
    assert (await lin.delete(url)).status_code == 204
    assert_problem(await lin.delete(url), NotFound)
    history = (await lin.get(f"/v1/households/{home['id']}/bonds")).json()["items"]
    assert [(bond["name"], bond["ended_reason"]) for bond in history] == [
        ("单干部", "解除"),
        ("小明", "更换"),
    ]
    assert (await lin.get(f"/v1/households/{home['id']}")).json()["bonds"] == []


async def test_who_does_not_fit_is_refused_with_a_pointer(town: Town):
    lin = await town.as_("lin")
    home, other = await a_household(lin, grid=HOME), await a_household(lin, grid=HOME)
    stranger = {"resident_id": other["residents"][0]["id"]}
    for kind, person, problem, field in (
        ("party_member", _worker("ba"), NotPartyMember, "worker_id"),
        ("grid_worker", _worker("mei"), NotOfThisGrid, "worker_id"),
        ("grid_worker", _worker("han"), NotFound, "worker_id"),
        ("grid_worker", stranger, InvalidInput, "worker_id"),
        ("party_member", _worker("pang") | stranger, InvalidInput, "resident_id"),
        ("representative", stranger, NotOfThisHousehold, "resident_id"),
    ):
        refused = assert_problem(await lin.put(_bond(home, kind), json=person), problem)
        assert refused["errors"][0]["pointer"] == f"/body/{field}"


async def test_two_who_assign_at_once_leave_one_open_bond(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid=HOME)
    url = _bond(home, "grid_worker")
    answers = await asyncio.gather(
        *(lin.put(url, json=_worker(n)) for n in ("ming", "shan", "lin"))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len((await lin.get(f"/v1/households/{home['id']}")).json()["bonds"]) == 1


async def test_many_households_are_given_to_one_worker(town: Town):
    lin = await town.as_("lin")
    homes = [await a_household(lin, grid=HOME) for _ in range(3)]
    next_door = await a_household(lin, grid="t.01.01.02")
    gone = await a_household(lin, grid=HOME)
    await lin.post(f"/v1/households/{gone['id']}/leave", json={"left_on": "2022-02-20"})
    await lin.put(_bond(homes[0], "grid_worker"), json=_worker("ming"))
    await lin.put(_bond(homes[1], "grid_worker"), json=_worker("shan"))
    ids = [each["id"] for each in (*homes, next_door, gone)] + [str(new_id()), homes[2]["id"]]
    body = {"kind": "grid_worker", "household_ids": ids} | _worker("ming")
    answer = (await lin.post("/v1/bonds/batch", json=body)).json()
    assert [each["id"] for each in answer["items"]] == ids
    assert [each["outcome"] for each in answer["items"]] == [
        "unchanged",
        "created",
        "created",
        "refused",
        "refused",
        "refused",
        "unchanged",
    ]
    assert [each["problem"]["type"] for each in answer["items"][3:6]] == [
        f"/problems/{kind.slug()}" for kind in (NotOfThisGrid, HouseholdLeft, NotFound)
    ]
    listed = await lin.get("/v1/households", params=_worker("ming") | {"limit": 500})
    assert {home["id"] for home in homes} <= {each["id"] for each in listed.json()["items"]}


async def test_a_worker_who_can_stand_for_none_refuses_the_whole_batch(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    for kind, name, problem in (
        ("grid_worker", "mei", NotFound),
        ("party_member", "ba", NotPartyMember),
    ):
        body = {"kind": kind, "household_ids": [home["id"]]} | _worker(name)
        refused = assert_problem(await ming.post("/v1/bonds/batch", json=body), problem)
        assert refused["errors"][0]["pointer"] == "/body/worker_id"


async def test_coverage_counts_each_grid_with_all_below_and_the_list_names_them(town: Town):
    wei = await town.as_("wei")
    grid = "t.01.02.01"
    han, qin = str(id_of("han")), str(id_of("qin"))
    whole = await a_household(wei, grid=grid, party_member_id=qin, grid_worker_id=han)
    await wei.put(_bond(whole, "representative"), json={"resident_id": whole["residents"][0]["id"]})
    partly = await a_household(wei, grid=grid, grid_worker_id=han)
    bare = await a_household(wei, grid="t.01.02")
    left = await a_household(wei, grid=grid)
    await wei.post(f"/v1/households/{left['id']}/leave", json={"left_on": "2022-02-20"})
    rows = (await wei.get("/v1/coverage")).json()["grids"]
    assert [row["grid_name"] for row in rows] == ["榕村", "榕村一组"]
    counts = [
        tuple(row[name] for name in ("households", "complete", "lacking", "with_grid_worker"))
        for row in rows
    ]
    assert counts == [(3, 1, 2, 2), (2, 1, 1, 2)]
    only = (await wei.get("/v1/coverage", params={"grid_id": str(grid_id(grid))})).json()
    assert only["grids"] == rows[1:]
    lacking = await wei.get("/v1/households", params={"lacking": "party_member"})
    assert [each["id"] for each in lacking.json()["items"]] == [partly["id"], bare["id"]]
    below = await town.as_("han")
    assert [row["households"] for row in (await below.get("/v1/coverage")).json()["grids"]] == [2]
    above = {"grid_id": str(grid_id("t.01.01"))}
    assert_problem(await below.get("/v1/coverage", params=above), NotFound)
    assert_problem(await below.get("/v1/households", params=above), NotFound)


async def test_open_bonds_pass_to_the_successor_of_a_post(town: Town):
    lin = await town.as_("lin")
    home = await a_household(
        lin, grid=HOME, grid_worker_id=str(id_of("ming")), party_member_id=str(id_of("pang"))
    )
    post = f"/v1/posts/{id_of('post ming')}"
    kept = await lin.post(f"{post}/end", json={"reason": "调离本网格"})
    assert kept.status_code == 409, kept.text
    assert kept.json()["duties"]["bonds"] >= 1
    body = {
        "successor_worker_id": str(id_of("ba")),
        "new_post_id": str(new_id()),
        "reason": "调离本网格",
    }
    answer = await lin.post(f"{post}/hand-over", json=body)
    assert answer.is_success, answer.text
    assert answer.json()["passed_on"]["bonds"] >= 1
    bonds = (await lin.get(f"/v1/households/{home['id']}")).json()["bonds"]
    assert {bond["kind"]: bond["name"] for bond in bonds} == {
        "grid_worker": "巴志愿",
        "party_member": "庞党员",
    }
    history = (await lin.get(f"/v1/households/{home['id']}/bonds")).json()["items"]
    assert [each["ended_reason"] for each in history if each["name"] == "小明"] == ["调离本网格"]


async def test_who_stands_for_a_household_as_its_party_member_stays_one(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.02", party_member_id=str(id_of("fan")))
    url = f"/v1/workers/{id_of('fan')}"
    version = {"If-Match": (await lin.get(url)).headers["ETag"]}
    left = {"is_party_member": False}
    refused = assert_problem(
        await lin.patch(url, json=left, headers=version), StillStandsForHouseholds
    )
    assert refused["households"] == 1
    await lin.delete(_bond(home, "party_member"))
    assert (await lin.patch(url, json=left, headers=version)).status_code == 200
