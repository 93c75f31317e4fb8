"""Many visits at once: each with its own outcome, none lost, none doubled."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, visit_body
from tests.cast import Town, assert_problem

BATCH = "/v1/visits/batch"


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    return await a_household(await town.as_("ming"), grid="t.01.01.01")


async def _sent(client: Any, items: list[dict[str, Any]]) -> dict[str, Any]:
    response = await client.post(BATCH, json={"items": items})
    assert response.status_code == 200, response.text
    return response.json()


async def test_nobody_sends_no_batch(town: Town, home: dict[str, Any]):
    answer = await town.nobody().post(BATCH, json={"items": [visit_body(home)]})
    assert_problem(answer, NotSignedIn)


async def test_one_bad_item_costs_the_others_nothing(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    neighbour = await a_household(await town.as_("mei"), grid="t.01.01.02")
    future = (clock.now() + timedelta(hours=1)).isoformat()
    items = [
        visit_body(home),
        visit_body(neighbour),
        visit_body(home, visited_at=future),
        visit_body(home, performed_by=str(new_id())),
        visit_body(home, outcome="refused"),
    ]
    outcome = await _sent(ming, items)
    assert [each["id"] for each in outcome["items"]] == [item["id"] for item in items]
    assert [each["outcome"] for each in outcome["items"]] == [
        "created",
        "refused",
        "refused",
        "refused",
        "created",
    ]
    problems = [each["problem"] for each in outcome["items"] if each["problem"]]
    assert [(problem["type"], problem["errors"][0]["pointer"]) for problem in problems] == [
        ("/problems/not-found", "/body/items/1/household_id"),
        ("/problems/recorded-in-the-future", "/body/items/2/visited_at"),
        ("/problems/not-a-colleague", "/body/items/3/performed_by"),
    ]
    assert (outcome["created"], outcome["unchanged"], outcome["refused"]) == (2, 0, 3)


async def test_a_batch_sent_again_changes_nothing_and_says_which_item_differs(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    items = [visit_body(home, findings=f"第{nth}户") for nth in range(3)]
    assert (await _sent(ming, items))["created"] == 3
    assert (await _sent(ming, items))["unchanged"] == 3
    items[1] = items[1] | {"findings": "另一回事"}
    again = await _sent(ming, items)
    assert [each["outcome"] for each in again["items"]] == ["unchanged", "refused", "unchanged"]
    assert again["items"][1]["problem"]["fields"] == ["findings"]


async def test_one_id_twice_in_a_batch_is_one_visit_or_two_bodies(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    same, other = visit_body(home), visit_body(home)
    items = [same, same, other, other | {"outcome": "refused"}]
    outcomes = (await _sent(ming, items))["items"]
    assert [each["outcome"] for each in outcomes] == ["created", "unchanged", "created", "refused"]
    assert outcomes[3]["problem"]["fields"] == ["outcome"]
    assert (await ming.get(f"/v1/visits/{other['id']}")).json()["outcome"] == "met"


async def test_one_batch_from_two_connections_at_once_is_kept_once(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    items = [visit_body(home) for _ in range(20)]
    answers = await asyncio.gather(_sent(ming, items), _sent(ming, items[::-1]))
    assert sum(answer["created"] for answer in answers) == 20
    assert sum(answer["unchanged"] for answer in answers) == 20


async def test_five_hundred_fit_and_one_more_does_not(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    items = [visit_body(home) for _ in range(501)]
    too_many = await ming.post(BATCH, json={"items": items})
    assert assert_problem(too_many, InvalidInput)["errors"][0]["pointer"] == "/body/items"
    assert (await _sent(ming, items[:500]))["created"] == 500


async def test_an_item_that_cannot_be_read_costs_only_itself(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    items = [visit_body(home), visit_body(home, outcome="gone"), visit_body(home)]
    outcome = await _sent(ming, items)
    assert [each["outcome"] for each in outcome["items"]] == ["created", "refused", "created"]
    problem = outcome["items"][1]["problem"]
    assert problem["errors"][0]["pointer"] == "/body/items/1/outcome"
    assert (await ming.get(f"/v1/visits/{items[1]['id']}")).status_code == 404


async def test_an_item_without_an_id_refuses_the_batch(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    items = [visit_body(home), visit_body(home, id="第一条")]
    told = assert_problem(await ming.post(BATCH, json={"items": items}), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/items/1/id"
    assert (await ming.get(f"/v1/visits/{items[0]['id']}")).status_code == 404
