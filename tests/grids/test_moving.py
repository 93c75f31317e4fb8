"""Grids move, merge, split and close with everything they hold, and nothing is lost (M1.7)."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import time_machine

from api import tables
from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotFound, NotPermitted, PostingChanged, RecordDiffers
from api.foundation.records import new_id
from api.grids.problems import (
    GridClosed,
    GridKindMisfit,
    GridNotEmpty,
    HouseholdTwice,
    IntoItself,
    RootStays,
)
from api.grids.relocation import followers
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.grids.crowd import a_grid, adrift, household_id, path_of, places, settle

CROWD = 10_000
QUARANTINED = 30
REASON = {"reason": "片区调整"}


async def test_every_table_with_a_reach_follows_or_is_on_record(ground: asyncpg.Connection):
    catalogue = await ground.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'r' AND a.attname = 'reach' "
        "AND c.relnamespace = current_schema()::regnamespace"
    )
    following = {table.name for table in followers()}
    assert {row["relname"] for row in catalogue} == following | {
        "audit_entries",
        "events",
        "revisions",
    }
    assert tables.metadata.tables["households"] in followers()


async def test_a_village_secretary_may_not_move_grids(town: Town):
    body = {"new_parent_id": str(grid_id("t.01.01")), **REASON}
    response = await (await town.as_("lin")).post(
        f"/v1/grids/{grid_id('t.01.01.02')}/move", json=body
    )
    assert_problem(response, NotPermitted)


async def test_ten_thousand_households_move_with_all_their_records(
    town: Town, ground: asyncpg.Connection
):
    moved = await a_grid(town, "t.01.01")
    below = await a_grid(town, UUID(moved), kind="micro")
    former = await path_of(ground, below)
    await settle(ground, former, first=1, households=CROWD, quarantined=QUARANTINED)
    with time_machine.travel(clock.now() - timedelta(minutes=1), tick=False):
        stale = town.client(await town.token_of("shan"))
    zhou, lin, wei = [await town.as_(name) for name in ("zhou", "lin", "wei")]

    response = await zhou.post(
        f"/v1/grids/{moved}/move", json={"new_parent_id": str(grid_id("t.01.02")), **REASON}
    )

    assert response.status_code == 200, response.text
    assert response.json()["code"] == "451422201202002"
    assert response.json()["parent_id"] == str(grid_id("t.01.02"))
    latter = await path_of(ground, below)
    assert latter.startswith("t.01.02.")
    for table in ("households", "residents", "bonds", "visits"):
        assert (await places(ground, table))[latter] == CROWD, table
    for table in ("quarantines", "care_seats", "whereabouts", "readings"):
        assert await places(ground, table) == {latter: QUARANTINED}, table
    assert (await places(ground, "revisions"))[latter] >= CROWD
    with_reach = [table.name for table in followers()]
    assert await adrift(ground, [*with_reach, "revisions", "audit_entries"]) == []
    assert (await lin.get(f"/v1/grids/{moved}")).status_code == 404
    assert (await wei.get(f"/v1/grids/{below}")).json()["code"] == "451422201202003"
    assert (await stale.get("/v1/grids")).status_code == 200, "who is not below has not moved"
    again = await zhou.post(
        f"/v1/grids/{moved}/move", json={"new_parent_id": str(grid_id("t.01.02")), **REASON}
    )
    assert again.json()["version"] == response.json()["version"]


async def test_a_moved_post_refreshes_its_token_and_finds_itself_in_the_new_village(
    town: Town, ground: asyncpg.Connection
):
    with time_machine.travel(clock.now() - timedelta(minutes=1), tick=False):
        stale = town.client(await town.token_of("mei"))
    assert (await stale.get("/v1/grids")).status_code == 200
    response = await (await town.as_("zhou")).post(
        f"/v1/grids/{grid_id('t.01.01.02')}/move",
        json={"new_parent_id": str(grid_id("t.01.02")), **REASON},
    )
    assert response.status_code == 200, response.text
    assert_problem(await stale.get("/v1/grids"), PostingChanged)
    fresh = town.client(await town.token_of("mei"))
    seen = (await fresh.get(f"/v1/grids/{grid_id('t.01.01.02')}/ancestors")).json()["items"]
    assert [place["name"] for place in seen] == ["青竹乡", "东片", "榕村"]
    assert seen[-1]["leaders"] == [
        {"worker_id": str(id_of("wei")), "name": "韦支书", "role": "grid_leader", "title": None}
    ]


async def test_a_code_once_used_is_not_given_out_again(town: Town):
    first = await a_grid(town, "t.01.01")
    zhou = await town.as_("zhou")
    code = (await zhou.get(f"/v1/grids/{first}")).json()["code"]
    move = {"new_parent_id": str(grid_id("t.01.02")), **REASON}
    assert (await zhou.post(f"/v1/grids/{first}/move", json=move)).json()["code"] != code
    second = await a_grid(town, "t.01.01")
    assert (await zhou.get(f"/v1/grids/{second}")).json()["code"] != code


async def test_what_cannot_be_moved_is_refused_by_name(town: Town):
    zhou = await town.as_("zhou")
    village, closed = grid_id("t.01.01"), await a_grid(town, "t.01")
    assert (await zhou.post(f"/v1/grids/{closed}/close", json=REASON)).status_code == 200

    async def moved(grid: object, parent: object, verb: str = "move") -> httpx.Response:
        name = "new_parent_id" if verb == "move" else "into_id"
        return await zhou.post(f"/v1/grids/{grid}/{verb}", json={name: str(parent), **REASON})

    for verb in ("move", "merge"):
        assert_problem(await moved(grid_id("t"), village, verb), RootStays)
        assert_problem(await moved(village, grid_id("t.01.01.01"), verb), IntoItself)
        assert_problem(await moved(village, village, verb), IntoItself)
        assert_problem(await moved(grid_id("t.01.01.01"), closed, verb), GridClosed)
        problem = assert_problem(await moved(grid_id("t.01.01.01"), new_id(), verb), NotFound)
        assert problem["errors"][0]["pointer"].startswith("/body/")
        assert_problem(await moved(new_id(), village, verb), NotFound)
    assert_problem(await moved(village, grid_id("t.01.02.01")), GridKindMisfit)
    assert_problem(await zhou.post(f"/v1/grids/{grid_id('t')}/close", json=REASON), RootStays)


async def test_merging_gives_everything_to_the_other_grid_and_keeps_the_history(
    town: Town, ground: asyncpg.Connection
):
    zhou = await town.as_("zhou")
    merged, into = await a_grid(town, "t.01.01"), await a_grid(town, "t.01.01")
    child = await a_grid(town, UUID(merged), kind="micro")
    await settle(ground, await path_of(ground, merged), first=20_001, households=40)
    post = await _appointed(town, "ba", merged, "volunteer")
    double, kept = [await _appointed(town, "pang", grid, "party_member") for grid in (merged, into)]

    response = await zhou.post(f"/v1/grids/{merged}/merge", json={"into_id": into, **REASON})

    assert response.status_code == 200, response.text
    assert response.json()["id"] == into
    latter = await path_of(ground, into)
    assert (await places(ground, "households"))[latter] == 40
    assert (await places(ground, "visits"))[latter] == 40
    grids = await ground.fetch(
        "SELECT DISTINCT grid_id FROM visits WHERE reach ^@ $1", f"{latter}."
    )
    assert [row["grid_id"] for row in grids] == [UUID(into)]
    closed = (await zhou.get(f"/v1/grids/{merged}")).json()
    assert closed["merged_into_id"] == into
    assert closed["closed_at"] is not None
    assert (await zhou.get(f"/v1/grids/{child}")).json()["parent_id"] == into
    assert (await zhou.get(f"/v1/posts/{post}")).json()["grid_id"] == into
    assert (await zhou.get(f"/v1/posts/{double}")).json()["ended_at"] is not None
    assert (await zhou.get(f"/v1/posts/{kept}")).json()["ended_at"] is None
    former = await ground.fetchval(
        "SELECT body ->> 'grid_id' FROM revisions WHERE record_id = $1 AND version = 1",
        household_id(20_001),
    )
    assert former == merged
    again = await zhou.post(f"/v1/grids/{merged}/merge", json={"into_id": into, **REASON})
    assert again.json() == response.json()
    assert await adrift(ground, [table.name for table in followers()]) == []


async def _appointed(town: Town, name: str, grid: str, role: str) -> str:
    body = {"id": str(new_id()), "worker_id": str(id_of(name)), "grid_id": grid, "role": role}
    response = await (await town.as_("zhou")).post("/v1/posts", json=body)
    assert response.status_code == 201, response.text
    return body["id"]


async def test_splitting_leaves_every_household_in_exactly_one_grid(
    town: Town, ground: asyncpg.Connection
):
    zhou = await town.as_("zhou")
    whole = await a_grid(town, "t.01.02")
    await settle(ground, await path_of(ground, whole), first=30_001, households=30)
    homes = [str(household_id(number)) for number in range(30_001, 30_031)]
    parts = [
        {"id": str(new_id()), "name": "东头", "household_ids": homes[:10]},
        {"id": str(new_id()), "name": "西头", "household_ids": homes[10:15]},
    ]
    body = {"grids": parts, **REASON}

    response = await zhou.post(f"/v1/grids/{whole}/split", json=body)

    assert response.status_code == 200, response.text
    assert response.json()["households_moved"] == 15
    for table in ("households", "residents", "bonds", "visits"):
        at = await places(ground, table)
        lying = [
            at[await path_of(ground, grid)] for grid in (whole, parts[0]["id"], parts[1]["id"])
        ]
        assert lying == [15, 10, 5], table
    assert await adrift(ground, [table.name for table in followers()]) == []
    again = await zhou.post(f"/v1/grids/{whole}/split", json=body)
    assert again.json() == {**response.json(), "households_moved": 0}


async def test_a_household_cannot_go_to_two_grids_nor_come_from_another(
    town: Town, ground: asyncpg.Connection
):
    zhou = await town.as_("zhou")
    whole, other = await a_grid(town, "t.01.02"), await a_grid(town, "t.01.02")
    await settle(ground, await path_of(ground, whole), first=40_001, households=2)
    await settle(ground, await path_of(ground, other), first=40_003, households=1)
    mine, strange = str(household_id(40_001)), str(household_id(40_003))

    def split(*lists: list[str]) -> dict[str, object]:
        parts = [{"id": str(new_id()), "name": "新", "household_ids": each} for each in lists]
        return {"grids": parts, **REASON}

    twice = await zhou.post(f"/v1/grids/{whole}/split", json=split([mine], [mine]))
    assert_problem(twice, HouseholdTwice)
    lost = await zhou.post(f"/v1/grids/{whole}/split", json=split([mine], [strange]))
    problem = assert_problem(lost, NotFound)
    assert problem["errors"][0]["pointer"] == "/body/grids/1/household_ids/0"
    at = await places(ground, "households")
    assert at[await path_of(ground, whole)] == 2, "nothing half done"
    taken = {"id": other, "name": "新网格", "household_ids": [mine]}
    beside = await zhou.post(f"/v1/grids/{whole}/split", json={"grids": [taken], **REASON})
    assert beside.status_code == 200, "a grid that is there beside it takes households too"
    foreign = taken | {"id": str(grid_id("t.01.01.01"))}
    elsewhere = await zhou.post(f"/v1/grids/{whole}/split", json={"grids": [foreign], **REASON})
    assert_problem(elsewhere, RecordDiffers)
    root = await zhou.post(f"/v1/grids/{grid_id('t')}/split", json=split([mine]))
    assert_problem(root, RootStays)


async def test_closing_says_what_remains(town: Town, ground: asyncpg.Connection):
    zhou = await town.as_("zhou")
    grid = await a_grid(town, "t.01.02")
    await a_grid(town, UUID(grid), kind="micro")
    await settle(ground, await path_of(ground, grid), first=50_001, households=3)
    refused = assert_problem(await zhou.post(f"/v1/grids/{grid}/close", json=REASON), GridNotEmpty)
    assert refused["remaining"] == {"children": 1, "households": 3, "posts": 0}
    empty = await a_grid(town, "t.01.02")
    closed = await zhou.post(f"/v1/grids/{empty}/close", json=REASON)
    assert closed.json()["closed_at"] is not None
    assert (await zhou.post(f"/v1/grids/{empty}/close", json=REASON)).json() == closed.json()
    listed = [each["id"] for each in (await zhou.get("/v1/grids")).json()["items"]]
    assert empty not in listed
    with_closed = (await zhou.get("/v1/grids", params={"closed": True})).json()["items"]
    assert empty in [each["id"] for each in with_closed]
    body = {"id": str(new_id()), "parent_id": empty, "name": "新", "kind": "micro"}
    assert_problem(await zhou.post("/v1/grids", json=body), GridClosed)
    post = {
        "id": str(new_id()),
        "worker_id": str(id_of("ba")),
        "grid_id": empty,
        "role": Role.volunteer,
    }
    assert_problem(await zhou.post("/v1/posts", json=post), GridClosed)
    assert TOWNSHIP in closed.json()["code"]
