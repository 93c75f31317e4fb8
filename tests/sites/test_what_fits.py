"""Sessions, campaigns and samplings at home that do not fit together are refused."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import new_id
from api.grids.problems import GridClosed
from api.sites.problems import SessionNotSo
from tests.builders import a_household, synthetic_resident
from tests.cast import Town, assert_problem, grid_id
from tests.sites.test_sites import FIRST, a_session, a_site, made

SESSIONS, CAMPAIGNS = "/v1/site-sessions", "/v1/sampling-campaigns"


def _days(first: int = 0, last: int = 1) -> dict[str, str]:
    days = [str(clock.today() + timedelta(days=each)) for each in (first, last)]
    return {"from_on": days[0], "to_on": days[1]}


async def _campaign(
    client: httpx.AsyncClient, grid: str = "t.01.01", kind: str = "sampling", **days: str
) -> str:
    said = {"grid_id": str(grid_id(grid)), "name": "全员核酸", "kind": kind}
    return (await made(client, CAMPAIGNS, **said, **days or _days()))["id"]


def _span(hours: float, length: float = 2) -> dict[str, str]:
    begins = clock.now() + timedelta(hours=hours)
    ends = begins + timedelta(hours=length)
    return {"starts_at": begins.isoformat(), "ends_at": ends.isoformat()}


def _pointer(answer: httpx.Response) -> str:
    return assert_problem(answer, InvalidInput)["errors"][0]["pointer"]


async def test_a_session_is_of_a_campaign_of_its_kind_and_days(lin: httpx.AsyncClient):
    site = await a_site(lin)
    doses = await _campaign(lin, kind="vaccination")
    soon, later = await _campaign(lin), await _campaign(lin, **_days(30, 31))
    for campaign, pointer in ((doses, "/body/campaign_id"), (later, "/body/starts_at")):
        said = {"id": str(new_id()), "site_id": site["id"], "campaign_id": campaign, **_span(20)}
        assert _pointer(await lin.post(SESSIONS, json=said)) == pointer
        assert_problem(await lin.get(f"{SESSIONS}/{said['id']}"), NotFound)
    said |= {"id": str(new_id()), "campaign_id": str(new_id())}
    unknown = assert_problem(await lin.post(SESSIONS, json=said), NotFound)
    assert unknown["errors"][0]["pointer"] == "/body/campaign_id"
    kept = await made(lin, SESSIONS, site_id=site["id"], campaign_id=soon, **_span(20))
    assert kept["campaign_id"] == soon


@pytest.mark.parametrize("starts_at", ["1970-01-01T08:00:00+08:00", "2199-01-01T08:00:00+08:00"])
async def test_no_session_is_planned_by_a_clock_that_began_anew_or_far_ahead(
    lin: httpx.AsyncClient, starts_at: str
):
    site = await a_site(lin)
    said = {"id": str(new_id()), "site_id": site["id"], "starts_at": starts_at}
    answer = await lin.post(SESSIONS, json=said | {"ends_at": starts_at.replace("T08", "T10")})
    assert _pointer(answer) == "/body/starts_at"


async def test_tomorrows_session_is_not_opened_in_place_of_todays(lin: httpx.AsyncClient):
    site = await a_site(lin)
    tomorrow = await a_session(lin, site, opened=False, **_span(6.5))
    assert_problem(await lin.post(f"{SESSIONS}/{tomorrow['id']}/open"), SessionNotSo)
    soon = await a_session(lin, site, opened=False, **_span(5.5, 0.5))
    assert (await lin.post(f"{SESSIONS}/{soon['id']}/open")).json()["status"] == "open"


async def test_who_came_before_the_hour_is_counted_where_it_was_opened_early(
    lin: httpx.AsyncClient,
):
    site = await a_site(lin)
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    begins, ends = hour + timedelta(hours=1), hour + timedelta(hours=4)
    span: dict[str, Any] = {"starts_at": begins.isoformat(), "ends_at": ends.isoformat()}
    held = await a_session(lin, site, **span)
    path = f"{SESSIONS}/{held['id']}/tallies"
    tally = await made(lin, path, hour_at=hour.isoformat(), people=12)
    early = {"id": str(new_id()), "hour_at": (hour - timedelta(hours=1)).isoformat(), "people": 1}
    assert _pointer(await lin.post(path, json=early)) == "/body/hour_at"
    nothing = await lin.patch(
        f"/v1/session-tallies/{tally['id']}", json={"reason": "漏计"}, headers=FIRST
    )
    assert _pointer(nothing) == "/body"


async def test_who_is_sampled_at_home_is_so_in_a_campaign_that_means_them(
    town: Town, lin: httpx.AsyncClient
):
    home = await a_household(lin, grid="t.01.01.01", residents=[synthetic_resident()])
    person, zhou = home["residents"][0]["id"], await town.as_("zhou")
    said = {"resident_id": person, "reason": "age", "wanted_on": str(clock.today())}
    doses = await _campaign(lin, kind="vaccination")
    theirs = await _campaign(await town.as_("wei"), grid="t.01.02")
    for campaign in (doses, theirs):
        body = {"id": str(new_id()), **said, "campaign_id": campaign}
        assert _pointer(await zhou.post("/v1/home-samplings", json=body)) == "/body/campaign_id"
    whole = await _campaign(zhou, grid="t")
    body = {"id": str(new_id()), **said, "campaign_id": str(new_id())}
    unknown = assert_problem(await zhou.post("/v1/home-samplings", json=body), NotFound)
    assert unknown["errors"][0]["pointer"] == "/body/campaign_id"
    asked = await made(lin, "/v1/home-samplings", **said, campaign_id=whole)
    assert asked["campaign_id"] == whole


async def test_nothing_begins_in_a_closed_grid_and_what_was_there_is_still_told(
    town: Town, lin: httpx.AsyncClient
):
    zhou, grid = await town.as_("zhou"), str(new_id())
    said = {"parent_id": str(grid_id("t.01.01")), "kind": "basic", "name": "柳村三组"}
    made_ = await zhou.post("/v1/grids", json={"id": grid, **said, "code": "451422201201003"})
    assert made_.status_code == 201, made_.text
    body = {"grid_id": grid, "name": "三组采样", "kind": "sampling"}
    campaign = await made(lin, CAMPAIGNS, **body, **_days())
    closed = await zhou.post(f"/v1/grids/{grid}/close", json={"reason": "并入"})
    assert closed.status_code == 200, closed.text
    for path, more in (("/v1/sites", {}), (CAMPAIGNS, _days())):
        answer = await lin.post(path, json={"id": str(new_id()), **body, **more})
        assert_problem(answer, GridClosed)
    told = await lin.get(f"{CAMPAIGNS}/{campaign['id']}/coverage")
    assert told.json() == {
        "whole": {"expected": 0, "done": 0, "not_yet": 0, "exempt": 0},
        "items": [],
    }
