"""Brought from place to place: each step once, in order, signed for at both ends (M3.4)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.movements.problems import OutOfOrder, TransferUnderWay, VehicleNotFit
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder
from tests.builders import FOUR, a_quarantine
from tests.cast import Town, assert_problem, grid_id, id_of

CAR = {"vehicle": "dedicated", "plate": "桂f 12345", "driver": "黄师傅", "escort": "何医生"}
AMBULANCE = {"vehicle": "ambulance", "plate": "桂F120AA", "driver": "莫师傅"}
NORMAL = {"check_c": 36.6, "check_symptoms": []}
SIGNED = {"taken_over_by": "隔离点覃护士"}


def transfer_body(**told: Any) -> dict[str, Any]:
    """The body of a request to bring somebody to a site."""
    return {
        "id": str(new_id()),
        "kind": "to_site",
        "reason": "家中没有独立卫生间",
        "destination": "县职校集中隔离点3号楼",
        **told,
    }


async def _requested(client: httpx.AsyncClient, quarantine: dict[str, Any], **told: Any) -> str:
    body = transfer_body(**told)
    path = f"/v1/quarantines/{quarantine['id']}/transfers"
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return f"/v1/transfers/{body['id']}"


async def _went(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _on_the_road(town: Town, quarantine: dict[str, Any], ride: Any, **told: Any) -> str:
    lin = await town.as_("lin")
    one = await _requested(await town.as_("ming"), quarantine, **told)
    await _went(lin, f"{one}/approve")
    await _went(lin, f"{one}/dispatch", ride)
    return one


async def _whereabouts(town: Town, quarantine: dict[str, Any]) -> list[str]:
    answer = await (await town.as_("lin")).get(f"/v1/quarantines/{quarantine['id']}/whereabouts")
    return [entry["kind"] for entry in answer.json()]


async def test_nobody_and_no_neighbour_asks_for_or_sees_a_transfer(town: Town):
    lin, mei = await town.as_("lin"), await town.as_("mei")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/transfers"
    assert_problem(await town.nobody().post(path, json=transfer_body()), NotSignedIn)
    assert_problem(await town.nobody().get("/v1/transfers"), NotSignedIn)
    assert_problem(await mei.post(path, json=transfer_body()), NotFound)
    one = await _requested(lin, kept)
    assert_problem(await mei.get(one), NotFound)
    assert_problem(await mei.post(f"{one}/pick-up", json=NORMAL), NotFound)
    assert one.rpartition("/")[2] not in {
        each["id"] for each in (await mei.get("/v1/transfers")).json()["items"]
    }
    assert (await (await town.as_("zhou")).get(one)).status_code == 200


async def test_an_order_is_due_within_a_month_of_being_asked_for(town: Town):
    lin = await town.as_("lin")
    kept, now = await a_quarantine(lin), clock.now()
    path = f"/v1/quarantines/{kept['id']}/transfers"
    for due in (now - timedelta(hours=1), now + timedelta(days=32)):
        refused = await lin.post(path, json=transfer_body(due_at=due.isoformat()))
        assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/due_at"
    assert (await lin.get("/v1/transfers", params={"quarantine_id": kept["id"]})).json()[
        "items"
    ] == []


async def test_from_home_to_a_site_by_every_step(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin, team=FOUR)
    one = await _requested(ming, kept, pickup="柳村一组8号")
    asked = (await ming.get(one)).json()
    assert (asked["status"], asked["reason"]) == ("requested", "家中没有独立卫生间")
    assert "8号" not in asked["pickup"]
    due, told = (datetime.fromisoformat(asked[name]) for name in ("due_at", "recorded_at"))
    assert due - told == timedelta(hours=8)
    assert (await _went(lin, f"{one}/approve"))["approved_by"] == str(id_of("lin"))
    sent = await _went(lin, f"{one}/dispatch", CAR)
    assert (sent["plate"], sent["status"]) == ("桂F12345", "dispatched")
    assert await _whereabouts(town, kept) == ["at_home"]
    he = await town.as_("he")
    assert (await _went(he, f"{one}/pick-up", NORMAL))["picked_up_by"] == str(id_of("he"))
    assert await _whereabouts(town, kept) == ["transferred", "at_home"]
    signed = await _went(he, f"{one}/hand-over", SIGNED)
    assert (signed["handed_over_by"], signed["taken_over_by"]) == (
        str(id_of("he")),
        "隔离点覃护士",
    )
    placed = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert (placed["place_kind"], placed["version"]) == ("site", kept["version"] + 1)
    plain = await lin.post(f"/v1/quarantines/{kept['id']}/reveal", json={"reason": "核对地点"})
    assert plain.json()["place"] == "县职校集中隔离点3号楼"
    closed = await _went(he, f"{one}/close", {})
    assert closed["status"] == "closed"
    assert closed["disinfected_at"] is not None
    home = await _on_the_road(town, kept, CAR, kind="to_home", destination="柳村一组8号")
    await _went(ming, f"{home}/pick-up", NORMAL)
    await _went(ming, f"{home}/hand-over", {"taken_over_by": "网格员小明"})
    assert (await _whereabouts(town, kept))[0] == "at_home"
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["place_kind"] == "home"


async def test_each_step_sent_twice_is_taken_once_and_told_otherwise_refused(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    body = transfer_body()
    path = f"/v1/quarantines/{kept['id']}/transfers"
    sent = await asyncio.gather(*(client.post(path, json=body) for client in (ming, lin, ming)))
    assert sorted(answer.status_code for answer in sent) == [200, 200, 201]
    one = f"/v1/transfers/{body['id']}"
    steps: list[tuple[httpx.AsyncClient, str, Any]] = [
        (lin, "approve", None),
        (lin, "dispatch", CAR),
        (ming, "pick-up", NORMAL),
        (ming, "hand-over", SIGNED),
        (ming, "close", {}),
    ]
    for client, step, said in steps:
        twice = await asyncio.gather(*(client.post(f"{one}/{step}", json=said) for _ in range(2)))
        assert [answer.status_code for answer in twice] == [200, 200], step
        assert twice[0].json() == twice[1].json()
    assert (await ming.post(path, json=body)).status_code == 200
    differs = await ming.post(path, json=body | {"destination": "别处"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["destination"]
    warm = await ming.post(f"{one}/pick-up", json={"check_c": 37.0})
    assert assert_problem(warm, RecordDiffers)["fields"] == ["check_c"]
    elsewhere = await ming.post(
        f"/v1/quarantines/{(await a_quarantine(lin))['id']}/transfers", json=body
    )
    assert assert_problem(elsewhere, RecordDiffers)["fields"] == ["quarantine_id"]


async def test_no_step_is_taken_before_its_turn(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    one = await _requested(lin, kept)
    bodies = {"dispatch": CAR, "pick-up": NORMAL, "hand-over": SIGNED, "close": {}}
    for step, said in bodies.items():
        refused = assert_problem(await lin.post(f"{one}/{step}", json=said), OutOfOrder)
        assert refused["state"] == "requested"
        assert "现在是“待审批”" in refused["detail"]
    await _went(lin, f"{one}/approve")
    assert_problem(await lin.post(f"{one}/pick-up", json=NORMAL), OutOfOrder)
    again = await lin.post(f"/v1/quarantines/{kept['id']}/transfers", json=transfer_body())
    assert_problem(again, TransferUnderWay)
    why = {"reason": "复测正常"}
    assert (await _went(lin, f"{one}/cancel", why))["status"] == "cancelled"
    assert (await _went(lin, f"{one}/cancel", why))["cancelled_reason"] == "复测正常"
    assert_problem(await lin.post(f"{one}/dispatch", json=CAR), OutOfOrder)
    await _requested(lin, kept)


async def test_who_calls_off_a_ride_is_told_what_to_do_instead(town: Town):
    lin = await town.as_("lin")
    one = await _on_the_road(town, await a_quarantine(lin), CAR)
    await _went(lin, f"{one}/pick-up", NORMAL)
    refused = await lin.post(f"{one}/cancel", json={"reason": "隔离点不接收"})
    told = assert_problem(refused, OutOfOrder)
    assert (told["state"], "已上车，不能取消" in told["detail"]) == ("picked_up", True)


async def test_who_is_on_duty_rides_along_and_who_leads_decides(town: Town):
    lin, ming, he = await town.as_("lin"), await town.as_("ming"), await town.as_("he")
    wei = await town.as_("wei")
    kept = await a_quarantine(lin, team=("ming", "pang", "ba", "he"))
    one = await _requested(he, kept)
    for client in (ming, he):
        assert_problem(await client.post(f"{one}/approve"), NotPermitted)
        assert_problem(await client.post(f"{one}/dispatch", json=CAR), NotPermitted)
        assert_problem(await client.post(f"{one}/cancel", json={"reason": "不去"}), NotPermitted)
    assert_problem(await wei.post(f"{one}/approve"), NotFound)


async def test_a_seat_from_elsewhere_does_not_decide_even_for_a_leader(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    kept = await a_quarantine(lin, team=("wei", "pang", "ba", "mei"))
    one = await _requested(wei, kept)
    assert_problem(await wei.post(f"{one}/approve"), OutsideYourGrid)


@pytest.mark.parametrize(
    "check", [{"check_c": 37.3}, {"check_c": 36.5, "check_symptoms": ["fever"]}]
)
async def test_fever_before_the_ride_needs_an_ambulance_of_ones_own(
    town: Town, check: dict[str, Any]
):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    one = await _on_the_road(town, kept, CAR)
    refused = assert_problem(await ming.post(f"{one}/pick-up", json=check), VehicleNotFit)
    assert refused["errors"][0]["pointer"] == "/body/check_c"
    assert "先登记这次体温" in refused["detail"]
    assert await _whereabouts(town, kept) == ["at_home"]
    plate = AMBULANCE | {"plate": f"桂F{new_id().hex[-5:]}"}
    instead = await _went(lin, f"{one}/dispatch", plate)
    assert instead["vehicle"] == "ambulance"
    other = await _requested(lin, await a_quarantine(lin))
    await _went(lin, f"{other}/approve")
    full = assert_problem(await lin.post(f"{other}/dispatch", json=plate), VehicleNotFit)
    assert full["errors"][0]["pointer"] == "/body/plate"
    await _went(ming, f"{one}/pick-up", check)
    assert_problem(await lin.post(f"{one}/dispatch", json=CAR), RecordDiffers)


async def test_fever_and_symptoms_before_the_ride_are_told_upward_at_once_and_once(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    one = await _on_the_road(town, kept, AMBULANCE | {"plate": f"桂F{new_id().hex[-5:]}"})
    check = {"check_c": 38.6, "check_symptoms": ["dry_cough"]}
    for _ in range(2):
        await _went(ming, f"{one}/pick-up", check)
    asked = {"quarantine_id": kept["id"]}
    alerts = (await lin.get("/v1/alerts", params=asked)).json()["items"]
    assert {each["cause"] for each in alerts} == {"fever", "symptom"}
    for each in alerts:
        [shown] = (await lin.get(f"/v1/alerts/{each['id']}")).json()["evidence"]
        assert (shown["kind"], shown["record_id"]) == ("transfer", one.rpartition("/")[2])


async def test_an_ambulance_sent_for_two_at_the_same_moment_goes_for_one(town: Town):
    lin = await town.as_("lin")
    both = [await _requested(lin, await a_quarantine(lin)) for _ in range(2)]
    for one in both:
        await _went(lin, f"{one}/approve")
    ride = AMBULANCE | {"plate": "桂F120BB"}
    answers = await asyncio.gather(*(lin.post(f"{one}/dispatch", json=ride) for one in both))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_open_alert_of_fever_needs_an_ambulance_from_the_start(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    reading = {"id": str(new_id()), "quarantine_id": kept["id"], "value_c": 38.4}
    assert (await ming.post("/v1/readings", json=reading)).status_code == 201
    one = await _requested(ming, kept, kind="to_hospital", destination="县人民医院")
    await _went(lin, f"{one}/approve")
    refused = assert_problem(await lin.post(f"{one}/dispatch", json=CAR), VehicleNotFit)
    assert refused["errors"][0]["pointer"] == "/body/vehicle"
    own = AMBULANCE | {"plate": "桂F120ZZ"}
    await _went(lin, f"{one}/dispatch", own)
    await _went(ming, f"{one}/pick-up", NORMAL)
    assert (await _whereabouts(town, kept))[0] == "in_hospital"


async def test_what_is_wrong_with_a_step_is_pointed_at_and_changes_nothing(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    one = await _on_the_road(town, kept, CAR | {"plate": "桂F77777"})
    later = (clock.now() + timedelta(hours=1)).isoformat()
    before = (clock.now() - timedelta(hours=1)).isoformat()
    wrong: list[tuple[dict[str, Any], Any, str]] = [
        ({"check_c": 60}, InvalidInput, "/body/check_c"),
        ({"check_c": "37"}, InvalidInput, "/body/check_c"),
        ({"check_c": 36.5, "check_symptoms": ["sad"]}, InvalidInput, "/body/check_symptoms/0"),
        (NORMAL | {"picked_up_at": later}, RecordedInTheFuture, "/body/picked_up_at"),
        (NORMAL | {"picked_up_at": before}, InvalidInput, "/body/picked_up_at"),
    ]
    for body, problem, pointer in wrong:
        refused = assert_problem(await ming.post(f"{one}/pick-up", json=body), problem)
        assert refused["errors"][0]["pointer"] == pointer
    assert (await ming.get(one)).json()["status"] == "dispatched"
    noted = {"id": str(new_id()), "kind": "in_hospital", "since_at": clock.now().isoformat()}
    path = f"/v1/quarantines/{kept['id']}/whereabouts"
    ahead = noted | {"since_at": (clock.now() + timedelta(seconds=200)).isoformat()}
    assert (await ming.post(path, json=ahead)).status_code == 201
    early = assert_problem(await ming.post(f"{one}/pick-up", json=NORMAL), WhereaboutsOutOfOrder)
    assert early["errors"][0]["pointer"] == "/body/picked_up_at"
    assert (await ming.get(one)).json()["status"] == "dispatched"


async def test_of_an_ended_quarantine_nobody_is_fetched_but_a_ride_is_finished(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept, riding = await a_quarantine(lin), await a_quarantine(lin)
    one = await _on_the_road(town, kept, CAR | {"plate": "桂F10001"})
    other = await _on_the_road(
        town, riding, CAR | {"plate": "桂F10002"}, kind="elsewhere", destination="邻县"
    )
    await _went(ming, f"{other}/pick-up", NORMAL)
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "移交邻县"}
    for each in (kept, riding):
        await _went(lin, f"/v1/quarantines/{each['id']}/terminate", ending)
    called_off = assert_problem(await ming.post(f"{one}/pick-up", json=NORMAL), OutOfOrder)
    assert called_off["state"] == "cancelled"
    await _went(ming, f"{other}/hand-over", {"taken_over_by": "邻县专班"})
    assert (await _went(ming, f"{other}/close", {}))["status"] == "closed"
    body = transfer_body()
    path = f"/v1/quarantines/{kept['id']}/transfers"
    assert_problem(await lin.post(path, json=body), QuarantineEnded)
    assert_problem(await lin.get(f"/v1/transfers/{body['id']}"), NotFound)


async def test_lists_are_narrowed_and_the_plain_address_is_given_for_a_reason(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    first = await _requested(ming, kept)
    await _went(lin, f"{first}/cancel", {"reason": "改日"})
    second = await _requested(ming, kept, destination="𠮷祥隔离点')； DROP TABLE transfers; --")
    asked = {"quarantine_id": kept["id"]}
    listed = (await ming.get("/v1/transfers", params=asked)).json()["items"]
    assert [each["status"] for each in listed] == ["requested", "cancelled"]
    narrowed = (await ming.get("/v1/transfers", params=asked | {"under_way": "true"})).json()
    assert [each["id"] for each in narrowed["items"]] == [second.rpartition("/")[2]]
    unseen = await ming.get("/v1/transfers", params={"grid_id": str(grid_id("t.01.02"))})
    assert assert_problem(unseen, NotFound)["errors"][0]["pointer"] == "/query/grid_id"
    plain = await _went(ming, f"{second}/reveal", {"reason": "司机上门接人"})
    assert plain["destination"] == "𠮷祥隔离点')； DROP TABLE transfers; --"
    pang = await town.as_("pang")
    assert_problem(await pang.post(f"{second}/reveal", json={"reason": "随便看看"}), NotPermitted)
