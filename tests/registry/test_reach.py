"""Who sees a part of the register by something else than a grid: a duty, or the own household."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import NotFound, NotPermitted, OutsideYourGrid
from api.foundation.records import new_id
from api.registry.problems import NotOfThisGrid
from tests.builders import a_household, a_quarantine, household_body, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

HOME = "t.01.01.01"


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    """A household of two; for the first of them Han, of the next village, is on duty."""
    lin = await town.as_("lin")
    worker = str(id_of("ming"))
    return await a_household(lin, grid=HOME, address="柳村一组5号", grid_worker_id=worker)


@pytest.fixture(scope="module")
async def on_duty(town: Town, owner: Database, home: dict[str, Any]) -> httpx.AsyncClient:
    quarantine = await a_quarantine(await town.as_("lin"), resident=home["residents"][0]["id"])
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        await connection.execute(
            "INSERT INTO care_seats (reach, id, version, quarantine_id, household_id, resident_id,"
            " worker_id, worker_name, role, is_party_member, began_at)"
            " SELECT reach, $1, 1, id, household_id, resident_id, $2, '韩网格', 'grid_worker',"
            " false, $3 FROM quarantines WHERE id = $4",
            new_id(),
            id_of("han"),
            clock.now(),
            UUID(quarantine["id"]),
        )
    return await town.as_("han")


async def test_who_is_on_duty_sees_the_person_and_the_household_and_nothing_else(
    town: Town, on_duty: httpx.AsyncClient, home: dict[str, Any]
):
    person, other = home["residents"]
    neighbour = await a_household(await town.as_("ming"), grid=HOME)
    seen = (await on_duty.get(f"/v1/households/{home['id']}")).json()
    assert [resident["id"] for resident in seen["residents"]] == [person["id"]]
    assert [bond["name"] for bond in seen["bonds"]] == ["小明"]
    assert (await on_duty.get(f"/v1/residents/{person['id']}")).status_code == 200
    assert_problem(await on_duty.get(f"/v1/residents/{other['id']}"), NotFound)
    assert_problem(await on_duty.get(f"/v1/households/{neighbour['id']}"), NotFound)
    listed = (await on_duty.get("/v1/households")).json()["items"]
    assert [household["id"] for household in listed] == [home["id"]]


async def test_who_is_on_duty_reveals_only_the_person_of_the_duty(
    on_duty: httpx.AsyncClient, home: dict[str, Any]
):
    person, other = home["residents"]
    ask = {"reason": "上门测温前电话联系"}
    shown = await on_duty.post(f"/v1/residents/{person['id']}/reveal", json=ask)
    assert shown.status_code == 200, shown.text
    assert shown.json()["address"] == "柳村一组5号"
    assert_problem(await on_duty.post(f"/v1/residents/{other['id']}/reveal", json=ask), NotFound)


async def test_who_is_on_duty_only_changes_nothing_in_the_register(
    town: Town, on_duty: httpx.AsyncClient, home: dict[str, Any]
):
    person = home["residents"][0]
    household, resident = f"/v1/households/{home['id']}", f"/v1/residents/{person['id']}"
    own = await a_household(on_duty, grid="t.01.02.01")
    version = {"If-Match": '"1"'}
    gone = {"left_on": "2022-02-20"}
    worker = {"worker_id": str(id_of("han"))}
    for refused in (
        await on_duty.patch(resident, json={"name": "改名"}, headers=version),
        await on_duty.patch(household, json={"name": "改名"}, headers=version),
        await on_duty.post(f"{resident}/move", json={"household_id": own["id"]}),
        await on_duty.post(f"{resident}/leave", json=gone),
        await on_duty.post(f"{household}/leave", json=gone),
        await on_duty.post(f"{household}/residents", json=synthetic_resident()),
        await on_duty.delete(f"{household}/bonds/grid_worker"),
    ):
        assert_problem(refused, OutsideYourGrid)
    refused = await on_duty.put(f"{household}/bonds/grid_worker", json=worker)
    assert_problem(refused, NotOfThisGrid)
    kept = (await (await town.as_("ming")).get(household)).json()
    assert kept["residents"] == home["residents"]


@pytest.fixture(scope="module")
async def representative(town: Town, home: dict[str, Any]) -> httpx.AsyncClient:
    """Somebody of the household with a post for it alone (here Ba, who holds another one too)."""
    post = new_id()
    appointed = {
        "id": str(post),
        "worker_id": str(id_of("ba")),
        "grid_id": home["grid_id"],
        "household_id": home["id"],
        "role": "household_representative",
    }
    response = await (await town.as_("lin")).post("/v1/posts", json=appointed)
    assert response.status_code == 201, response.text
    token = await town.token_at(
        id_of("ba"), TOWNSHIP, post, grid_id(HOME), 4, Role.household_representative
    )
    return town.client(token)


async def test_a_household_representative_sees_the_own_household_only(
    town: Town, representative: httpx.AsyncClient, home: dict[str, Any]
):
    async with representative:
        own = await representative.get(f"/v1/households/{home['id']}")
        assert own.status_code == 200, own.text
        assert len(own.json()["residents"]) == 2
        assert [bond["name"] for bond in own.json()["bonds"]] == ["小明"]
        neighbour = await a_household(await town.as_("ming"), grid=HOME)
        person = neighbour["residents"][0]
        assert_problem(await representative.get(f"/v1/households/{neighbour['id']}"), NotFound)
        assert_problem(await representative.get(f"/v1/residents/{person['id']}"), NotFound)
        listed = (await representative.get("/v1/households")).json()["items"]
        assert [household["id"] for household in listed] == [home["id"]]
        people = (await representative.get("/v1/residents", params={"limit": 500})).json()["items"]
        assert {resident["household_id"] for resident in people} == {home["id"]}
        assert (await representative.get("/v1/coverage")).json() == {"grids": []}
        refused = await representative.post("/v1/households", json=household_body(grid=HOME))
        assert_problem(refused, NotPermitted)
        url = f"/v1/residents/{home['residents'][0]['id']}/reveal"
        assert_problem(await representative.post(url, json={"reason": "看看自己"}), NotPermitted)
