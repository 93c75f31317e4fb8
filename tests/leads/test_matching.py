"""Whom a lead tells of: proved by a number, or shown to a person who decides."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, OutsideYourGrid
from api.foundation.records import new_id
from tests.builders import a_household, a_lead, a_lead_batch, somebody, synthetic_resident
from tests.cast import Town, assert_problem, grid_id, id_of

LEADS = "/v1/leads"
LIU_1, LIU_2, RONG_1 = "t.01.01.01", "t.01.01.02", "t.01.02.01"


@pytest.fixture(scope="module")
async def batch(town: Town) -> dict[str, Any]:
    return await a_lead_batch(await town.as_("zhou"))


async def _file(town: Town, lead: dict[str, Any], *, by: str = "zhou") -> dict[str, Any]:
    return (await (await town.as_(by)).get(f"{LEADS}/{lead['id']}")).json()


async def test_a_document_proves_who_it_is_whatever_the_name(town: Town, batch: dict[str, Any]):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    person = synthetic_resident()
    home = await a_household(ming, grid=LIU_1, residents=[person])
    papers = {name: person[name] for name in ("document_kind", "document")}
    lead = await a_lead(zhou, batch, **papers, name="曾用名", phone=None)
    assert (lead["resident_id"], lead["matched_how"]) == (person["id"], "document")
    assert (lead["household_id"], lead["assigned_how"]) == (home["id"], "household")
    assert (lead["grid_id"], lead["status"]) == (str(grid_id(LIU_1)), "assigned")
    assert (await ming.get(f"{LEADS}/{lead['id']}")).json()["lead"] == lead


async def test_a_phone_that_one_resident_has_proves_it_unless_the_name_is_another(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    person = synthetic_resident(name="覃阿妹")
    home = await a_household(await town.as_("mei"), grid=LIU_2, residents=[person])
    for name in ("覃阿妹", None):
        lead = await a_lead(zhou, batch, name=name, phone=person["phone"])
        assert (lead["resident_id"], lead["matched_how"]) == (person["id"], "phone")
        assert (lead["household_id"], lead["assigned_how"]) == (home["id"], "phone")
    other = await a_lead(zhou, batch, name="覃大哥", phone=person["phone"])
    assert other["resident_id"] is None
    assert (other["household_id"], other["assigned_how"]) == (home["id"], "phone")
    (candidate,) = (await _file(town, other))["candidates"]
    assert (candidate["resident_id"], candidate["confirmed"]) == (person["id"], None)
    assert candidate["why"] == "电话相同、姓名不同"


async def test_of_two_with_one_phone_neither_is_taken_for_the_person(
    town: Town, batch: dict[str, Any]
):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    phone = "13711110001"
    first, second = synthetic_resident(phone=phone), synthetic_resident(phone=phone)
    await a_household(ming, grid=LIU_1, residents=[first, second])
    lead = await a_lead(zhou, batch, name=None, phone=phone)
    assert lead["resident_id"] is None
    assert lead["assigned_how"] == "phone"
    found = (await _file(town, lead))["candidates"]
    assert {each["resident_id"] for each in found} == {first["id"], second["id"]}
    await a_household(
        await town.as_("han"), grid=RONG_1, residents=[synthetic_resident(phone=phone)]
    )
    apart = await a_lead(zhou, await a_lead_batch(zhou), name="某某", phone=phone)
    assert (apart["assigned_how"], apart["household_id"]) == ("earlier", None)


async def test_a_name_with_age_and_place_is_weighed_and_never_merged(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    age = 40
    born = clock.today() - timedelta(days=365 * age + 100)
    told = {"document": None, "document_kind": None, "phone": None, "sex": "female"}
    likely = synthetic_resident(name="蒙小花", birth_date=born.isoformat(), **told)
    older = synthetic_resident(name="蒙小花", birth_date="1940-01-01", **told)
    await a_household(await town.as_("ming"), grid=LIU_1, residents=[likely])
    await a_household(await town.as_("han"), grid=RONG_1, residents=[older])
    lead = await a_lead(
        zhou, batch, name="蒙小花", phone=None, age=age, sex="female", address="柳村一组8号"
    )
    assert lead["resident_id"] is None
    assert (lead["assigned_how"], lead["grid_id"]) == ("address", str(grid_id(LIU_1)))
    (candidate,) = (await _file(town, lead))["candidates"]
    assert (candidate["resident_id"], candidate["score"]) == (likely["id"], 90)
    assert candidate["why"] == "姓名相同、年龄相符、住址在同一网格"
    assert candidate["name"] == "蒙小花"


async def test_somebody_confirms_and_the_lead_goes_where_they_live(
    town: Town, batch: dict[str, Any]
):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    person = synthetic_resident(name="农小李")
    home = await a_household(ming, grid=LIU_1, residents=[person])
    lead = await a_lead(zhou, batch, name="农小李")
    assert lead["status"] == "imported"
    path = f"{LEADS}/{lead['id']}/match"
    matched = await zhou.post(path, json={"resident_id": person["id"]})
    assert matched.status_code == 200, matched.text
    now = matched.json()
    assert (now["resident_id"], now["matched_how"]) == (person["id"], "hand")
    assert (now["household_id"], now["grid_id"]) == (home["id"], home["grid_id"])
    assert (now["status"], now["assigned_how"]) == ("assigned", "household")
    assert (await zhou.post(path, json={"resident_id": person["id"]})).json() == now
    file = await _file(town, lead, by="ming")
    assert file["candidates"][0]["confirmed"] is True
    assert file["candidates"][0]["decided_by"] == str(id_of("zhou"))
    assert [each["how"] for each in file["assignments"]] == ["household"]


async def test_somebody_rules_a_resident_out(town: Town, batch: dict[str, Any]):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    person = synthetic_resident()
    await a_household(ming, grid=LIU_1, residents=[person])
    lead = await a_lead(zhou, batch, name=None, phone=person["phone"])
    assert lead["resident_id"] == person["id"]
    path = f"{LEADS}/{lead['id']}/unmatch"
    said = {"resident_id": person["id"]}
    freed = await ming.post(path, json=said)
    assert freed.status_code == 200, freed.text
    assert (freed.json()["resident_id"], freed.json()["matched_how"]) == (None, None)
    assert freed.json()["grid_id"] == lead["grid_id"]
    assert (await ming.post(path, json=said)).json() == freed.json()
    (ruled_out,) = (await _file(town, lead))["candidates"]
    assert (ruled_out["resident_id"], ruled_out["confirmed"]) == (person["id"], False)


async def test_whom_the_grid_does_not_see_it_neither_names_nor_takes(
    town: Town, batch: dict[str, Any]
):
    zhou, ming, han = [await town.as_(name) for name in ("zhou", "ming", "han")]
    person = synthetic_resident(name="周外人")
    await a_household(han, grid=RONG_1, residents=[person])
    lead = await a_lead(zhou, batch, name="周外人", grid_id=str(grid_id(LIU_1)))
    (candidate,) = (await _file(town, lead, by="ming"))["candidates"]
    assert candidate["resident_id"] == person["id"]
    assert candidate["name"] is candidate["household_id"] is candidate["phone"] is None
    said = {"resident_id": person["id"]}
    unseen = await ming.post(f"{LEADS}/{lead['id']}/match", json=said)
    assert assert_problem(unseen, NotFound)["errors"][0]["pointer"] == "/body/resident_id"
    nobody = await ming.post(f"{LEADS}/{lead['id']}/match", json={"resident_id": str(new_id())})
    assert_problem(nobody, NotFound)
    nobody = await ming.post(f"{LEADS}/{lead['id']}/unmatch", json={"resident_id": str(new_id())})
    assert_problem(nobody, NotFound)


async def test_who_has_left_is_known_by_document_and_not_by_phone(
    town: Town, batch: dict[str, Any]
):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    person = synthetic_resident()
    await a_household(ming, grid=LIU_1, residents=[person, synthetic_resident()])
    left = {"left_on": clock.today().isoformat()}
    await ming.post(f"/v1/residents/{person['id']}/leave", json=left)
    by_phone = await a_lead(zhou, batch, name=None, phone=person["phone"])
    assert by_phone["resident_id"] is None
    papers = {name: person[name] for name in ("document_kind", "document")}
    assert (await a_lead(zhou, batch, **papers))["resident_id"] == person["id"]


async def test_an_identity_number_of_another_person_is_no_candidate(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    person = synthetic_resident(name="梁同名")
    await a_household(await town.as_("ming"), grid=LIU_1, residents=[person])
    lead = await a_lead(zhou, batch, **somebody(name="梁同名") | {"phone": person["phone"]})
    assert lead["resident_id"] is None
    assert (await _file(town, lead))["candidates"] == []


async def test_a_person_told_of_in_two_batches_is_marked_and_both_stay_owed(town: Town):
    zhou = await town.as_("zhou")
    who = somebody()
    first = await a_lead(zhou, await a_lead_batch(zhou), **who)
    await zhou.post(f"{LEADS}/{first['id']}/assign", json={"grid_id": str(grid_id(LIU_2))})
    second = await a_lead(zhou, await a_lead_batch(zhou, issuer="公安局"), **who)
    assert (second["duplicate"], second["duplicate_of_id"]) == ("proposed", first["id"])
    assert (second["grid_id"], second["assigned_how"]) == (str(grid_id(LIU_2)), "earlier")
    family = await a_lead(zhou, await a_lead_batch(zhou), name="家人", phone=who["phone"])
    assert family["duplicate"] is None
    third = await a_lead(zhou, await a_lead_batch(zhou), name=None, phone=who["phone"])
    assert third["duplicate_of_id"] == first["id"]
    mei, path = await town.as_("mei"), f"{LEADS}/{second['id']}/duplicate"
    confirmed = await mei.post(path, json={"is_duplicate": True})
    assert (confirmed.json()["duplicate"], confirmed.json()["status"]) == ("confirmed", "assigned")
    assert (await mei.post(path, json={"is_duplicate": True})).json() == confirmed.json()
    refuted = await mei.post(path, json={"is_duplicate": False})
    assert refuted.json()["duplicate"] == "refuted"
    listed = await zhou.get(LEADS, params={"duplicate": True, "limit": 500})
    assert {second["id"], third["id"]} <= {each["id"] for each in listed.json()["items"]}


async def test_in_one_list_the_second_of_a_person_is_marked(town: Town):
    zhou = await town.as_("zhou")
    batch, who = await a_lead_batch(zhou), somebody()
    items = [{"id": str(new_id()), **who}, {"id": str(new_id()), **who}]
    path = f"/v1/lead-batches/{batch['id']}/leads/batch"
    assert (await zhou.post(path, json={"items": items})).json()["created"] == 2
    first, second = [(await _file(town, item))["lead"] for item in items]
    assert (first["duplicate"], second["duplicate"]) == (None, "proposed")
    assert second["duplicate_of_id"] == first["id"]


async def test_a_duplicate_is_of_another_lead_in_sight(town: Town, batch: dict[str, Any]):
    zhou = await town.as_("zhou")
    lead, other = await a_lead(zhou, batch), await a_lead(zhou, batch)
    path = f"{LEADS}/{lead['id']}/duplicate"
    of_nothing = await zhou.post(path, json={"is_duplicate": True})
    pointer = assert_problem(of_nothing, InvalidInput)["errors"][0]["pointer"]
    assert pointer == "/body/duplicate_of_id"
    itself = {"is_duplicate": True, "duplicate_of_id": lead["id"]}
    assert_problem(await zhou.post(path, json=itself), InvalidInput)
    unknown = {"is_duplicate": True, "duplicate_of_id": str(new_id())}
    assert_problem(await zhou.post(path, json=unknown), NotFound)
    told = {"is_duplicate": True, "duplicate_of_id": other["id"]}
    assert (await zhou.post(path, json=told)).json()["duplicate_of_id"] == other["id"]


async def test_a_seat_for_the_resident_takes_no_lead_out_of_the_grid(
    town: Town, batch: dict[str, Any]
):
    """Who sees somebody by a duty only does not carry a lead to where they live."""
    zhou, ming, han = [await town.as_(name) for name in ("zhou", "ming", "han")]
    home = await a_household(han, grid=RONG_1)
    person = home["residents"][0]["id"]
    team = [
        {"id": str(new_id()), "worker_id": str(id_of(name))} for name in ("ming", "qin", "he", "ba")
    ]
    today = clock.today()
    body = {
        "id": str(new_id()),
        "resident_id": person,
        "reason": "medium_risk_area",
        "category": "home_quarantine",
        "place_kind": "home",
        "started_on": today.isoformat(),
        "planned_end_on": (today + timedelta(days=13)).isoformat(),
        "team": team,
    }
    made = await han.post("/v1/quarantines", json=body)
    made = made if made.status_code == 201 else await zhou.post("/v1/quarantines", json=body)
    assert made.status_code == 201, made.text
    assert (await ming.get(f"/v1/residents/{person}")).status_code == 200
    lead = await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1)))
    refused = await ming.post(f"{LEADS}/{lead['id']}/match", json={"resident_id": person})
    assert_problem(refused, OutsideYourGrid)
    assert (await _file(town, lead))["lead"]["resident_id"] is None


async def test_a_lead_moves_house_with_the_resident_and_nobody_else(
    town: Town, batch: dict[str, Any]
):
    zhou, ming, mei = [await town.as_(name) for name in ("zhou", "ming", "mei")]
    person = synthetic_resident(name="莫搬家")
    await a_household(ming, grid=LIU_1, residents=[person, synthetic_resident()])
    to = await a_household(mei, grid=LIU_2)
    lead = await a_lead(zhou, batch, name="莫搬家", phone=person["phone"])
    apart = await a_lead(zhou, batch, name="莫搬家", grid_id=str(grid_id(LIU_1)))
    moved = await zhou.post(f"/v1/residents/{person['id']}/move", json={"household_id": to["id"]})
    assert moved.status_code == 200, moved.text
    file = await _file(town, lead, by="mei")
    assert (file["lead"]["household_id"], len(file["assignments"])) == (to["id"], 1)
    assert_problem(await ming.get(f"{LEADS}/{lead['id']}"), NotFound)
    stays = await _file(town, apart, by="ming")
    assert [each["resident_id"] for each in stays["candidates"]] == [person["id"]]


async def test_two_of_a_family_with_one_household_book_are_no_duplicates(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    book = {"document_kind": "household_book", "document": "青竹字0012号", "phone": None}
    first = await a_lead(zhou, batch, name="农大力", **book)
    second = await a_lead(zhou, batch, name="农小力", **book)
    assert (first["resident_id"], second["resident_id"]) == (None, None)
    assert second["duplicate"] is None


@pytest.mark.parametrize(
    ("kept", "told"),
    [("张\u3000三", "张三"), ("张三", "张  三"), ("阿依古丽·买买提", "阿依古丽\u2022买买提")],
)
async def test_a_name_is_the_same_however_it_is_spread_or_dotted(
    town: Town, batch: dict[str, Any], kept: str, told: str
):
    zhou, person = await town.as_("zhou"), synthetic_resident(name=kept)
    await a_household(await town.as_("ming"), grid=LIU_1, residents=[person])
    lead = await a_lead(zhou, batch, name=told, phone=person["phone"])
    assert (lead["resident_id"], lead["matched_how"]) == (person["id"], "phone")
    found = await zhou.post("/v1/residents/search", json={"name": told})
    assert person["id"] in {each["id"] for each in found.json()["items"]}
