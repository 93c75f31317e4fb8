"""Test results sent by another system: to the sample that waits for them, else as a new test."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.clients.problems import ScopeMissing
from api.foundation import clock, jobs
from api.foundation.problems import NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, a_sample_tube, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.inbound.events import a_result, ago, fates, send
from tests.machines import a_machine

PATH = "/v1/test-results"
TESTS = "/v1/tests"
RESULTS = "test_results:write"


@pytest.fixture(scope="module")
async def machine(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with await a_machine(town, RESULTS) as machine:
        yield machine


async def resident(town: Town, *, grid: str = "t.01.01.01") -> dict[str, Any]:
    body = synthetic_resident(relation="head")
    await a_household(await town.as_("gu"), grid=grid, residents=[body])
    return body


async def a_sample(town: Town, person: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A sample that a grid worker took and whose result is awaited."""
    body = {
        "id": str(new_id()),
        "resident_id": person["id"],
        "kind": "nucleic_acid",
        "sampled_at": ago(hours=8),
        **told,
    }
    answer = await (await town.as_("ming")).post(TESTS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def samples_of(town: Town, person: dict[str, Any]) -> list[dict[str, Any]]:
    gu = await town.as_("gu")
    return (await gu.get(f"{TESTS}?resident_id={person['id']}")).json()["items"]


async def causes_of(town: Town, person: dict[str, Any]) -> list[str]:
    answer = await (await town.as_("gu")).get("/v1/alerts?limit=500")
    return [each["cause"] for each in answer.json()["items"] if person["id"] in str(each)]


async def test_nobody_no_worker_and_no_client_without_the_scope_sends_results(town: Town):
    body = {"items": [a_result(synthetic_resident())]}
    assert_problem(await town.nobody().post(PATH, json=body), NotSignedIn)
    assert_problem(await (await town.as_("gu")).post(PATH, json=body), NotSignedIn)
    async with await a_machine(town, "health_codes:write") as other:
        assert_problem(await other.post(PATH, json=body), ScopeMissing)


async def test_a_result_nobody_waited_for_is_a_test_of_its_own(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    gu = await town.as_("gu")
    quarantine = await a_quarantine(gu, resident=person["id"], started_on=yesterday)
    result = a_result(person)
    assert fates(await send(machine, PATH, [result])) == ["created"]
    assert fates(await send(machine, PATH, [result])) == ["unchanged"]
    (test,) = await samples_of(town, person)
    assert (test["outcome"], test["laboratory"]) == ("negative", "县疾控中心")
    assert (test["quarantine_id"], test["source"]) == (quarantine["id"], "device")


async def test_the_sample_that_waits_gets_its_result_as_a_new_version(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    sample = await a_sample(town, person)
    other_kind = await a_sample(town, person, kind="antigen")
    result = a_result(person, sampled_at=ago(hours=9))
    assert fates(await send(machine, PATH, [result, result])) == ["created", "unchanged"]
    tests = {each["id"]: each for each in await samples_of(town, person)}
    assert len(tests) == 2
    answered = tests[sample["id"]]
    assert (answered["outcome"], answered["version"]) == ("negative", 2)
    assert tests[other_kind["id"]]["outcome"] == "pending"
    gu = await town.as_("gu")
    (former,) = (await gu.get(f"{TESTS}/{sample['id']}/history")).json()["items"]
    assert (former["test"]["version"], former["test"]["outcome"]) == (1, "pending")


async def test_a_result_of_another_day_answers_no_sample(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    await a_sample(town, person)
    await send(machine, PATH, [a_result(person, sampled_at=ago(days=3))])
    assert sorted(each["outcome"] for each in await samples_of(town, person)) == [
        "negative",
        "pending",
    ]


async def test_two_results_of_one_person_answer_two_samples(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    morning = await a_sample(town, person, sampled_at=ago(hours=20))
    noon = await a_sample(town, person, sampled_at=ago(hours=10))
    late = a_result(person, "invalid", sampled_at=ago(hours=10, minutes=5))
    early = a_result(person, "negative", sampled_at=ago(hours=20, minutes=-5))
    await send(machine, PATH, [late, early])
    outcomes = {each["id"]: each["outcome"] for each in await samples_of(town, person)}
    assert outcomes == {morning["id"]: "negative", noon["id"]: "invalid"}


async def test_a_positive_result_reaches_the_village_at_once(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    await send(machine, PATH, [a_result(person, "positive")])
    assert await causes_of(town, person) == ["positive_test"]


async def test_a_positive_pool_calls_everybody_in_it_back_alone(
    town: Town, machine: httpx.AsyncClient
):
    people = [await resident(town) for _ in range(3)]
    ids = [person["id"] for person in people]
    tube = await a_sample_tube(await town.as_("lin"), ids, sampled_at=ago(hours=30))
    told = {"sampled_at": ago(hours=4), "tube_code": tube["code"]}
    results = [a_result(person, "positive", **told) for person in people]
    assert fates(await send(machine, PATH, results)) == ["created"] * 3
    for person in people:
        (test,) = await samples_of(town, person)
        assert (test["outcome"], test["version"]) == ("inconclusive", 2)
        assert await causes_of(town, person) == []
    lin = await town.as_("lin")
    nobodys = [
        (await lin.get(f"/v1/alerts/{each['id']}")).json()
        for each in (await lin.get("/v1/alerts?limit=500")).json()["items"]
        if each["resident_id"] is None
    ]
    (alert,) = [each for each in nobodys if tube["id"] in str(each["evidence"])]
    assert alert["cause"] == "positive_test"


async def test_a_tube_has_its_result_once_everybody_in_it_has(
    town: Town, machine: httpx.AsyncClient
):
    people = [await resident(town) for _ in range(3)]
    lin = await town.as_("lin")
    tube = await a_sample_tube(lin, [each["id"] for each in people], sampled_at=ago(hours=9))
    path = f"/v1/sample-tubes/{tube['id']}"
    results = [a_result(each, tube_code=tube["code"]) for each in people]
    await send(machine, PATH, results[:1])
    assert (await lin.get(path)).json()["outcome"] == "pending"
    await asyncio.gather(*(send(machine, PATH, [each]) for each in results[1:]))
    kept = (await lin.get(path)).json()
    assert (kept["outcome"], kept["version"]) == ("negative", 2)
    former = (await lin.get(f"{path}/history")).json()["items"]
    assert len(former) == 1


async def test_sent_twice_at_the_same_moment_it_answers_one_sample_once(
    town: Town, machine: httpx.AsyncClient
):
    people = [await resident(town) for _ in range(4)]
    for person in people:
        await a_sample(town, person)
    results = [a_result(person, "positive") for person in people]
    answers = await asyncio.gather(send(machine, PATH, results), send(machine, PATH, results[::-1]))
    assert sorted(each["created"] for each in answers) == [0, 4]
    for person in people:
        (test,) = await samples_of(town, person)
        assert (test["outcome"], test["version"]) == ("positive", 2)
        assert len(await causes_of(town, person)) == 1


async def test_the_same_event_with_other_content_is_refused(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    result = a_result(person)
    await send(machine, PATH, [result])
    told = await send(machine, PATH, [result | {"outcome": "positive"}])
    assert told["items"][0]["problem"]["type"] == "/problems/record-differs"
    assert [each["outcome"] for each in await samples_of(town, person)] == ["negative"]


async def test_bad_results_are_pointed_at(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"outcome": "pending"}, ""),
        ({"outcome": "yes"}, "/outcome"),
        ({"kind": "blood"}, "/kind"),
        ({"sampled_at": ago(hours=-1), "reported_at": None}, "/sampled_at"),
        ({"reported_at": ago(hours=9)}, ""),
        ({"reported_at": ago(hours=-1)}, "/reported_at"),
        ({"tube_code": ""}, "/tube_code"),
    ]
    items = [a_result(person) | change for change, _ in wrong]
    told = await send(machine, PATH, items)
    for place, (change, pointer) in enumerate(wrong):
        errors = told["items"][place]["problem"]["errors"]
        assert [each["pointer"] for each in errors] == [f"/body/items/{place}{pointer}"], change
    assert await samples_of(town, person) == []


async def test_nobody_has_a_result_of_before_they_were_born_nor_of_a_clock_that_began_anew(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    phone = synthetic_resident()["phone"]
    born = (clock.today() - timedelta(days=3)).isoformat()
    child = synthetic_resident(
        relation="head", document_kind=None, document=None, phone=phone, birth_date=born
    )
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[child])
    by_phone = {"document_kind": None, "document": None, "phone": phone}
    items = [
        a_result(child, sampled_at=ago(days=4), **by_phone),
        a_result(child, sampled_at=ago(days=2), **by_phone),
        a_result(person, sampled_at="1970-01-01T00:00:12Z"),
    ]
    told = await send(machine, PATH, items)
    assert fates(told) == ["refused", "created", "refused"]
    for place in (0, 2):
        errors = told["items"][place]["problem"]["errors"]
        assert [each["pointer"] for each in errors] == [f"/body/items/{place}/sampled_at"]
    assert len(await samples_of(town, child)) == 1
    assert await samples_of(town, person) == []


async def test_a_thousand_results_at_once_are_each_kept(town: Town, machine: httpx.AsyncClient):
    person = await resident(town)
    items = [a_result(person, sampled_at=ago(days=1, minutes=n)) for n in range(1000)]
    assert (await send(machine, PATH, items))["created"] == 1000


async def signed_out(town: Town, person: dict[str, Any], day: date) -> None:
    gu, path = await town.as_("gu"), f"/v1/residents/{person['id']}"
    told = {"left_on": day.isoformat()}
    version = (await gu.get(path)).headers["etag"]
    answer = await gu.post(f"{path}/leave", json=told, headers={"If-Match": version})
    assert answer.status_code == 200, answer.text


async def test_who_left_after_the_sample_was_taken_has_its_result_all_the_same(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    sample = await a_sample(town, person, sampled_at=ago(hours=50))
    told = {"sampled_at": ago(hours=49), "tube_code": "L1"}
    await signed_out(town, person, clock.today() - timedelta(days=1))
    positive = a_result(person, "positive", reported_at=ago(hours=2), **told)
    assert fates(await send(machine, PATH, [positive])) == ["created"]
    (test,) = await samples_of(town, person)
    assert (test["id"], test["outcome"]) == (sample["id"], "positive")
    assert await causes_of(town, person) == ["positive_test"]
    negative = a_result(person, "negative", reported_at=ago(hours=1), **told)
    assert fates(await send(machine, PATH, [negative])) == ["corrected"]
    afterwards = a_result(person, sampled_at=ago(hours=1), reported_at=ago(minutes=5))
    by_phone = {"document_kind": None, "document": None, "phone": person["phone"]}
    assert fates(await send(machine, PATH, [afterwards, a_result(person, **by_phone)])) == [
        "held",
        "held",
    ]


async def test_a_result_held_is_met_by_who_was_here_when_the_sample_was_taken(
    town: Town, machine: httpx.AsyncClient
):
    person = synthetic_resident(relation="head")
    results = [a_result(person, sampled_at=ago(hours=hours)) for hours in (50, 1)]
    assert fates(await send(machine, PATH, results)) == ["held"] * 2
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[person])
    await signed_out(town, person, clock.today() - timedelta(days=1))
    assert await jobs.sweep(town.database, "inbound.match", TOWNSHIP) == 1
    assert len(await samples_of(town, person)) == 1
