"""Results a laboratory tells again: the later one of a sample corrects, an older one is history."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation import jobs
from tests.builders import a_household, a_sample_tube, synthetic_resident
from tests.cast import TOWNSHIP, Town
from tests.inbound.events import a_result, ago, fates, send
from tests.inbound.test_results import PATH, RESULTS, TESTS, a_sample, resident, samples_of
from tests.machines import a_machine


@pytest.fixture(scope="module")
async def machine(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, RESULTS)


def told(person: dict[str, Any], outcome: str, hours: float, **said: Any) -> dict[str, Any]:
    """The result of somebody's sample no. A7 of this morning, told so many hours ago."""
    sampled = {"sampled_at": ago(hours=8), "tube_code": "A7"}
    return a_result(person, outcome, reported_at=ago(hours=hours), **sampled | said)


async def counting(town: Town, person: dict[str, Any]) -> list[tuple[str, int]]:
    tests = await samples_of(town, person)
    return [(e["outcome"], e["version"]) for e in tests if e["discarded_at"] is None]


async def shown(town: Town, subject: str) -> list[bool]:
    """Of the evidence of a positive test of somebody, or of a tube: whether it still shows it."""
    gu = await town.as_("gu")
    listed = (await gu.get("/v1/alerts?cause=positive_test&limit=500")).json()["items"]
    alerts = [(await gu.get(f"/v1/alerts/{each['id']}")).json() for each in listed]
    return [
        evidence["discarded_at"] is None
        for alert in alerts
        for evidence in alert["evidence"]
        if subject in (alert["resident_id"], evidence["record_id"])
    ]


async def test_a_later_result_of_the_same_sample_corrects_and_is_told_as_what_it_is(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    first, second = told(person, "positive", 3), told(person, "negative", 2)
    assert fates(await send(machine, PATH, [first])) == ["created"]
    answer = await send(machine, PATH, [second])
    assert (fates(answer), answer["corrected"]) == (["corrected"], 1)
    assert fates(await send(machine, PATH, [first, second])) == ["unchanged"] * 2
    (test,) = await samples_of(town, person)
    assert (test["outcome"], test["version"]) == ("negative", 2)
    gu = await town.as_("gu")
    (former,) = (await gu.get(f"{TESTS}/{test['id']}/history")).json()["items"]
    assert (former["test"]["outcome"], former["replaced_by"]) == ("positive", test["performed_by"])
    assert former["reason"]
    assert await shown(town, person["id"]) == [False]
    same = told(person, "negative", 1)
    assert fates(await send(machine, PATH, [same])) == ["unchanged"]
    assert await counting(town, person) == [("negative", 2)]
    assert fates(await send(machine, PATH, [told(person, "positive", 0)])) == ["corrected"]
    assert await counting(town, person) == [("positive", 3)]


async def test_an_older_result_that_comes_late_is_history_and_alerts_nobody(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    later, older = told(person, "negative", 1), told(person, "positive", 3)
    await send(machine, PATH, [later])
    answer = await send(machine, PATH, [older])
    assert (fates(answer), answer["superseded"]) == (["superseded"], 1)
    assert await counting(town, person) == [("negative", 1)]
    listed = await (await town.as_("gu")).get(f"{TESTS}?resident_id={person['id']}&discarded=true")
    (history,) = listed.json()["items"]
    assert history["outcome"] == "positive"
    assert await shown(town, person["id"]) == []
    other = await resident(town)
    both = [told(other, "negative", 1), told(other, "positive", 3)]
    assert fates(await send(machine, PATH, both)) == ["created", "superseded"]
    assert await counting(town, other) == [("negative", 1)]
    assert await shown(town, other["id"]) == []


async def test_the_sample_a_worker_registered_is_corrected_with_its_own_history(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    sample = await a_sample(town, person)
    await send(machine, PATH, [told(person, "negative", 3)])
    assert fates(await send(machine, PATH, [told(person, "positive", 2)])) == ["corrected"]
    (test,) = await samples_of(town, person)
    assert (test["id"], test["outcome"], test["version"]) == (sample["id"], "positive", 3)
    assert await shown(town, person["id"]) == [True]


async def test_another_number_another_sender_or_another_day_is_another_sample(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    await send(machine, PATH, [told(person, "positive", 3)])
    others = [
        told(person, "negative", 2, tube_code="A8"),
        told(person, "negative", 2, tube_code=None),
        told(person, "negative", 2, kind="antigen"),
        told(person, "negative", 2, sampled_at=ago(days=3)),
    ]
    assert fates(await send(machine, PATH, others)) == ["created"] * 4
    async with await a_machine(town, RESULTS) as another:
        assert fates(await send(another, PATH, [told(person, "negative", 2)])) == ["created"]
    outcomes = sorted(await counting(town, person))
    assert outcomes == [("negative", 1)] * 5 + [("positive", 1)]


async def test_a_test_that_was_discarded_is_not_corrected_but_told_anew(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    await send(machine, PATH, [told(person, "positive", 3)])
    (test,) = await samples_of(town, person)
    gu = await town.as_("gu")
    discard = await gu.post(
        f"{TESTS}/{test['id']}/discard",
        json={"reason": "登记到了别人名下"},
        headers={"If-Match": '"1"'},
    )
    assert discard.status_code == 200, discard.text
    assert fates(await send(machine, PATH, [told(person, "positive", 4)])) == ["superseded"]
    assert await counting(town, person) == []
    assert fates(await send(machine, PATH, [told(person, "negative", 2)])) == ["created"]
    assert fates(await send(machine, PATH, [told(person, "invalid", 1)])) == ["corrected"]
    assert await counting(town, person) == [("invalid", 2)]


async def test_a_pool_is_cleared_once_everybody_in_it_is(town: Town, machine: httpx.AsyncClient):
    people = [await resident(town) for _ in range(2)]
    lin = await town.as_("lin")
    ids = [each["id"] for each in people]
    tube = await a_sample_tube(lin, ids, code="A7", sampled_at=ago(hours=9))
    path = f"/v1/sample-tubes/{tube['id']}"
    await send(machine, PATH, [told(each, "positive", 3) for each in people])
    assert (await lin.get(path)).json()["outcome"] == "positive"
    for nth, (outcome, shows) in enumerate([("positive", True), ("negative", False)]):
        answer = await send(machine, PATH, [told(people[nth], "negative", 2)])
        assert fates(answer) == ["corrected"]
        assert (await lin.get(path)).json()["outcome"] == outcome
        assert await shown(town, tube["id"]) == [shows]
    assert await counting(town, people[0]) == [("negative", 3)]


async def test_both_at_the_same_moment_are_one_test(town: Town, machine: httpx.AsyncClient):
    people = [await resident(town) for _ in range(4)]
    first = [told(each, "positive", 3) for each in people]
    second = [told(each, "negative", 2) for each in people]
    await asyncio.gather(send(machine, PATH, first), send(machine, PATH, second[::-1]))
    for person in people:
        assert [outcome for outcome, _ in await counting(town, person)] == ["negative"]
        assert True not in await shown(town, person["id"])


async def test_of_the_same_event_twice_in_one_request_the_first_one_is_kept(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    first = told(person, "negative", 2)
    answer = await send(machine, PATH, [first, first | {"outcome": "positive"}])
    assert fates(answer) == ["created", "refused"]
    assert await counting(town, person) == [("negative", 1)]


async def test_held_for_somebody_and_told_again_the_later_one_stands(
    town: Town, machine: httpx.AsyncClient
):
    body = synthetic_resident(relation="head")
    both = [told(body, "negative", 1), told(body, "positive", 3)]
    assert fates(await send(machine, PATH, both)) == ["held", "held"]
    person = body
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[body])
    await jobs.sweep(town.database, "inbound.match", TOWNSHIP)
    assert await counting(town, person) == [("negative", 1)]
    assert fates(await send(machine, PATH, [told(person, "positive", 0)])) == ["corrected"]


async def test_joined_with_a_sample_told_late_it_is_the_sample_that_is_corrected(
    town: Town, machine: httpx.AsyncClient
):
    person = await resident(town)
    await send(machine, PATH, [told(person, "positive", 3)])
    sample = await a_sample(town, person)
    await jobs.sweep(town.database, "inbound.join", TOWNSHIP)
    assert fates(await send(machine, PATH, [told(person, "negative", 2)])) == ["corrected"]
    assert await counting(town, person) == [("negative", 3)]
    assert await shown(town, person["id"]) == [False]
    assert sample["id"] in {e["id"] for e in await samples_of(town, person)}


async def test_a_pool_whose_result_a_worker_told_is_no_ones_own_when_the_laboratory_tells_it_too(
    town: Town, machine: httpx.AsyncClient
):
    people, lin = [await resident(town) for _ in range(2)], await town.as_("lin")
    ids = [each["id"] for each in people]
    tube = await a_sample_tube(lin, ids, code="B1", sampled_at=ago(hours=9))
    path = f"/v1/sample-tubes/{tube['id']}"
    by_telephone = {"outcome": "positive", "reported_at": ago(hours=1), "laboratory": "县疾控中心"}
    answer = await lin.patch(path, json=by_telephone, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    alone = await a_sample(town, people[0], sampled_at=ago(hours=3))
    results = [told(each, "positive", 2, tube_code="B1") for each in people]
    assert fates(await send(machine, PATH, results)) == ["unchanged"] * 2
    assert sorted(await counting(town, people[0])) == [("inconclusive", 2), ("pending", 1)]
    assert await counting(town, people[1]) == [("inconclusive", 2)]
    assert await shown(town, tube["id"]) == [True]
    assert await shown(town, ids[1]) == []
    # The laboratory stands over what was heard by telephone, also where it says otherwise.
    results = [told(each, "negative", 1, tube_code="B1") for each in people]
    assert fates(await send(machine, PATH, results)) == ["corrected"] * 2
    assert (await lin.get(path)).json()["outcome"] == "negative"
    assert await shown(town, tube["id"]) == [False]
    result = a_result(people[0], "negative", sampled_at=ago(hours=3))
    assert fates(await send(machine, PATH, [result])) == ["created"]
    outcomes = {each["id"]: each["outcome"] for each in await samples_of(town, people[0])}
    assert outcomes[alone["id"]] == "negative"


@pytest.mark.parametrize("late", [False, True], ids=["registered before", "registered late"])
async def test_two_systems_that_tell_of_a_registered_tube_tell_of_one_sample(
    town: Town, machine: httpx.AsyncClient, *, late: bool
):
    people, lin = [await resident(town) for _ in range(2)], await town.as_("lin")
    code = f"C{late:d}"
    said: dict[str, Any] = {"code": code, "sampled_at": ago(hours=9)}
    ids = [each["id"] for each in people]
    tube = None if late else await a_sample_tube(lin, ids, **said)
    first = [told(each, "positive", 3, tube_code=code) for each in people]
    assert fates(await send(machine, PATH, first)) == ["created"] * 2
    expected = ["created"] * 2 if late else ["unchanged"] * 2
    async with await a_machine(town, RESULTS) as another:
        again = [told(each, "positive", 2, tube_code=code) for each in people]
        assert fates(await send(another, PATH, again)) == expected
        if tube is None:
            tube = await a_sample_tube(lin, ids, **said)
            await jobs.sweep(town.database, "inbound.join", TOWNSHIP)
        for each, person in zip(ids, people, strict=True):
            assert await counting(town, person) == [("inconclusive", 2)]
            assert set(await shown(town, each)) <= {False}
        assert await shown(town, tube["id"]) == [True]
        older = [told(people[0], "negative", 4, tube_code=code)]
        assert fates(await send(another, PATH, older)) == ["superseded"]


async def test_a_tube_told_late_together_with_its_result_has_what_the_laboratory_told_before(
    town: Town, machine: httpx.AsyncClient
):
    people, lin = [await resident(town) for _ in range(3)], await town.as_("lin")
    outcomes = ("positive", "positive", "negative")
    results = [
        told(each, outcome, 3, tube_code="D1")
        for each, outcome in zip(people, outcomes, strict=True)
    ]
    assert fates(await send(machine, PATH, results)) == ["created"] * 3
    ids = [each["id"] for each in people]
    tube = await a_sample_tube(lin, ids, code="D1", sampled_at=ago(hours=9))
    path = f"/v1/sample-tubes/{tube['id']}"
    answer = await lin.patch(path, json={"outcome": "positive"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    await jobs.sweep(town.database, "inbound.join", TOWNSHIP)
    counted = [await counting(town, each) for each in people]
    assert counted == [[("inconclusive", 2)], [("inconclusive", 2)], [("negative", 3)]]
    assert [set(await shown(town, each)) <= {False} for each in ids] == [True] * 3
    assert (await lin.get(path)).json()["outcome"] == "positive"
    again = [told(people[0], "negative", 1, tube_code="D1")]
    assert fates(await send(machine, PATH, again)) == ["corrected"]
    assert await counting(town, people[0]) == [("negative", 3)]


async def test_the_same_number_on_two_days_is_two_tubes(town: Town, machine: httpx.AsyncClient):
    person, lin = await resident(town), await town.as_("lin")
    for hours in (52, 28):
        tube = await a_sample_tube(lin, [person["id"]], code="E1", sampled_at=ago(hours=hours))
        path = f"/v1/sample-tubes/{tube['id']}"
        answer = await lin.patch(path, json={"outcome": "negative"}, headers={"If-Match": '"1"'})
        assert answer.status_code == 200, answer.text
    results = [
        told(person, outcome, 2, tube_code="E1", sampled_at=ago(hours=hours), laboratory=None)
        for outcome, hours in (("invalid", 51), ("negative", 27))
    ]
    assert fates(await send(machine, PATH, results)) == ["corrected", "unchanged"]
    assert sorted(await counting(town, person)) == [("invalid", 3), ("negative", 2)]
