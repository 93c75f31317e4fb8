"""Who moves takes along every record that is about them, whatever room keeps it, and no other."""

from typing import Any
from uuid import UUID

import pytest

from api.foundation.database import Database, Entry
from api.foundation.problems import NotFound
from api.grids.relocation import followers
from tests.builders import a_household, a_quarantine_by_plan
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id
from tests.place import ADDRESSES, Hands, Known, a_home, a_place, township_rules

HERE, THERE = "t.01.01.01", "t.01.01.02"
TEAM = ("he", "lin", "shan", "fan")
ABOUT = ("resident_id", "quarantine_id", "alert_id", "arrival_id")
OF_OTHERS = {
    "bonds",
    "checkpoints",
    "directive_receipts",
    "directives",
    "duty_shifts",
    "gate_look_ups",
    "held_days",
    "held_events",
    "home_samplings",
    "households",
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
    "releases",
    "sample_tubes",
    "sampling_campaigns",
    "session_tallies",
    "site_look_ups",
    "site_problems",
    "site_sessions",
    "sites",
    "visits",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_subscriptions",
    "workers",
}
"""Tables in which nothing is about who moves: of the house, of a grid, of who is free again."""

Rows = dict[str, dict[UUID, dict[str, Any]]]
"""What says of each row where it lies and whom it is about, by table and by its id."""


@pytest.fixture(scope="module")
async def place(town: Town) -> Known:
    """Somebody of whom one of everything is kept, and whom somebody next door follows."""
    lin = await town.as_("lin")
    await township_rules(await town.as_("zhou"))
    place = await a_place(await Hands.of(town), await a_home(lin, grid=HERE), team=TEAM)
    follows = {"linked_quarantine_id": place["quarantine_id"], "link": "secondary_contact"}
    await a_quarantine_by_plan(lin, grid=HERE, **follows)
    return place


async def _rows(owner: Database) -> Rows:
    rows: Rows = {}
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for table in followers():
            wanted = {"id", "reach", "grid_id", "household_id", *ABOUT} & {*table.c.keys()}
            found = await connection.fetch(f"SELECT {', '.join(wanted)} FROM {table.name}")
            rows[table.name] = {row["id"]: dict(row) for row in found}
    return rows


async def _adrift(owner: Database) -> dict[str, int]:
    """By table, how many former versions lie elsewhere than their record."""
    adrift: dict[str, int] = {}
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for table in followers():
            statement = (
                f"SELECT count(*) FROM revisions AS r JOIN {table.name} AS t ON t.id = r.record_id "
                f"WHERE r.kind = '{table.name}' AND r.reach <> t.reach"
            )
            adrift[table.name] = await connection.fetchval(statement)
    return {name: number for name, number in adrift.items() if number}


def _about(row: dict[str, Any], people: set[UUID]) -> bool:
    return row["id"] in people or any(row.get(name) in people for name in ABOUT)


async def test_who_moves_takes_every_record_along_and_none_of_anybody_else(
    town: Town, owner: Database, place: Known
):
    lin = await town.as_("lin")
    target = await a_household(lin, grid=THERE)
    before = await _rows(owner)

    path = f"/v1/residents/{place['resident_id']}/move"
    moved = await lin.post(path, json={"household_id": target["id"], "relation": "sibling"})

    assert moved.status_code == 200, moved.text
    assert await _adrift(owner) == {}
    now = {
        "reach": f"{THERE}.h{target['number']}",
        "grid_id": grid_id(THERE),
        "household_id": UUID(target["id"]),
    }
    theirs = {UUID(place[name]) for name in ABOUT}
    empty: set[str] = set()
    for table, rows in (await _rows(owner)).items():
        about = {key for key, row in rows.items() if _about(row, theirs)}
        empty |= set() if about else {table}
        for key, row in rows.items():
            former = before[table][key]
            follows = {name: now[name] for name in now.keys() & former.keys()}
            assert row == (former | follows if key in about else former), (table, row)
    assert empty == OF_OTHERS, "people every table that a person may stand in"


async def test_the_new_grid_sees_every_record_and_the_former_one_none(town: Town, place: Known):
    mei, ming = await town.as_("mei"), await town.as_("ming")
    for each in ADDRESSES:
        path = f"/v1/{each.format(**place)}"
        assert (await mei.get(path)).status_code == 200, path
        assert_problem(await ming.get(path), NotFound)
    for kind, record in (("readings", "reading_id"), ("tests", "test_id")):
        former = (await mei.get(f"/v1/{kind}/{place[record]}/history")).json()["items"]
        assert len(former) == 1, "what they said before came along"
    he = await town.as_("he")
    assert (await he.get(f"/v1/alerts/{place['alert_id']}")).status_code == 200, "still on duty"
