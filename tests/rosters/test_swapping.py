"""Two people on duty who change places: both at once or neither."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.foundation.problems import InvalidInput, NotFound, NotPermitted, VersionMismatch
from api.rosters.problems import AlreadyOnDuty, ShiftDiscarded
from tests.builders import a_checkpoint, a_shift
from tests.cast import Town, assert_problem, id_of
from tests.sites.test_sites import FIRST

Shift = dict[str, Any]


@pytest.fixture
async def bridge(lin: httpx.AsyncClient) -> dict[str, Any]:
    return await a_checkpoint(lin, grid="t.01.01")


@pytest.fixture
async def ford(lin: httpx.AsyncClient) -> dict[str, Any]:
    return await a_checkpoint(lin, grid="t.01.01", name="渡口卡点")


async def _swapped(client: httpx.AsyncClient, shift: Shift, other: Shift) -> httpx.Response:
    body = {"other_shift_id": other["id"], "other_version": other["version"]}
    headers = {"If-Match": f'"{shift["version"]}"'}
    path = f"/v1/duty-shifts/{shift['id']}/swap"
    return await client.post(path, json=body | {"reason": "两人商定换班"}, headers=headers)


async def _read(client: httpx.AsyncClient, shift: Shift) -> Shift:
    return (await client.get(f"/v1/duty-shifts/{shift['id']}")).json()


async def test_two_whose_hours_overlap_change_places_in_one_step(
    town: Town,
    lin: httpx.AsyncClient,
    bridge: dict[str, Any],
    ford: dict[str, Any],
    owner: asyncpg.Connection,
):
    first = await a_shift(lin, bridge, worker="ba", begins=700, role="查验")
    second = await a_shift(lin, ford, worker="fan", begins=702, note="带手电")
    one_by_one = {"worker_id": str(id_of("fan")), "reason": "换班"}
    path = f"/v1/duty-shifts/{first['id']}"
    assert_problem(await lin.patch(path, json=one_by_one, headers=FIRST), AlreadyOnDuty)
    marks = {
        name: (await (await town.as_(name)).get("/v1/events/poll")).json()["next"]
        for name in ("ba", "fan")
    }
    answer = await _swapped(lin, first, second)
    assert answer.status_code == 200, answer.text
    one, other = answer.json()["items"]
    assert (one["worker_name"], other["worker_name"]) == ("范党员", first["worker_name"])
    changed = {"worker_id", "worker_name", "version"}
    for before, now in ((first, one), (second, other)):
        assert {name for name in now if now[name] != before[name]} == changed
        assert now == await _read(lin, now)
    for name, mark in marks.items():
        client = await town.as_(name)
        told = (await client.get("/v1/events/poll", params={"after": mark})).json()["items"]
        assert {first["id"], second["id"]} <= {each["subject_id"] for each in told}
    for shift in (first, second):
        kept = (await lin.get(f"/v1/duty-shifts/{shift['id']}/history")).json()["items"]
        assert [(each["shift"], each["reason"]) for each in kept] == [(shift, "两人商定换班")]
        noted = "SELECT count(*) FROM audit_entries WHERE subject_id = $1 AND action = $2"
        assert await owner.fetchval(noted, UUID(shift["id"]), "shifts.swap") == 1


async def test_where_one_is_taken_elsewhere_neither_changes(
    lin: httpx.AsyncClient, bridge: dict[str, Any], ford: dict[str, Any]
):
    first = await a_shift(lin, bridge, worker="ba", begins=800, hours=4)
    second = await a_shift(lin, ford, worker="fan", begins=803, hours=4)
    await a_shift(lin, ford, worker="ba", begins=806, hours=4)
    problem = assert_problem(await _swapped(lin, first, second), AlreadyOnDuty)
    assert problem["errors"][0]["pointer"] == "/body/other_shift_id"
    assert {"starts_at", "ends_at"} <= problem.keys()
    assert [await _read(lin, each) for each in (first, second)] == [first, second]


async def test_what_cannot_be_swapped_is_refused_with_its_place(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    first = await a_shift(lin, bridge, worker="ba", begins=900)
    again = await a_shift(lin, bridge, worker="ba", begins=910)
    second = await a_shift(lin, bridge, worker="fan", begins=900)

    for other in (first, again):
        problem = assert_problem(await _swapped(lin, first, other), InvalidInput)
        assert problem["errors"][0]["pointer"] == "/body/other_shift_id"
    stale = second | {"version": 2}
    problem = assert_problem(await _swapped(lin, first, stale), VersionMismatch)
    assert problem["errors"][0]["pointer"] == "/body/other_version"
    assert_problem(await _swapped(lin, stale, first), VersionMismatch)
    assert_problem(await _swapped(await town.as_("ba"), first, second), NotPermitted)
    assert_problem(await _swapped(wei, first, second), NotFound)
    off = f"/v1/duty-shifts/{second['id']}/discard"
    gone = (await lin.post(off, json={"reason": "调班"}, headers=FIRST)).json()
    assert_problem(await _swapped(lin, first, gone), ShiftDiscarded)
    assert await _read(lin, first) == first


async def test_two_who_swap_the_same_at_once_swap_them_once(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any], ford: dict[str, Any]
):
    zhou = await town.as_("zhou")
    first = await a_shift(lin, bridge, worker="mei", begins=1000)
    second = await a_shift(lin, ford, worker="han", begins=1001)
    pairs = ((lin, first, second), (zhou, second, first)) * 3
    answers = await asyncio.gather(*(_swapped(*each) for each in pairs))
    assert sorted(each.status_code for each in answers) == [200] + [412] * 5
    assert (await _read(lin, first))["worker_id"] == second["worker_id"]
