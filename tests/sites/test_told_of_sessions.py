"""A session counts by name who was there: what cannot have been there is not told of it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, Problem
from api.foundation.records import new_id
from tests.builders import a_household, sample_tube_body, vaccination_body
from tests.cast import Town, assert_problem, grid_id
from tests.sites.test_sites import a_session, a_site, the_next


@pytest.fixture
async def resident(lin: httpx.AsyncClient) -> str:
    return (await a_household(lin, grid=grid_id("t.01.01.01")))["residents"][0]["id"]


async def _named(lin: httpx.AsyncClient, held: dict[str, Any]) -> int:
    return (await lin.get(f"/v1/site-sessions/{held['id']}/tally")).json()["named"]


def _refused(answer: httpx.Response, problem: type[Problem]) -> str:
    return assert_problem(answer, problem)["errors"][0]["pointer"]


async def test_tubes_are_told_of_a_sampling_that_was_held_and_of_its_days(
    lin: httpx.AsyncClient, resident: str
):
    sampling, shots = await a_site(lin), await a_site(lin, kind="vaccination", name="接种点")
    held, other = await a_session(lin, sampling), await a_session(lin, shots)
    planned = await the_next(lin, sampling, opened=False)

    async def told(session: str, **said: Any) -> httpx.Response:
        body = sample_tube_body([resident], site_session_id=session, **said)
        return await lin.post("/v1/sample-tubes", json=body)

    days_ago = (clock.now() - timedelta(days=3)).isoformat()
    assert _refused(await told(str(new_id())), NotFound) == "/body/site_session_id"
    for session, said in ((other, {}), (planned, {}), (held, {"sampled_at": days_ago})):
        answer = await told(session["id"], **said)
        assert _refused(answer, InvalidInput) == "/body/site_session_id"
    now = {"sampled_at": clock.now().isoformat()}
    kept = await told(held["id"], **now)
    assert kept.status_code == 201, kept.text
    assert [await _named(lin, each) for each in (held, other, planned)] == [1, 0, 0]
    bodies = [
        sample_tube_body([resident], site_session_id=each["id"], **now) for each in (other, held)
    ]
    batch = (await lin.post("/v1/sample-tubes/batch", json={"items": bodies})).json()
    assert [each["outcome"] for each in batch["items"]] == ["refused", "created"]


async def test_doses_are_told_of_a_vaccination_and_of_its_days(
    lin: httpx.AsyncClient, resident: str
):
    held = await a_session(lin, await a_site(lin, kind="vaccination", name="接种点"))
    sampling = await a_session(lin, await a_site(lin))
    today, days_ago = str(clock.today()), str(clock.today() - timedelta(days=3))
    for session, day in ((sampling, today), (held, days_ago)):
        body = vaccination_body(resident, site_session_id=session["id"], given_on=day)
        refused = await lin.post("/v1/vaccinations", json=body)
        assert _refused(refused, InvalidInput) == "/body/site_session_id"
    body = vaccination_body(resident, site_session_id=held["id"], given_on=today)
    assert (await lin.post("/v1/vaccinations", json=body)).status_code == 201
    assert await _named(lin, held) == 1


async def test_whoever_was_on_duty_elsewhere_tells_of_it_though_the_session_is_out_of_sight(
    town: Town, lin: httpx.AsyncClient
):
    held = await a_session(lin, await a_site(lin))
    wei = await town.as_("wei")
    resident = (await a_household(wei, grid=grid_id("t.01.02.01")))["residents"][0]["id"]
    body = sample_tube_body(
        [resident], site_session_id=held["id"], sampled_at=clock.now().isoformat()
    )
    assert_problem(await wei.get(f"/v1/site-sessions/{held['id']}"), NotFound)
    kept = await wei.post("/v1/sample-tubes", json=body)
    assert kept.status_code == 201, kept.text
