"""A team is judged by the policy of the stage of the day, not by the one that it began with."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from api.quarantines.incomplete import sweep_incomplete
from api.quarantines.problems import SeatsNotPassedOn, TeamBreaksPolicy
from tests.builders import FOUR, a_household, by_plan_body, quarantine_body, team_of
from tests.cast import TOWNSHIP, Town, assert_problem, id_of

PAIR, TWO_OF_THE_PARTY = "two_each", "two_of_the_party"
_BASIS = {"legal_basis": "青竹乡防控指挥部〔2022〕9号", "effective_from": "2020-01-01"}


async def a_policy(client: httpx.AsyncClient, code: str, **told: Any) -> None:
    said = {"id": str(new_id()), "code": code, "name": "包保规则", **_BASIS, **told}
    kept = await client.post("/v1/care-team-policies", json=said)
    assert kept.status_code == 201, kept.text


async def a_protocol(client: httpx.AsyncClient, code: str, *policies: str | None) -> str:
    """Put in force a protocol of one stage of three days for each policy; answers its id."""
    document = deepcopy(EXAMPLE)
    first = {**document["plans"][0]["stages"][0], "duration_days": 3, "tests": []}
    first["anchor"] = "control_start"
    document["plans"][0]["stages"] = [
        {
            **first,
            "care_team_policy": policy,
            "anchor": "previous_stage_end" if place else "control_start",
            "category": "home_quarantine" if policy else "centralized_quarantine",
        }
        for place, policy in enumerate(policies)
    ]
    said = {
        "id": str(new_id()),
        "code": code,
        "name": "分段包保",
        "disease": code,
        "issuing_body": "青竹乡防控指挥部",
        "source": "测试",
        "document": document,
        **_BASIS,
    }
    drafted = await client.post("/v1/protocols", json=said)
    assert drafted.status_code == 201, drafted.text
    path = f"/v1/protocols/{said['id']}"
    active = await client.post(f"{path}/activate", headers={"If-Match": '"1"'})
    assert active.status_code == 200, active.text
    return said["id"]


@pytest.fixture(scope="module", autouse=True)
async def protocols(town: Town) -> dict[str, str]:
    zhou = await town.as_("zhou")
    await a_policy(zhou, PAIR, size=2, min_party_members=0, role_minima={})
    await a_policy(zhou, TWO_OF_THE_PARTY, size=4, min_party_members=2, role_minima={"cadre": 1})
    return {
        "more": await a_protocol(zhou, "pair_then_four", PAIR, "four_to_one"),
        "fewer": await a_protocol(zhou, "four_then_pair", "four_to_one", PAIR),
        "other": await a_protocol(zhou, "then_two", "four_to_one", TWO_OF_THE_PARTY),
        "later": await a_protocol(zhou, "site_then_pair", None, PAIR),
    }


async def begun(client: httpx.AsyncClient, protocol: str, *team: str) -> dict[str, Any]:
    person = (await a_household(client, grid="t.01.01.01"))["residents"][0]["id"]
    said = by_plan_body(resident=person, protocol_id=protocol, team=team_of(*team))
    kept = await client.post("/v1/quarantines/by-plan", json=said)
    assert kept.status_code == 201, kept.text
    return kept.json()


async def days_later(town: Town, traveller: time_machine.Traveller, days: int, *names: str):
    """The clients of these people, some days on."""
    traveller.move_to(clock.now() + timedelta(days=days), tick=False)
    return [town.client(await town.token_of(name)) for name in names]


async def ended(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> None:
    ending = {"end_reason": "moved_away", "note": "回原籍", "ended_on": str(clock.today())}
    answer = await client.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ending)
    assert answer.status_code == 200, answer.text


def members(*names: str) -> dict[str, Any]:
    return {"members": [{"worker_id": str(id_of(name))} for name in names]}


async def lacking(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[str]:
    """What its team lacks, where every sight of it says the same."""
    path = f"/v1/quarantines/{quarantine['id']}"
    team = (await client.get(f"{path}/team")).json()
    assert (await client.get(path)).json()["team_complete"] is team["complete"]
    told = {"grid_id": quarantine["grid_id"], "limit": 200}
    listed = await client.get("/v1/quarantines", params={**told, "team": "incomplete"})
    assert (quarantine["id"] in [each["id"] for each in listed.json()["items"]]) is not team[
        "complete"
    ]
    return [each["kind"] for each in team["missing"]]


async def test_a_stage_that_asks_for_more_leaves_its_team_lacking_from_its_first_day(
    town: Town, protocols: dict[str, str], time_machine: Any, addresses: Addresses
):
    lin = await town.as_("lin")
    kept = await begun(lin, protocols["more"], "pang", "ba")
    assert (kept["care_policy"], kept["team_complete"]) == (PAIR, True)
    assert await lacking(lin, kept) == []
    lin, ming = await days_later(town, time_machine, 3, "lin", "ming")
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["care_policy"] == "four_to_one"
    assert await lacking(lin, kept) == ["too_few"]
    gaps = (await lin.get("/v1/quarantines/team-gaps")).json()
    assert [grid["incomplete"] for grid in gaps["grids"]] == [1]
    day = (await ming.get("/v1/my-day")).json()
    people = {(duty["person"] or {}).get("id") for stop in day["stops"] for duty in stop["duties"]}
    assert kept["resident_id"] in people, "where no team is whole, the grid's worker serves"
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        at = clock.now() + timedelta(hours=2)
        assert await sweep_incomplete(connection, TOWNSHIP, at) == 1
        assert await sweep_incomplete(connection, TOWNSHIP, at) == 0
    owner = await asyncpg.connect(addresses.owner)
    told = f"SELECT quarantine_id::text FROM {cell_schema(TOWNSHIP)}.alerts WHERE cause = $1"
    assert [row[0] for row in await owner.fetch(told, "incomplete_team")] == [kept["id"]]
    await owner.close()
    path = f"/v1/quarantines/{kept['id']}/team"
    short = await lin.put(path, json=members("pang", "ba", "he"))
    assert_problem(short, TeamBreaksPolicy)
    whole = await lin.put(path, json=members(*FOUR))
    assert whole.json()["complete"], whole.text
    assert await lacking(lin, kept) == []
    await ended(lin, kept)
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["ended_on"] == str(clock.today())


async def test_a_stage_that_asks_for_fewer_puts_nobody_in_the_wrong(
    town: Town, protocols: dict[str, str], time_machine: Any
):
    lin = await town.as_("lin")
    kept = await begun(lin, protocols["fewer"], *FOUR)
    [lin] = await days_later(town, time_machine, 3, "lin")
    assert await lacking(lin, kept) == ["too_many"]
    path = f"/v1/quarantines/{kept['id']}/team"
    out, into = str(id_of("pang")), str(id_of("mei"))
    change = {"out_worker_id": out, "in_worker_id": into, "reason": "轮换"}
    assert (await lin.post(f"{path}/replace", json=change)).status_code == 200
    assert_problem(
        await lin.put(path, json=members("ming", "ba", "he", "mei", "fan")), TeamBreaksPolicy
    )
    assert (await lin.delete(f"{path}/{id_of('mei')}")).status_code == 200
    assert await lacking(lin, kept) == ["too_many"]
    assert (await lin.delete(f"{path}/{id_of('he')}")).status_code == 200
    assert await lacking(lin, kept) == []
    assert_problem(await lin.delete(f"{path}/{id_of('ming')}"), TeamBreaksPolicy)
    await ended(lin, kept)


async def test_seats_are_passed_on_by_what_the_stage_of_today_asks_for(
    town: Town, protocols: dict[str, str], time_machine: Any
):
    lin = await town.as_("lin")
    kept = await begun(lin, protocols["other"], *FOUR)
    [lin] = await days_later(town, time_machine, 3, "lin")
    assert await lacking(lin, kept) == ["party_members", "role"]
    path = f"/v1/quarantines/{kept['id']}/team"
    assert (await lin.put(path, json=members("ming", "pang", "shan", "he"))).json()["complete"]
    handing = {"successor_worker_id": str(id_of("mei")), "new_post_id": str(new_id())}
    post = f"/v1/posts/{id_of('post shan')}/hand-over"
    refused = await lin.post(post, json={**handing, "reason": "工作调动"})
    told = assert_problem(refused, SeatsNotPassedOn)
    assert [each["quarantine_id"] for each in told["quarantines"]] == [kept["id"]]
    await ended(lin, kept)


async def test_at_a_site_a_team_is_arranged_for_the_stage_to_come(
    town: Town, protocols: dict[str, str]
):
    lin = await town.as_("lin")
    kept = await begun(lin, protocols["later"])
    assert kept["care_policy"] == PAIR
    path = f"/v1/quarantines/{kept['id']}/team"
    assert (await lin.put(path, json=members("ming", "ba"))).json()["complete"]
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["team_complete"]
    await ended(lin, kept)


async def test_a_team_by_hand_is_judged_as_it_began(town: Town):
    lin = await town.as_("lin")
    person = (await a_household(lin, grid="t.01.01.01"))["residents"][0]["id"]
    body = quarantine_body(resident=person, team=("ming", "ba"), care_policy=PAIR)
    kept = await lin.post("/v1/quarantines", json=body)
    assert kept.json()["team_complete"], kept.text
    assert await lacking(lin, kept.json()) == []
    await ended(lin, kept.json())
