"""Who had left lives here again, in the former household or another; a departure is put right."""

from typing import Any
from uuid import UUID

import pytest

from api.foundation.database import Database, Entry
from api.foundation.problems import InvalidInput
from api.foundation.records import new_id
from api.grids.problems import GridClosed
from api.registry.problems import HouseholdLeft
from tests.builders import a_household, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id

HOME, NEXT = "t.01.01.01", "t.01.01.02"
GONE = {"left_on": "2022-02-20", "destination": "广东省佛山市"}
WHY = {"reason": "核实去向", "fields": ["destination"]}


async def _gone(client: Any, grid: str | UUID = HOME) -> tuple[dict[str, Any], dict[str, Any]]:
    """A household that left with all who live in it, and one of them."""
    home = await a_household(client, grid=grid)
    left = await client.post(f"/v1/households/{home['id']}/leave", json=GONE)
    assert left.status_code == 200, left.text
    return left.json(), home["residents"][0]


async def _destination(client: Any, resident: str) -> str | None:
    shown = await client.post(f"/v1/residents/{resident}/reveal", json=WHY)
    assert shown.status_code == 200, shown.text
    return shown.json()["destination"]


async def test_who_comes_back_to_another_household_brings_their_records_along(town: Town):
    """Whose household is gone had no way back: not by moving, nor by being put right."""
    lin = await town.as_("lin")
    _, person = await _gone(lin)
    assert await _destination(lin, person["id"]) == GONE["destination"]
    sister = await a_household(lin, grid=NEXT)
    url = f"/v1/residents/{person['id']}"
    back = await lin.post(f"{url}/move", json={"household_id": sister["id"], "relation": "sibling"})
    assert back.status_code == 200, back.text
    told = back.json()
    assert (told["left_on"], told["household_id"], told["relation"]) == (
        None,
        sister["id"],
        "sibling",
    )
    assert told["grid_id"] == str(grid_id(NEXT))
    assert await _destination(lin, person["id"]) is None


async def test_who_comes_back_to_their_own_household_lives_there(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    person = home["residents"][0]["id"]
    await ming.post(f"/v1/residents/{person}/leave", json=GONE)
    move = {"household_id": home["id"], "relation": "head"}
    back = await ming.post(f"/v1/residents/{person}/move", json=move)
    assert (back.json()["left_on"], back.json()["version"]) == (None, 3)
    assert (await ming.post(f"/v1/residents/{person}/move", json=move)).json() == back.json()
    there = (await ming.get(f"/v1/households/{home['id']}")).json()["residents"]
    assert person in [each["id"] for each in there]


async def test_where_somebody_went_is_put_right(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    gone, here = (each["id"] for each in home["residents"])
    url = f"/v1/residents/{gone}"
    await ming.post(f"{url}/leave", json=GONE)
    right = await ming.patch(url, json={"destination": "南宁市"}, headers={"If-Match": '"2"'})
    assert right.json()["left_on"] == GONE["left_on"]
    assert await _destination(ming, gone) == "南宁市"
    not_gone = await ming.patch(
        f"/v1/residents/{here}", json={"destination": "南宁市"}, headers={"If-Match": '"1"'}
    )
    refused = assert_problem(not_gone, InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/destination"


@pytest.mark.parametrize("day", ["0002-01-01", "1899-12-31"])
async def test_nobody_left_before_anybody_lived(town: Town, day: str):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    url = f"/v1/households/{home['id']}"
    refused = assert_problem(await ming.post(f"{url}/leave", json={"left_on": day}), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/left_on"
    await ming.post(f"{url}/leave", json=GONE)
    corrected = await ming.patch(url, json={"left_on": day}, headers={"If-Match": '"2"'})
    assert_problem(corrected, InvalidInput)


async def test_a_household_that_did_not_leave_did_not_with_all_who_live_in_it(town: Town):
    """Also on another day: who left with it, by the same word, left on that day."""
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME, residents=[synthetic_resident() for _ in range(3)])
    url = f"/v1/households/{home['id']}"
    before = home["residents"][0]["id"]
    await ming.post(f"/v1/residents/{before}/leave", json={"left_on": "2022-01-05"})
    await ming.post(f"{url}/leave", json=GONE)
    other_day = {"left_on": "2022-02-21"}
    assert (await ming.patch(url, json=other_day, headers={"If-Match": '"2"'})).status_code == 200
    read = [(await ming.get(f"/v1/residents/{each['id']}")).json() for each in home["residents"]]
    assert [each["left_on"] for each in read] == ["2022-01-05", "2022-02-21", "2022-02-21"]
    back = await ming.patch(url, json={"left_on": None}, headers={"If-Match": '"3"'})
    together = sorted(each["id"] for each in home["residents"][1:])
    assert sorted(each["id"] for each in back.json()["residents"]) == together
    assert [await _destination(ming, each) for each in together] == [None, None]


async def test_no_household_is_back_in_a_grid_that_was_closed(town: Town):
    gu, lin = await town.as_("gu"), await town.as_("lin")
    grid = str(new_id())
    opened = {"id": grid, "parent_id": str(grid_id("t.01.01")), "name": "老屯", "kind": "basic"}
    assert (await gu.post("/v1/grids", json=opened)).status_code == 201
    home, person = await _gone(lin, UUID(grid))
    closed = await gu.post(f"/v1/grids/{grid}/close", json={"reason": "整屯搬迁"})
    assert closed.status_code == 200, closed.text
    url = f"/v1/households/{home['id']}"
    back = await lin.patch(url, json={"left_on": None}, headers={"If-Match": '"2"'})
    assert assert_problem(back, GridClosed)["errors"][0]["pointer"] == "/body/left_on"
    assert_problem(
        await lin.post(f"/v1/residents/{person['id']}/move", json={"household_id": home["id"]}),
        HouseholdLeft,
    )


async def test_when_somebody_was_away_and_where_stays_in_their_history(town: Town, owner: Database):
    lin = await town.as_("lin")
    _, person = await _gone(lin)
    other = await a_household(lin, grid=HOME)
    await lin.post(f"/v1/residents/{person['id']}/move", json={"household_id": other["id"]})
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        kept = await connection.fetch(
            "SELECT body ->> 'left_on', body ->> 'destination_sealed' IS NOT NULL FROM revisions "
            "WHERE record_id = $1 AND kind = 'residents' ORDER BY version",
            UUID(person["id"]),
        )
    assert [tuple(row) for row in kept] == [(None, False), (GONE["left_on"], True)]
