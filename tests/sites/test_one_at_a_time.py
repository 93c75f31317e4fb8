"""A site holds one session at a time, and none once it is no longer used."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from api.sites.problems import SessionNotSo, SessionsOverlap
from tests.cast import Town, assert_problem
from tests.sites.test_sites import a_session, a_site

DAY = "2022-02-15"


@pytest.fixture
async def site(lin: httpx.AsyncClient) -> dict[str, Any]:
    return await a_site(lin, opened_at="2022-01-01T00:00:00+08:00")


def _body(site: dict[str, Any], begins: int, ends: int) -> dict[str, Any]:
    hours = (f"{DAY}T{hour:02}:00:00+08:00" for hour in (begins, ends))
    span = dict(zip(("starts_at", "ends_at"), hours, strict=True))
    return {"id": str(new_id()), "site_id": site["id"], **span}


async def test_sessions_follow_one_another_and_do_not_meet(
    lin: httpx.AsyncClient, site: dict[str, Any]
):
    path = "/v1/site-sessions"
    morning = _body(site, 8, 12)
    assert [(await lin.post(path, json=morning)).status_code for _ in range(2)] == [201, 200]
    for begins, ends in ((7, 9), (9, 10), (11, 14), (8, 12)):
        refused = await lin.post(path, json=_body(site, begins, ends))
        told = assert_problem(refused, SessionsOverlap)
        assert told["site_session_id"] == morning["id"]
    assert (await lin.post(path, json=_body(site, 12, 14))).status_code == 201
    other = await a_site(lin, name="另一处", opened_at="2022-01-01T00:00:00+08:00")
    assert (await lin.post(path, json=_body(other, 9, 10))).status_code == 201
    cancelled = await lin.post(f"{path}/{morning['id']}/cancel", json={"reason": "下雨"})
    assert cancelled.status_code == 200
    assert (await lin.post(path, json=_body(site, 9, 10))).status_code == 201


async def test_of_two_planned_at_the_same_moment_one_is_kept(
    town: Town, lin: httpx.AsyncClient, site: dict[str, Any]
):
    zhou, path = await town.as_("zhou"), "/v1/site-sessions"
    answers = await asyncio.gather(
        lin.post(path, json=_body(site, 8, 12)), zhou.post(path, json=_body(site, 9, 13))
    )
    assert sorted(each.status_code for each in answers) == [201, 409]


async def test_a_site_that_is_no_longer_used_is_not_opened(lin: httpx.AsyncClient):
    site = await a_site(lin)
    held = await a_session(lin, site, opened=False)
    headers = {"If-Match": f'"{site["version"]}"'}
    gone = {"closed_at": clock.now().isoformat()}
    closed = await lin.patch(f"/v1/sites/{site['id']}", json=gone, headers=headers)
    assert closed.status_code == 200, closed.text
    told = assert_problem(await lin.post(f"/v1/site-sessions/{held['id']}/open"), SessionNotSo)
    assert told["session_status"] == "planned"
