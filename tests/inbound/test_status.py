"""Asking about people: what may be seen of them, alike for unknown and elsewhere, on record."""

from typing import Any

import httpx
import pytest

from api.clients.problems import ScopeMissing
from api.foundation.problems import InvalidInput, MethodNotAllowed, NotSignedIn
from tests.builders import a_household, a_quarantine, synthetic_resident
from tests.cast import Town, assert_problem
from tests.inbound.events import a_change, a_result, ago, by_document, send
from tests.machines import a_client, a_machine, ask_token

PATH = "/v1/health-codes/status-queries"
UNKNOWN = {
    "known": False,
    "code": None,
    "in_quarantine": None,
    "quarantined_until": None,
    "last_negative": None,
}


@pytest.fixture(scope="module")
async def asking(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, "status:read")


async def resident(town: Town, *, grid: str = "t.01.01.01") -> dict[str, Any]:
    body = synthetic_resident(relation="head")
    await a_household(await town.as_("gu"), grid=grid, residents=[body])
    return body


async def ask(machine: httpx.AsyncClient, *people: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await machine.post(PATH, json={"items": list(people)})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_who_may_not_ask_is_refused(town: Town):
    body = {"items": [by_document(synthetic_resident())]}
    assert_problem(await town.nobody().post(PATH, json=body), NotSignedIn)
    assert_problem(await (await town.as_("gu")).post(PATH, json=body), NotSignedIn)
    async with await a_machine(town, "health_codes:write") as other:
        assert_problem(await other.post(PATH, json=body), ScopeMissing)


async def test_nobody_is_asked_about_in_an_address(asking: httpx.AsyncClient):
    answer = await asking.get(PATH, params={"document": "451422199001010012"})
    assert_problem(answer, MethodNotAllowed)


async def test_the_status_of_somebody_is_code_quarantine_and_last_negative(
    town: Town, asking: httpx.AsyncClient
):
    person = await resident(town)
    async with await a_machine(town, "health_codes:write", "test_results:write") as telling:
        await send(telling, "/v1/health-codes/changes", [a_change(person, "yellow")])
        await send(telling, "/v1/test-results", [a_result(person, sampled_at=ago(hours=5))])
    begun = await a_quarantine(await town.as_("gu"), resident=person["id"])
    (told,) = await ask(asking, by_document(person))
    assert told["known"] is True
    assert (told["code"]["state"], told["code"]["system"]) == ("yellow", "guangxi")
    assert (told["in_quarantine"], told["quarantined_until"]) == (True, begun["planned_end_on"])
    assert told["last_negative"]["valid_until"] is not None


async def test_what_a_fast_clock_tells_counts_at_once(town: Town, asking: httpx.AsyncClient):
    person = await resident(town)
    soon = ago(minutes=-4)
    red = a_change(person, "red", changed_at=soon, reported_at=soon)
    positive = a_result(person, "positive", reported_at=soon)
    async with await a_machine(town, "health_codes:write", "test_results:write") as telling:
        await send(telling, "/v1/health-codes/changes", [a_change(person), red])
        await send(
            telling, "/v1/test-results", [a_result(person, sampled_at=ago(hours=9)), positive]
        )
    (told,) = await ask(asking, by_document(person))
    assert told["code"]["state"] == "red"
    assert told["last_negative"]["valid_until"] is None


async def test_somebody_of_whom_nothing_is_known_is_still_known(
    town: Town, asking: httpx.AsyncClient
):
    person = await resident(town)
    (told,) = await ask(asking, {"phone": person["phone"]})
    assert told == UNKNOWN | {"known": True, "in_quarantine": False}


async def test_unknown_elsewhere_and_ambiguous_are_answered_alike(town: Town):
    there = await resident(town, grid="t.01.02.01")
    mother = synthetic_resident(relation="head")
    child = synthetic_resident(relation="child", phone=mother["phone"])
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[mother, child])
    here = await resident(town)
    async with await a_machine(town, "status:read", grid="t.01.01") as village:
        answers = await ask(
            village,
            by_document(there),
            by_document(synthetic_resident()),
            {"phone": mother["phone"]},
            by_document(here),
        )
    assert answers[:3] == [UNKNOWN] * 3
    assert answers[3]["known"] is True


async def test_who_was_told_of_is_on_record(town: Town):
    person = await resident(town)
    client = await a_client(town, "status:read")
    token = (await ask_token(town, client)).json()["access_token"]
    async with town.client(token) as machine:
        await ask(machine, by_document(person), by_document(synthetic_resident()))
    gu = await town.as_("gu")
    entries = (await gu.get(f"/v1/audit-entries?subject_id={person['id']}")).json()["items"]
    assert (entries[0]["action"], entries[0]["worker_id"]) == ("status.query", client["id"])


async def test_bad_questions_are_refused_whole(asking: httpx.AsyncClient):
    person = by_document(synthetic_resident())
    wrong = [[], [person] * 101, [{}], [person | {"document": "123"}], [person | {"sex": "male"}]]
    for items in wrong:
        assert_problem(await asking.post(PATH, json={"items": items}), InvalidInput)
    assert len(await ask(asking, *[person] * 100)) == 100
