"""Health records go where the person goes; a tube stays, and those above still read all of it."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import NotFound
from api.health_records.problems import TubeReachesFurther
from tests.builders import (
    a_code_state,
    a_diagnostic_test,
    a_household,
    a_sample_tube,
    a_vaccination,
    travel_card_body,
)
from tests.cast import Town, assert_problem, grid_id


@pytest.fixture(scope="module")
async def moved(town: Town) -> dict[str, Any]:
    """Somebody of the first grid with one of each record, who then moved to the second."""
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    person, other = (resident["id"] for resident in home["residents"])
    card = await lin.post("/v1/travel-cards", json=travel_card_body(person))
    records = {
        "tests": (await a_diagnostic_test(lin, person))["id"],
        "code-states": (await a_code_state(lin, person))["id"],
        "travel-cards": card.json()["id"],
        "vaccinations": (await a_vaccination(lin, person))["id"],
    }
    tube = await a_sample_tube(await town.as_("ming"), [person, other])
    there = await a_household(lin, grid="t.01.01.02")
    answer = await lin.post(
        f"/v1/residents/{person}/move", json={"household_id": there["id"], "relation": "other"}
    )
    assert answer.status_code == 200, answer.text
    return {"person": person, "records": records, "tube": tube}


@pytest.mark.parametrize("kind", ["tests", "code-states", "travel-cards", "vaccinations"])
async def test_a_record_is_read_where_the_person_lives_now(
    town: Town, moved: dict[str, Any], kind: str
):
    path = f"/v1/{kind}/{moved['records'][kind]}"
    assert_problem(await (await town.as_("ming")).get(path), NotFound)
    told = await (await town.as_("mei")).get(path)
    assert told.json()["grid_id"] == str(grid_id("t.01.01.02"))
    assert (await (await town.as_("lin")).get(path)).json() == told.json()


async def test_a_tube_with_somebody_gone_is_read_out_by_those_above(
    town: Town, moved: dict[str, Any]
):
    tube = moved["tube"]
    assert_problem(await _negative(await town.as_("ming"), tube), TubeReachesFurther)
    told = await _negative(await town.as_("lin"), tube)
    assert {each["outcome"] for each in told.json()["members"]} == {"negative"}


async def _negative(client: httpx.AsyncClient, tube: dict[str, Any]) -> httpx.Response:
    path, version = f"/v1/sample-tubes/{tube['id']}", {"If-Match": '"1"'}
    return await client.patch(path, json={"outcome": "negative"}, headers=version)
