"""Two movers and many writers at the same moment: nobody locks up, and nothing is lost."""

import asyncio

import asyncpg

from api.foundation.records import new_id
from api.grids.relocation import followers
from tests.cast import Town, grid_id
from tests.grids.crowd import a_grid, adrift, path_of, settle

REASON = {"reason": "片区调整"}


async def test_movers_and_writers_at_the_same_moment_leave_every_row_in_its_place(
    town: Town, ground: asyncpg.Connection
):
    zhou = await town.as_("zhou")
    west = await a_grid(town, "t", kind="area")
    await settle(ground, "t.01.01.01", first=1, households=300, quarantined=5)

    async def move(grid: str, parent: str) -> int:
        body = {"new_parent_id": parent, **REASON}
        return (await zhou.post(f"/v1/grids/{grid}/move", json=body)).status_code

    async def register(path: str) -> int:
        body = {"id": str(new_id()), "name": "新人", "grid_id": str(grid_id(path))}
        return (await zhou.post("/v1/workers", json=body)).status_code

    writers = [register(path) for path in ("t.01.01.01", "t.01.01.02", "t.01.02.01") * 8]
    movers = [
        move(str(grid_id("t.01.01")), west),
        move(str(grid_id("t.01.01.01")), str(grid_id("t.01.02"))),
        move(str(grid_id("t.01.02")), west),
    ]
    answers = await asyncio.gather(*writers[:12], *movers, *writers[12:])

    assert sorted(set(answers)) == [200, 201]
    assert await adrift(ground, [table.name for table in followers()]) == []
    lost = await ground.fetchval(
        "SELECT count(*) FROM workers w JOIN grids g ON g.id = w.grid_id WHERE g.path <> w.reach"
    )
    assert lost == 0
    assert await path_of(ground, grid_id("t.01.01.01")) != "t.01.01.01"


async def test_two_grids_cannot_be_moved_below_each_other_at_the_same_moment(town: Town):
    zhou = await town.as_("zhou")
    one, other = await a_grid(town, "t", kind="area"), await a_grid(town, "t", kind="area")

    async def move(grid: str, parent: str) -> int:
        body = {"new_parent_id": parent, **REASON}
        return (await zhou.post(f"/v1/grids/{grid}/move", json=body)).status_code

    answers = await asyncio.gather(move(one, other), move(other, one))
    assert sorted(answers) == [200, 409]


async def test_grids_opened_at_the_same_moment_get_different_codes_and_paths(
    town: Town, ground: asyncpg.Connection
):
    opened = await asyncio.gather(*(a_grid(town, "t.01.02") for _ in range(8)))
    rows = await ground.fetch("SELECT code, path FROM grids WHERE id = ANY($1::uuid[])", opened)
    assert len({row["code"] for row in rows}) == 8
    assert len({row["path"] for row in rows}) == 8


async def test_one_grid_opened_twice_at_the_same_moment_is_one_grid(town: Town):
    zhou = await town.as_("zhou")
    village = str(grid_id("t.01.02"))
    body = {"id": str(new_id()), "parent_id": village, "name": "同一个", "kind": "basic"}
    answers = await asyncio.gather(*(zhou.post("/v1/grids", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["code"] for answer in answers}) == 1
