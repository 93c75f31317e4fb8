"""Who turns out to have been measured in time: whoever was told need not go there at night."""

from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.records import new_id
from api.readings.not_missed import sweep_not_missed
from tests.builders import a_quarantine
from tests.cast import TOWNSHIP, Town
from tests.readings.conftest import Look, at, reading_body, signed_in

pytestmark = pytest.mark.usefixtures("owner")


async def _looked_again(town: Town) -> int:
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        return await sweep_not_missed(connection, TOWNSHIP, clock.now())


async def _alerts(town: Town, person: dict[str, Any]) -> list[dict[str, Any]]:
    lin = await signed_in(town, "lin")
    wanted = {"cause": "missed_reading", "quarantine_id": person["id"]}
    return (await lin.get("/v1/alerts", params=wanted)).json()["items"]


async def _alert(town: Town, person: dict[str, Any]) -> dict[str, Any]:
    lin = await signed_in(town, "lin")
    [alert] = await _alerts(town, person)
    return (await lin.get(f"/v1/alerts/{alert['id']}")).json()


def _shown(alert: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(each["key"].split("/")[1], not each["discarded_at"]) for each in alert["evidence"]]


async def test_measured_in_its_window_and_told_after_the_sweep_it_was_not_missed(
    town: Town, look: Look, quarantine: dict[str, Any]
):
    await look(8, 20)
    await look(12)
    assert await _looked_again(town) == 0
    assert (await _alert(town, quarantine))["status"] == "open"
    told = reading_body(quarantine, measured_at=at(8, 30).isoformat())
    ming = await signed_in(town, "ming")
    assert (await ming.post("/v1/readings", json=told)).status_code == 201
    assert await _looked_again(town) == 1
    alert = await _alert(town, quarantine)
    assert (alert["status"], alert["climbs_at"], _shown(alert)) == (
        "verified",
        None,
        [("morning", False)],
    )
    [done] = alert["actions"]
    assert (done["verb"], done["worker_id"]) == ("verify", None)
    assert "不属漏测" in done["note"]
    assert await _looked_again(town) == 0


async def test_what_turns_out_not_to_have_been_measured_was_missed_after_all(
    town: Town, look: Look, quarantine: dict[str, Any], morning: Any
):
    await look(8, 20)
    await look(12)
    ming = await signed_in(town, "ming")
    told = reading_body(quarantine, measured_at=at(8, 30).isoformat())
    kept = (await ming.post("/v1/readings", json=told)).json()
    assert await _looked_again(town) == 1
    gone = await ming.post(f"/v1/readings/{kept['id']}/discard", json={"reason": "记错了人"})
    assert gone.status_code == 200, gone.text
    statuses = [each["status"] for each in await _alerts(town, quarantine)]
    assert sorted(statuses) == ["open", "verified"]
    assert await _looked_again(town) == 0

    told = reading_body(quarantine, measured_at=at(8, 31).isoformat())
    again = (await ming.post("/v1/readings", json=told)).json()
    assert await _looked_again(town) == 1
    morning.move_to(at(9, days=2))
    ming = await signed_in(town, "ming")
    old = await ming.post(f"/v1/readings/{again['id']}/discard", json={"reason": "记错了人"})
    assert old.status_code == 200, old.text
    assert {each["status"] for each in await _alerts(town, quarantine)} == {"verified"}


async def test_measured_only_after_it_was_told_it_was_missed(
    town: Town, look: Look, quarantine: dict[str, Any]
):
    await look(8, 20)
    await look(12)
    told = reading_body(quarantine, measured_at=at(12, 1).isoformat(), window="morning")
    await look(12, 5)
    ming = await signed_in(town, "ming")
    assert (await ming.post("/v1/readings", json=told)).status_code == 201
    assert await _looked_again(town) == 0
    assert (await _alert(town, quarantine))["status"] == "open"


async def test_what_else_was_missed_keeps_the_alert_open(
    town: Town, look: Look, quarantine: dict[str, Any]
):
    await look(8, 20)
    await look(12)
    await look(22)
    round_told = {
        "id": str(new_id()),
        "measured_at": at(8, 30).isoformat(),
        "normal": {"value_c": 36.6, "quarantine_ids": [quarantine["id"]]},
    }
    ming = await signed_in(town, "ming")
    kept = await ming.post("/v1/rounds", json=round_told)
    assert kept.json()["refused"] == 0, kept.text
    assert await _looked_again(town) == 1
    alert = await _alert(town, quarantine)
    assert alert["status"] == "open"
    assert _shown(alert) == [("morning", False), ("evening", True)]


async def test_a_reason_told_late_and_a_stay_in_hospital_told_late_are_known_then(
    town: Town,
    look: Look,
    lin: httpx.AsyncClient,
):
    absent, ill = await a_quarantine(lin), await a_quarantine(lin)
    await look(8, 20)
    await look(12)
    ming = await signed_in(town, "ming")
    exceptions = [{"quarantine_id": absent["id"], "not_measured": "absent"}]
    told = {"id": str(new_id()), "recorded_at": at(8, 30).isoformat(), "exceptions": exceptions}
    assert (await ming.post("/v1/rounds", json=told)).json()["refused"] == 0
    entry = {"id": str(new_id()), "kind": "in_hospital", "since_at": at(8, 10).isoformat()}
    path = f"/v1/quarantines/{ill['id']}/whereabouts"
    assert (await ming.post(path, json=entry)).status_code == 201
    assert await _looked_again(town) == 2
    assert [(await _alert(town, each))["status"] for each in (absent, ill)] == ["verified"] * 2


async def test_nobody_is_sent_to_whoever_is_in_quarantine_no_more(
    town: Town, look: Look, quarantine: dict[str, Any]
):
    await look(8, 20)
    await look(12)
    lin = await signed_in(town, "lin")
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "迁走"}
    ended = await lin.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text
    alert = await _alert(town, quarantine)
    assert (alert["status"], alert["actions"][0]["note"]) == ("verified", "隔离已结束")
    assert _shown(alert) == [("morning", True)]
    missed = (await lin.get("/v1/duties/missed")).text
    assert quarantine["id"] in missed
