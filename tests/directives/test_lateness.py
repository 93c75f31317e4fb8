"""Reminded once before the deadline, told of once after it, however often one looks (M1.6)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from time_machine import travel

from api.directives.lateness import remind, take_back, tell_of_overdue
from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town, grid_id, id_of
from tests.directives.conftest import DIRECTIVES, directive_body, issued, receipts, swept

NAMED = ["grid_worker", "volunteer"]
"""Of 柳村: Ming and Ba of the first group, Mei of the second."""


async def _alerts(town: Town, directive: str) -> list[Any]:
    """The grids of which it was told that this directive is overdue there."""
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        statement = text(
            "SELECT a.grid_id FROM alerts a JOIN alert_evidence e ON e.alert_id = a.id "
            "WHERE a.cause = 'overdue_directive' AND e.record_id = :directive ORDER BY a.reach"
        )
        return list(await session.scalars(statement, {"directive": directive}))


async def _open_alerts(town: Town) -> set[str]:
    """The alerts about late directives that somebody is still to deal with."""
    asked = {"cause": "overdue_directive", "closed": False, "limit": 500}
    answer = await (await town.as_("lin")).get("/v1/alerts", params=asked)
    return {each["id"] for each in answer.json()["items"]}


async def _reminded(town: Town, directive: str) -> set[str]:
    lin = await town.as_("lin")
    told = await receipts(lin, directive)
    return {each["worker_name"] for each in told if each["reminded_at"]}


@pytest.fixture(autouse=True)
async def nothing_else_is_due(town: Town):
    await swept(town, remind, clock.now() + timedelta(days=30))
    await swept(town, tell_of_overdue, clock.now() + timedelta(days=30))


async def test_who_has_not_answered_is_reminded_once_when_the_minutes_begin(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    deadline = clock.now() + timedelta(hours=3)
    kept = await issued(lin, roles=NAMED, deadline_at=deadline.isoformat(), remind_minutes=30)
    await ming.post(f"{DIRECTIVES}/{kept['id']}/report", json={})
    begins = deadline - timedelta(minutes=30)
    assert await swept(town, remind, begins - timedelta(seconds=1)) == 0
    looked = await asyncio.gather(*(swept(town, remind, begins) for _ in range(3)))
    assert sorted(looked) == [0, 0, 2]
    assert await _reminded(town, kept["id"]) == {"巴志愿", "梅大姐"}
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        told = await session.scalars(
            text(
                "SELECT worker_id FROM events "
                "WHERE kind = 'directive.reminded' AND subject_id = :directive"
            ),
            {"directive": kept["id"]},
        )
        assert len(list(told)) == 2


async def test_one_alert_for_each_grid_where_the_deadline_passed(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    deadline = clock.now() + timedelta(hours=3)
    kept = await issued(lin, roles=NAMED, deadline_at=deadline.isoformat())
    answered = await issued(lin, roles=["grid_worker"], deadline_at=deadline.isoformat())
    for name in ("ming", "mei"):
        client = await town.as_(name)
        await client.post(f"{DIRECTIVES}/{answered['id']}/report", json={})
    await ming.post(f"{DIRECTIVES}/{kept['id']}/acknowledge", json={})
    assert await swept(town, tell_of_overdue, deadline) == 0
    after = deadline + timedelta(seconds=1)
    await asyncio.gather(*(swept(town, tell_of_overdue, after) for _ in range(3)))
    assert await _alerts(town, kept["id"]) == [grid_id("t.01.01.01"), grid_id("t.01.01.02")]
    assert await _alerts(town, answered["id"]) == []


async def test_what_was_closed_or_withdrawn_neither_reminds_nor_alerts(town: Town):
    lin = await town.as_("lin")
    deadline = clock.now() + timedelta(hours=1)
    kept = await issued(lin, roles=NAMED, deadline_at=deadline.isoformat())
    await lin.post(f"{DIRECTIVES}/{kept['id']}/withdraw", json={"reason": "不必"})
    assert await swept(town, remind, deadline) == 0
    assert await swept(town, tell_of_overdue, deadline + timedelta(days=1)) == 0
    assert await _alerts(town, kept["id"]) == []


async def test_a_moved_deadline_is_reminded_of_and_told_of_anew(town: Town):
    lin = await town.as_("lin")
    deadline = clock.now() + timedelta(hours=1)
    kept = await issued(lin, grid="t.01.01.02", roles=NAMED, deadline_at=deadline.isoformat())
    assert await swept(town, remind, deadline) == 1
    assert await swept(town, tell_of_overdue, deadline + timedelta(minutes=1)) == 1
    later = deadline + timedelta(days=1)
    moved = await lin.patch(
        f"{DIRECTIVES}/{kept['id']}",
        json={"deadline_at": later.isoformat(), "reason": "顺延一天"},
        headers={"If-Match": '"1"'},
    )
    assert moved.status_code == 200, moved.text
    assert await _reminded(town, kept["id"]) == set()
    assert await swept(town, remind, later) == 1
    assert await swept(town, tell_of_overdue, later + timedelta(minutes=1)) == 1
    # It is the same directive in the same grid, late a second time.
    assert await _alerts(town, kept["id"]) == [grid_id("t.01.01.02")] * 2


@pytest.mark.parametrize("how", ["deadline", "close", "withdraw"])
async def test_what_is_owed_no_more_keeps_no_alert_open(town: Town, how: str):
    lin, before = await town.as_("lin"), await _open_alerts(town)
    deadline = clock.now() + timedelta(hours=1)
    kept = await issued(lin, grid="t.01.01.02", roles=NAMED, deadline_at=deadline.isoformat())
    assert await swept(town, tell_of_overdue, deadline + timedelta(minutes=1)) == 1
    [alert] = await _open_alerts(town) - before
    path, said = f"{DIRECTIVES}/{kept['id']}", {"reason": "大雨，山路不通"}
    if how == "deadline":
        later = {"deadline_at": (deadline + timedelta(days=1)).isoformat()}
        ended = await lin.patch(path, json=later | said, headers={"If-Match": '"1"'})
    else:
        ended = await lin.post(f"{path}/{how}", json=said)
    assert ended.status_code == 200, ended.text
    assert await _open_alerts(town) == before
    told = (await lin.get(f"/v1/alerts/{alert}")).json()
    assert told["status"] == "verified"
    assert said["reason"] in told["actions"][-1]["note"]


async def test_it_is_owed_no_more_either_where_the_grid_was_merged_since(town: Town):
    lin, gu, before = await town.as_("lin"), await town.as_("gu"), await _open_alerts(town)
    former, into = str(new_id()), str(new_id())
    for grid, name in ((former, "河边组"), (into, "山脚组")):
        body = {"id": grid, "parent_id": str(grid_id("t.01.01")), "name": name, "kind": "basic"}
        assert (await gu.post("/v1/grids", json=body)).status_code == 201
    post = {"id": str(new_id()), "worker_id": str(id_of("mei")), "role": "volunteer"}
    assert (await gu.post("/v1/posts", json=post | {"grid_id": former})).status_code == 201
    deadline = clock.now() + timedelta(hours=1)
    told = directive_body(deadline_at=deadline.isoformat()) | {"grid_id": former}
    assert (await lin.post(DIRECTIVES, json=told)).status_code == 201
    assert await swept(town, tell_of_overdue, deadline + timedelta(minutes=1)) == 1
    merge = {"into_id": into, "reason": "两组合并"}
    assert (await gu.post(f"/v1/grids/{former}/merge", json=merge)).status_code == 200
    assert len(await _open_alerts(town) - before) == 1
    closed = await lin.post(f"{DIRECTIVES}/{told['id']}/close", json={"reason": "已办结"})
    assert closed.status_code == 200, closed.text
    assert await _open_alerts(town) == before
    ended = await gu.post(f"/v1/posts/{post['id']}/end", json={"reason": "两组合并"})
    assert ended.status_code == 200, ended.text


async def test_answered_in_time_and_told_late_it_was_not_overdue(town: Town):
    lin, before = await town.as_("lin"), await _open_alerts(town)
    deadline = clock.now() + timedelta(hours=1)
    kept = await issued(lin, roles=NAMED, deadline_at=deadline.isoformat())
    assert await swept(town, tell_of_overdue, deadline + timedelta(minutes=1)) == 2
    late = await _open_alerts(town) - before
    in_time = {"reported_at": (deadline - timedelta(minutes=5)).isoformat(), "report": "已办"}
    after = deadline + timedelta(minutes=20)
    answers = (("ming", in_time), ("ba", {"report": "已办"}), ("mei", in_time))
    with travel(after, tick=False):
        for name, said in answers:
            assert await swept(town, take_back, after) == 0
            client = town.client(await town.token_of(name))
            told = await client.post(f"{DIRECTIVES}/{kept['id']}/report", json=said)
            assert told.status_code == 200, told.text
        assert await swept(town, take_back, after) == 1
    [left] = await _open_alerts(town) & late
    whole = (await lin.get(f"/v1/alerts/{left}")).json()
    assert whole["grid_id"] == str(grid_id("t.01.01.01"))  # Ba was late
    (closed,) = late - {left}
    [done] = (await lin.get(f"/v1/alerts/{closed}")).json()["actions"]
    assert (done["verb"], done["worker_id"]) == ("verify", None)
    assert "不属逾期" in done["note"]
