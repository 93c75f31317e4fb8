"""Of whom a duty is asked: of whoever may report it, and of somebody where a grid has no worker."""

from uuid import UUID

import httpx
import pytest

from api.foundation.database import Database
from api.foundation.records import new_id
from tests.builders import (
    a_diagnostic_test,
    a_household,
    a_lead,
    a_lead_batch,
    a_quarantine,
    a_visit,
    an_arrival,
)
from tests.cast import Town, grid_id
from tests.duties.scenery import done, duties_of, my_day, only_stage, waiting
from tests.readings.conftest import DAY, at, reading_body, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


async def _a_grid(town: Town) -> str:
    """One more of 榕村, without anybody."""
    body = {"id": str(new_id()), "parent_id": str(grid_id("t.01.02")), "name": "空组"}
    await done(await signed_in(town, "gu"), "/v1/grids", body | {"kind": "basic"})
    return body["id"]


async def _appointed(wei: httpx.AsyncClient, grid: str) -> str:
    """A grid worker of a grid; the post."""
    worker, post = str(new_id()), str(new_id())
    await done(wei, "/v1/workers", {"id": worker, "name": "新网格员", "grid_id": grid})
    held = {"id": post, "worker_id": worker, "grid_id": grid, "role": "grid_worker"}
    await done(wei, "/v1/posts", held)
    return post


async def _kinds(town: Town, name: str, person: str) -> set[str]:
    return {kind for kind, _ in duties_of(await my_day(town, name), person)}


async def test_who_serves_from_elsewhere_tells_of_the_visit_that_their_day_asks_for(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await a_quarantine(wei, grid=HAN, team=("pang", "ba", "mei", "he"))
    await only_stage(owner, person, visits_per_day=1)
    stops = (await my_day(town, "pang"))["stops"]
    [asked] = [each for stop in stops for each in stop["duties"] if each["kind"] == "visit"]
    pang = await signed_in(town, "pang")
    told = {"id": str(new_id()), "outcome": "met", "visited_at": at(8, 5).isoformat()}
    body = told | asked["report"]["body"]
    await done(pang, asked["report"]["path"], body)
    assert (await pang.post("/v1/visits", json=body)).status_code == 200
    for name in ("pang", "ba", "he"):
        assert "visit" not in await _kinds(town, name, person["resident_id"]), name
    found = {"household_id": person["household_id"]}
    others = await a_visit(wei, {"id": person["household_id"]})
    [own] = (await pang.get("/v1/visits", params=found)).json()["items"]
    assert own["id"] == body["id"]
    assert (await pang.get(f"/v1/visits/{others['id']}")).status_code == 404
    at_the_neighbours = await a_household(wei, grid=HAN)
    refused = await pang.post(
        "/v1/visits", json=body | {"id": str(new_id())} | {"household_id": at_the_neighbours["id"]}
    )
    assert refused.status_code == 404


async def test_a_sample_is_asked_of_those_who_may_record_one(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await a_quarantine(wei, grid=HAN, team=("pang", "ba", "qin", "he"))
    await only_stage(owner, person, tests=[{"day": 1}])
    who = person["resident_id"]
    asked = {name: "test" in await _kinds(town, name, who) for name in ("pang", "ba", "qin", "he")}
    assert asked == {"pang": False, "ba": False, "qin": False, "he": True}
    assert await _kinds(town, "han", who) == set()


@pytest.mark.parametrize("team", [("pang", "ba", "qin", "fan"), ("pang", "ba", "qin", "ming")])
async def test_a_sample_that_nobody_of_the_team_can_take_of_the_family_is_asked_of_the_grid(
    town: Town, wei: httpx.AsyncClient, owner: Database, team: tuple[str, ...]
):
    home = await a_household(wei, grid=HAN)
    one, other = (str(each["id"]) for each in home["residents"])
    person = await a_quarantine(wei, resident=one, team=team)
    await only_stage(owner, person, tests=[{"day": 1}], cohabitant_rule="same_test_days")
    assert await _kinds(town, "han", one) == {"test"}
    assert await _kinds(town, "han", other) == {"test"}
    assert ("test" in await _kinds(town, "ming", one)) == ("ming" in team)


async def test_what_a_grid_without_a_worker_would_do_is_asked_of_the_nearest_who_leads(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    grid = await _a_grid(town)
    home = await a_household(wei, grid=UUID(grid))
    one, other = (str(each["id"]) for each in home["residents"])
    arrival = await an_arrival(wei, home, expected_on=DAY.isoformat())
    await a_visit(wei, home, outcome="absent")
    told = {"outcome": "positive", "sampled_at": at(7).isoformat()}
    told |= {"reported_at": at(8).isoformat(), "kind": "antigen"}
    await a_diagnostic_test(wei, one, **told)
    person = await a_quarantine(wei, resident=other)
    await only_stage(owner, person)
    zhou = await signed_in(town, "zhou")
    lead = await a_lead(zhou, await a_lead_batch(zhou), grid_id=grid)
    subjects = {
        "arrival": arrival["id"], "visit": home["id"], "retest": one, "reading": person["id"],
        "lead": lead["id"],
    }  # fmt: skip
    for kind, subject in subjects.items():
        assert set(await waiting(town, kind, subject)) == {"wei"}, kind
    await done(wei, "/v1/readings", reading_body(person))
    post = await _appointed(wei, grid)
    for kind, subject in subjects.items():
        assert await waiting(town, kind, subject) == {}, kind
    await done(wei, f"/v1/posts/{post}/end", {"reason": "调离"})
    assert set(await waiting(town, "arrival", arrival["id"])) == {"wei"}


async def test_a_grid_worker_of_the_village_does_not_keep_it_from_who_leads(
    town: Town, wei: httpx.AsyncClient
):
    """Their grid is the village itself; what lies in a grid below is asked of them nowhere."""
    grid = await _a_grid(town)
    post = await _appointed(wei, str(grid_id("t.01.02")))
    zhou = await signed_in(town, "zhou")
    batch = await a_lead_batch(zhou)
    below = await a_lead(zhou, batch, grid_id=grid)
    of_the_village = await a_lead(zhou, batch, grid_id=str(grid_id("t.01.02")))
    assert set(await waiting(town, "lead", below["id"])) == {"wei"}
    assert await waiting(town, "lead", of_the_village["id"]) == {}
    await done(wei, f"/v1/posts/{post}/end", {"reason": "调离"})
    assert set(await waiting(town, "lead", of_the_village["id"])) == {"wei"}
