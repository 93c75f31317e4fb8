"""Residents one by one: found, corrected, revealed, moved, gone."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from api.access.models import AuditEntry
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.identity import synthetic_identity_number
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.registry.problems import (
    HouseholdLeft,
    ResidentAlreadyRegistered,
    ResidentLeft,
    StillUnderControl,
)
from tests.builders import a_household, a_quarantine, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

HOME = "t.01.01.01"
SEARCH = "/v1/residents/search"


async def _someone(client: Any, grid: str = HOME, **told: Any) -> dict[str, Any]:
    home = await a_household(client, grid=grid, residents=[synthetic_resident(**told)])
    return home["residents"][0]


async def _found(client: Any, **wanted: Any) -> list[str]:
    response = await client.post(SEARCH, json=wanted)
    assert response.status_code == 200, response.text
    return [resident["id"] for resident in response.json()["items"]]


async def test_nobody_and_the_neighbour_find_nothing(town: Town):
    person = synthetic_resident()
    await a_household(await town.as_("ming"), grid=HOME, residents=[person])
    assert_problem(await town.nobody().post(SEARCH, json={"name": "黄"}), NotSignedIn)
    mei = await town.as_("mei")
    url = f"/v1/residents/{person['id']}"
    assert_problem(await mei.get(url), NotFound)
    assert_problem(await mei.patch(url, json={}, headers={"If-Match": '"1"'}), NotFound)
    assert_problem(await mei.post(f"{url}/reveal", json={"reason": "核实情况"}), NotFound)
    assert_problem(await mei.post(f"{url}/leave", json={"left_on": "2022-02-20"}), NotFound)
    assert await _found(mei, phone=person["phone"]) == []


async def test_a_resident_is_found_by_name_by_phone_and_by_number(town: Town):
    ming = await town.as_("ming")
    born = clock.today().replace(year=1970, month=3, day=9)
    number = synthetic_identity_number(division="110105", born=born, sequence=2)
    person = synthetic_resident(name="𠮷野%小_凤", document=number)
    await a_household(ming, grid=HOME, residents=[person])
    first_generation = number[:6] + number[8:17]
    for wanted in (
        {"name": "𠮷野"},
        {"name": "%小_"},
        {"phone": f"+86 {person['phone']}"},
        {"document_kind": "resident_identity", "document": number.lower()},
        {"document_kind": "resident_identity", "document": first_generation},
        {"name": "小", "phone": person["phone"], "grid_id": str(grid_id(HOME))},
    ):
        assert await _found(ming, **wanted) == [person["id"]], wanted
    assert await _found(ming, name="'; SELECT 1; --") == []
    refused = await ming.post(SEARCH, json={"grid_id": str(grid_id(HOME))})
    assert_problem(refused, InvalidInput)
    refused = await ming.post(SEARCH, json={"name": "小", "grid_id": str(grid_id("t.01.02"))})
    assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/body/grid_id"


async def test_a_search_is_read_page_by_page(town: Town):
    ming = await town.as_("ming")
    people = [synthetic_resident(name="翻页甲") for _ in range(5)]
    await a_household(ming, grid=HOME, residents=people)
    seen: list[str] = []
    page: dict[str, Any] = {"limit": 2}
    while True:
        body = (await ming.post(SEARCH, json={"name": "翻页"}, params=page)).json()
        seen += [resident["id"] for resident in body["items"]]
        if body["next_cursor"] is None:
            break
        page["cursor"] = body["next_cursor"]
    assert seen == sorted(person["id"] for person in people)


async def test_the_field_lists_whom_it_must_look_after(town: Town):
    ming = await town.as_("ming")
    child = _a_child()
    old = synthetic_resident(lives_alone=True, mobility_limited=True)
    await a_household(ming, grid=HOME, residents=[child, old])
    for wanted, expected in (
        ({"minor": True}, child),
        ({"lives_alone": True}, old),
        ({"mobility_limited": True}, old),
    ):
        listed = (await ming.get("/v1/residents", params=wanted)).json()["items"]
        assert [resident["id"] for resident in listed] == [expected["id"]]


def _a_child() -> dict[str, Any]:
    year = clock.today().year - 6
    return {"id": str(new_id()), "name": "小毛", "birth_date": f"{year}-01-01"}


async def test_someone_joins_a_household_once(town: Town):
    ming = await town.as_("ming")
    home, other = await a_household(ming, grid=HOME), await a_household(ming, grid=HOME)
    url, person = f"/v1/households/{home['id']}/residents", synthetic_resident()
    first, second = await asyncio.gather(ming.post(url, json=person), ming.post(url, json=person))
    assert sorted([first.status_code, second.status_code]) == [200, 201]
    assert first.json() == second.json()
    differs = await ming.post(url, json=person | {"phone": None})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["phone"]
    elsewhere = await ming.post(f"/v1/households/{other['id']}/residents", json=person)
    assert assert_problem(elsewhere, RecordDiffers)["fields"] == ["household_id"]
    twin = person | {"id": str(new_id())}
    assert_problem(await ming.post(url, json=twin), ResidentAlreadyRegistered)


async def test_a_correction_needs_its_version_and_keeps_what_was_said(town: Town, owner: Database):
    ming = await town.as_("ming")
    person = await _someone(ming, phone="13955556666")
    url = f"/v1/residents/{person['id']}"
    change = {"phone": "13955557777", "mobility_limited": True, "reason": "换号"}
    assert_problem(await ming.patch(url, json=change), VersionMissing)
    kept = await ming.patch(url, json=change, headers={"If-Match": '"1"'})
    assert kept.status_code == 200, kept.text
    assert (kept.json()["phone"], kept.json()["version"]) == ("139****7777", 2)
    stale = await ming.patch(url, json=change, headers={"If-Match": '"1"'})
    assert assert_problem(stale, VersionMismatch)["version"] == 2
    assert await _found(ming, phone="13955557777") == [person["id"]]
    assert await _found(ming, phone="13955556666") == []
    (former,) = (await ming.get(f"{url}/history")).json()["items"]
    assert (former["reason"], former["replaced_by"]) == ("换号", str(id_of("ming")))
    assert former["resident"] == person | {"phone": "139****6666"}
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        noted = select(AuditEntry.action).where(AuditEntry.subject_id == UUID(person["id"]))
        assert (await session.scalars(noted)).all() == ["residents.correct"]


async def test_history_goes_with_whom_it_is_about_and_stays_of_what_was_discarded(town: Town):
    lin, ming, mei = await town.as_("lin"), await town.as_("ming"), await town.as_("mei")
    person = await _someone(lin)
    history = f"/v1/residents/{person['id']}/history"
    assert (await ming.get(history)).json() == {"items": []}
    assert_problem(await mei.get(history), NotFound)
    assert_problem(await town.nobody().get(history), NotSignedIn)
    target = await a_household(lin, grid="t.01.01.02")
    move = {"household_id": target["id"], "relation": "sibling", "reason": "回娘家"}
    assert (await lin.post(f"/v1/residents/{person['id']}/move", json=move)).status_code == 200
    assert_problem(await ming.get(history), NotFound)
    discard = {"reason": "重复登记"}
    path = f"/v1/residents/{person['id']}/discard"
    gone = await mei.post(path, json=discard, headers={"If-Match": '"2"'})
    assert gone.status_code in (200, 204), gone.text
    first, second = (await mei.get(history)).json()["items"]
    assert first["resident"]["household_id"] == person["household_id"]
    assert (second["reason"], second["resident"]["version"]) == ("重复登记", 2)


async def test_a_corrected_document_corrects_birth_and_sex_and_nothing_contradicts_it(town: Town):
    ming = await town.as_("ming")
    person, other = await _someone(ming), synthetic_resident()
    await a_household(ming, grid=HOME, residents=[other])
    url = f"/v1/residents/{person['id']}"
    born = clock.today().replace(year=clock.today().year - 30, month=1, day=1)
    number = synthetic_identity_number(division="110106", born=born, sequence=8)

    async def correct(version: int, **change: Any) -> Any:
        return await ming.patch(url, json=change, headers={"If-Match": f'"{version}"'})

    kept = await correct(1, document_kind="resident_identity", document=number)
    assert (kept.json()["sex"], kept.json()["age"]) == ("female", 30)
    for change, field in (
        ({"birth_date": "1990-05-05"}, "birth_date"),
        ({"sex": "male"}, "sex"),
        ({"document": number}, "document"),
        ({"name": None}, "name"),
        ({"left_on": "2999-01-01"}, "left_on"),
    ):
        refused = assert_problem(await correct(2, **change), InvalidInput)
        assert refused["errors"][0]["pointer"] == f"/body/{field}"
    taken = {"document_kind": "resident_identity", "document": other["document"]}
    assert_problem(await correct(2, **taken), ResidentAlreadyRegistered)
    bare = await correct(2, document_kind=None, document=None)
    assert (bare.json()["document"], bare.json()["age"]) == (None, 30)


async def test_plain_values_are_shown_for_a_reason_that_is_kept(town: Town, owner: Database):
    ming = await town.as_("ming")
    person = synthetic_resident(note="对青霉素过敏")
    home = await a_household(ming, grid=HOME, residents=[person], address="一组后巷3号")
    url = f"/v1/residents/{person['id']}/reveal"
    short = assert_problem(await ming.post(url, json={"reason": "看看"}), InvalidInput)
    assert short["errors"][0]["pointer"] == "/body/reason"
    blank = assert_problem(await ming.post(url, json={"reason": "  看看  "}), InvalidInput)
    assert blank["errors"][0]["pointer"] == "/body/reason"
    shown = await ming.post(url, json={"reason": "上门核实身份"})
    assert shown.headers["Cache-Control"] == "no-store"
    told = shown.json()
    assert told["document"] == person["document"]
    assert (told["phone"], told["address"]) == (person["phone"], "一组后巷3号")
    assert told["note"] == "对青霉素过敏"
    only = {"reason": "电话通知转运", "fields": ["phone"]}
    told = (await ming.post(url, json=only)).json()
    assert (told["phone"], told["document"], told["address"]) == (person["phone"], None, None)
    assert_problem(await (await town.as_("ba")).post(url, json=only), NotPermitted)
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        entries = await session.scalars(
            select(AuditEntry).where(AuditEntry.subject_id == UUID(person["id"]))
        )
        kept = [entry.details for entry in entries if entry.action == "residents.reveal"]
    assert [each["reason"] for each in kept] == ["上门核实身份", "电话通知转运"]
    assert kept[1]["fields"] == ["phone"]
    assert home["residents"][0]["phone"] not in str(kept)


async def test_who_moves_takes_every_record_along(town: Town, owner: Database):
    lin, ming, mei = await town.as_("lin"), await town.as_("ming"), await town.as_("mei")
    person = await _someone(lin)
    former = f"/v1/households/{person['household_id']}/bonds/representative"
    await lin.put(former, json={"resident_id": person["id"]})
    quarantine = await a_quarantine(lin, resident=person["id"], team=("lin", "pang", "shan", "fan"))
    target = await a_household(lin, grid="t.01.01.02")
    url = f"/v1/residents/{person['id']}/move"
    move = {"household_id": target["id"], "relation": "sibling", "reason": "回娘家"}
    hidden = assert_problem(await ming.post(url, json=move), NotFound)
    assert hidden["errors"][0]["pointer"] == "/body/household_id"
    assert_problem(await mei.post(url, json=move), NotFound)
    moved = await lin.post(url, json=move)
    assert moved.status_code == 200, moved.text
    assert moved.json()["grid_id"] == str(grid_id("t.01.01.02"))
    assert (await mei.get(f"/v1/quarantines/{quarantine['id']}")).status_code == 200
    assert_problem(await ming.get(f"/v1/quarantines/{quarantine['id']}"), NotFound)
    assert_problem(await ming.get(f"/v1/residents/{person['id']}"), NotFound)
    left_behind = await ming.get(f"/v1/households/{person['household_id']}")
    assert (left_behind.json()["residents"], left_behind.json()["bonds"]) == ([], [])
    assert (await lin.post(url, json=move)).json() == moved.json()
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for table in ("quarantines", "care_seats", "whereabouts"):
            reaches = await connection.fetch(f"SELECT DISTINCT reach FROM {table}")
            assert [row["reach"] for row in reaches] == [f"t.01.01.02.h{target['number']}"], table


async def test_who_leaves_is_listed_no_more_and_found_still(town: Town):
    ming = await town.as_("ming")
    person = await _someone(ming)
    home = f"/v1/households/{person['household_id']}"
    await ming.put(f"{home}/bonds/representative", json={"resident_id": person["id"]})
    url = f"/v1/residents/{person['id']}/leave"
    future = assert_problem(await ming.post(url, json={"left_on": "2999-01-01"}), InvalidInput)
    assert future["errors"][0]["pointer"] == "/body/left_on"
    gone = {"left_on": "2022-02-20", "destination": "广东省佛山市"}
    left = await ming.post(url, json=gone)
    assert left.json()["left_on"] == "2022-02-20"
    assert (await ming.post(url, json=gone)).json() == left.json()
    assert_problem(await ming.post(url, json={"left_on": "2022-02-21"}), ResidentLeft)
    kept = (await ming.get(home)).json()
    assert (kept["residents"], kept["bonds"]) == ([], [])
    listed = (await ming.get("/v1/residents", params={"left": True, "limit": 500})).json()
    assert person["id"] in {each["id"] for each in listed["items"]}
    back = await ming.patch(
        f"/v1/residents/{person['id']}", json={"left_on": None}, headers={"If-Match": '"2"'}
    )
    assert back.json()["left_on"] is None


async def test_a_household_leaves_with_all_who_live_in_it(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    url, gone = f"/v1/households/{home['id']}", {"left_on": "2022-02-20"}
    person = home["residents"][0]
    await ming.put(f"{url}/bonds/representative", json={"resident_id": person["id"]})
    left = (await ming.post(f"{url}/leave", json=gone)).json()
    assert (left["left_on"], left["residents"], left["bonds"]) == ("2022-02-20", [], [])
    assert (await ming.post(f"{url}/leave", json=gone)).status_code == 200
    assert_problem(await ming.post(f"{url}/residents", json=synthetic_resident()), HouseholdLeft)
    other = await _someone(ming)
    move = {"household_id": home["id"]}
    refused = await ming.post(f"/v1/residents/{other['id']}/move", json=move)
    assert_problem(refused, HouseholdLeft)
    back = await ming.patch(
        f"/v1/residents/{person['id']}", json={"left_on": None}, headers={"If-Match": '"2"'}
    )
    assert_problem(back, HouseholdLeft)


async def test_nobody_is_signed_out_while_their_quarantine_runs(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid=HOME, residents=[synthetic_resident() for _ in range(2)])
    first, other = (f"/v1/residents/{each['id']}" for each in home["residents"])
    kept = await a_quarantine(lin, resident=home["residents"][0]["id"])
    whole, gone = f"/v1/households/{home['id']}", {"left_on": clock.today().isoformat()}
    for url in (first, whole):
        refused = assert_problem(await ming.post(f"{url}/leave", json=gone), StillUnderControl)
        assert refused["quarantine_id"] == kept["id"]
    assert (await ming.get(first)).json()["left_on"] is None
    assert (await ming.get(other)).json()["left_on"] is None
    ended = {"ended_on": gone["left_on"], "end_reason": "moved_away", "note": "由广东佛山接回"}
    over = await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ended)
    assert over.status_code == 200, over.text
    assert (await ming.post(f"{whole}/leave", json=gone)).status_code == 200


async def test_what_puts_nothing_right_is_no_correction(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    for url in (f"/v1/households/{home['id']}", f"/v1/residents/{home['residents'][0]['id']}"):
        for said in ({}, {"reason": "核对"}):
            refused = await ming.patch(url, json=said, headers={"If-Match": '"1"'})
            assert_problem(refused, InvalidInput)
        assert (await ming.get(url)).json()["version"] == 1


@pytest.mark.parametrize("change", [{"name": "新户名"}, {"address": None, "note": "后巷"}])
async def test_a_household_is_corrected_openly(town: Town, change: dict[str, Any]):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME, address="柳村一组7号")
    url = f"/v1/households/{home['id']}"
    kept = await ming.patch(url, json=change, headers={"If-Match": '"1"'})
    assert kept.status_code == 200, kept.text
    assert kept.headers["ETag"] == '"2"'
    assert {name: kept.json()[name] for name in change} == change
    stale = await ming.patch(url, json=change, headers={"If-Match": '"1"'})
    assert_problem(stale, VersionMismatch)
    (former,) = (await ming.get(f"{url}/history")).json()["items"]
    kept = {name: home[name] for name in former["household"]}
    assert (former["household"], former["reason"]) == (kept, None)
    assert_problem(await (await town.as_("mei")).get(f"{url}/history"), NotFound)


async def test_a_household_book_is_a_familys_and_one_identity_number_in_it_is_one_persons(
    town: Town,
):
    ming = await town.as_("ming")
    book = {"document_kind": "household_book", "document": "宁明字0012号"}
    child = synthetic_resident()
    number = child["document"]
    family = [
        synthetic_resident(**book),
        synthetic_resident(**book),
        synthetic_resident(**book | {"document": number}),
    ]
    home = await a_household(ming, grid="t.01.01.01", residents=family)
    url = f"/v1/households/{home['id']}/residents"
    another = synthetic_resident(**book)
    assert (await ming.post(url, json=another)).status_code == 201
    assert (await ming.post(url, json=another)).status_code == 200
    path = f"/v1/residents/{another['id']}"
    change = {"document_kind": "household_book", "document": "宁明字0013号", "reason": "抄错"}
    corrected = await ming.patch(path, json=change, headers={"If-Match": '"1"'})
    assert corrected.status_code == 200, corrected.text
    refused = assert_problem(await ming.post(url, json=child), ResidentAlreadyRegistered)
    assert refused["resident_id"] == family[2]["id"]
    sought = await ming.post("/v1/residents/search", json=book)
    assert assert_problem(sought, InvalidInput)["errors"][0]["pointer"] == "/body/document"
