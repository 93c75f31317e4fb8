"""A transfer that is not done by its hour is told upward, once, and keeps nobody in quarantine."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from time_machine import travel

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.problems import InvalidInput
from api.movements.lateness import tell_of_overdue
from tests.builders import a_quarantine
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.movements.test_transfers import AMBULANCE, CAR, NORMAL, SIGNED, transfer_body


async def _swept(town: Town, at: datetime) -> int:
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        return await tell_of_overdue(connection, TOWNSHIP, at)


async def _asked(town: Town, **told: Any) -> tuple[dict[str, Any], str, datetime]:
    """Somebody who is to be brought away; the order's address, and by when."""
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    body = transfer_body(**told)
    answer = await lin.post(f"/v1/quarantines/{kept['id']}/transfers", json=body)
    assert answer.status_code == 201, answer.text
    due = datetime.fromisoformat(answer.json()["due_at"])
    return kept, f"/v1/transfers/{body['id']}", due


async def _alerts(town: Town, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    asked = {"quarantine_id": quarantine["id"]}
    return (await (await town.as_("lin")).get("/v1/alerts", params=asked)).json()["items"]


@pytest.fixture(autouse=True)
async def nothing_else_is_late(town: Town):
    await _swept(town, clock.now() + timedelta(days=30))


async def test_eight_hours_later_it_is_an_alert_once_however_often_one_looks(town: Town):
    kept, one, due = await _asked(town)
    assert await _swept(town, due) == 0
    after = due + timedelta(seconds=1)
    await asyncio.gather(*(_swept(town, after) for _ in range(3)))
    [alert] = await _alerts(town, kept)
    assert (alert["cause"], alert["status"]) == ("overdue_transfer", "open")
    assert alert["resident_id"] == kept["resident_id"]
    lin = await town.as_("lin")
    [shown] = (await lin.get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert (shown["kind"], shown["record_id"]) == ("transfer", one.rpartition("/")[2])
    assert datetime.fromisoformat(shown["found_at"]) == due
    conditions = (await lin.get(f"/v1/quarantines/{kept['id']}/release")).json()["conditions"]
    assert {each["kind"]: each["holds"] for each in conditions}["no_open_alert"]


async def test_who_has_been_handed_over_in_time_or_is_not_to_go_is_no_alert(town: Town):
    lin = await town.as_("lin")
    brought, one, due = await _asked(town)
    for verb, body in (("approve", None), ("dispatch", CAR), ("pick-up", NORMAL)):
        answer = await lin.post(f"{one}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
    assert (await lin.post(f"{one}/hand-over", json=SIGNED)).status_code == 200
    stayed, other, _ = await _asked(town)
    cancelled = await lin.post(f"{other}/cancel", json={"reason": "改为居家"})
    assert cancelled.status_code == 200, cancelled.text
    assert await _swept(town, due + timedelta(hours=1)) == 0
    assert [await _alerts(town, each) for each in (brought, stayed)] == [[], []]


async def test_on_the_road_too_long_is_late_as_well(town: Town):
    lin = await town.as_("lin")
    due_at = (clock.now() + timedelta(hours=2)).isoformat()
    kept, one, due = await _asked(town, due_at=due_at)
    for verb, body in (("approve", None), ("dispatch", CAR), ("pick-up", NORMAL)):
        assert (await lin.post(f"{one}/{verb}", json=body)).status_code == 200
    assert await _swept(town, due + timedelta(minutes=1)) == 1
    assert [each["cause"] for each in await _alerts(town, kept)] == ["overdue_transfer"]


async def test_whoever_rides_with_fever_is_late_all_the_same(town: Town):
    lin = await town.as_("lin")
    kept, one, due = await _asked(town)
    ride, check = AMBULANCE | {"plate": "桂F130AA"}, {"check_c": 38.2}
    for verb, body in (("approve", None), ("dispatch", ride), ("pick-up", check)):
        answer = await lin.post(f"{one}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
    assert await _swept(town, due + timedelta(minutes=1)) == 1
    causes = {each["cause"] for each in await _alerts(town, kept)}
    assert causes == {"fever", "overdue_transfer"}


async def _closed(town: Town, quarantine: dict[str, Any]) -> tuple[str | None, list[bool]]:
    """Why the only alert has closed itself, and what shows it still."""
    [alert] = await _alerts(town, quarantine)
    whole = (await (await town.as_("lin")).get(f"/v1/alerts/{alert['id']}")).json()
    assert (whole["status"], whole["climbs_at"]) == ("verified", None)
    [done] = whole["actions"]
    assert done["worker_id"] is None
    return done["note"], [each["discarded_at"] is None for each in whole["evidence"]]


async def test_nothing_is_to_be_done_before_it_was_asked_for(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    body = transfer_body(due_at="1900-01-01T00:00:00Z")
    answer = await lin.post(f"/v1/quarantines/{kept['id']}/transfers", json=body)
    assert assert_problem(answer, InvalidInput)["errors"][0]["pointer"] == "/body/due_at"


async def test_one_called_off_when_it_was_late_is_no_alert_any_more(town: Town):
    lin = await town.as_("lin")
    stayed, one, due = await _asked(town)
    over, _, _ = await _asked(town)
    assert await _swept(town, due + timedelta(minutes=1)) == 2
    cancelled = await lin.post(f"{one}/cancel", json={"reason": "改为居家"})
    assert cancelled.status_code == 200, cancelled.text
    assert await _closed(town, stayed) == ("转运已取消：改为居家", [False])
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "迁走"}
    ended = await lin.post(f"/v1/quarantines/{over['id']}/terminate", json=ending)
    assert ended.status_code == 200, ended.text
    assert await _closed(town, over) == ("转运已取消：隔离已结束", [False])


async def test_handed_over_in_time_and_told_late_was_not_late(town: Town):
    lin = await town.as_("lin")
    due_at = (clock.now() + timedelta(hours=2)).isoformat()
    kept, one, due = await _asked(town, due_at=due_at)
    for verb, body in (("approve", None), ("dispatch", CAR), ("pick-up", NORMAL)):
        assert (await lin.post(f"{one}/{verb}", json=body)).status_code == 200
    assert await _swept(town, due + timedelta(minutes=1)) == 1
    with travel(due + timedelta(minutes=30), tick=False):
        ming = town.client(await town.token_of("ming"))
        given = (due - timedelta(minutes=10)).isoformat()
        told = await ming.post(f"{one}/hand-over", json=SIGNED | {"handed_over_at": given})
    assert told.status_code == 200, told.text
    assert await _closed(town, kept) == ("实际已按时移交", [False])
