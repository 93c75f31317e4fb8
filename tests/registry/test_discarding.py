"""What was registered by mistake, or twice, counts no more; what is known of it is not lost."""

from typing import Any

from api.foundation.database import Database, Entry
from api.foundation.problems import NotFound, NotPermitted, VersionMismatch, VersionMissing
from api.foundation.records import new_id
from api.registry.problems import NotAMistake, ResidentAlreadyRegistered
from tests.builders import a_household, a_quarantine, synthetic_resident, visit_body
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id

HOME = "t.01.01.01"
WHY = {"reason": "与另一户重复登记"}
FIRST = {"If-Match": '"1"'}


async def test_somebody_registered_twice_is_registered_once(town: Town, owner: Database):
    ming = await town.as_("ming")
    person = synthetic_resident()
    home = await a_household(ming, grid=HOME, residents=[person], representative_id=person["id"])
    other = await a_household(ming, grid=HOME)
    again, url = person | {"id": str(new_id())}, f"/v1/residents/{person['id']}"
    path = f"/v1/households/{other['id']}/residents"
    assert_problem(await ming.post(path, json=again), ResidentAlreadyRegistered)
    assert_problem(await ming.post(f"{url}/discard", json=WHY), VersionMissing)
    stale = await ming.post(f"{url}/discard", json=WHY, headers={"If-Match": '"2"'})
    assert_problem(stale, VersionMismatch)
    gone = await ming.post(f"{url}/discard", json=WHY, headers=FIRST)
    assert gone.status_code == 204, gone.text
    assert (await ming.post(f"{url}/discard", json=WHY, headers=FIRST)).status_code == 204
    assert_problem(await ming.get(url), NotFound)
    found = await ming.post("/v1/residents/search", json={"phone": person["phone"]})
    assert found.json()["items"] == []
    left_behind = (await ming.get(f"/v1/households/{home['id']}")).json()
    assert (left_behind["residents"], left_behind["bonds"]) == ([], [])
    assert (await ming.post(path, json=again)).status_code == 201, "the document is free"
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        reason = "SELECT reason FROM revisions WHERE record_id::text = $1 AND kind = 'residents'"
        assert await connection.fetchval(reason, person["id"]) == WHY["reason"]


async def test_a_door_registered_twice_counts_once(town: Town):
    ming = await town.as_("ming")
    before = await _counted(ming)
    home = await a_household(ming, grid=HOME, residents=[synthetic_resident()])
    url = f"/v1/households/{home['id']}/discard"
    behind = assert_problem(await ming.post(url, json=WHY, headers=FIRST), NotAMistake)
    assert behind["records"] == {"residents": 1}
    person = home["residents"][0]["id"]
    await ming.post(f"/v1/residents/{person}/discard", json=WHY, headers=FIRST)
    assert (await ming.post(url, json=WHY, headers=FIRST)).status_code == 204
    assert_problem(await ming.get(f"/v1/households/{home['id']}"), NotFound)
    listed = (await ming.get("/v1/households", params={"limit": 500})).json()["items"]
    assert home["id"] not in {each["id"] for each in listed}
    assert await _counted(ming) == before


async def _counted(client: Any) -> int:
    rows = (await client.get("/v1/coverage")).json()["grids"]
    return next(row["households"] for row in rows if row["grid_id"] == str(grid_id(HOME)))


async def test_who_has_a_record_is_no_mistake(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid=HOME)
    person = home["residents"][0]["id"]
    await a_quarantine(lin, resident=person)
    url = f"/v1/residents/{person}"
    refused = await lin.post(f"{url}/discard", json=WHY, headers=FIRST)
    known = assert_problem(refused, NotAMistake)["records"]
    assert known["quarantines"] == 1
    assert (await lin.get(url)).json()["version"] == 1
    visited = await a_household(lin, grid=HOME, residents=[])
    await lin.post("/v1/visits", json=visit_body(visited))
    refused = await lin.post(f"/v1/households/{visited['id']}/discard", json=WHY, headers=FIRST)
    assert assert_problem(refused, NotAMistake)["records"] == {"visits": 1}


async def test_nobody_discards_what_is_not_theirs_to_register(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    for url in (f"/v1/households/{home['id']}", f"/v1/residents/{home['residents'][0]['id']}"):
        mei, ba = await town.as_("mei"), await town.as_("ba")
        assert_problem(await mei.post(f"{url}/discard", json=WHY, headers=FIRST), NotFound)
        assert_problem(await ba.post(f"{url}/discard", json=WHY, headers=FIRST), NotPermitted)
        assert (await ming.get(url)).status_code == 200
