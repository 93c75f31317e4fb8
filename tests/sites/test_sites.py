"""A site from setting up to the last result: who is there, how many came, what went wrong."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.sites.problems import HourAlreadyCounted, SessionNotSo, SiteClosed, TroubleSolved
from tests.cast import Town, assert_problem, grid_id, id_of

FIRST = {"If-Match": '"1"'}


def _hour(hours: int = 0) -> datetime:
    return clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours)


async def made(client: httpx.AsyncClient, path: str, **told: Any) -> dict[str, Any]:
    answer = await client.post(path, json={"id": str(new_id()), **told})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def a_site(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    said = {"grid_id": str(grid_id("t.01.01")), "name": "文化楼采样点", "kind": "sampling"}
    opened_at = (clock.now() - timedelta(days=2)).isoformat()
    return await made(client, "/v1/sites", **said | {"opened_at": opened_at} | told)


async def a_session(
    client: httpx.AsyncClient, site: dict[str, Any], *, opened: bool = True, **told: Any
) -> dict[str, Any]:
    span = {"starts_at": _hour(-3).isoformat(), "ends_at": _hour(3).isoformat()}
    held = await made(client, "/v1/site-sessions", site_id=site["id"], **span | told)
    if opened:
        held = (await client.post(f"/v1/site-sessions/{held['id']}/open")).json()
    return held


async def the_next(
    client: httpx.AsyncClient, site: dict[str, Any], *, opened: bool = True
) -> dict[str, Any]:
    """Another session of the site, after the one that is held there."""
    span: dict[str, Any] = {"starts_at": _hour(3).isoformat(), "ends_at": _hour(5).isoformat()}
    return await a_session(client, site, opened=opened, **span)


async def test_nobody_sees_a_site(town: Town):
    assert_problem(await town.nobody().get("/v1/sites"), NotSignedIn)


async def test_the_next_village_does_not_find_it_and_the_township_does(
    town: Town, lin: httpx.AsyncClient
):
    site = await a_site(lin)
    held = await a_session(lin, site)
    wei, zhou = await town.as_("wei"), await town.as_("zhou")
    assert_problem(await wei.get(f"/v1/sites/{site['id']}"), NotFound)
    assert_problem(await wei.get(f"/v1/site-sessions/{held['id']}/tally"), NotFound)
    assert (await zhou.get(f"/v1/sites/{site['id']}")).json() == site


async def test_a_volunteer_counts_but_plans_nothing(town: Town, lin: httpx.AsyncClient):
    site = await a_site(lin)
    ba = await town.as_("ba")
    said = {"id": str(new_id()), "site_id": site["id"]}
    span = {"starts_at": _hour(1).isoformat(), "ends_at": _hour(2).isoformat()}
    assert_problem(await ba.post("/v1/site-sessions", json=said | span), NotPermitted)


async def test_who_is_on_duty_from_elsewhere_works_there_for_that_time(
    town: Town, lin: httpx.AsyncClient
):
    """He, the doctor of the next village, samples here this morning."""
    site = await a_site(lin)
    held = await a_session(lin, site, staffing={"sampler": 2, "order_keeping": 1})
    he = await town.as_("he")
    address = f"/v1/site-sessions/{held['id']}"
    assert_problem(await he.get(address), NotFound)
    zhou = await town.as_("zhou")
    span = {"starts_at": _hour(-1).isoformat(), "ends_at": _hour(2).isoformat()}
    shift = {"place_id": site["id"], "worker_id": str(id_of("he")), "role": "sampler"}
    await made(zhou, "/v1/duty-shifts", **shift, **span)
    assert (await he.get(address)).status_code == 200
    tally = {"hour_at": _hour().isoformat(), "people": 40, "tubes": 4}
    await made(he, f"{address}/tallies", **tally)
    staffing = (await lin.get(f"{address}/staffing")).json()
    assert staffing["missing"] == 2
    sampling, order = staffing["items"]
    assert (sampling["role"], sampling["needed"], sampling["missing"]) == ("采样", 2, 1)
    assert [each["worker_id"] for each in sampling["people"]] == [str(id_of("he"))]
    assert (order["missing"], order["people"]) == (1, [])


async def test_a_session_goes_its_way_and_no_other(town: Town, lin: httpx.AsyncClient):
    held = await a_session(lin, await a_site(lin), opened=False)
    address = f"/v1/site-sessions/{held['id']}"
    for early in ("close", "results-in"):
        problem = assert_problem(await lin.post(f"{address}/{early}"), SessionNotSo)
        assert problem["session_status"] == "planned"
    for step, status in (("open", "open"), ("close", "closed"), ("results-in", "results_in")):
        first, again = [await lin.post(f"{address}/{step}") for _ in range(2)]
        assert first.json()["status"] == status
        assert first.json() == again.json()
    cancel = await lin.post(f"{address}/cancel", json={"reason": "改期"})
    assert_problem(cancel, SessionNotSo)


async def test_counts_add_up_by_hour_and_counter_and_are_corrected(
    town: Town, lin: httpx.AsyncClient
):
    held = await a_session(lin, await a_site(lin))
    address = f"/v1/site-sessions/{held['id']}/tallies"
    shan = await town.as_("shan")
    early, late = _hour(-2).isoformat(), _hour(-1).isoformat()
    first = await made(lin, address, hour_at=early, people=100, tubes=10, turned_away=1)
    await made(shan, address, hour_at=early, people=80, tubes=8)
    await made(shan, address, hour_at=late, people=20, tubes=2)
    twice = {"id": str(new_id()), "hour_at": early, "people": 5}
    assert_problem(await lin.post(address, json=twice), HourAlreadyCounted)
    change = {"people": 102, "reason": "漏计两人"}
    put = await lin.patch(f"/v1/session-tallies/{first['id']}", json=change, headers=FIRST)
    assert put.json()["version"] == 2
    told = (await lin.get(f"/v1/site-sessions/{held['id']}/tally")).json()
    assert [each["people"] for each in told["hours"]] == [182, 20]
    assert told["total"] == {"people": 202, "doses": 0, "tubes": 20, "turned_away": 1}
    assert (told["named"], told["difference"]) == (0, 202)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"hour_at": "2022-02-15T08:30:00+08:00"}, "/body/hour_at"),
        ({"hour_at": "2022-02-15T08:00:00+08:00"}, "/body/hour_at"),
        ({"people": -1}, "/body/people"),
        ({"people": 1.5}, "/body/people"),
        ({"doses": 1}, "/body/doses"),
    ],
)
async def test_a_count_that_cannot_be_is_refused(
    lin: httpx.AsyncClient, wrong: dict[str, Any], pointer: str
):
    held = await a_session(lin, await a_site(lin))
    said = {"id": str(new_id()), "hour_at": _hour().isoformat(), "people": 1}
    answer = await lin.post(f"/v1/site-sessions/{held['id']}/tallies", json=said | wrong)
    assert assert_problem(answer, InvalidInput)["errors"][0]["pointer"] == pointer


async def test_the_options_of_a_member_are_told_in_chinese(lin: httpx.AsyncClient):
    held = await a_session(lin, await a_site(lin))
    for path, wrong, told in (
        (
            f"/v1/site-sessions/{held['id']}/problems",
            {"kind": "?", "note": "停电"},
            "conflict、other",
        ),
        ("/v1/sample-tubes", {"pool_size": 3}, "1、5、10、20"),
    ):
        refused = await lin.post(path, json={"id": str(new_id()), **wrong})
        details = [each["detail"] for each in assert_problem(refused, InvalidInput)["errors"]]
        assert any(f"{told}。" in each for each in details), details


async def test_nothing_is_counted_before_it_was_opened(lin: httpx.AsyncClient):
    held = await a_session(lin, await a_site(lin), opened=False)
    said = {"id": str(new_id()), "hour_at": _hour().isoformat(), "people": 1}
    answer = await lin.post(f"/v1/site-sessions/{held['id']}/tallies", json=said)
    assert_problem(answer, SessionNotSo)


async def test_a_closed_site_takes_no_more_sessions(lin: httpx.AsyncClient):
    site = await a_site(lin)
    shut = {"closed_at": clock.now().isoformat()}
    answer = await lin.patch(f"/v1/sites/{site['id']}", json=shut, headers=FIRST)
    assert answer.json()["closed_at"] is not None
    span = {"starts_at": _hour(20).isoformat(), "ends_at": _hour(22).isoformat()}
    said = {"id": str(new_id()), "site_id": site["id"], **span}
    assert_problem(await lin.post("/v1/site-sessions", json=said), SiteClosed)


async def test_an_urgent_problem_is_told_upward_and_seen_to(town: Town, lin: httpx.AsyncClient):
    held = await a_session(lin, await a_site(lin))
    address = f"/v1/site-sessions/{held['id']}/problems"
    told = {"kind": "supplies", "note": "采样管只够半小时", "urgent": True}
    ming = await town.as_("ming")
    assert_problem(await ming.post(address, json={"id": str(new_id()), **told}), NotFound)
    trouble = await made(lin, address, **told)
    zhou = await town.as_("zhou")
    alerts = (await zhou.get("/v1/alerts?cause=site_problem")).json()["items"]
    assert [each["grid_id"] for each in alerts] == [held["grid_id"]]
    solved = f"/v1/site-problems/{trouble['id']}/solve"
    said = {"solution": "已从镇里调来"}
    first = await lin.post(solved, json=said, headers=FIRST)
    assert first.json()["solution"] == "已从镇里调来"
    again = await lin.post(solved, json=said, headers=FIRST)  # the answer was lost on the way
    assert (again.status_code, again.json()) == (200, first.json())
    other = {"solution": "已从县里调来"}
    assert_problem(await lin.post(solved, json=other, headers={"If-Match": '"2"'}), TroubleSolved)
    left = (await lin.get("/v1/site-problems?unsolved=true")).json()["items"]
    assert trouble["id"] not in {each["id"] for each in left}


async def test_a_record_sent_twice_is_one_and_with_another_body_refused(lin: httpx.AsyncClient):
    held = await a_session(lin, await a_site(lin))
    address = f"/v1/site-sessions/{held['id']}/tallies"
    said = {"id": str(new_id()), "hour_at": _hour().isoformat(), "people": 1}
    first, again = [await lin.post(address, json=said) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert_problem(await lin.post(address, json=said | {"people": 2}), RecordDiffers)
