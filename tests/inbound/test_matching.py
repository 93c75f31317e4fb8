"""Events about people unknown here: held hashed, matched when they are registered, forgotten."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import time_machine
from sqlalchemy import text

from api.clients.problems import ClientNotValid
from api.foundation import clock, jobs
from api.foundation.database import Entry
from api.foundation.records import new_id
from tests.builders import a_household, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id
from tests.inbound.events import a_change, a_result, ago, fates, send
from tests.machines import a_machine, ask_token, client_body

CODES, RESULTS = "health_codes:write", "test_results:write"
CHANGES_PATH, RESULTS_PATH = "/v1/health-codes/changes", "/v1/test-results"


@pytest.fixture(scope="module")
async def machine(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, CODES, RESULTS)


async def match(town: Town, *, at: Any = None) -> int | None:
    return await jobs.sweep(town.database, "inbound.match", TOWNSHIP, at=at)


async def register(town: Town, *people: dict[str, Any], grid: str = "t.01.01.01") -> None:
    await a_household(await town.as_("gu"), grid=grid, residents=list(people))


async def read(town: Town, path: str, person: dict[str, Any]) -> list[dict[str, Any]]:
    gu = await town.as_("gu")
    return (await gu.get(f"/v1/{path}?resident_id={person['id']}")).json()["items"]


async def causes_of(town: Town, person: dict[str, Any]) -> list[str]:
    answer = await (await town.as_("gu")).get("/v1/alerts?limit=500")
    return [each["cause"] for each in answer.json()["items"] if person["id"] in str(each)]


async def held(town: Town) -> list[str]:
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        return list(await session.scalars(text("SELECT h::text FROM held_events h")))


async def test_what_is_held_names_nobody(town: Town, machine: httpx.AsyncClient):
    person = synthetic_resident(name="𠮷祥如意")
    told = a_change(person, phone=person["phone"], name=person["name"], reason="同车厢乘客")
    assert fates(await send(machine, CHANGES_PATH, [told])) == ["held"]
    rows = "".join(await held(town))
    for secret in (person["document"], person["phone"], person["name"], "同车厢乘客"):
        assert secret not in rows


async def test_registered_later_a_red_code_still_current_is_told_upward(
    town: Town, machine: httpx.AsyncClient
):
    person = synthetic_resident(relation="head")
    red = a_change(person, "red", changed_at=ago(hours=3), reason="时空伴随")
    await send(machine, CHANGES_PATH, [a_change(person, changed_at=ago(hours=6)), red])
    await register(town, person)
    assert await match(town) == 2
    states = {each["state"] for each in await read(town, "code-states", person)}
    assert states == {"red", "green"}
    assert await causes_of(town, person) == ["red_code"]
    assert await match(town) == 0
    assert fates(await send(machine, CHANGES_PATH, [red])) == ["unchanged"]


async def test_a_red_code_that_was_over_meanwhile_alarms_nobody(
    town: Town, machine: httpx.AsyncClient
):
    person = synthetic_resident(relation="head")
    await send(machine, CHANGES_PATH, [a_change(person, "red", changed_at=ago(hours=9))])
    await register(town, person)
    await send(machine, CHANGES_PATH, [a_change(person, changed_at=ago(hours=1))])
    assert await match(town) == 1
    assert await causes_of(town, person) == []


async def test_a_held_result_becomes_a_test_with_its_alert(town: Town, machine: httpx.AsyncClient):
    person = synthetic_resident(relation="head")
    result = a_result(person, "positive")
    assert fates(await send(machine, RESULTS_PATH, [result, result])) == ["held", "unchanged"]
    await register(town, person)
    assert await match(town) == 1
    (test,) = await read(town, "tests", person)
    assert (test["outcome"], test["laboratory"]) == ("positive", "县疾控中心")
    assert await causes_of(town, person) == ["positive_test"]
    assert fates(await send(machine, RESULTS_PATH, [result])) == ["unchanged"]


async def test_a_held_result_of_before_a_birth_is_somebody_elses(
    town: Town, machine: httpx.AsyncClient
):
    born = (clock.today() - timedelta(days=3)).isoformat()
    child = synthetic_resident(relation="head", document_kind=None, document=None, birth_date=born)
    told = {"document_kind": None, "document": None, "phone": child["phone"]}
    results = [a_result(child, sampled_at=ago(days=days), **told) for days in (4, 2)]
    assert fates(await send(machine, RESULTS_PATH, results)) == ["held", "held"]
    await register(town, child)
    assert await match(town) == 1
    assert len(await read(town, "tests", child)) == 1


async def test_somebody_registered_out_of_the_clients_reach_stays_unknown_to_it(town: Town):
    person = synthetic_resident(relation="head")
    async with await a_machine(town, CODES, grid="t.01.01") as village:
        await send(village, CHANGES_PATH, [a_change(person, "red")])
    await register(town, person, grid="t.01.02.01")
    assert await match(town) == 0
    assert await causes_of(town, person) == []


async def test_a_phone_alone_matches_by_the_name_that_was_told(
    town: Town, machine: httpx.AsyncClient
):
    mother = synthetic_resident(relation="head", name="覃美兰")
    child = synthetic_resident(relation="child", name="覃小凤", phone=mother["phone"])
    nameless = {"document": None, "document_kind": None, "phone": mother["phone"]}
    told = a_change(child, "yellow", **nameless, name="覃小凤")
    await send(machine, CHANGES_PATH, [told, a_change(child, "red", **nameless)])
    await register(town, mother, child)
    assert await match(town) == 1
    assert [each["state"] for each in await read(town, "code-states", child)] == ["yellow"]
    assert await read(town, "code-states", mother) == []


async def test_what_is_held_moves_with_the_grid_of_its_client(town: Town):
    gu, person = await town.as_("gu"), synthetic_resident(relation="head")
    new = {"id": str(new_id()), "parent_id": str(grid_id("t.01.01")), "name": "柳村五组"}
    await gu.post("/v1/grids", json=new | {"kind": "basic"})
    body = client_body(CODES) | {"grid_id": new["id"]}
    client = (await gu.post("/v1/machine-clients", json=body)).json()
    with time_machine.travel(clock.now() - timedelta(minutes=1), tick=False):
        token = (await ask_token(town, client)).json()["access_token"]
    async with town.client(token) as machine:
        await send(machine, CHANGES_PATH, [a_change(person, "yellow")])
        move = {"new_parent_id": str(grid_id("t.01.02")), "reason": "重新划分"}
        moved = await gu.post(f"/v1/grids/{new['id']}/move", json=move)
        assert moved.status_code == 200, moved.text
        again = await machine.post(CHANGES_PATH, json={"items": [a_change(person)]})
        assert_problem(again, ClientNotValid)
    await a_household(gu, grid=UUID(new["id"]), residents=[person])
    assert await match(town) == 1
    assert [each["state"] for each in await read(town, "code-states", person)] == ["yellow"]


async def test_what_nobody_is_found_for_is_forgotten_in_its_time(
    town: Town, machine: httpx.AsyncClient
):
    person = synthetic_resident(relation="head")
    await send(machine, CHANGES_PATH, [a_change(person, "red")])
    before = len(await held(town))
    late = clock.now() + timedelta(days=30, minutes=1)
    await register(town, person)
    assert await match(town, at=late) == 0
    assert await jobs.sweep(town.database, "inbound.forget", TOWNSHIP, at=late) == before
    assert await held(town) == []
    assert await read(town, "code-states", person) == []


async def test_somebody_who_left_and_came_back_is_matched(town: Town, machine: httpx.AsyncClient):
    person = synthetic_resident(relation="head")
    await register(town, person, synthetic_resident(relation="spouse"))
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        await session.execute(
            text("UPDATE residents SET left_on = :day WHERE id = CAST(:id AS uuid)"),
            {"day": clock.today(), "id": person["id"]},
        )
    assert fates(await send(machine, CHANGES_PATH, [a_change(person)])) == ["held"]
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        await session.execute(
            text("UPDATE residents SET left_on = NULL WHERE id = CAST(:id AS uuid)"),
            {"id": person["id"]},
        )
    assert await match(town) == 1
