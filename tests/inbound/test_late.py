"""Samples told later than their results, as by a phone that had no signal all day."""

from typing import Any

import httpx
import pytest

from api.foundation import jobs
from tests.builders import a_sample_tube
from tests.cast import TOWNSHIP, Town
from tests.inbound.events import a_result, ago, fates, send
from tests.inbound.test_results import PATH, RESULTS, a_sample, causes_of, resident, samples_of
from tests.machines import a_machine


@pytest.fixture(scope="module")
async def machine(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, RESULTS)


async def join(town: Town) -> int | None:
    return await jobs.sweep(town.database, "inbound.join", TOWNSHIP)


async def outcomes_of(town: Town, person: dict[str, Any]) -> dict[str, str]:
    """Of the tests that count, by their ids."""
    kept = await samples_of(town, person)
    return {each["id"]: each["outcome"] for each in kept if each["discarded_at"] is None}


async def test_a_sample_told_late_gets_the_result_that_was_there_before_it(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    result = a_result(person, "positive", sampled_at=ago(hours=8), laboratory="市疾控中心")
    await send(machine, PATH, [result])
    assert await causes_of(town, person) == ["positive_test"]
    sample = await a_sample(town, person, sampled_at=ago(hours=9))
    other = await a_sample(town, person, sampled_at=ago(days=2))
    assert await join(town) == 1
    told = {sample["id"]: "positive", other["id"]: "pending"}
    assert await outcomes_of(town, person) == told
    gu = await town.as_("gu")
    kept = (await gu.get(f"/v1/tests/{sample['id']}")).json()
    assert (kept["laboratory"], kept["version"]) == ("市疾控中心", 2)
    assert await causes_of(town, person) == ["positive_test"]
    alerts = (await gu.get("/v1/alerts?limit=500")).json()["items"]
    [alert] = [each["id"] for each in alerts if each["resident_id"] == person["id"]]
    [shown] = (await gu.get(f"/v1/alerts/{alert}")).json()["evidence"]
    assert (shown["record_id"], shown["discarded_at"]) == (sample["id"], None)
    assert fates(await send(machine, PATH, [result])) == ["unchanged"]
    assert (await join(town), await outcomes_of(town, person)) == (0, told)


async def test_of_several_results_each_sample_gets_its_own(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    results = [
        a_result(person, "negative", sampled_at=ago(hours=20)),
        a_result(person, "invalid", sampled_at=ago(hours=10)),
    ]
    await send(machine, PATH, results)
    noon = await a_sample(town, person, sampled_at=ago(hours=11))
    morning = await a_sample(town, person, sampled_at=ago(hours=19))
    assert await join(town) == 2
    assert await outcomes_of(town, person) == {noon["id"]: "invalid", morning["id"]: "negative"}


async def test_a_tube_told_late_knows_its_results_by_its_code_and_a_positive_pool_names_nobody(
    town: Town, machine: httpx.AsyncClient
):
    people = [await resident(town) for _ in range(2)]
    told = {"sampled_at": ago(hours=4), "tube_code": "LATE-1"}
    await send(machine, PATH, [a_result(person, "positive", **told) for person in people])
    elsewhere = a_result(people[0], sampled_at=ago(hours=29), tube_code="LATE-2")
    await send(machine, PATH, [elsewhere])
    lin = await town.as_("lin")
    ids = [person["id"] for person in people]
    tube = await a_sample_tube(lin, ids, code="LATE-1", sampled_at=ago(hours=30))
    assert await join(town) == 2
    assert sorted((await outcomes_of(town, people[0])).values()) == ["inconclusive", "negative"]
    assert list((await outcomes_of(town, people[1])).values()) == ["inconclusive"]
    kept = (await lin.get(f"/v1/sample-tubes/{tube['id']}")).json()
    assert (kept["outcome"], kept["version"]) == ("positive", 2)
    alerts = (await lin.get("/v1/alerts?limit=500")).json()["items"]
    of_nobody = [each["id"] for each in alerts if each["resident_id"] is None]
    shown = [(await lin.get(f"/v1/alerts/{each}")).json() for each in of_nobody]
    assert any(tube["id"] in str(each["evidence"]) for each in shown)
