"""Seats when a post ends or a worker leaves the party: all passed on, or none (M1.7, M3.2)."""

from typing import Any

import httpx

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotFound
from api.foundation.records import new_id
from api.grids.problems import OpenDuties
from api.quarantines.problems import PartyMemberNeeded, SeatsNotPassedOn
from tests.builders import a_quarantine
from tests.cast import Town, assert_problem, grid_id, id_of


async def _end(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> None:
    ending = {"end_reason": "moved_away", "note": "回原籍", "ended_on": str(clock.today())}
    ended = await client.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text


async def _a_worker(
    client: httpx.AsyncClient, *, path: str, role: Role, party: bool = False
) -> tuple[str, str]:
    """A new worker with one post at a grid; the ids of both."""
    worker = {
        "id": str(new_id()),
        "name": "新同志",
        "grid_id": str(grid_id(path)),
        "is_party_member": party,
    }
    registered = await client.post("/v1/workers", json=worker)
    assert registered.status_code == 201, registered.text
    post = {
        "id": str(new_id()),
        "worker_id": worker["id"],
        "grid_id": str(grid_id(path)),
        "role": role.value,
    }
    appointed = await client.post("/v1/posts", json=post)
    assert appointed.status_code == 201, appointed.text
    return worker["id"], post["id"]


async def _team(client: httpx.AsyncClient, quarantine: dict[str, Any], *ids: str) -> None:
    members = {"members": [{"worker_id": worker} for worker in ids]}
    arranged = await client.put(f"/v1/quarantines/{quarantine['id']}/team", json=members)
    assert arranged.status_code == 200, arranged.text


def _to(successor: str) -> dict[str, str]:
    return {
        "successor_worker_id": successor,
        "new_post_id": str(new_id()),
        "reason": "工作调动",
    }


async def test_a_post_with_seats_does_not_end_without_a_successor(town: Town):
    lin = await town.as_("lin")
    worker, post = await _a_worker(lin, path="t.01.01.01", role=Role.volunteer)
    kept = await a_quarantine(lin)
    await _team(lin, kept, worker, *(str(id_of(name)) for name in ("ming", "pang", "he")))
    refused = await lin.post(f"/v1/posts/{post}/end", json={"reason": "调离"})
    assert assert_problem(refused, OpenDuties)["duties"] == {"care_seats": 1}
    await _end(lin, kept)
    assert (await lin.post(f"/v1/posts/{post}/end", json={"reason": "调离"})).status_code == 200


async def test_seats_go_to_the_successor_also_those_in_grids_out_of_the_leaders_sight(town: Town):
    """Wei ends a post in 榕村 whose holder serves a person in 柳村, whom wei does not see."""
    lin, wei = await town.as_("lin"), await town.as_("wei")
    leaver, post = await _a_worker(wei, path="t.01.02.01", role=Role.volunteer)
    kept = await a_quarantine(lin)
    await _team(lin, kept, leaver, *(str(id_of(name)) for name in ("ming", "pang", "ba")))
    assert_problem(await wei.get(f"/v1/quarantines/{kept['id']}"), NotFound)
    passed = await wei.post(f"/v1/posts/{post}/hand-over", json=_to(str(id_of("han"))))
    assert passed.status_code == 200, passed.text
    assert passed.json()["passed_on"]["care_seats"] == 1
    team = (await lin.get(f"/v1/quarantines/{kept['id']}/team")).json()
    assert team["complete"]
    sitting = {seat["name"] for seat in team["seats"] if seat["ended_at"] is None}
    assert sitting == {"小明", "庞党员", "巴志愿", "韩网格"}
    [left] = [seat for seat in team["seats"] if seat["ended_at"] is not None]
    assert (left["worker_id"], left["ended_reason"]) == (leaver, "工作调动")
    han = await town.as_("han")
    assert (await han.get(f"/v1/quarantines/{kept['id']}")).status_code == 200
    await _end(lin, kept)


async def test_a_handover_that_would_break_a_team_is_refused_whole(town: Town):
    lin = await town.as_("lin")
    leaver, post = await _a_worker(lin, path="t.01.01.01", role=Role.party_member, party=True)
    fine, broken = await a_quarantine(lin), await a_quarantine(lin)
    await _team(lin, fine, leaver, *(str(id_of(name)) for name in ("ming", "pang", "he")))
    await _team(lin, broken, leaver, *(str(id_of(name)) for name in ("ming", "ba", "he")))
    refused = await lin.post(f"/v1/posts/{post}/hand-over", json=_to(str(id_of("mei"))))
    body = assert_problem(refused, SeatsNotPassedOn)
    [named] = body["quarantines"]
    assert named["quarantine_id"] == broken["id"]
    assert [each["kind"] for each in named["missing"]] == ["party_members"]
    for each in (fine, broken):
        team = (await lin.get(f"/v1/quarantines/{each['id']}/team")).json()
        sitting = {seat["worker_id"] for seat in team["seats"] if seat["ended_at"] is None}
        assert leaver in sitting
    passed = await lin.post(f"/v1/posts/{post}/hand-over", json=_to(str(id_of("fan"))))
    assert passed.json()["passed_on"]["care_seats"] == 2
    for each in (fine, broken):
        assert (await lin.get(f"/v1/quarantines/{each['id']}/team")).json()["complete"]
        await _end(lin, each)


async def test_a_successor_on_the_team_already_cannot_take_a_second_seat(town: Town):
    lin = await town.as_("lin")
    leaver, post = await _a_worker(lin, path="t.01.01.01", role=Role.volunteer)
    kept = await a_quarantine(lin)
    await _team(lin, kept, leaver, *(str(id_of(name)) for name in ("mei", "pang", "he")))
    refused = await lin.post(f"/v1/posts/{post}/hand-over", json=_to(str(id_of("mei"))))
    [named] = assert_problem(refused, SeatsNotPassedOn)["quarantines"]
    assert "same_person" in [each["kind"] for each in named["missing"]]
    await _end(lin, kept)


async def test_a_worker_whom_a_team_needs_as_party_member_stays_one(town: Town):
    lin = await town.as_("lin")
    worker, _ = await _a_worker(lin, path="t.01.01.01", role=Role.party_member, party=True)
    kept = await a_quarantine(lin)
    await _team(lin, kept, worker, *(str(id_of(name)) for name in ("ming", "ba", "he")))
    change = {"is_party_member": False, "reason": "更正"}
    current = {"If-Match": '"1"'}
    refused = await lin.patch(f"/v1/workers/{worker}", json=change, headers=current)
    [named] = assert_problem(refused, PartyMemberNeeded)["quarantines"]
    assert named["quarantine_id"] == kept["id"]
    await _team(lin, kept, worker, *(str(id_of(name)) for name in ("pang", "ba", "he")))
    changed = await lin.patch(f"/v1/workers/{worker}", json=change, headers=current)
    assert changed.status_code == 200, changed.text
    replaced = {
        "out_worker_id": str(id_of("pang")),
        "in_worker_id": str(id_of("ming")),
        "reason": "轮换",
    }
    last = await lin.post(f"/v1/quarantines/{kept['id']}/team/replace", json=replaced)
    assert "party_members" in last.text
    await _end(lin, kept)
