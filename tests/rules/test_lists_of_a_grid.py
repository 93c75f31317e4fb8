"""A list asked of a grid tells of all that lies in it: a village itself has no doors."""

import pytest

from tests.cast import Town, grid_id
from tests.place import Hands, Known, a_home, a_place, township_rules
from tests.rules.operations import Operation

HOME = "t.01.01.01"
TELLS_BELOW_ON_REQUEST = {"list_posts"}
"""Who serves at a grid, or with `below` also in it."""


@pytest.fixture(scope="module")
async def known(town: Town) -> Known:
    """One of everything in 柳村一组."""
    await township_rules(await town.as_("zhou"))
    hands = await Hands.of(town)
    return await a_place(hands, await a_home(hands.lin, grid=HOME))


async def test_a_list_of_a_village_tells_what_a_list_of_its_grid_tells(
    town: Town, contract: list[Operation], known: Known
):
    zhou = await town.as_("zhou")
    telling: set[str] = set()
    for operation in contract:
        query = operation.parameters("query").keys()
        if not {"grid_id", "cursor"} <= query or operation.name in TELLS_BELOW_ON_REQUEST:
            continue
        told = {
            path: (await zhou.get(operation.path, params={"grid_id": str(grid_id(path))})).text
            for path in (HOME, "t.01.01", "t", "t.01.02")
        }
        there = {each for each in known.values() if each in told[HOME]} - {known["grid_id"]}
        assert not [each for each in there if each not in told["t.01.01"]], operation.name
        assert not [each for each in there if each not in told["t"]], operation.name
        assert not [each for each in there if each in told["t.01.02"]], operation.name
        telling |= {operation.name} if there else set()
    assert {"list_tests", "list_readings", "list_shifts", "list_sites"} <= telling
