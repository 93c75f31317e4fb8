"""Sessions and campaigns put right: what was told stays within them, and what was said is kept."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    OutsideYourGrid,
    VersionMismatch,
)
from api.sites.problems import SessionNotSo, SessionsOverlap, SiteClosed
from tests.builders import a_household, a_shift, sample_tube_body, synthetic_resident
from tests.cast import Town, assert_problem, grid_id
from tests.sites.test_sites import FIRST, a_session, a_site, made

Body = dict[str, Any]


def _hour(hours: float = 0) -> str:
    whole = clock.now().replace(minute=0, second=0, microsecond=0)
    return (whole + timedelta(hours=hours)).isoformat()


def _same(told: str, instant: str) -> bool:
    return datetime.fromisoformat(told) == datetime.fromisoformat(instant)


async def _put(
    client: httpx.AsyncClient, held: Body, *, at: str = "site-sessions", **told: Any
) -> httpx.Response:
    headers = {"If-Match": f'"{held["version"]}"'}
    body = {"reason": "按实际更正", **told}
    return await client.patch(f"/v1/{at}/{held['id']}", json=body, headers=headers)


async def _campaign(client: httpx.AsyncClient, **told: Any) -> Body:
    today, said = clock.today(), {"grid_id": str(grid_id("t.01.01")), "name": "第一轮全员核酸"}
    days = {"from_on": str(today), "to_on": str(today + timedelta(days=1))}
    return await made(client, "/v1/sampling-campaigns", **said | {"kind": "sampling"} | days | told)


async def _corrected(client: httpx.AsyncClient, campaign: Body, **told: Any) -> httpx.Response:
    return await _put(client, campaign, at="sampling-campaigns", **told)


def _pointer(answer: httpx.Response, problem: Any = InvalidInput) -> str:
    return assert_problem(answer, problem)["errors"][0]["pointer"]


async def test_a_planned_session_is_put_right_and_what_it_said_is_kept(
    town: Town, lin: httpx.AsyncClient
):
    site = await a_site(lin)
    held = await a_session(lin, site, opened=False, starts_at=_hour(30), ends_at=_hour(34))
    await a_shift(lin, site, worker="mei", begins=31, hours=2)
    await a_shift(lin, site, worker="han", begins=41, hours=2)
    clients = [await town.as_(name) for name in ("mei", "han", "qin")]
    marks = [(await each.get("/v1/events/poll")).json()["next"] for each in clients]
    day = (clock.now() + timedelta(hours=42)).astimezone(clock.TOWNSHIP_ZONE).date()
    campaign = await _campaign(lin, to_on=str(day))
    changes = {"starts_at": _hour(40), "ends_at": _hour(44), "staffing": {"sampler": 3}}
    answer = await _put(lin, held, **changes, campaign_id=campaign["id"])
    assert answer.status_code == 200, answer.text
    now = answer.json()
    assert answer.headers["ETag"] == '"2"'
    assert now == (await lin.get(f"/v1/site-sessions/{held['id']}")).json()
    assert (now["staffing"], now["campaign_id"]) == ({"sampler": 3}, campaign["id"])
    assert _same(now["starts_at"], _hour(40))
    assert _same(now["ends_at"], _hour(44))
    history = (await lin.get(f"/v1/site-sessions/{held['id']}/history")).json()["items"]
    assert [(each["site_session"], each["reason"]) for each in history] == [(held, "按实际更正")]
    heard: list[bool] = []
    for client, mark in zip(clients, marks, strict=True):
        told = (await client.get("/v1/events/poll", params={"after": mark})).json()["items"]
        heard.append(held["id"] in {each["subject_id"] for each in told})
    assert heard == [True, True, False]
    assert_problem(await _put(lin, held, staffing={}), VersionMismatch)
    gone = await _put(lin, now, campaign_id=None)
    assert gone.json()["campaign_id"] is None


async def test_a_session_is_not_put_where_no_session_can_be(lin: httpx.AsyncClient):
    closes = _hour(60)
    site = await a_site(lin)
    down = await lin.patch(f"/v1/sites/{site['id']}", json={"closed_at": closes}, headers=FIRST)
    assert down.status_code == 200, down.text
    held = await a_session(lin, site, opened=False, starts_at=_hour(30), ends_at=_hour(34))
    other = await a_session(lin, site, opened=False, starts_at=_hour(36), ends_at=_hour(38))
    assert _pointer(await _put(lin, held, ends_at=_hour(29))) == "/body/ends_at"
    assert _pointer(await _put(lin, held, starts_at=_hour(2))) == "/body/ends_at"
    assert _pointer(await _put(lin, held)) == "/body"
    overlap = await _put(lin, held, ends_at=_hour(37))
    assert assert_problem(overlap, SessionsOverlap)["site_session_id"] == other["id"]
    late = {"starts_at": _hour(58), "ends_at": _hour(61)}
    assert_problem(await _put(lin, held, **late), SiteClosed)
    doses = await _campaign(lin, kind="vaccination", to_on=str(clock.today() + timedelta(days=9)))
    assert _pointer(await _put(lin, held, campaign_id=doses["id"])) == "/body/campaign_id"
    over = str(clock.today() - timedelta(days=9))
    past = await _campaign(lin, from_on=over, to_on=over)
    assert _pointer(await _put(lin, held, campaign_id=past["id"])) == "/body/starts_at"
    path = f"/v1/site-sessions/{held['id']}"
    cancelled = await lin.post(f"{path}/cancel", json={"reason": "改期"})
    assert_problem(await _put(lin, cancelled.json(), ends_at=_hour(35)), SessionNotSo)


async def test_who_does_not_lead_there_puts_no_session_right(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient
):
    site = await a_site(lin)
    held = await a_session(lin, site, opened=False)
    assert_problem(await _put(await town.as_("ba"), held, staffing={}), NotPermitted)
    assert_problem(await _put(wei, held, staffing={}), NotFound)
    await a_shift(lin, site, worker="wei", begins=-1)
    assert_problem(await _put(wei, held, staffing={}), OutsideYourGrid)


async def test_hours_are_put_right_around_what_was_told_at_the_session(
    town: Town, lin: httpx.AsyncClient, owner: asyncpg.Connection
):
    held = await a_session(lin, await a_site(lin))
    path = f"/v1/site-sessions/{held['id']}"
    await made(lin, f"{path}/tallies", hour_at=_hour(-1), people=10)
    assert _pointer(await _put(lin, held, starts_at=_hour(0))) == "/body/starts_at"
    longer = await _put(lin, held, starts_at=_hour(-2), ends_at=_hour(4))
    assert longer.status_code == 200, longer.text
    wei = await town.as_("wei")  # of another village: who came from there, lin does not see
    home = await a_household(wei, grid="t.01.02.01", residents=[synthetic_resident()])
    person, sampled = home["residents"][0]["id"], _hour(-1.5)
    tube = sample_tube_body([person], site_session_id=held["id"], sampled_at=sampled)
    told = await wei.post("/v1/sample-tubes", json=tube)
    assert told.status_code == 201, told.text
    assert _pointer(await _put(lin, longer.json(), starts_at=_hour(-1))) == "/body/starts_at"
    closed = (await lin.post(f"{path}/close")).json()
    far = {"starts_at": _hour(5), "ends_at": _hour(6)}
    assert _pointer(await _put(lin, closed, **far)) == "/body/starts_at"
    early = "UPDATE site_sessions SET closed_at = closed_at - interval '2 hours' WHERE id = $1"
    await owner.execute(early, UUID(held["id"]))
    assert _pointer(await _put(lin, closed, ends_at=_hour(-1))) == "/body/ends_at"
    assert (await _put(lin, closed, ends_at=_hour(-0.5))).status_code == 200


async def test_a_campaign_is_put_right_and_what_it_said_is_kept(town: Town, lin: httpx.AsyncClient):
    campaign = await _campaign(lin)
    address = f"/v1/sampling-campaigns/{campaign['id']}"
    assert (await lin.get(address)).headers["ETag"] == '"1"'
    longer = str(clock.today() + timedelta(days=3))
    changes: Body = {"name": "第二轮", "to_on": longer, "target": {"min_age": 3}}
    answer = await _corrected(lin, campaign, **changes)
    assert answer.status_code == 200, answer.text
    now = answer.json()
    assert (now["name"], now["to_on"], now["target"]["min_age"]) == ("第二轮", longer, 3)
    assert now == (await lin.get(address)).json()
    history = (await lin.get(f"{address}/history")).json()["items"]
    assert [(each["campaign"], each["reason"]) for each in history] == [(campaign, "按实际更正")]
    assert_problem(await _corrected(lin, campaign, name="第三轮"), VersionMismatch)
    assert_problem(await _corrected(await town.as_("ba"), now, name="第三轮"), NotPermitted)
    assert_problem(await _corrected(await town.as_("wei"), now, name="第三轮"), NotFound)
    above = await _campaign(await town.as_("zhou"), grid_id=str(grid_id("t")))
    assert_problem(await _corrected(lin, above, name="村里的"), OutsideYourGrid)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"to_on": "2020-01-01"}, "/body/to_on"),
        ({"target": {"dose_number": 2}}, "/body/target/dose_number"),
        ({"target": {"min_age": 60, "max_age": 10}}, "/body/target/max_age"),
        ({"name": None}, "/body/name"),
        ({"kind": "vaccination"}, "/body/kind"),
        ({}, "/body"),
    ],
)
async def test_what_cannot_be_a_campaign_is_refused_with_its_place(
    lin: httpx.AsyncClient, wrong: Body, pointer: str
):
    assert _pointer(await _corrected(lin, await _campaign(lin), **wrong)) == pointer


async def test_the_days_of_a_campaign_hold_its_sessions_and_who_is_sampled_at_home(
    lin: httpx.AsyncClient,
):
    today = clock.today()
    days = [str(today + timedelta(days=number)) for number in range(4)]
    campaign = await _campaign(lin, to_on=days[3])
    midnight = clock.day_bounds(today + timedelta(days=2))[0]
    span = [(midnight + timedelta(hours=hour)).isoformat() for hour in (8, 12)]
    site, of_it = await a_site(lin), {"campaign_id": campaign["id"]}
    hours = {"starts_at": span[0], "ends_at": span[1]}
    held = await a_session(lin, site, opened=False, **hours, **of_it)
    home = await a_household(lin, grid=grid_id("t.01.01.01"), residents=[synthetic_resident()])
    at_home = {"resident_id": home["residents"][0]["id"], "reason": "mobility"}
    asked = await made(lin, "/v1/home-samplings", **at_home, wanted_on=days[1], **of_it)
    assert _pointer(await _corrected(lin, campaign, to_on=days[1])) == "/body/to_on"
    assert _pointer(await _corrected(lin, campaign, from_on=days[2])) == "/body/from_on"
    assert _pointer(await _corrected(lin, campaign, from_on=days[3])) == "/body/from_on"
    off = f"/v1/home-samplings/{asked['id']}/cancel"
    assert (await lin.post(off, json={"reason": "已到点"}, headers=FIRST)).status_code == 200
    off = f"/v1/site-sessions/{held['id']}/cancel"
    assert (await lin.post(off, json={"reason": "下雨"})).status_code == 200
    shorter = await _corrected(lin, campaign, from_on=days[1], to_on=days[1])
    assert shorter.status_code == 200, shorter.text
