"""Who lives with somebody is tested on the same days: asked of who lived there then."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.foundation.database import Database
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, synthetic_resident
from tests.cast import Town, grid_id
from tests.duties.scenery import done, my_day, only_stage
from tests.duties.test_board import ask, tallies
from tests.readings.conftest import DAY, at, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


@pytest.fixture
async def grid(town: Town) -> str:
    """A grid of its own for each story, without a worker: its village is asked."""
    body = {"id": str(new_id()), "parent_id": str(grid_id("t.01.02")), "name": "新组"}
    await done(await signed_in(town, "gu"), "/v1/grids", body | {"kind": "basic"})
    return body["id"]


async def test_who_lived_there_on_a_past_day_owed_the_sample_and_nobody_who_came_since(
    wei: httpx.AsyncClient, town: Town, owner: Database, grid: str, morning: Any
):
    """With `same_test_days`, for those who live with somebody."""
    home = await a_household(wei, grid=UUID(grid), residents=[synthetic_resident() for _ in "1234"])
    one, stays, leaves, moves = (str(each["id"]) for each in home["residents"])
    person = await a_quarantine(wei, resident=one)
    await only_stage(owner, person, tests=[{"day": 1}], cohabitant_rule="same_test_days")
    day = {"day": DAY.isoformat(), "grid_id": grid}
    morning.move_to(at(9, days=1))
    wei = await signed_in(town, "wei")
    before = (await ask(wei, "/v1/duties/board", **day))["lines"]
    assert tallies({"lines": before}, home["id"])["test"] == (4, 0, 0, 4, 0)
    path = f"/v1/households/{home['id']}/residents"
    assert (await wei.post(path, json=synthetic_resident())).status_code == 201
    elsewhere = await a_household(wei, grid=HAN)
    first = {"If-Match": '"1"'}
    said = {"left_on": at(0, days=1).date().isoformat()}
    left = await wei.post(f"/v1/residents/{leaves}/leave", json=said, headers=first)
    assert left.status_code == 200, left.text
    there = {"household_id": elsewhere["id"]}
    moved = await wei.post(f"/v1/residents/{moves}/move", json=there, headers=first)
    assert moved.status_code == 200, moved.text
    assert (await ask(wei, "/v1/duties/board", **day))["lines"] == before
    missed = await ask(wei, "/v1/duties/missed", grid_id=grid, kind="test")
    named = {each["resident_id"] for each in missed["items"]}
    assert named == {one, stays, leaves, moves}
    stops = (await my_day(town, "wei"))["stops"]
    late = [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "test"]
    assert {duty["person"]["id"] for duty in late} == {one, stays}


async def test_whoever_moved_with_their_days_leaves_the_samples_of_the_former_home_there(
    wei: httpx.AsyncClient, town: Town, owner: Database, grid: str, morning: Any
):
    home, other = [await a_household(wei, grid=UUID(grid)) for _ in "12"]
    one, with_them = (str(each["id"]) for each in home["residents"])
    person = await a_quarantine(wei, resident=one)
    tests = [{"day": 1}, {"day": 3}]
    await only_stage(owner, person, tests=tests, cohabitant_rule="same_test_days")
    morning.move_to(at(9, days=1))
    wei = await signed_in(town, "wei")
    there = {"household_id": other["id"]}
    moved = await wei.post(f"/v1/residents/{one}/move", json=there, headers={"If-Match": '"1"'})
    assert moved.status_code == 200, moved.text
    morning.move_to(at(9, days=3))
    wei = await signed_in(town, "wei")
    told = {"grid_id": grid, "kind": "test", "from": DAY.isoformat()}
    items = (await ask(wei, "/v1/duties/missed", **told))["items"]
    owed = {(each["day"], each["resident_id"]) for each in items}
    new_ones = {str(each["id"]) for each in other["residents"]}
    third = at(0, days=2).date().isoformat()
    assert owed == {(DAY.isoformat(), each) for each in (one, with_them)} | {
        (third, each) for each in {one} | new_ones
    }
