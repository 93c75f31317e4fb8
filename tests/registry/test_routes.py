"""Registering a household and reading it again."""

from api.foundation.problems import NotFound, NotSignedIn
from tests.builders import a_household, household_body
from tests.cast import Town, assert_problem


async def test_nobody_registers_a_household(town: Town):
    response = await town.nobody().post("/v1/households", json=household_body(grid="t.01.01.01"))
    assert_problem(response, NotSignedIn)


async def test_a_household_in_the_next_grid_is_neither_registered_nor_seen(town: Town):
    ming, mei = await town.as_("ming"), await town.as_("mei")
    refused = await ming.post("/v1/households", json=household_body(grid="t.01.01.02"))
    assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/body/grid_id"
    theirs = await a_household(mei, grid="t.01.01.02")
    assert_problem(await ming.get(f"/v1/households/{theirs['id']}"), NotFound)


async def test_a_household_comes_with_its_people_in_one_request(town: Town):
    ming = await town.as_("ming")
    kept = await a_household(ming, grid="t.01.01.01")
    assert len(kept["residents"]) == 2
