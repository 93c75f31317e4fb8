"""四包一: a team is what its policy asks for, whole, or nothing changes (M3.2)."""

from typing import Any

import httpx

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn
from api.foundation.records import new_id
from api.protocols.policies import CareTeamRule, Seat
from api.quarantines.problems import (
    NotOnTheTeam,
    QuarantineEnded,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.quarantines.seating import Candidate, seated
from tests.builders import FOUR, a_household, a_quarantine, quarantine_body, team_of
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.quarantines.plans import rows


def _members(*names: str) -> dict[str, Any]:
    return {"members": [{"worker_id": str(id_of(name))} for name in names]}


def _change(out: str, into: str) -> dict[str, str]:
    ids = {"out_worker_id": str(id_of(out)), "in_worker_id": str(id_of(into))}
    return {**ids, "reason": "轮换"}


def _sitting(team: dict[str, Any]) -> set[str]:
    return {seat["name"] for seat in team["seats"] if seat["ended_at"] is None}


async def _end(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> None:
    """Free the seats of a quarantine, so that the cast can serve in the next test."""
    ending = {"end_reason": "moved_away", "note": "回原籍", "ended_on": str(clock.today())}
    ended = await client.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text


async def test_nobody_arranges_a_team(town: Town):
    path = f"/v1/quarantines/{new_id()}/team"
    assert_problem(await town.nobody().put(path, json=_members(*FOUR)), NotSignedIn)


async def test_a_neighbour_and_a_grid_worker_arrange_no_team_here(town: Town):
    kept = await a_quarantine(await town.as_("lin"))
    path = f"/v1/quarantines/{kept['id']}/team"
    wei, ming = await town.as_("wei"), await town.as_("ming")
    assert_problem(await wei.put(path, json=_members(*FOUR)), NotFound)
    assert_problem(await ming.put(path, json=_members(*FOUR)), NotPermitted)


async def test_a_missing_team_is_visible_at_once_to_every_level_above(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, grid="t.01.01.02")
    narrowed = {"grid_id": kept["grid_id"], "team": "incomplete"}
    for name in ("mei", "lin", "li", "zhou"):
        client = await town.as_(name)
        listed = await client.get("/v1/quarantines", params=narrowed)
        assert [item["id"] for item in listed.json()["items"]] == [kept["id"]]
        gaps = await client.get("/v1/quarantines/team-gaps", params={"grid_id": kept["grid_id"]})
        assert gaps.json()["incomplete"] == 1
        assert gaps.json()["grids"][0]["grid_name"] == "柳村二组"
    lacking = (await lin.get(f"/v1/quarantines/{kept['id']}/team")).json()
    assert not lacking["complete"]
    assert [(each["kind"], each["needed"], each["have"]) for each in lacking["missing"]] == [
        ("too_few", 4, 0),
        ("party_members", 1, 0),
    ]
    arranged = await lin.put(f"/v1/quarantines/{kept['id']}/team", json=_members(*FOUR))
    assert arranged.json()["complete"]
    assert arranged.json()["missing"] == []
    after = await lin.get("/v1/quarantines/team-gaps", params={"grid_id": kept["grid_id"]})
    assert after.json() == {"grids": [], "running": 1, "incomplete": 0}
    wei = await town.as_("wei")
    assert (await wei.get("/v1/quarantines/team-gaps")).json()["running"] == 0
    unseen = await wei.get("/v1/quarantines/team-gaps", params={"grid_id": kept["grid_id"]})
    assert_problem(unseen, NotFound)
    await _end(lin, kept)


async def test_a_team_that_breaks_the_policy_is_refused_naming_what_is_missing(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/team"
    for names, kinds in (
        (("ming", "pang", "ba"), ["too_few"]),
        (("ming", "mei", "ba", "he"), ["party_members"]),
        (("ming", "ba"), ["too_few", "party_members"]),
        (("ming", "ming", "pang", "ba"), ["same_person", "too_few"]),
        (("ming", "pang", "ba", "he", "mei"), ["too_many"]),
    ):
        refused = assert_problem(await lin.put(path, json=_members(*names)), TeamBreaksPolicy)
        assert [each["kind"] for each in refused["missing"]] == kinds
        assert all("人" in each["detail"] or "名" in each["detail"] for each in refused["missing"])
        assert refused["errors"][0]["pointer"] == "/body/members"
    assert (await lin.get(path)).json()["seats"] == []


async def test_a_quarantine_with_a_broken_team_does_not_begin_at_all(town: Town):
    lin = await town.as_("lin")
    household = await a_household(lin, grid="t.01.01.01")
    resident = household["residents"][0]["id"]
    body = quarantine_body(resident=resident, team=("ming", "mei", "ba", "he"))
    refused = assert_problem(await lin.post("/v1/quarantines", json=body), TeamBreaksPolicy)
    assert refused["errors"][0]["pointer"] == "/body/team"
    assert_problem(await lin.get(f"/v1/quarantines/{body['id']}"), NotFound)


async def test_whoever_stays_keeps_the_seat_and_history_tells_who_left_and_why(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    path = f"/v1/quarantines/{kept['id']}/team"
    changed = {**_members("ming", "pang", "mei", "he"), "reason": "巴志愿返校"}
    team = (await lin.put(path, json=changed)).json()
    before = {seat["worker_id"]: seat["id"] for seat in kept["team"]}
    now = {seat["worker_id"]: seat["id"] for seat in team["seats"] if seat["ended_at"] is None}
    assert {worker: now[worker] for worker in before if worker in now} == {
        worker: seat for worker, seat in before.items() if worker != str(id_of("ba"))
    }
    [left] = [seat for seat in team["seats"] if seat["ended_at"] is not None]
    assert (left["name"], left["ended_reason"]) == ("巴志愿", "巴志愿返校")
    assert left["ended_by"] == str(id_of("lin"))
    again = (await lin.put(path, json=changed)).json()
    assert again == team
    await _end(lin, kept)


async def test_one_is_replaced_by_another_and_a_retry_is_done_once(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    path = f"/v1/quarantines/{kept['id']}/team"
    replaced = await lin.post(f"{path}/replace", json=_change("ba", "mei"))
    assert _sitting(replaced.json()) == {"小明", "庞党员", "梅大姐", "何医生"}
    assert (await lin.post(f"{path}/replace", json=_change("ba", "mei"))).json() == replaced.json()
    stranger = await lin.post(f"{path}/replace", json=_change("qin", "fan"))
    assert_problem(stranger, NotOnTheTeam)
    unknown = {**_change("mei", "ba"), "in_worker_id": str(new_id())}
    refused = assert_problem(await lin.post(f"{path}/replace", json=unknown), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/in_worker_id"
    await _end(lin, kept)
    over = await lin.post(f"{path}/replace", json=_change("mei", "ba"))
    assert_problem(over, QuarantineEnded)


async def test_who_serves_and_who_no_longer_does_are_told_that_their_duties_changed(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    before = "SELECT coalesce(max(seq), 0) FROM events"
    [[seen]] = await rows(town, before)
    path = f"/v1/quarantines/{kept['id']}/team"
    for _ in range(2):
        assert (await lin.post(f"{path}/replace", json=_change("he", "mei"))).status_code == 200
    told = await rows(
        town,
        "SELECT kind, quarantine_id::text, worker_id::text FROM events "
        "WHERE subject_id = :id AND seq > :seen ORDER BY seq",
        id=kept["id"],
        seen=seen,
    )
    assert [tuple(each) for each in told] == [
        ("duties.changed", kept["id"], None),
        ("duties.changed", None, str(id_of("he"))),
    ]
    await _end(lin, kept)


async def test_the_last_change_that_would_break_the_team_is_refused(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    path = f"/v1/quarantines/{kept['id']}/team"
    last = await lin.post(f"{path}/replace", json=_change("pang", "mei"))
    refused = assert_problem(last, TeamBreaksPolicy)
    assert [(each["kind"], each["needed"], each["have"]) for each in refused["missing"]] == [
        ("party_members", 1, 0)
    ]
    twice = await lin.post(f"{path}/replace", json=_change("ba", "ming"))
    assert "same_person" in twice.text
    gone = assert_problem(await lin.delete(f"{path}/{id_of('pang')}"), TeamBreaksPolicy)
    assert [each["kind"] for each in gone["missing"]] == ["too_few", "party_members"]
    assert_problem(await lin.delete(f"{path}/{id_of('mei')}"), NotOnTheTeam)
    assert (await lin.get(path)).json()["complete"]
    await _end(lin, kept)


async def test_whoever_has_no_active_post_takes_no_seat(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    worker = {"id": str(new_id()), "name": "新同志", "grid_id": str(grid_id("t.01.01.01"))}
    registered = await lin.post("/v1/workers", json=worker)
    assert registered.status_code == 201, registered.text
    members = _members("ming", "pang", "ba")
    members["members"].append({"worker_id": worker["id"]})
    refused = await lin.put(f"/v1/quarantines/{kept['id']}/team", json=members)
    body = assert_problem(refused, WorkerWithoutPost)
    assert body["errors"][0]["pointer"] == "/body/members/3/worker_id"
    assert "新同志" in body["detail"]


async def test_nobody_serves_more_persons_than_the_policy_allows(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    policy = {
        "id": str(new_id()),
        "code": "two_each",
        "name": "一人最多包保两人",
        "legal_basis": "青竹乡防控指挥部〔2022〕5号",
        "effective_from": "2022-02-10",
        "size": 4,
        "min_party_members": 1,
        "max_persons_per_worker": 2,
    }
    assert (await zhou.post("/v1/care-team-policies", json=policy)).status_code == 201
    kept = [await a_quarantine(lin, team=FOUR, care_policy="two_each") for _ in range(2)]
    third = await a_quarantine(lin, care_policy="two_each")
    path = f"/v1/quarantines/{third['id']}/team"
    refused = assert_problem(
        await lin.put(path, json=_members("shan", "mei", "fan", "ming")), WorkerOverloaded
    )
    assert (refused["worker_name"], refused["persons"], refused["max_persons"]) == ("小明", 2, 2)
    assert refused["errors"][0]["pointer"] == "/body/members/3/worker_id"
    await _end(lin, kept[0])
    allowed = await lin.put(path, json=_members("shan", "mei", "fan", "ming"))
    assert allowed.json()["complete"]
    for each in (kept[1], third):
        await _end(lin, each)


async def test_a_batch_keeps_the_good_ones_and_tells_of_each_bad_one(town: Town):
    lin = await town.as_("lin")
    household = await a_household(lin, grid="t.01.01.01")
    person, other = (resident["id"] for resident in household["residents"])
    theirs = await a_household(await town.as_("han"), grid="t.01.02.01")
    good = quarantine_body(resident=person, team=FOUR)
    broken = quarantine_body(resident=other, team=("ming", "mei", "ba", "he"))
    unseen = quarantine_body(resident=theirs["residents"][0]["id"])
    unread = quarantine_body(resident=other) | {"reason": "boredom"}
    twice = quarantine_body(resident=person)
    also = quarantine_body(resident=other, team=FOUR)
    items = [good, broken, unseen, unread, twice, also, good]
    response = await lin.post("/v1/quarantines/batch", json={"items": items})
    outcome = response.json()
    assert (outcome["created"], outcome["unchanged"], outcome["refused"]) == (2, 1, 4)
    assert [
        (item["problem"] or {}).get("type", "").rpartition("/")[2] for item in outcome["items"]
    ] == [
        "",
        "team-breaks-policy",
        "not-found",
        "invalid-input",
        "already-in-quarantine",
        "",
        "",
    ]
    again = {"items": [{**good, "team": team_of(*FOUR)}, also]}
    resent = (await lin.post("/v1/quarantines/batch", json=again)).json()
    assert [item["outcome"] for item in resent["items"]] == ["refused", "unchanged"]
    assert resent["items"][0]["problem"]["fields"] == ["team"]
    for each in (good, also):
        read = (await lin.get(f"/v1/quarantines/{each['id']}")).json()
        assert read["team_complete"]
        assert read["whereabouts"]["kind"] == "at_home"
        await _end(lin, read)
    assert_problem(await lin.post("/v1/quarantines/batch", json={"items": []}), InvalidInput)


def test_everybody_serves_in_the_role_the_policy_needs_most():
    rule = CareTeamRule(
        id=new_id(),
        code="roles",
        revision=1,
        size=3,
        min_party_members=0,
        role_minima={Role.village_doctor: 1, Role.cadre: 1},
        max_persons_per_worker=None,
    )
    both = Candidate(new_id(), "甲", False, (Role.cadre, Role.village_doctor), 0)
    cadre = Candidate(new_id(), "乙", False, (Role.volunteer, Role.cadre), 0)
    volunteer = Candidate(new_id(), "丙", False, (Role.volunteer,), 0)
    taken = seated(rule, [], [both, cadre, volunteer], pointer="/body/members")
    assert [seat.role for seat in taken] == [Role.village_doctor, Role.cadre, Role.volunteer]
    doctor = Seat(new_id(), Role.village_doctor, is_party_member=False)
    joined = seated(rule, [doctor], [both, volunteer], pointer="/body/members")
    assert [seat.role for seat in joined] == [Role.cadre, Role.volunteer]
