"""A list of households: each kept whole or refused for itself, in the order sent."""

import asyncio
from typing import Any

from sqlmodel import select

from api.access.models import AuditEntry
from api.foundation.database import Database, Entry
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, household_body, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, id_of

BATCH = "/v1/households/batch"
HOME = "t.01.01.01"


async def _sent(client: Any, items: list[dict[str, Any]]) -> dict[str, Any]:
    response = await client.post(BATCH, json={"items": items})
    assert response.status_code == 200, response.text
    return response.json()


async def test_nobody_sends_a_list(town: Town):
    refused = await town.nobody().post(BATCH, json={"items": [household_body(grid=HOME)]})
    assert_problem(refused, NotSignedIn)


async def test_one_bad_household_costs_only_itself_and_is_refused_whole(town: Town):
    ming = await town.as_("ming")
    known = synthetic_resident()
    theirs = synthetic_resident()
    await a_household(ming, grid=HOME, residents=[known])
    await a_household(await town.as_("mei"), grid="t.01.01.02", residents=[theirs])
    items = [
        household_body(grid=HOME),
        household_body(grid="t.01.01.02"),
        household_body(grid=HOME, residents=[synthetic_resident(document="451422199001010013")]),
        household_body(grid=HOME, residents=[known | {"id": str(new_id())}]),
        household_body(grid=HOME, residents=[synthetic_resident(), theirs | {"id": str(new_id())}]),
        household_body(grid=HOME, party_member_id=str(id_of("ba"))),
        household_body(grid=HOME, residents=[theirs]),
        household_body(grid=HOME, grid_worker_id=str(id_of("ming"))),
    ]
    answer = await _sent(ming, items)
    assert [each["id"] for each in answer["items"]] == [item["id"] for item in items]
    kept = [each["outcome"] for each in answer["items"]]
    assert kept == ["created", *["refused"] * 6, "created"]
    assert (answer["created"], answer["refused"]) == (2, 6)
    told = [
        (each["problem"]["type"], each["problem"].get("errors", [{}])[0].get("pointer"))
        for each in answer["items"][1:7]
    ]
    assert told == [
        ("/problems/not-found", "/body/items/1/grid_id"),
        ("/problems/invalid-input", "/body/items/2/residents/0/document"),
        ("/problems/resident-already-registered", "/body/items/3/residents/0/document"),
        ("/problems/resident-already-registered", None),
        ("/problems/not-party-member", "/body/items/5/party_member_id"),
        ("/problems/record-differs", None),
    ]
    for item, outcome in zip(items, kept, strict=True):
        status = (await ming.get(f"/v1/households/{item['id']}")).status_code
        assert status == (200 if outcome == "created" else 404)


async def test_a_list_sent_again_changes_nothing(town: Town):
    ming = await town.as_("ming")
    items = [household_body(grid=HOME) for _ in range(3)]
    assert (await _sent(ming, items))["created"] == 3
    items[1] = items[1] | {"name": "另一户"}
    again = await _sent(ming, items)
    assert [each["outcome"] for each in again["items"]] == ["unchanged", "refused", "unchanged"]
    assert again["items"][1]["problem"]["fields"] == ["name"]


async def test_what_stands_twice_in_a_list_is_kept_once(town: Town):
    ming = await town.as_("ming")
    first = household_body(grid=HOME)
    twin = household_body(grid=HOME, residents=[first["residents"][0] | {"id": str(new_id())}])
    answer = await _sent(ming, [first, first, twin])
    assert [each["outcome"] for each in answer["items"]] == ["created", "unchanged", "refused"]
    assert answer["items"][2]["problem"]["resident_id"] == first["residents"][0]["id"]


async def test_an_id_that_stands_twice_is_kept_where_it_fits(town: Town):
    ming = await town.as_("ming")
    kept = household_body(grid=HOME)
    nowhere = kept | {"grid_id": str(new_id())}
    answer = await _sent(ming, [nowhere, kept, nowhere])
    assert [each["outcome"] for each in answer["items"]] == ["refused", "created", "refused"]


async def test_one_list_from_two_connections_at_once_is_kept_once(town: Town):
    ming = await town.as_("ming")
    items = [household_body(grid=HOME) for _ in range(20)]
    answers = await asyncio.gather(_sent(ming, items), _sent(ming, items))
    assert sum(answer["created"] for answer in answers) == 20
    assert sum(answer["unchanged"] for answer in answers) == 20
    kept = [(await ming.get(f"/v1/households/{item['id']}")).json() for item in items]
    assert {len(household["residents"]) for household in kept} == {2}


async def test_five_hundred_fit_one_more_does_not_and_numbers_are_their_own(town: Town):
    lin = await town.as_("lin")
    grids = (HOME, "t.01.01.02")
    items = [household_body(grid=grids[nth % 2]) for nth in range(501)]
    too_many = await lin.post(BATCH, json={"items": items})
    assert assert_problem(too_many, InvalidInput)["errors"][0]["pointer"] == "/body/items"
    assert (await _sent(lin, items[:500]))["created"] == 500
    listed = (await lin.get("/v1/households", params={"limit": 500})).json()["items"]
    numbers = [household["number"] for household in listed]
    assert numbers == sorted(set(numbers))


async def test_without_a_readable_id_the_list_cannot_be_answered(town: Town):
    ming = await town.as_("ming")
    items = [household_body(grid=HOME), household_body(grid=HOME) | {"id": 7}]
    refused = assert_problem(await ming.post(BATCH, json={"items": items}), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/items/1/id"
    assert_problem(await ming.get(f"/v1/households/{items[0]['id']}"), NotFound)


async def test_a_list_is_one_entry_on_record_at_the_grid_above_all_of_it(
    town: Town, owner: Database
):
    lin = await town.as_("lin")
    items = [household_body(grid=HOME), household_body(grid="t.01.01.02")]
    await _sent(lin, items)
    many = AuditEntry.action == "households.register-many"
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        entries = (await session.scalars(select(AuditEntry).where(many))).all()
    [entry] = [each for each in entries if items[0]["id"] in each.details["households"]]
    assert entry.reach == "t.01.01"
    assert set(entry.details["households"]) == {item["id"] for item in items}
