"""How work is shared out: who bore how much, where it is uneven, and what would even it out."""

from typing import Any
from uuid import UUID

import httpx
import pytest
import time_machine

from api.alerts.closing import lose_ground
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.duties.workload_schemas import WorkKind
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import InvalidInput, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.protocols.problems import PolicyOutOfOrder
from tests.builders import a_household, a_quarantine, an_arrival, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.directives.conftest import issued
from tests.duties.scenery import done, only_stage
from tests.readings.conftest import DAY, at, reading_body, signed_in

HAN = "t.01.02.01"


def policy_body(**told: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "code": "workload",
        "name": "工作量折算",
        "legal_basis": "青竹乡防控指挥部〔2022〕5号",
        "effective_from": at(0, days=1).date().isoformat(),
        "weights": {kind.value: 1.0 for kind in WorkKind},
        "uneven_ratio": 1.5,
        **told,
    }


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


async def workload_of(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    answer = await client.get("/v1/workload", params=told)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _of(workload: dict[str, Any], name: str) -> dict[str, Any]:
    workers = [each for village in workload["villages"] for each in village["workers"]]
    return next(each for each in workers if each["worker_id"] == str(id_of(name)))


async def test_nobody_weighs_anything(town: Town):
    for path in ("/v1/workload", "/v1/workload-policies"):
        assert_problem(await town.nobody().get(path), NotSignedIn)
    assert_problem(await town.nobody().post("/v1/workload-policies", json={}), NotSignedIn)


async def test_a_village_does_not_make_the_weights(town: Town, wei: httpx.AsyncClient):
    answer = await wei.post("/v1/workload-policies", json=policy_body())
    assert_problem(answer, NotPermitted)


async def test_the_township_weighs_anew_from_a_day_on_and_says_so_once(town: Town):
    zhou = await signed_in(town, "zhou")
    body = policy_body(code="heavier")
    made = await zhou.post("/v1/workload-policies", json=body)
    assert (made.status_code, made.json()["revision"]) == (201, 1)
    assert (await zhou.post("/v1/workload-policies", json=body)).status_code == 200
    other = {**body, "uneven_ratio": 2.0}
    assert_problem(await zhou.post("/v1/workload-policies", json=other), RecordDiffers)
    early = policy_body(code="heavier", effective_from="2021-01-01")
    assert_problem(await zhou.post("/v1/workload-policies", json=early), PolicyOutOfOrder)
    lacking = policy_body(code="lighter", weights={"reading": 1.0})
    problem = assert_problem(await zhou.post("/v1/workload-policies", json=lacking), InvalidInput)
    assert "上门走访" in problem["errors"][0]["detail"]
    read = await zhou.get(made.headers["Location"])
    assert read.json()["weights"]["reading"] == 1.0
    listed = await zhou.get("/v1/workload-policies", params={"code": "workload"})
    assert [each["revision"] for each in listed.json()["items"]] == [1]


async def test_four_share_one_person_and_each_is_told_what_they_did_themselves(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    home = await a_household(wei, grid=HAN)
    team = ("he", "qin", "ba", "fan")
    person = await a_quarantine(wei, resident=home["residents"][0]["id"], team=team)
    await only_stage(owner, person)
    qin = await signed_in(town, "qin")
    await qin.post("/v1/readings", json=reading_body(person))
    morning.move_to(at(22))
    workload = await workload_of(await signed_in(town, "wei"))
    assert (workload["policy"], workload["until"]) == ("workload", DAY.isoformat())
    mine = _of(workload, "qin")
    names = ("expected", "done", "late", "missed", "performed", "persons", "load")
    assert tuple(mine[name] for name in names) == (2, 1, 0, 1, 1, 1, 0.5)
    assert _of(workload, "ba")["performed"] == 0
    assert _of(workload, "han")["load"] == 0


async def test_an_uneven_load_is_shown_and_the_suggested_body_is_taken_by_the_team_verb(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    await _somebody_idle(await signed_in(town, "gu"), grid_id(HAN))
    for _ in range(4):
        home = await a_household(wei, grid=HAN)
        team = ("qin", "pang", "shan", "lin")
        person = await a_quarantine(wei, resident=home["residents"][0]["id"], team=team)
        await only_stage(owner, person, visits_per_day=2, calls_per_day=1)
    morning.move_to(at(1, days=1))
    wei = await signed_in(town, "wei")
    workload = await workload_of(wei)
    assert _of(workload, "qin")["uneven"]
    way = workload["villages"][0]["suggestion"]
    before = max(each["load"] for each in workload["villages"][0]["workers"])
    assert max(way["out_load"], way["in_load"]) <= before
    taken = await wei.post(way["path"], json=way["body"])
    assert taken.status_code == 200, taken.text
    assert taken.json()["complete"]


async def test_who_came_from_above_and_did_something_here_is_told_by_name(
    town: Town, wei: httpx.AsyncClient
):
    home = await a_household(wei, grid=HAN, residents=[synthetic_resident()])
    arrival = await an_arrival(wei, home, expected_on=DAY.isoformat())
    zhou = await signed_in(town, "zhou")
    path = f"/v1/arrivals/{arrival['id']}"
    await done(zhou, f"{path}/arrive", {"arrived_at": at(8).isoformat()})
    await done(zhou, f"{path}/verify", {"resident_id": home["residents"][0]["id"]})
    assert _of(await workload_of(wei), "zhou")["name"] == "周书记"


async def test_who_may_not_arrange_teams_is_suggested_nothing(town: Town):
    workload = await workload_of(await signed_in(town, "han"))
    assert all(village["suggestion"] is None for village in workload["villages"])


async def test_many_villages_are_summed_up_and_each_asked_by_itself_tells_everybody(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Any
):
    for grid, team in (
        (HAN, ("he", "qin", "ba", "fan")),
        ("t.01.01.01", ("ming", "pang", "mei", "shan")),
    ):
        client = await signed_in(town, "zhou")
        for _ in range(2):
            await _somebody_idle(await signed_in(town, "gu"), grid_id(grid))
            home = await a_household(client, grid=grid)
            person = await a_quarantine(client, resident=home["residents"][0]["id"], team=team)
            await only_stage(owner, person, visits_per_day=5)
    morning.move_to(at(1, days=1))
    zhou = await signed_in(town, "zhou")
    asked = await zhou.get("/v1/workload")
    villages = {each["grid_name"]: each for each in asked.json()["villages"]}
    assert set(villages) == {"青竹乡", "柳村", "榕村"}
    own = villages.pop("青竹乡")
    assert {each["name"] for each in own["workers"]} >= {"李委员"}
    for name, summed in villages.items():
        assert summed["workers"] is None, name
        alone = await workload_of(zhou, grid_id=summed["grid_id"])
        [village] = alone["villages"]
        told = {**village, "workers": None}
        assert told == summed, name
        assert village["serving"] == len(village["workers"])
        assert village["uneven"] == sum(each["uneven"] for each in village["workers"])
        bare = village["load"] - sum(each["load"] for each in village["workers"])
        assert abs(bare) < 0.1, name
    assert any(each["suggestion"] for each in villages.values())
    line = max(len(httpx.Response(200, json=each).content) for each in villages.values())
    assert 27 * line < 60_000, "a township of 27 villages"


async def a_village(town: Town) -> UUID:
    """A village of its own; eight have nothing to do there, nor have three in the township."""
    gu, place = await signed_in(town, "gu"), new_id()
    body = {"id": str(place), "parent_id": str(grid_id("t.01")), "name": "新村"}
    body |= {"kind": "village", "code": "451422201277"}
    await done(gu, "/v1/grids", body)
    for where in [place] * 8 + [grid_id("t")] * 3:
        await _somebody_idle(gu, where)
    return place


async def _somebody_idle(gu: httpx.AsyncClient, where: UUID) -> None:
    worker = {"id": str(new_id()), "name": "闲人", "grid_id": str(where)}
    await done(gu, "/v1/workers", worker)
    held = {"id": str(new_id()), "worker_id": worker["id"], "grid_id": str(where)}
    await done(gu, "/v1/posts", held | {"role": "volunteer"})


async def test_too_little_to_matter_and_whoever_belongs_to_no_village_are_not_uneven(
    town: Town, owner: Database, morning: Any
):
    place, team = await a_village(town), ("he", "qin", "pang", "shan")
    zhou = await signed_in(town, "zhou")
    home = await a_household(zhou, grid=place)
    person = await a_quarantine(zhou, resident=home["residents"][0]["id"], team=team)
    await only_stage(owner, person)
    await issued(zhou, grid="t.01", roles=["grid_worker"], levels=[2])
    for days, policy, villages, township in (
        (1, {}, 0, False),
        (2, {"least_daily_load": 0.0}, 4, False),
        (3, {"least_daily_load": 0.1, "beyond_villages": True}, 4, True),
    ):
        morning.move_to(at(1, days=days))
        zhou = await signed_in(town, "zhou")
        if policy:
            from_now = {"effective_from": at(0, days=days).date().isoformat()}
            kept = await zhou.post("/v1/workload-policies", json=policy_body(**policy, **from_now))
            assert kept.status_code == 201, kept.text
        found = await zhou.get("/v1/workload", params={"from": DAY.isoformat()})
        told = {each["grid_name"]: each for each in found.json()["villages"]}
        assert (told["新村"]["uneven"], told["新村"]["compared"]) == (villages, True), policy
        own = told["青竹乡"]
        assert (bool(own["uneven"]), own["compared"]) == (township, township)


async def test_an_alert_that_closed_itself_in_time_was_nobodys_to_answer(
    town: Town, morning: time_machine.Traveller
):
    late = [_late_transfer() for _ in range(2)]
    before = await _asked_of(town, "wei")
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        await open_alerts(connection, late)
    morning.move_to(at(8, 20))
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        of = Cause.overdue_transfer, EvidenceKind.transfer, [late[0].record_id]
        await lose_ground(session, *of, why="转运已取消")
    morning.move_to(at(12))
    assert await _asked_of(town, "wei") == before + 1


def _late_transfer() -> Finding:
    return Finding(
        cause=Cause.overdue_transfer,
        subject_id=new_id(),
        grid_id=grid_id(HAN),
        reach=HAN,
        kind=EvidenceKind.transfer,
        record_id=new_id(),
        found_at=clock.now(),
    )


async def _asked_of(town: Town, name: str) -> int:
    [village] = (await workload_of(await signed_in(town, "wei")))["villages"]
    workers = {each["worker_id"]: each["expected"] for each in village["workers"]}
    return workers.get(str(id_of(name)), 0)
