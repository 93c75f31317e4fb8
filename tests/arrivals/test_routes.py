"""Recording who comes: who may see and say what, and what is refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.access.colleagues import NotAColleague
from api.arrivals.problems import AlreadyAnArrival, RegisteredElsewhere
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.registry.problems import HouseholdLeft
from api.settings import Settings
from tests.builders import (
    FOUR,
    a_household,
    a_quarantine,
    an_arrival,
    arrival_body,
    somebody,
)
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

ARRIVALS = "/v1/arrivals"
HOME = "t.01.01.01"
FIRST = {"If-Match": '"1"'}
A_YEAR_AGO, IN_A_MONTH = (str(clock.today() + timedelta(days=at)) for at in (-366, 30))
YESTERDAY = (clock.today() - timedelta(days=1)).isoformat()
A_YEAR_AGO, IN_A_MONTH = (str(clock.today() + timedelta(days=at)) for at in (-366, 30))
YESTERDAY = str(clock.today() - timedelta(days=1))
STAY = {"code": "451026101", "from_on": "2022-01-01", "to_on": YESTERDAY}


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    """A household in ming's grid."""
    return await a_household(await town.as_("ming"), grid=HOME)


async def test_nobody_sees_and_records_no_arrivals(town: Town, home: dict[str, Any]):
    nobody = town.nobody()
    assert_problem(await nobody.get(ARRIVALS), NotSignedIn)
    for path in (ARRIVALS, f"{ARRIVALS}/batch", f"{ARRIVALS}/{new_id()}/confirm"):
        assert_problem(await nobody.post(path, json=arrival_body(home)), NotSignedIn)


async def test_the_neighbour_neither_sees_nor_records_an_arrival(town: Town, home: dict[str, Any]):
    arrival = await an_arrival(await town.as_("ming"), home)
    mei = await town.as_("mei")
    address = f"{ARRIVALS}/{arrival['id']}"
    for path in (address, f"{address}/candidates", f"{address}/proposal"):
        assert_problem(await mei.get(path), NotFound)
    assert arrival["id"] not in await _ids(mei)
    for step, body in (
        ("arrive", {"arrived_at": clock.now().isoformat()}),
        ("verify", {"resident_id": str(new_id())}),
        ("depart", {"departed_on": clock.today().isoformat()}),
        ("transfer", {"to": "某镇", "receipt": "已收"}),
        ("invalidate", {"reason": "查无此人"}),
        ("reveal", {"reason": "想看一看"}),
    ):
        assert_problem(await mei.post(f"{address}/{step}", json=body), NotFound)
    patch = await mei.patch(address, json={"name": "改名", "reason": "改"}, headers=FIRST)
    assert_problem(patch, NotFound)
    told = assert_problem(await mei.post(ARRIVALS, json=arrival_body(home)), NotFound)
    assert told["errors"][0]["pointer"] == "/body/household_id"
    wanted = await mei.get(ARRIVALS, params={"grid_id": str(grid_id(HOME))})
    assert assert_problem(wanted, NotFound)["errors"][0]["pointer"] == "/query/grid_id"


async def test_the_line_above_sees_the_arrival_and_who_serves_elsewhere_does_not(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    for above in ("lin", "li", "zhou"):
        seen = await (await town.as_(above)).get(f"{ARRIVALS}/{arrival['id']}")
        assert seen.json()["arrival"] == arrival
    for beside in ("wei", "han", "bai"):
        assert_problem(await (await town.as_(beside)).get(f"{ARRIVALS}/{arrival['id']}"), NotFound)
    assert_problem(await (await town.as_("ba")).get(ARRIVALS), NotPermitted)
    assert_problem(
        await (await town.as_("pang")).post(ARRIVALS, json=arrival_body(home)), NotPermitted
    )


async def test_a_seat_for_the_person_does_not_show_how_they_came(town: Town):
    lin, he = await town.as_("lin"), await town.as_("he")
    home = await a_household(lin, grid=HOME)
    person = home["residents"][0]["id"]
    arrival = await an_arrival(lin, home, resident_id=person, name=None)
    await a_quarantine(lin, resident=person, team=FOUR)
    assert (await he.get(f"/v1/residents/{person}")).status_code == 200
    assert_problem(await he.get(f"{ARRIVALS}/{arrival['id']}"), NotFound)


async def test_an_arrival_is_kept_as_it_was_told(town: Town, home: dict[str, Any]):
    ming, party = await town.as_("ming"), str(new_id())
    who = somebody(name="𠮷小妹'); DROP TABLE arrivals; --")
    said = arrival_body(
        home,
        **who,
        contact_name="黄秀英",
        contact_phone="0771-1234567",
        expected_on=YESTERDAY,
        transport="coach",
        transport_number="桂F00001",
        origin_code="451026000000",
        stays=[STAY, {"code": "441900003", "from_on": "2021-12-01", "to_on": YESTERDAY}],
        party_id=party,
        note="带一名婴儿",
        recorded_at="2022-02-11T08:00:00+08:00",
    )
    made = await ming.post(ARRIVALS, json=said)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{ARRIVALS}/{said['id']}"
    arrival = made.json()
    document = who["document"]
    assert arrival["document"] == f"{document[:3]}{'*' * 11}{document[-4:]}"
    assert arrival["phone"].startswith("139****")
    assert arrival["contact_phone"] == "077****4567"
    assert "birth_date" not in arrival
    expected = {
        "name": who["name"],
        "status": "expected",
        "expected_on": YESTERDAY,
        "overdue": True,
        "arrived_at": None,
        "origin_code": "451026",
        "transport_number": "桂F00001",
        "exposure_class": "returnee",
        "risk_level": "none",
        "risk_area_id": None,
        "resident_id": None,
        "quarantine_id": None,
        "awaits_decision": False,
        "has_note": True,
        "party_id": party,
        "grid_id": str(grid_id(HOME)),
        "source": "phone",
        "performed_by": str(id_of("ming")),
        "entered_by": str(id_of("ming")),
    }
    assert {name: arrival[name] for name in expected} == expected
    assert [stay["code"] for stay in arrival["stays"]] == ["441900003", "451026101"]
    file = (await ming.get(f"{ARRIVALS}/{said['id']}")).json()
    assert file["arrival"] == arrival
    (classification,) = file["classifications"]
    assert classification["because"] == "recorded"
    assert YESTERDAY in classification["explanation"]


async def test_what_identifies_somebody_lies_sealed_and_is_revealed_for_a_reason(
    town: Town, home: dict[str, Any], settings: Settings
):
    ming = await town.as_("ming")
    who = somebody()
    arrival = await an_arrival(ming, home, **who, note="血压高")
    assert settings.owner_database_url is not None
    owner = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        row = await session.execute(
            text("SELECT arrivals::text FROM arrivals WHERE id = :id"), {"id": arrival["id"]}
        )
        told = row.scalar_one()
        assert who["document"] not in told
        assert who["phone"] not in told
    await owner.close()
    address = f"{ARRIVALS}/{arrival['id']}/reveal"
    assert_problem(await ming.post(address, json={"reason": "看"}), InvalidInput)
    shown = await ming.post(address, json={"reason": "电话核实行程"})
    assert shown.headers["Cache-Control"] == "no-store"
    assert (shown.json()["document"], shown.json()["phone"]) == (who["document"], who["phone"])
    assert shown.json()["note"] == "血压高"
    zhou = await town.as_("zhou")
    entries = (await zhou.get("/v1/audit-entries", params={"subject_id": arrival["id"]})).json()
    latest = entries["items"][0]
    assert (latest["action"], latest["details"]) == (
        "arrivals.reveal",
        {"reason": "电话核实行程"},
    )


async def test_a_resident_who_is_known_need_not_be_described(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    person, other = home["residents"]
    arrival = await an_arrival(ming, home, resident_id=person["id"], name=None)
    assert (arrival["name"], arrival["sex"]) == (person["name"], person["sex"])
    assert arrival["age"] == person["age"]
    second = await ming.post(ARRIVALS, json=arrival_body(home, resident_id=person["id"]))
    told = assert_problem(second, AlreadyAnArrival)
    assert told["arrival_id"] == arrival["id"]
    assert told["errors"][0]["pointer"] == "/body/resident_id"
    elsewhere = await a_household(ming, grid=HOME)
    wrong = await ming.post(ARRIVALS, json=arrival_body(elsewhere, resident_id=other["id"]))
    assert assert_problem(wrong, RegisteredElsewhere)["household_id"] == home["id"]
    unknown = await ming.post(ARRIVALS, json=arrival_body(home, resident_id=str(new_id())))
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == "/body/resident_id"


async def test_one_document_comes_once_in_the_whole_township(town: Town, home: dict[str, Any]):
    ming, han = await town.as_("ming"), await town.as_("han")
    who = somebody()
    arrival = await an_arrival(ming, home, **who)
    again = await ming.post(ARRIVALS, json=arrival_body(home, **who))
    assert assert_problem(again, AlreadyAnArrival)["arrival_id"] == arrival["id"]
    other = await a_household(han, grid="t.01.02.01")
    unseen = assert_problem(
        await han.post(ARRIVALS, json=arrival_body(other, **who)), AlreadyAnArrival
    )
    assert "arrival_id" not in unseen
    gone = {"reason": "不来了"}
    await ming.post(f"{ARRIVALS}/{arrival['id']}/invalidate", json=gone)
    assert (await han.post(ARRIVALS, json=arrival_body(other, **who))).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": None}, "/body/name"),
        ({"name": "坏\u0000字"}, "/body/name"),
        ({"expected_on": None}, "/body/expected_on"),
        ({"expected_on": "2022-02-30"}, "/body/expected_on"),
        ({"expected_on": "0500-02-03"}, "/body/expected_on"),
        ({"arrived_at": "2022-02-15T08:30:00"}, "/body/arrived_at"),
        ({"arrived_at": "1800-02-15T08:30:00Z"}, "/body/arrived_at"),
        ({"document": "451422199001010012"}, "/body/document"),
        ({"phone": "12345"}, "/body/phone"),
        ({"origin_code": "4510"}, "/body/origin_code"),
        ({"stays": [STAY | {"to_on": "2021-12-31"}]}, "/body/stays"),
        ({"stays": [STAY | {"code": "45102"}]}, "/body/stays/0/code"),
        ({"stays": [{"code": "451026"}]}, "/body/stays/0/from_on"),
        ({"stays": [STAY] * 61}, "/body/stays"),
        ({"exposure_class": "gossip"}, "/body/exposure_class"),
        ({"last_exposure_on": "2190-01-01"}, "/body/last_exposure_on"),
        ({"last_exposure_on": A_YEAR_AGO}, "/body/last_exposure_on"),
        ({"stays": [STAY | {"to_on": A_YEAR_AGO}]}, "/body/stays"),
        ({"stays": [STAY | {"from_on": IN_A_MONTH, "to_on": IN_A_MONTH}]}, "/body/stays"),
        ({"transport": "spaceship"}, "/body/transport"),
        ({"household_id": "1"}, "/body/household_id"),
        ({"risk_level": "none"}, "/body/risk_level"),
        ({"status": "verified"}, "/body/status"),
    ],
)
async def test_what_is_filled_in_wrongly_is_pointed_at_and_nothing_is_kept(
    town: Town, home: dict[str, Any], changes: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    said = arrival_body(home) | changes
    told = assert_problem(await ming.post(ARRIVALS, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await ming.get(f"{ARRIVALS}/{said['id']}"), NotFound)


async def test_the_bounds_of_a_day_are_told_as_a_day(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    for day, detail in (
        ("0202-01-01", "不能早于 1900-01-01。"),
        ("9998-01-01", "不能晚于 2199-12-31。"),
    ):
        said = arrival_body(home, last_exposure_on=day)
        told = assert_problem(await ming.post(ARRIVALS, json=said), InvalidInput)
        assert told["errors"] == [{"pointer": "/body/last_exposure_on", "detail": detail}]


async def test_nobody_arrives_in_the_future_or_in_a_house_that_is_gone(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    later = (clock.now() + timedelta(minutes=6)).isoformat()
    future = await ming.post(ARRIVALS, json=arrival_body(home, arrived_at=later))
    told = assert_problem(future, RecordedInTheFuture)
    assert told["errors"][0]["pointer"] == "/body/arrived_at"
    stranger = await ming.post(ARRIVALS, json=arrival_body(home, performed_by=str(new_id())))
    assert_problem(stranger, NotAColleague)
    gone = await a_household(ming, grid=HOME)
    left = {"left_on": clock.today().isoformat()}
    assert (await ming.post(f"/v1/households/{gone['id']}/leave", json=left)).status_code == 200
    assert_problem(await ming.post(ARRIVALS, json=arrival_body(gone)), HouseholdLeft)


async def test_an_arrival_sent_twice_at_the_same_moment_is_one_arrival(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    for who in (somebody(), {"resident_id": home["residents"][0]["id"], "name": None}, {}):
        said = arrival_body(home, **who, stays=[STAY], note="同一条")
        answers = await asyncio.gather(*(ming.post(ARRIVALS, json=said) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201], who
        assert len({answer.text for answer in answers}) == 1
        file = (await ming.get(f"{ARRIVALS}/{said['id']}")).json()
        assert len(file["classifications"]) == 1


async def test_the_same_id_with_another_body_differs_by_field(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    said = arrival_body(home, **somebody(), stays=[STAY], note="带一名婴儿")
    assert (await ming.post(ARRIVALS, json=said)).status_code == 201
    for other, fields in (
        ({"stays": [STAY, STAY | {"code": "441900"}]}, ["stays"]),
        ({"note": None, "phone": "13800000009"}, ["note", "phone"]),
        ({"expected_on": YESTERDAY}, ["expected_on"]),
    ):
        differs = assert_problem(await ming.post(ARRIVALS, json=said | other), RecordDiffers)
        assert sorted(differs["fields"]) == fields
    mei = await town.as_("mei")
    own = await a_household(mei, grid="t.01.01.02")
    taken = await mei.post(ARRIVALS, json=arrival_body(own, id=said["id"]))
    assert assert_problem(taken, RecordDiffers)["fields"] == []


async def test_a_busload_is_kept_item_by_item_and_again_changes_nothing(
    town: Town, home: dict[str, Any]
):
    lin, party = await town.as_("lin"), str(new_id())
    who = somebody()
    items = [
        arrival_body(home, **who, party_id=party),
        arrival_body(home, party_id=party, stays=[STAY]),
        arrival_body(home, **who),
        arrival_body(home) | {"expected_on": "soon"},
        arrival_body({"id": str(new_id())}),
    ]
    items.append(items[1])
    sent = await lin.post(f"{ARRIVALS}/batch", json={"items": items})
    assert sent.status_code == 200, sent.text
    outcomes = [item["outcome"] for item in sent.json()["items"]]
    assert outcomes == ["created", "created", "refused", "refused", "refused", "unchanged"]
    pointers = [item["problem"]["errors"][0]["pointer"] for item in sent.json()["items"][2:5]]
    assert pointers == [
        "/body/items/2/document",
        "/body/items/3/expected_on",
        "/body/items/4/household_id",
    ]
    again = (await lin.post(f"{ARRIVALS}/batch", json={"items": items[:2]})).json()
    assert again["unchanged"] == 2
    file = (await lin.get(f"{ARRIVALS}/{items[0]['id']}")).json()
    assert [each["arrival_id"] for each in file["companions"]] == [items[1]["id"]]
    assert await _ids(lin, party_id=party) == [items[1]["id"], items[0]["id"]]


async def test_five_hundred_come_at_once(town: Town, home: dict[str, Any]):
    lin = await town.as_("lin")
    items = [arrival_body(home, **somebody(), stays=[STAY]) for _ in range(500)]
    sent = (await lin.post(f"{ARRIVALS}/batch", json={"items": items})).json()
    assert sent["created"] == 500
    too_many = {"items": [*items, arrival_body(home)]}
    assert_problem(await lin.post(f"{ARRIVALS}/batch", json=too_many), InvalidInput)


async def test_arrivals_are_listed_by_what_the_field_asks(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid=HOME)
    of_home = {"household_id": home["id"]}
    today = clock.today()
    late = await an_arrival(ming, home, expected_on=(today - timedelta(days=1)).isoformat())
    due = await an_arrival(ming, home, expected_on=today.isoformat())
    here = await an_arrival(ming, home, expected_on=None, arrived_at=clock.now().isoformat())
    assert await _ids(lin, **of_home) == [here["id"], due["id"], late["id"]]
    assert await _ids(lin, **of_home, overdue=True) == [late["id"]]
    assert await _ids(lin, **of_home, overdue=False) == [here["id"], due["id"]]
    assert await _ids(lin, **of_home, status="arrived") == [here["id"]]
    assert await _ids(lin, **of_home, expected_on=today.isoformat()) == [due["id"]]
    assert await _ids(lin, **of_home, risk_level="high") == []
    assert await _ids(lin, **of_home, grid_id=str(grid_id("t.01.01.02"))) == []
    assert await _ids(lin, **of_home, awaits_decision=True) == []
    first = (await lin.get(ARRIVALS, params={**of_home, "limit": 2})).json()
    rest = await _ids(lin, **of_home, cursor=first["next_cursor"])
    assert rest == [late["id"]]


async def _ids(client: Any, **wanted: Any) -> list[str]:
    response = await client.get(ARRIVALS, params=wanted)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_a_family_arrives_by_one_household_book(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    book = {"document_kind": "household_book", "document": "青竹字0013号", "phone": None}
    for name in ("农大力", "农小力"):
        await an_arrival(ming, home, name=name, **book)
