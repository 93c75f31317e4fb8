"""A quarantine from its first day to its last: who may begin, see, change and end it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
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
from api.quarantines.problems import (
    AlreadyInQuarantine,
    PeriodWithoutBasis,
    QuarantineEnded,
    ReleaseConditionsUnmet,
)
from tests.builders import FOUR, a_household, a_quarantine, quarantine_body, team_of
from tests.cast import Town, assert_problem

GRID = "t.01.01.01"


async def _resident(town: Town, name: str = "lin", *, grid: str = GRID) -> str:
    household = await a_household(await town.as_(name), grid=grid)
    return household["residents"][0]["id"]


def _day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


async def test_nobody_sees_or_begins_a_quarantine(town: Town):
    nobody = town.nobody()
    assert_problem(await nobody.get("/v1/quarantines"), NotSignedIn)
    body = quarantine_body(resident=str(new_id()))
    assert_problem(await nobody.post("/v1/quarantines", json=body), NotSignedIn)


async def test_the_neighbour_neither_begins_nor_sees_a_quarantine(town: Town):
    lin, wei, mei = await town.as_("lin"), await town.as_("wei"), await town.as_("mei")
    body = quarantine_body(resident=await _resident(town))
    refused = assert_problem(await wei.post("/v1/quarantines", json=body), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/resident_id"
    kept = await a_quarantine(lin)
    for neighbour in (wei, mei):
        assert_problem(await neighbour.get(f"/v1/quarantines/{kept['id']}"), NotFound)
        assert (await neighbour.get("/v1/quarantines")).json()["items"] == []


async def test_a_grid_worker_may_not_begin_a_quarantine(town: Town):
    ming = await town.as_("ming")
    body = quarantine_body(resident=await _resident(town, "ming"))
    assert_problem(await ming.post("/v1/quarantines", json=body), NotPermitted)


async def test_a_quarantine_is_seen_by_its_grid_and_every_level_above(town: Town):
    kept = await a_quarantine(await town.as_("lin"))
    for name in ("ming", "lin", "li", "zhou"):
        response = await (await town.as_(name)).get(f"/v1/quarantines/{kept['id']}")
        assert response.status_code == 200
        assert response.headers["ETag"] == '"1"'
        assert response.json() == kept


async def test_a_quarantine_tells_its_person_team_day_and_whereabouts(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(
        lin, team=FOUR, started_on=_day(-3), planned_end_on=_day(10), place="柳村一组12号后院"
    )
    assert kept["status"] == "active"
    assert kept["day_number"] == 4
    assert "*" in kept["resident_phone"]
    assert kept["place"].endswith("***")
    assert kept["care_policy"] == "four_to_one"
    assert kept["monitoring_policy"] == "twice_daily"
    assert kept["team_complete"]
    assert [seat["name"] for seat in kept["team"]] == ["小明", "庞党员", "巴志愿", "何医生"]
    assert [seat["role"] for seat in kept["team"]][3] == "village_doctor"
    assert kept["whereabouts"]["kind"] == "at_home"


async def test_a_person_brought_to_a_site_begins_as_transferred(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, place_kind="site", category="centralized_quarantine")
    assert kept["whereabouts"]["kind"] == "transferred"


async def test_a_person_is_in_one_quarantine_at_a_time(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    again = quarantine_body(resident=kept["resident_id"])
    refused = assert_problem(await lin.post("/v1/quarantines", json=again), AlreadyInQuarantine)
    assert refused["quarantine_id"] == kept["id"]
    assert refused["errors"][0]["pointer"] == "/body/resident_id"


async def test_two_quarantines_of_one_person_begun_at_the_same_moment_leave_one(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for _ in range(5):
        resident = await _resident(town)
        bodies = [quarantine_body(resident=resident) for _ in range(4)]
        clients = (lin, zhou, lin, zhou)
        responses = await asyncio.gather(
            *(
                client.post("/v1/quarantines", json=body)
                for client, body in zip(clients, bodies, strict=True)
            )
        )
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [201, 409, 409, 409]
        listed = await lin.get("/v1/quarantines", params={"resident_id": resident})
        assert len(listed.json()["items"]) == 1


async def test_the_same_quarantine_sent_twice_at_the_same_moment_is_one(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for _ in range(3):
        body = quarantine_body(resident=await _resident(town), team=FOUR)
        body["recorded_at"] = clock.now().isoformat()
        body["performed_by"] = body["team"][0]["worker_id"]
        responses = await asyncio.gather(
            *(client.post("/v1/quarantines", json=body) for client in (lin, zhou, lin))
        )
        assert sorted(response.status_code for response in responses) == [200, 200, 201]
        assert len({response.text for response in responses}) == 1


async def test_the_same_id_with_another_body_is_refused_and_says_where_they_differ(town: Town):
    lin = await town.as_("lin")
    body = quarantine_body(resident=await _resident(town), team=FOUR, place="村委会旁")
    assert (await lin.post("/v1/quarantines", json=body)).status_code == 201
    for change, field in (
        ({"planned_end_on": _day(20)}, "planned_end_on"),
        ({"place": "别处"}, "place"),
        ({"team": team_of("ming", "fan", "ba", "he")}, "team"),
        ({"team": []}, "team"),
    ):
        refused = await lin.post("/v1/quarantines", json={**body, **change})
        assert assert_problem(refused, RecordDiffers)["fields"] == [field]


async def test_a_seat_id_that_is_used_already_is_pointed_at(town: Town):
    lin = await town.as_("lin")
    first = quarantine_body(resident=await _resident(town), team=FOUR)
    assert (await lin.post("/v1/quarantines", json=first)).status_code == 201
    again = quarantine_body(resident=await _resident(town)) | {"team": first["team"]}
    refused = assert_problem(await lin.post("/v1/quarantines", json=again), RecordDiffers)
    assert refused["errors"][0]["pointer"] == "/body/team/0/id"
    batch = await lin.post("/v1/quarantines/batch", json={"items": [again]})
    assert batch.json()["refused"] == 1


async def test_a_late_retry_does_not_collide_with_a_correction(town: Town):
    lin = await town.as_("lin")
    body = quarantine_body(resident=await _resident(town))
    assert (await lin.post("/v1/quarantines", json=body)).status_code == 201
    change = {"category": "strict_home_monitoring", "change_reason": "评估后调整"}
    path = f"/v1/quarantines/{body['id']}"
    corrected = await lin.patch(path, json=change, headers={"If-Match": '"1"'})
    assert corrected.status_code == 200
    again = await lin.post("/v1/quarantines", json=body)
    assert again.status_code == 200
    assert again.json()["category"] == "strict_home_monitoring"


async def test_a_planned_quarantine_becomes_active_on_its_day_by_itself(
    town: Town, time_machine: Any
):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, started_on=_day(2), planned_end_on=_day(15))
    assert (kept["status"], kept["day_number"]) == ("planned", None)
    path = f"/v1/quarantines/{kept['id']}"
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    later = town.client(await town.token_of("lin"))
    read = (await later.get(path)).json()
    assert (read["status"], read["day_number"]) == ("active", 1)
    listed = await later.get("/v1/quarantines", params={"status": "active"})
    assert kept["id"] in [item["id"] for item in listed.json()["items"]]
    planned = await later.get("/v1/quarantines", params={"status": "planned"})
    assert kept["id"] not in [item["id"] for item in planned.json()["items"]]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"planned_end_on": "2022-01-01"}, "/body/planned_end_on"),
        ({"reason": "boredom"}, "/body/reason"),
        ({"place": "柳村\u0000"}, "/body/place"),
        ({"resident_id": "12"}, "/body/resident_id"),
        ({"id": "12"}, "/body/id"),
        ({"started_on": "2022-02-30"}, "/body/started_on"),
        ({"care_policy": "'; DROP TABLE quarantines"}, "/body/care_policy"),
        ({"status": "released"}, "/body/status"),
    ],
)
async def test_a_wrong_field_is_pointed_at(town: Town, change: dict[str, str], pointer: str):
    lin = await town.as_("lin")
    body = quarantine_body(resident=str(new_id())) | change
    refused = assert_problem(await lin.post("/v1/quarantines", json=body), InvalidInput)
    assert refused["errors"][0]["pointer"] == pointer


async def test_rare_characters_and_sql_in_a_text_are_kept_as_they_are(town: Town):
    lin = await town.as_("lin")
    place = "𠮷祥里3号'; DROP TABLE quarantines; --"
    kept = await a_quarantine(lin, place=place)
    path = f"/v1/quarantines/{kept['id']}/reveal"
    revealed = await lin.post(path, json={"reason": "上门核对住处"})
    assert revealed.json()["place"] == place


async def test_the_first_day_is_corrected_only_with_a_basis_a_reason_and_the_right_version(
    town: Town,
):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    path, sooner = f"/v1/quarantines/{kept['id']}", {"started_on": _day(-2)}
    whole = {**sooner, "legal_basis": "指挥部〔2022〕4号", "change_reason": "登记有误"}
    assert_problem(await lin.patch(path, json=whole), VersionMissing)
    current = {"If-Match": '"1"'}
    refused = await lin.patch(path, json={**sooner, "change_reason": "更正"}, headers=current)
    assert_problem(refused, PeriodWithoutBasis)
    no_reason = await lin.patch(path, json=sooner, headers=current)
    assert assert_problem(no_reason, InvalidInput)["errors"][0]["pointer"] == "/body/change_reason"
    emptied = {"started_on": None, "change_reason": "清空"}
    assert_problem(await lin.patch(path, json=emptied, headers=current), InvalidInput)
    after = {**whole, "started_on": _day(14)}
    refused = assert_problem(await lin.patch(path, json=after, headers=current), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/started_on"
    changed = await lin.patch(path, json=whole, headers=current)
    assert (changed.json()["started_on"], changed.headers["ETag"]) == (_day(-2), '"2"')
    assert changed.json()["stage"]["starts_on"] == _day(-2)
    assert changed.json()["stage"]["day_number"] == changed.json()["day_number"] == 3
    assert_problem(await lin.patch(path, json=whole, headers=current), VersionMismatch)


async def test_a_period_is_not_lengthened_by_a_correction(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    longer = {"planned_end_on": _day(20), "legal_basis": "指挥部", "change_reason": "延长"}
    path = f"/v1/quarantines/{kept['id']}"
    refused = await lin.patch(path, json=longer, headers={"If-Match": '"1"'})
    [fault] = assert_problem(refused, InvalidInput)["errors"]
    assert fault["pointer"] == "/body/planned_end_on"
    assert "申请延长或缩短" in fault["detail"]


async def test_release_waits_for_the_period_and_termination_does_not(town: Town, time_machine: Any):
    lin = await town.as_("lin")
    kept, other = await a_quarantine(lin, days=3), await a_quarantine(lin, days=3)
    path = f"/v1/quarantines/{kept['id']}"
    early = {"ended_on": _day(0), "reason": "想早点解除"}
    refused = assert_problem(await lin.post(f"{path}/release", json=early), ReleaseConditionsUnmet)
    assert [each["kind"] for each in refused["unmet"]] == ["period_complete"]
    future = {"ended_on": _day(2), "reason": "期满"}
    assert_problem(await lin.post(f"{path}/release", json=future), InvalidInput)
    moved = {"ended_on": _day(0), "end_reason": "hospitalised", "note": "核酸阳性，转县医院"}
    ended = await lin.post(f"/v1/quarantines/{other['id']}/terminate", json=moved)
    assert (ended.json()["status"], ended.json()["team"]) == ("terminated", [])
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    lin = town.client(await town.token_of("lin"))
    due = await lin.get("/v1/quarantines", params={"due_on": _day(0)})
    assert kept["id"] in [item["id"] for item in due.json()["items"]]
    ending = {"ended_on": _day(0), "reason": "期满"}
    released = await lin.post(f"{path}/release", json=ending)
    assert released.status_code == 200, released.text
    told = ("status", "end_reason", "day_number", "team")
    assert [released.json()[name] for name in told] == ["released", "completed", None, []]
    assert (await lin.post(f"{path}/release", json=ending)).json() == released.json()
    terminated = await lin.post(f"{path}/terminate", json={**moved, "ended_on": _day(0)})
    assert_problem(terminated, QuarantineEnded)
    correction = {"category": "health_monitoring", "change_reason": "更正"}
    late = await lin.patch(path, json=correction, headers={"If-Match": '"2"'})
    assert_problem(late, QuarantineEnded)
    await a_quarantine(lin, resident=kept["resident_id"])


async def test_the_note_of_a_termination_is_shown_only_with_a_reason(town: Town):
    lin, ba = await town.as_("lin"), await town.as_("ba")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}"
    ending = {"ended_on": _day(0), "end_reason": "hospitalised", "note": "核酸阳性"}
    ended = await lin.post(f"{path}/terminate", json=ending)
    assert "核酸" not in ended.text
    asked = {"reason": "复核病例报告"}
    revealed = await lin.post(f"{path}/reveal", json=asked)
    assert revealed.json()["end_note"] == "核酸阳性"
    assert_problem(await ba.post(f"{path}/reveal", json=asked), NotPermitted)


async def test_the_list_is_read_page_by_page_and_narrowed_by_each_filter(town: Town):
    lin = await town.as_("lin")
    made = [await a_quarantine(lin, grid="t.01.01.02", team=()) for _ in range(3)]
    seen: list[str] = []
    params: dict[str, Any] = {"grid_id": made[0]["grid_id"], "limit": 2}
    while True:
        page = (await lin.get("/v1/quarantines", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(each["id"] for each in made)
    for params, expected in (
        ({"team": "incomplete"}, 3),
        ({"team": "complete"}, 0),
        ({"whereabouts": "at_home"}, 3),
        ({"whereabouts": "in_hospital"}, 0),
        ({"status": "released"}, 0),
        ({"resident_id": made[0]["resident_id"]}, 1),
    ):
        narrowed = {**params, "grid_id": made[0]["grid_id"]}
        page = (await lin.get("/v1/quarantines", params=narrowed)).json()
        assert len(page["items"]) == expected, params
    wei = await town.as_("wei")
    unseen = await wei.get("/v1/quarantines", params={"grid_id": made[0]["grid_id"]})
    assert_problem(unseen, NotFound)
