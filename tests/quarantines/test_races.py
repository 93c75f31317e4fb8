"""Two who change a team at the same moment never leave it broken, nor anybody overloaded (M3.2)."""

import asyncio
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, quarantine_body
from tests.cast import Town, id_of

ROUNDS = 12


def _change(out: str, into: str) -> dict[str, str]:
    ids = {"out_worker_id": str(id_of(out)), "in_worker_id": str(id_of(into))}
    return {**ids, "reason": "轮换"}


async def _end(client: httpx.AsyncClient, quarantine: str) -> None:
    ending = {"end_reason": "moved_away", "note": "回原籍", "ended_on": str(clock.today())}
    ended = await client.post(f"/v1/quarantines/{quarantine}/terminate", json=ending)
    assert ended.status_code == 200, ended.text


async def _policy(town: Town, code: str, **rules: Any) -> str:
    policy = {
        "id": str(new_id()),
        "code": code,
        "name": "竞争条件",
        "legal_basis": "测试",
        "effective_from": "2022-02-10",
        **rules,
    }
    kept = await (await town.as_("zhou")).post("/v1/care-team-policies", json=policy)
    assert kept.status_code == 201, kept.text
    return code


async def test_two_party_members_replaced_at_the_same_moment_leave_one(town: Town):
    """Each change alone would be right: together they would leave a team without any."""
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_quarantine(lin, team=("ming", "pang", "fan", "he"))
    path = f"/v1/quarantines/{kept['id']}/team"
    for _ in range(ROUNDS):
        answers = await asyncio.gather(
            lin.post(f"{path}/replace", json=_change("pang", "ba")),
            zhou.post(f"{path}/replace", json=_change("fan", "mei")),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        [refused] = [answer.json() for answer in answers if answer.status_code == 409]
        assert refused["type"] == "/problems/team-breaks-policy"
        assert [each["kind"] for each in refused["missing"]] == ["party_members"]
        team = (await lin.get(path)).json()
        sitting = [seat for seat in team["seats"] if seat["ended_at"] is None]
        assert len(sitting) == 4
        assert sum(seat["is_party_member"] for seat in sitting) == 1
        back = {"members": [{"worker_id": str(id_of(n))} for n in ("ming", "pang", "fan", "he")]}
        assert (await lin.put(path, json=back)).status_code == 200
    await _end(lin, kept["id"])


async def test_two_whole_teams_arranged_at_the_same_moment_leave_one_whole_team(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/team"
    first = {"members": [{"worker_id": str(id_of(n))} for n in ("ming", "pang", "ba", "he")]}
    second = {"members": [{"worker_id": str(id_of(n))} for n in ("mei", "fan", "shan", "han")]}
    for _ in range(ROUNDS):
        answers = await asyncio.gather(lin.put(path, json=first), zhou.put(path, json=second))
        assert [answer.status_code for answer in answers] == [200, 200]
        team = (await lin.get(path)).json()
        sitting = {seat["worker_id"] for seat in team["seats"] if seat["ended_at"] is None}
        wanted = [{each["worker_id"] for each in said["members"]} for said in (first, second)]
        assert sitting in wanted
        assert team["complete"]
    await _end(lin, kept["id"])


async def test_the_last_place_under_the_cap_is_given_once(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    rules = {"size": 1, "min_party_members": 0, "max_persons_per_worker": 1}
    code = await _policy(town, "one_each", **rules)
    kept = [await a_quarantine(lin, care_policy=code) for _ in range(2)]
    paths = [f"/v1/quarantines/{each['id']}/team" for each in kept]
    shan = {"members": [{"worker_id": str(id_of("shan"))}]}
    for nth in range(ROUNDS):
        answers = await asyncio.gather(lin.put(paths[0], json=shan), zhou.put(paths[1], json=shan))
        assert sorted(answer.status_code for answer in answers) == [200, 409], nth
        [refused] = [answer.json() for answer in answers if answer.status_code == 409]
        assert refused["type"] == "/problems/worker-overloaded"
        teams = [(await lin.get(path)).json() for path in paths]
        assert sum(team["complete"] for team in teams) == 1
        [taken] = [path for path, team in zip(paths, teams, strict=True) if team["complete"]]
        away = {"members": [{"worker_id": str(id_of(("mei", "fan")[nth % 2]))}]}
        assert (await lin.put(taken, json=away)).status_code == 200
        await _end(lin, taken.split("/")[3])
        kept = await a_quarantine(lin, care_policy=code)
        paths = [f"/v1/quarantines/{kept['id']}/team", *(each for each in paths if each != taken)]


async def test_two_quarantines_begun_with_the_same_last_worker_leave_one(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    rules = {"size": 1, "min_party_members": 0, "max_persons_per_worker": 1}
    code = await _policy(town, "one_each_again", **rules)
    for _ in range(5):
        people = (await a_household(lin, grid="t.01.01.01"))["residents"]
        bodies = [
            quarantine_body(resident=person["id"], team=("wei",), care_policy=code)
            for person in people
        ]
        answers = await asyncio.gather(
            lin.post("/v1/quarantines", json=bodies[0]),
            zhou.post("/v1/quarantines/batch", json={"items": [bodies[1]]}),
        )
        begun = [answers[0].status_code == 201, answers[1].json()["created"] == 1]
        assert sum(begun) == 1
        await _end(lin, bodies[begun.index(True)]["id"])


async def test_teams_that_share_workers_change_in_any_order_without_locking_up(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = [await a_quarantine(lin) for _ in range(3)]
    names = ["ming", "pang", "ba", "he", "mei", "fan", "shan", "lin"]
    requests: list[Any] = []
    for nth in range(18):
        people = [names[(nth * 3 + step) % len(names)] for step in range(4)]
        people[0] = "pang" if not {"pang", "fan", "shan", "lin"} & set(people) else people[0]
        members = {"members": [{"worker_id": str(id_of(name))} for name in reversed(people)]}
        client = (lin, zhou)[nth % 2]
        requests.append(client.put(f"/v1/quarantines/{kept[nth % 3]['id']}/team", json=members))
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200}
    for each in kept:
        assert (await lin.get(f"/v1/quarantines/{each['id']}/team")).json()["complete"]
        await _end(lin, each["id"])
