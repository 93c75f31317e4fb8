"""A place that is taken down needs nobody any more: its roster ends with it."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from api.rosters.problems import PlaceNotOpen
from tests.builders import a_checkpoint, a_shift, shift_body
from tests.cast import Town, assert_problem
from tests.rosters.test_routes import a_volunteer
from tests.sites.test_sites import FIRST, a_session, a_site

_IN_TWO_HOURS = {"begins": 2, "hours": 4}


def _at(hours: float) -> str:
    return (clock.now() + timedelta(hours=hours)).isoformat()


async def _shift(client: httpx.AsyncClient, shift: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/duty-shifts/{shift['id']}")).json()


@pytest.fixture
async def bridge(lin: httpx.AsyncClient) -> dict[str, Any]:
    return await a_checkpoint(lin, grid="t.01.01")


async def test_shifts_end_with_the_checkpoint_and_their_holders_are_free(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    stood = await a_shift(lin, bridge, worker="han", begins=-9)
    before = await a_shift(lin, bridge, worker="han", begins=-1, hours=2)
    across = await a_shift(lin, bridge, worker="qin", **_IN_TWO_HOURS)
    later = await a_shift(lin, bridge, worker="mei", begins=12)
    mei = await town.as_("mei")
    mark = (await mei.get("/v1/events/poll")).json()["next"]
    down = {"closed_at": _at(3), "reason": "疫情解除，撤除"}
    path = f"/v1/checkpoints/{bridge['id']}"
    closed = await lin.patch(path, json=down, headers=FIRST)
    assert closed.status_code == 200, closed.text
    assert await _shift(lin, stood) == stood
    assert await _shift(lin, before) == before
    cut = await _shift(lin, across)
    assert (cut["ends_at"], cut["discarded_at"]) == (closed.json()["closed_at"], None)
    assert (await _shift(lin, later))["discarded_at"] is not None
    told = (await mei.get("/v1/events/poll", params={"after": mark})).json()["items"]
    assert later["id"] in str(told)
    other = await a_checkpoint(lin, grid="t.01.01", name="村口")
    await a_shift(lin, other, worker="mei", begins=12)
    await a_shift(lin, other, worker="qin", begins=3.5, hours=1)


async def test_taken_down_in_the_past_what_was_stood_since_stays(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    stood = await a_shift(lin, bridge, worker="wei", begins=-9)
    standing = await a_shift(lin, bridge, worker="fan", begins=-1)
    path = f"/v1/checkpoints/{bridge['id']}"
    down = {"closed_at": _at(-20), "reason": "昨日撤除"}
    assert (await lin.patch(path, json=down, headers=FIRST)).status_code == 200
    assert await _shift(lin, stood) == stood
    assert (await _shift(lin, standing))["ends_at"] < standing["ends_at"]


async def test_sessions_to_come_are_called_off_with_their_site(lin: httpx.AsyncClient):
    site = await a_site(lin, name="老戏台采样点")
    running = await a_session(lin, site)
    planned = await a_session(lin, site, opened=False, starts_at=_at(30), ends_at=_at(32))
    shift = await a_shift(lin, site, worker="li", begins=30, hours=2)
    path = f"/v1/sites/{site['id']}"
    assert (await lin.patch(path, json={}, headers=FIRST)).status_code == 422
    closed = await lin.patch(path, json={"closed_at": _at(5)}, headers=FIRST)
    assert closed.status_code == 200, closed.text
    states = [
        (await lin.get(f"/v1/site-sessions/{each['id']}")).json()["status"]
        for each in (running, planned)
    ]
    assert states == ["open", "cancelled"]
    assert (await _shift(lin, shift))["discarded_at"] is not None


async def _meanwhile(
    owner: asyncpg.Connection, statement: str, *told: Any, asked: Awaitable[httpx.Response]
) -> httpx.Response:
    """What is answered to who asks while somebody else has done this and not committed it yet."""
    async with owner.transaction():
        await owner.execute(statement, *told)
        answer = asyncio.ensure_future(asked)
        await asyncio.wait([answer], timeout=0.3)
    return await answer


_CLOSE = "UPDATE {} SET closed_at = now() + interval '1 hour' WHERE id = $1"


@pytest.mark.parametrize("kind", ["checkpoints", "sites"])
async def test_who_is_put_on_the_roster_while_the_place_is_closed_is_not(
    lin: httpx.AsyncClient, owner: asyncpg.Connection, kind: str
):
    place = await (a_checkpoint(lin) if kind == "checkpoints" else a_site(lin))
    body = shift_body(place, worker="fan", begins=600)
    adding = lin.post("/v1/duty-shifts", json=body)
    late = await _meanwhile(owner, _CLOSE.format(kind), UUID(place["id"]), asked=adding)
    assert_problem(late, PlaceNotOpen)


async def test_a_shift_that_is_made_longer_while_the_place_is_closed_is_not(
    lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    shift = await a_shift(lin, bridge, worker="fan", begins=0, hours=0.5)
    longer = {"ends_at": _at(5), "reason": "加班"}
    asking = lin.patch(f"/v1/duty-shifts/{shift['id']}", json=longer, headers=FIRST)
    late = await _meanwhile(owner, _CLOSE.format("checkpoints"), UUID(bridge["id"]), asked=asking)
    assert_problem(late, PlaceNotOpen)


async def test_what_is_handed_over_while_the_place_is_closed_is_not_stood_by_the_successor(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    zhou = await town.as_("zhou")
    leaving = await a_volunteer(lin, "覃志愿")
    successor = await a_volunteer(lin, "蒙志愿")
    shift = await a_shift(lin, bridge, worker=leaving["worker"], begins=-4)
    over = {
        "new_post_id": str(new_id()),
        "successor_worker_id": successor["worker"],
        "reason": "离岗",
    }
    asking = zhou.post(f"/v1/posts/{leaving['post']}/hand-over", json=over)
    ended = "UPDATE duty_shifts SET ends_at = now(), version = 2 WHERE id = $1"
    passed = await _meanwhile(owner, ended, UUID(shift["id"]), asked=asking)
    assert passed.status_code == 200, passed.text
    listed = await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})
    assert [each["worker_name"] for each in listed.json()["items"]] == ["覃志愿"]
