"""From being expected to being gone again: each step once, in its order, and kept on record."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.arrivals.problems import (
    AlreadyAnArrival,
    ArrivalNotSo,
    DocumentsDiffer,
    RegisteredElsewhere,
)
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotPermitted
from api.foundation.records import new_id
from api.registry.problems import NotAMistake, ResidentAlreadyRegistered, StillUnderControl
from tests.builders import (
    a_household,
    a_quarantine,
    an_arrival,
    arrival_body,
    synthetic_resident,
)
from tests.cast import Town, assert_problem, id_of

HOME = "t.01.01.01"
TODAY = {"departed_on": clock.today().isoformat()}


def ago(**told: float) -> str:
    return (clock.now() - timedelta(**told)).isoformat()


@pytest.fixture
async def home(town: Town) -> dict[str, Any]:
    return await a_household(await town.as_("ming"), grid=HOME)


async def _step(client: Any, arrival: dict[str, Any], step: str, **body: Any) -> Any:
    return await client.post(f"/v1/arrivals/{arrival['id']}/{step}", json=body)


async def _done(client: Any, arrival: dict[str, Any], step: str, **body: Any) -> dict[str, Any]:
    response = await _step(client, arrival, step, **body)
    assert response.status_code == 200, response.text
    return response.json()


async def _here(client: Any, home: dict[str, Any], **told: Any) -> dict[str, Any]:
    came = {"expected_on": None, "arrived_at": ago(hours=1)}
    return await an_arrival(client, home, **came, **told)


async def test_who_may_look_may_not_take_a_step(town: Town, home: dict[str, Any]):
    arrival = await an_arrival(await town.as_("ming"), home)
    wei = await town.as_("wei")
    other = await a_household(wei, grid="t.01.02.01")
    of_wei = await an_arrival(wei, other)
    he = await town.as_("he")
    assert (await he.get(f"/v1/arrivals/{of_wei['id']}")).status_code == 200
    assert_problem(await _step(he, of_wei, "arrive", arrived_at=ago(hours=1)), NotPermitted)
    assert_problem(await _step(he, of_wei, "leave-as-is", reason="不需管控"), NotPermitted)
    ming = await town.as_("ming")
    assert_problem(await _step(ming, arrival, "leave-as-is", reason="不需管控"), NotPermitted)


async def test_somebody_comes_is_known_and_leaves_again(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    person = home["residents"][0]
    arrival = await an_arrival(ming, home)
    assert_problem(await _step(ming, arrival, "verify", resident_id=person["id"]), ArrivalNotSo)
    assert_problem(await _step(ming, arrival, "depart", **TODAY), ArrivalNotSo)

    came = await _done(ming, arrival, "arrive", arrived_at=ago(hours=2), told_at=ago(hours=1))
    assert (came["status"], came["version"], came["overdue"]) == ("arrived", 2, False)
    verified = await _done(ming, arrival, "verify", resident_id=person["id"])
    assert (verified["status"], verified["resident_id"]) == ("verified", person["id"])
    assert verified["verified_by"] == str(id_of("ming"))
    assert verified["sex"] == person["sex"]

    gone = await _done(ming, arrival, "depart", **TODAY, destination="鹏湾市湾南区海望街道")
    assert (gone["status"], gone["departed_on"]) == ("departed", TODAY["departed_on"])
    assert gone["destination"] == "鹏湾市湾南***"
    resident = (await ming.get(f"/v1/residents/{person['id']}")).json()
    assert resident["left_on"] == TODAY["departed_on"]
    again = await an_arrival(ming, home, resident_id=person["id"])
    assert again["status"] == "expected"


async def test_each_step_sent_twice_is_done_once(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    steps = [
        ("arrive", {"arrived_at": ago(hours=2)}),
        ("verify", {"resident_id": home["residents"][0]["id"]}),
        ("depart", {**TODAY, "destination": "外地"}),
    ]
    for version, (step, body) in enumerate(steps, start=2):
        answers = await asyncio.gather(*(_step(ming, arrival, step, **body) for _ in range(3)))
        assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
        assert {answer.json()["version"] for answer in answers} == {version}
    for step, body in steps:  # from a phone that heard no answer until now
        assert (await _done(ming, arrival, step, **body))["version"] == 1 + len(steps)
    late = await _step(ming, arrival, *steps[0][:1], arrived_at=ago(hours=9))
    assert assert_problem(late, ArrivalNotSo)["arrival_status"] == "departed"


async def test_the_day_of_coming_and_what_became_known_on_the_way_class_again(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    future = (clock.now() + timedelta(minutes=6)).isoformat()
    for name in ("arrived_at", "told_at"):
        told = {"arrived_at": ago(hours=1), name: future}
        refused = assert_problem(await _step(ming, arrival, "arrive", **told), RecordedInTheFuture)
        assert refused["errors"][0]["pointer"] == f"/body/{name}"
    stays = [
        {
            "code": "441900003",
            "from_on": "2022-01-01",
            "to_on": str(clock.today() - timedelta(days=1)),
        }
    ]
    came = await _done(ming, arrival, "arrive", arrived_at=ago(hours=1), stays=stays)
    assert came["stays"] == stays
    assert came["arrival_told_at"] > came["arrived_at"]


async def test_whom_an_arrival_may_be_is_proposed_with_why(town: Town):
    ming = await town.as_("ming")
    likely, namesake, other = synthetic_resident(), synthetic_resident(), synthetic_resident()
    home = await a_household(ming, grid=HOME, residents=[likely, namesake, other])
    elsewhere = synthetic_resident(phone=likely["phone"])
    await a_household(ming, grid=HOME, residents=[elsewhere])
    told = {name: likely[name] for name in ("document_kind", "document", "phone")}
    arrival = await an_arrival(ming, home, name=namesake["name"], **told)
    found = (await ming.get(f"/v1/arrivals/{arrival['id']}/candidates")).json()["items"]
    assert [(each["resident_id"], each["because"]) for each in found] == [
        (likely["id"], ["证件号相同", "电话相同", "登记在所到的户"]),
        (elsewhere["id"], ["电话相同"]),
        (namesake["id"], ["姓名相同", "登记在所到的户"]),
    ]
    assert "*" in found[0]["document"]


async def test_nobody_is_taken_for_a_resident_with_another_identity_number(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    resident, told = home["residents"][0], synthetic_resident()
    number = {name: told[name] for name in ("document_kind", "document")}
    arrival = await _here(ming, home, **number)
    refused = await _step(ming, arrival, "verify", resident_id=resident["id"])
    problem = assert_problem(refused, DocumentsDiffer)
    assert problem["errors"][0]["pointer"] == "/body/resident_id"
    assert problem["resident_id"] == resident["id"]

    body = arrival_body(home, resident_id=resident["id"], **number)
    problem = assert_problem(await ming.post("/v1/arrivals", json=body), DocumentsDiffer)
    assert problem["errors"][0]["pointer"] == "/body/document"
    passport = {"document_kind": "passport", "document": "E12345678"}
    other = await _here(ming, home, **passport)
    assert (await _done(ming, other, "verify", resident_id=resident["id"]))["status"] == "verified"
    number = {name: synthetic_resident()[name] for name in number}
    corrected = await ming.patch(
        f"/v1/arrivals/{other['id']}",
        json={**number, "reason": "补登身份证"},
        headers={"If-Match": '"2"'},
    )
    assert_problem(corrected, DocumentsDiffer)


async def test_a_year_mistyped_is_asked_about(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    years_ago = ago(days=370)
    for told in ({"expected_on": "1900-01-01"}, {"arrived_at": years_ago}):
        refused = await ming.post("/v1/arrivals", json=arrival_body(home, **told))
        problem = assert_problem(refused, InvalidInput)
        assert problem["errors"][0]["pointer"] == f"/body/{next(iter(told))}"
    late = {"expected_on": (clock.today() + timedelta(days=370)).isoformat(), "reason": "改期"}
    corrected = await ming.patch(
        f"/v1/arrivals/{arrival['id']}", json=late, headers={"If-Match": '"1"'}
    )
    assert assert_problem(corrected, InvalidInput)["errors"][0]["pointer"] == "/body/expected_on"
    assert_problem(await _step(ming, arrival, "arrive", arrived_at=years_ago), InvalidInput)


async def test_nobody_is_reported_as_come_before_they_came(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    early = await _step(ming, arrival, "arrive", arrived_at=ago(hours=2), told_at=ago(hours=3))
    problem = assert_problem(early, InvalidInput)
    assert problem["errors"][0]["pointer"] == "/body/told_at"


async def test_who_is_new_is_registered_by_what_they_told(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    person = synthetic_resident(name="新来的人")
    told = {name: person[name] for name in ("name", "document_kind", "document", "phone")}
    arrival = await _here(ming, home, **told)
    new = {"id": str(new_id()), "relation": "sibling"}
    answers = await asyncio.gather(
        *(_step(ming, arrival, "verify", register_as=new) for _ in range(2))
    )
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    resident = (await ming.get(f"/v1/residents/{new['id']}")).json()
    assert (resident["name"], resident["relation"]) == ("新来的人", "sibling")
    assert (resident["registration"], resident["household_id"]) == ("migrant", home["id"])
    found = await ming.post("/v1/residents/search", json={"phone": person["phone"]})
    assert [each["id"] for each in found.json()["items"]] == [new["id"]]


async def test_who_is_registered_already_is_not_registered_again(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    person = synthetic_resident()
    elsewhere = await a_household(ming, grid=HOME, residents=[person])
    told = {name: person[name] for name in ("name", "document_kind", "document")}
    arrival = await _here(ming, home, **told)
    refused = await _step(ming, arrival, "verify", register_as={"id": str(new_id())})
    held = assert_problem(refused, ResidentAlreadyRegistered)
    assert held["resident_id"] == person["id"]
    assert held["errors"][0]["pointer"] == "/body/register_as"
    wrong_door = await _step(ming, arrival, "verify", resident_id=person["id"])
    assert assert_problem(wrong_door, RegisteredElsewhere)["household_id"] == elsewhere["id"]
    unknown = await _step(ming, arrival, "verify", resident_id=str(new_id()))
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == "/body/resident_id"
    for both in ({}, {"resident_id": person["id"], "register_as": {"id": str(new_id())}}):
        assert_problem(await _step(ming, arrival, "verify", **both), InvalidInput)
    assert (await ming.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"] == arrival


async def test_one_person_does_not_come_twice(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    person = home["residents"][0]["id"]
    await an_arrival(ming, home, resident_id=person)
    other = await _here(ming, home)
    assert_problem(await _step(ming, other, "verify", resident_id=person), AlreadyAnArrival)


async def test_who_had_left_the_place_lives_there_again(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    person = home["residents"][0]["id"]
    left = {"left_on": "2022-02-01", "destination": "鹏湾市"}
    assert (await ming.post(f"/v1/residents/{person}/leave", json=left)).status_code == 200
    arrival = await _here(ming, home)
    await _done(ming, arrival, "verify", resident_id=person)
    assert (await ming.get(f"/v1/residents/{person}")).json()["left_on"] is None


async def test_the_register_learns_what_it_did_not_know(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    told, nameless = synthetic_resident(), {"id": str(new_id()), "name": "黄阿婆"}
    door = await a_household(ming, grid=HOME, residents=[{**nameless, "relation": "other"}])
    number = {name: told[name] for name in ("document_kind", "document", "phone")}
    arrival = await _here(ming, door, **number)
    await _done(ming, arrival, "verify", resident_id=nameless["id"])
    sought = {name: number[name] for name in ("document_kind", "document")}
    found = await ming.post("/v1/residents/search", json=sought)
    assert [each["id"] for each in found.json()["items"]] == [nameless["id"]], found.text
    kept = (await ming.get(f"/v1/residents/{nameless['id']}")).json()
    assert (kept["version"], kept["phone"][-4:]) == (2, told["phone"][-4:])

    other = {"id": str(new_id()), "name": "黄阿公", "relation": "other"}
    elsewhere = await a_household(ming, grid=HOME, residents=[other])
    await _done(ming, arrival, "depart", **TODAY)
    taken = await _here(ming, elsewhere, **number)
    refused = await _step(ming, taken, "verify", resident_id=other["id"])
    held = assert_problem(refused, ResidentAlreadyRegistered)
    assert held["resident_id"] == nameless["id"]
    assert held["errors"][0]["pointer"] == "/body/resident_id"


async def test_nobody_is_handed_over_or_gone_while_their_quarantine_runs(
    town: Town, home: dict[str, Any]
):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    person = home["residents"][0]["id"]
    arrival = await _here(ming, home, resident_id=person)
    quarantine = await a_quarantine(lin, resident=person)
    for step, body in (
        ("depart", TODAY),
        ("transfer", {"to": "雾桥镇", "receipt": "已接收"}),
        ("invalidate", {"reason": "查无此人"}),
    ):
        refused = assert_problem(await _step(ming, arrival, step, **body), StillUnderControl)
        assert refused["quarantine_id"] == quarantine["id"]
    ended = {"ended_on": TODAY["departed_on"], "end_reason": "entered_in_error", "note": "误登"}
    over = await lin.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ended)
    assert over.status_code == 200, over.text
    assert (await _done(ming, arrival, "depart", **TODAY))["status"] == "departed"


@pytest.mark.parametrize("day", [1, -2])
async def test_nobody_leaves_in_the_future_or_before_they_came(
    town: Town, home: dict[str, Any], day: int
):
    ming = await town.as_("ming")
    arrival = await _here(ming, home)
    departed_on = (clock.today() + timedelta(days=day)).isoformat()
    refused = assert_problem(
        await _step(ming, arrival, "depart", departed_on=departed_on), InvalidInput
    )
    assert refused["errors"][0]["pointer"] == "/body/departed_on"


async def test_who_is_not_ours_is_handed_over_against_a_receipt(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home)
    handed = {"to": "雾桥县雾桥镇防控办", "receipt": "已接收，回执〔2022〕18号"}
    for _ in range(2):
        told = await _done(ming, arrival, "transfer", **handed)
        assert (told["status"], told["version"]) == ("transferred", 2)
        assert told["ended_reason"] == handed["receipt"]
    other = await _step(ming, arrival, "transfer", **handed | {"to": "别处"})
    assert_problem(other, ArrivalNotSo)
    assert_problem(await _step(ming, arrival, "invalidate", reason="不来了"), ArrivalNotSo)


async def test_what_was_untrue_is_told_with_its_reason(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    arrival = await _here(ming, home)
    for _ in range(2):
        told = await _done(ming, arrival, "invalidate", reason="查无此人")
        assert (told["status"], told["ended_reason"]) == ("invalid", "查无此人")
    assert_problem(await _step(ming, arrival, "invalidate", reason="另一原因"), ArrivalNotSo)


async def test_whoever_is_signed_out_waits_for_nobody_any_more(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    people = [synthetic_resident(), synthetic_resident()]
    family = await a_household(ming, grid=HOME, residents=people)
    first, second = [await _here(ming, family, resident_id=person["id"]) for person in people]
    await _done(ming, first, "verify", resident_id=people[0]["id"])
    expected = await an_arrival(ming, home, resident_id=home["residents"][0]["id"])
    early = {"left_on": (clock.today() - timedelta(days=2)).isoformat(), "destination": "鹏湾市"}
    leave = f"/v1/residents/{people[0]['id']}/leave"
    refused = assert_problem(await ming.post(leave, json=early), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/left_on"
    today = early | {"left_on": TODAY["departed_on"]}
    assert (await ming.post(leave, json=today)).status_code == 200
    gone = (await ming.get(f"/v1/arrivals/{first['id']}")).json()["arrival"]
    assert (gone["status"], gone["departed_on"]) == ("departed", TODAY["departed_on"])
    assert gone["destination"] == "鹏***"
    assert not gone["awaits_decision"]

    for household in (family, home):
        away = await ming.post(f"/v1/households/{household['id']}/leave", json=today)
        assert away.status_code == 200, away.text
    second = (await ming.get(f"/v1/arrivals/{second['id']}")).json()["arrival"]
    assert second["status"] == "departed"
    still = (await ming.get(f"/v1/arrivals/{expected['id']}")).json()["arrival"]
    assert still["status"] == "expected"


async def test_who_had_not_left_after_all_is_here_as_they_were(town: Town):
    ming = await town.as_("ming")
    family = await a_household(ming, grid=HOME)
    person = family["residents"][0]["id"]
    came = ago(days=3)
    arrival = await an_arrival(ming, family, resident_id=person, expected_on=None, arrived_at=came)
    await _done(ming, arrival, "verify", resident_id=person)

    async def put_right(left_on: str | None) -> Any:
        kept = (await ming.get(f"/v1/residents/{person}")).json()
        said = {"left_on": left_on, "reason": "误登"}
        version = {"If-Match": f'"{kept["version"]}"'}
        return await ming.patch(f"/v1/residents/{person}", json=said, headers=version)

    async def now() -> tuple[str, str | None]:
        shown = (await ming.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"]
        return shown["status"], shown["departed_on"]

    await _done(ming, arrival, "depart", **TODAY)
    earlier = (clock.today() - timedelta(days=1)).isoformat()
    assert (await put_right(earlier)).status_code == 200
    assert await now() == ("departed", earlier)
    before = (clock.today() - timedelta(days=9)).isoformat()
    assert_problem(await put_right(before), InvalidInput)
    assert (await put_right(None)).status_code == 200
    assert await now() == ("verified", None)

    left = await ming.post(f"/v1/households/{family['id']}/leave", json={"left_on": earlier})
    assert left.status_code == 200, left.text
    assert await now() == ("departed", earlier)
    version = {"If-Match": f'"{left.json()["version"]}"'}
    said = {"left_on": None, "reason": "误登"}
    back = await ming.patch(f"/v1/households/{family['id']}", json=said, headers=version)
    assert back.status_code == 200, back.text
    assert await now() == ("verified", None)

    await _done(ming, arrival, "depart", **TODAY)
    again = await _here(ming, family)
    await _done(ming, again, "verify", resident_id=person)  # came back: that one has ended
    assert await now() == ("departed", TODAY["departed_on"])


async def test_whoever_tells_of_a_departure_at_the_same_moment_is_told_the_same(town: Town):
    ming = await town.as_("ming")
    left = {"left_on": TODAY["departed_on"]}
    for _ in range(4):
        family = await a_household(ming, grid=HOME)
        person = family["residents"][0]["id"]
        arrival = await _here(ming, family, resident_id=person)
        answers = await asyncio.gather(
            _step(ming, arrival, "depart", **TODAY),
            ming.post(f"/v1/residents/{person}/leave", json=left),
            ming.post(f"/v1/households/{family['id']}/leave", json=left),
        )
        assert [each.status_code for each in answers] == [200] * 3, [e.text for e in answers]


async def test_who_is_handed_over_lives_there_and_who_was_untrue_lives_nowhere(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    told = synthetic_resident()
    number = {name: told[name] for name in ("document_kind", "document")}
    new = {"id": str(new_id())}
    first = await _here(ming, home, **number)
    await _done(ming, first, "verify", register_as=new)
    untrue = await _done(ming, first, "invalidate", reason="冒用他人证件")
    assert (untrue["status"], untrue["resident_id"]) == ("invalid", None)
    here = (await ming.get(f"/v1/households/{home['id']}")).json()
    assert new["id"] not in [each["id"] for each in here["residents"]]

    second = await _here(ming, home, **number)
    again = {"id": str(new_id())}
    await _done(ming, second, "verify", register_as=again)
    visit = {"id": str(new_id()), "resident_id": again["id"]}
    code = {"state": "green"}
    seen = await ming.post("/v1/code-states", json=visit | code)
    assert seen.status_code == 201, seen.text
    known = await _step(ming, second, "invalidate", reason="查无此人")
    assert assert_problem(known, NotAMistake)["records"] == {"code_states": 1}
    handed = {"to": "雾桥县雾桥镇防控办", "receipt": "已接收"}
    await _done(ming, second, "transfer", **handed)
    resident = (await ming.get(f"/v1/residents/{again['id']}")).json()
    assert resident["left_on"] == TODAY["departed_on"]

    known_before = await _here(ming, home)
    person = home["residents"][0]["id"]
    await _done(ming, known_before, "verify", resident_id=person)
    await _done(ming, known_before, "invalidate", reason="认错了人")
    assert (await ming.get(f"/v1/residents/{person}")).json()["left_on"] is None


async def test_an_arrival_moves_with_the_resident_it_is_about(town: Town, home: dict[str, Any]):
    lin, mei, ming = [await town.as_(name) for name in ("lin", "mei", "ming")]
    arrival = await _here(ming, home)
    person = home["residents"][0]["id"]
    await _done(ming, arrival, "verify", resident_id=person)
    next_door = await a_household(lin, grid="t.01.01.02")
    move = {"household_id": next_door["id"], "reason": "投亲"}
    assert (await lin.post(f"/v1/residents/{person}/move", json=move)).status_code == 200
    moved = (await mei.get(f"/v1/arrivals/{arrival['id']}")).json()
    assert moved["arrival"]["household_id"] == next_door["id"]
    assert len(moved["classifications"]) == 1
    assert_problem(await ming.get(f"/v1/arrivals/{arrival['id']}"), NotFound)
