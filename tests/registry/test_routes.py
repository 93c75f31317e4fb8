"""Registering a household and reading it again."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from api.access.models import AuditEntry
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.identity import synthetic_identity_number
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.registry.models import Household, Resident
from api.registry.problems import (
    NotOfThisGrid,
    NotOfThisHousehold,
    NotPartyMember,
    ResidentAlreadyRegistered,
)
from tests.builders import a_household, household_body, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

HOME = "t.01.01.01"


async def test_nobody_registers_a_household(town: Town):
    response = await town.nobody().post("/v1/households", json=household_body(grid=HOME))
    assert_problem(response, NotSignedIn)


async def test_a_household_in_the_next_grid_is_neither_registered_nor_seen(town: Town):
    ming, mei = await town.as_("ming"), await town.as_("mei")
    refused = await ming.post("/v1/households", json=household_body(grid="t.01.01.02"))
    assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/body/grid_id"
    theirs = await a_household(mei, grid="t.01.01.02")
    assert_problem(await ming.get(f"/v1/households/{theirs['id']}"), NotFound)
    theirs_by_name = {"name": theirs["residents"][0]["name"]}
    found = (await ming.post("/v1/residents/search", json=theirs_by_name)).json()["items"]
    assert theirs["id"] not in {resident["household_id"] for resident in found}


async def test_a_volunteer_reads_and_does_not_register(town: Town):
    kept = await a_household(await town.as_("ming"), grid=HOME)
    ba = await town.as_("ba")
    assert (await ba.get(f"/v1/households/{kept['id']}")).status_code == 200
    assert_problem(await ba.post("/v1/households", json=household_body(grid=HOME)), NotPermitted)


async def test_the_village_secretary_above_sees_and_registers_in_every_grid_below(town: Town):
    lin = await town.as_("lin")
    for grid in (HOME, "t.01.01.02"):
        kept = await a_household(lin, grid=grid)
        assert kept["grid_id"] == str(grid_id(grid))


async def test_a_household_comes_with_its_people_and_the_three_who_stand_for_it(town: Town):
    ming = await town.as_("ming")
    head = synthetic_resident(relation="head", name="𠮷秀英")
    body = household_body(
        grid=HOME,
        residents=[head, synthetic_resident()],
        address="柳村一组后巷12号",
        note="门牌在后巷",
        party_member_id=str(id_of("pang")),
        grid_worker_id=str(id_of("ming")),
        representative_id=head["id"],
    )
    response = await ming.post("/v1/households", json=body)
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"/v1/households/{body['id']}"
    kept = (await ming.get(response.headers["Location"])).json()
    assert kept == response.json()
    assert {bond["kind"]: bond["name"] for bond in kept["bonds"]} == {
        "party_member": "庞党员",
        "grid_worker": "小明",
        "representative": "𠮷秀英",
    }
    assert kept["note"] == "门牌在后巷"
    assert kept["address"].endswith("***")


async def test_what_identifies_a_person_is_masked_on_the_wire_and_sealed_at_rest(
    town: Town, owner: Database
):
    ming = await town.as_("ming")
    person = synthetic_resident()
    kept = await a_household(ming, grid=HOME, residents=[person], address="柳村一组1号")
    shown = kept["residents"][0]
    assert shown["document"] == f"451{'*' * 11}{person['document'][-4:]}"
    assert shown["phone"] == f"139****{person['phone'][-4:]}"
    assert "birth_date" not in shown
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        row = await session.get_one(Resident, UUID(shown["id"]))
        home = await session.get_one(Household, row.household_id)
    assert person["document"].encode() not in (row.document_sealed or b"")
    assert "柳村".encode() not in (home.address_sealed or b"")


async def test_birth_date_and_sex_follow_from_the_identity_number(town: Town):
    ming = await town.as_("ming")
    born = clock.today().replace(year=clock.today().year - 12, day=1)
    number = synthetic_identity_number(division="451422", born=born, sequence=7)
    full_width = number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    kept = await a_household(
        ming, grid=HOME, residents=[synthetic_resident(document=full_width.lower())]
    )
    child = kept["residents"][0]
    assert (child["sex"], child["age"], child["is_minor"]) == ("male", 12, True)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"document": "451422199001010013"}, "document"),
        ({"document": "4514"}, "document"),
        ({"document_kind": None}, "document"),
        ({"sex": "male", "document": "451422198506150024"}, "sex"),
        ({"birth_date": "1985-06-16", "document": "451422198506150024"}, "birth_date"),
        ({"phone": "12345"}, "phone"),
        ({"name": "  "}, "name"),
        ({"id": "1"}, "id"),
        ({"unknown": 1}, "unknown"),
        ({"birth_date": "2999-01-01", "document": None, "document_kind": None}, "birth_date"),
    ],
)
async def test_a_bad_field_is_pointed_at_and_nothing_is_kept(
    town: Town, told: dict[str, Any], field: str
):
    ming = await town.as_("ming")
    body = household_body(grid=HOME, residents=[synthetic_resident(**told)])
    refused = assert_problem(await ming.post("/v1/households", json=body), InvalidInput)
    assert refused["errors"][0]["pointer"] == f"/body/residents/0/{field}"
    assert_problem(await ming.get(f"/v1/households/{body['id']}"), NotFound)


async def test_children_and_the_old_may_have_no_document(town: Town):
    ming = await town.as_("ming")
    bare = {"id": str(new_id()), "name": "小毛"}
    kept = await a_household(ming, grid=HOME, residents=[bare], name="O'Brien'); DROP TABLE x;--")
    child = kept["residents"][0]
    assert (child["document"], child["sex"], child["age"]) == (None, "not_stated", None)
    assert kept["name"] == "O'Brien'); DROP TABLE x;--"


async def test_the_same_document_is_registered_once_and_found_within_reach(town: Town):
    ming, mei = await town.as_("ming"), await town.as_("mei")
    person = synthetic_resident()
    await a_household(ming, grid=HOME, residents=[person])
    again = person | {"id": str(new_id())}
    body = household_body(grid=HOME, residents=[synthetic_resident(), again])
    refused = assert_problem(
        await ming.post("/v1/households", json=body), ResidentAlreadyRegistered
    )
    assert refused["resident_id"] == person["id"]
    assert refused["errors"][0]["pointer"] == "/body/residents/1/document"
    assert_problem(await ming.get(f"/v1/households/{body['id']}"), NotFound)
    elsewhere = household_body(grid="t.01.01.02", residents=[again])
    hidden = assert_problem(
        await mei.post("/v1/households", json=elsewhere), ResidentAlreadyRegistered
    )
    assert "resident_id" not in hidden
    assert hidden["detail"] == "该证件号的居民已在本乡镇登记。"


@pytest.mark.parametrize(
    ("told", "kind", "field"),
    [
        ({"party_member_id": str(id_of("ba"))}, NotPartyMember, "party_member_id"),
        ({"party_member_id": str(id_of("qin"))}, NotFound, "party_member_id"),
        ({"grid_worker_id": str(id_of("ba"))}, NotOfThisGrid, "grid_worker_id"),
        ({"grid_worker_id": str(id_of("mei"))}, NotFound, "grid_worker_id"),
        ({"representative_id": str(new_id())}, NotOfThisHousehold, "representative_id"),
    ],
)
async def test_who_does_not_fit_does_not_stand_for_a_household(
    town: Town, told: dict[str, Any], kind: Any, field: str
):
    ming = await town.as_("ming")
    body = household_body(grid=HOME, **told)
    refused = assert_problem(await ming.post("/v1/households", json=body), kind)
    assert refused["errors"][0]["pointer"] == f"/body/{field}"
    assert_problem(await ming.get(f"/v1/households/{body['id']}"), NotFound)


async def test_the_grid_worker_serves_at_the_grid_or_above_it(town: Town):
    lin = await town.as_("lin")
    for worker in ("ming", "lin", "shan"):
        kept = await a_household(lin, grid=HOME, grid_worker_id=str(id_of(worker)))
        assert kept["bonds"][0]["worker_id"] == str(id_of(worker))
    elsewhere = household_body(grid=HOME, grid_worker_id=str(id_of("mei")))
    assert_problem(await lin.post("/v1/households", json=elsewhere), NotOfThisGrid)


async def test_the_same_household_twice_is_one_and_another_body_is_told(town: Town):
    ming = await town.as_("ming")
    body = household_body(grid=HOME, address="一组1号", grid_worker_id=str(id_of("ming")))
    first, second = await asyncio.gather(
        ming.post("/v1/households", json=body), ming.post("/v1/households", json=body)
    )
    assert sorted([first.status_code, second.status_code]) == [200, 201], second.text
    assert first.json() == second.json()
    resident = body["residents"][0] | {"phone": "13911112222"}
    other = body | {"address": "一组2号"}
    differs = assert_problem(await ming.post("/v1/households", json=other), RecordDiffers)
    assert differs["fields"] == ["address"]
    other = body | {"residents": [resident, body["residents"][1]], "grid_worker_id": None}
    differs = assert_problem(await ming.post("/v1/households", json=other), RecordDiffers)
    assert differs["fields"] == ["residents/0/phone", "grid_worker_id"]


async def test_a_phone_whose_clock_runs_far_ahead_is_told_so(town: Town):
    ming = await town.as_("ming")
    ahead = (clock.now() + timedelta(minutes=10)).isoformat()
    body = household_body(grid=HOME, recorded_at=ahead)
    refused = assert_problem(await ming.post("/v1/households", json=body), RecordedInTheFuture)
    assert refused["errors"][0]["pointer"] == "/body/recorded_at"


async def test_registering_is_on_record(town: Town, owner: Database):
    kept = await a_household(await town.as_("ming"), grid=HOME)
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        entries = await session.scalars(
            select(AuditEntry).where(AuditEntry.subject_id == kept["id"])
        )
        assert [(entry.action, entry.worker_id) for entry in entries] == [
            ("households.register", id_of("ming"))
        ]
