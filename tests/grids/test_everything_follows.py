"""One of every kind of record follows its grid or its household, with the grid it names (M1.7)."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from api.foundation.problems import NotFound
from api.foundation.records import new_id
from api.grids.relocation import followers
from tests.cast import Town, assert_problem, grid_id
from tests.grids.crowd import a_grid, adrift, path_of, places
from tests.place import (
    ADDRESSES,
    ADDRESSES_OF_THE_GRID,
    ATTEMPTED,
    Hands,
    Known,
    a_home,
    a_place,
    township_rules,
)

REASON = {"reason": "片区调整"}
OF_THE_GRID = {
    "checkpoints",
    "directive_receipts",
    "directives",
    "duty_shifts",
    "gate_look_ups",
    "held_days",
    "held_events",
    "lead_answers",
    "lead_assignments",
    "lead_attempts",
    "lead_batches",
    "lead_candidates",
    "lead_feedbacks",
    "lead_transfers",
    "leads",
    "passes",
    "passes_to_check",
    "posts",
    "sample_tubes",
    "sampling_campaigns",
    "session_tallies",
    "site_look_ups",
    "site_problems",
    "site_sessions",
    "sites",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_subscriptions",
    "workers",
}
"""Tables of the place in which a row lies in the grid itself, in no household."""


@pytest.fixture(scope="module", autouse=True)
async def rules(town: Town) -> None:
    await township_rules(await town.as_("zhou"))


async def _peopled(town: Town, ground: asyncpg.Connection, grid: str) -> Known:
    """One of everything in a new grid, whose every table then holds something of it."""
    lin = await town.as_("lin")
    home = await a_home(lin, grid=UUID(grid))
    stands = {"resident_id": home["residents"][0]["id"]}
    path = f"/v1/households/{home['id']}/bonds/representative"
    assert (await lin.put(path, json=stands)).status_code == 200
    place = await a_place(await Hands.of(town), home, team=("he", "li", "shan", "fan"))
    await ground.execute(ATTEMPTED)
    assert {name for name, rows in (await _lying(ground, grid)).items() if not rows} == set()
    return place


async def _lying(ground: asyncpg.Connection, grid: str) -> dict[str, int]:
    """How many rows of each table lie in a grid."""
    path = await path_of(ground, grid)
    return {table.name: (await places(ground, table.name)).get(path, 0) for table in followers()}


async def _misnamed(ground: asyncpg.Connection) -> list[str]:
    """The tables with a row that names another grid than the one it lies in."""
    named = [table.name for table in followers() if "grid_id" in table.c]
    wrong = "SELECT count(*) FROM {} AS t JOIN grids AS g ON g.id = t.grid_id WHERE g.path <> {}"
    place = "regexp_replace(t.reach, '\\.h[0-9]+$', '')"
    return [name for name in named if await ground.fetchval(wrong.format(name, place))]


async def _sees(town: Town, name: str, place: Known, *also: str) -> None:
    client = town.client(await town.token_of(name))
    for each in (
        *ADDRESSES,
        *also,
        "directives/{directive_id}",
        "quarantines/{released_id}/notice",
    ):
        answer = await client.get(f"/v1/{each.format(**place)}")
        assert answer.status_code == 200, (each, answer.text)


Change = Callable[[Town, str, Known], Awaitable[str]]
"""Changes the tree around a grid, and answers where what lay in it lies now."""


async def _done(town: Town, path: str, body: dict[str, object]) -> None:
    response = await (await town.as_("zhou")).post(f"/v1/grids/{path}", json=body | REASON)
    assert response.status_code == 200, response.text


async def _moved(town: Town, grid: str, _: Known) -> str:
    await _done(town, f"{grid}/move", {"new_parent_id": str(grid_id("t.01.02"))})
    return grid


async def _merged(town: Town, grid: str, _: Known) -> str:
    into = await a_grid(town, "t.01.02")
    await _done(town, f"{grid}/merge", {"into_id": into})
    return into


async def _split(town: Town, grid: str, place: Known) -> str:
    part = {"id": str(new_id()), "name": "东头", "household_ids": [place["household_id"]]}
    await _done(town, f"{grid}/split", {"grids": [part]})
    return part["id"]


@pytest.mark.parametrize("change", [_moved, _merged, _split])
async def test_one_of_everything_follows(town: Town, ground: asyncpg.Connection, change: Change):
    grid = await a_grid(town, "t.01.01")
    place = await _peopled(town, ground, grid)
    before = await _lying(ground, grid)
    latter = await change(town, grid, place)
    staying = OF_THE_GRID if change is _split else set[str]()
    expected = {name: 0 if name in staying else rows for name, rows in before.items()}
    assert await _lying(ground, latter) == expected
    names = [table.name for table in followers()]
    assert await adrift(ground, [*names, "revisions", "audit_entries", "events"]) == []
    assert await _misnamed(ground) == []
    if change is not _split:
        await _sees(town, "wei", place, *ADDRESSES_OF_THE_GRID)
        lin = town.client(await town.token_of("lin"))
        for each in (*ADDRESSES, *ADDRESSES_OF_THE_GRID):
            assert_problem(await lin.get(f"/v1/{each.format(**place)}"), NotFound)
    else:
        await _sees(town, "lin", place)
