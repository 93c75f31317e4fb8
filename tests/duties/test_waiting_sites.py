"""Who is sampled at home, and which session is short of people, waits for whoever sees to it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from tests.builders import a_diagnostic_test, a_household, a_shift, synthetic_resident
from tests.cast import Town, grid_id, id_of
from tests.duties.scenery import day_of, done, duties_of, my_day, waiting
from tests.readings.conftest import DAY, at, signed_in
from tests.sites.test_sites import FIRST, a_session, a_site, made

HAN = "t.01.02.01"
VILLAGE = "t.01.02"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


async def _whats(town: Town, name: str, kind: str) -> list[str]:
    stops = (await my_day(town, name))["stops"]
    return [duty["what"] for stop in stops for duty in stop["duties"] if duty["kind"] == kind]


async def test_a_sampling_at_home_waits_for_the_village_then_for_who_goes_until_it_is_done(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    home = await a_household(wei, grid=HAN, residents=[synthetic_resident()])
    [person] = [each["id"] for each in home["residents"]]
    asked = {"resident_id": person, "reason": "mobility"}
    tomorrow = (DAY + timedelta(days=1)).isoformat()
    kept = await made(wei, "/v1/home-samplings", wanted_on=tomorrow, **asked)
    path = f"/v1/home-samplings/{kept['id']}/assign"
    assert await waiting(town, "home_sampling", person) == {"wei": "assign"}
    given = await wei.post(path, json={"worker_id": str(id_of("han"))}, headers=FIRST)
    assert given.status_code == 200, given.text
    assert await waiting(town, "home_sampling", person) == {}
    morning.move_to(at(9, days=1))
    assert await waiting(town, "home_sampling", person) == {"han": "tests"}
    [what] = await _whats(town, "han", "home_sampling")
    assert what == f"上门给{home['residents'][0]['name']}采样"
    await a_diagnostic_test(await signed_in(town, "han"), person)
    assert await waiting(town, "home_sampling", person) == {}


async def test_a_session_short_of_people_waits_for_the_leader_until_the_roster_is_whole(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    site = await a_site(wei, grid_id=str(grid_id(VILLAGE)), name="榕村采样点")
    begins = clock.now() + timedelta(hours=26)
    span = {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=3)).isoformat()}
    staffing = {"sampler": 1, "code_check": 1}
    await a_session(wei, site, opened=False, staffing=staffing, **span)
    assert await waiting(town, "site_session", site["id"]) == {"wei": "duty-shifts"}
    [what] = await _whats(town, "wei", "site_session")
    assert what.startswith("排班：榕村采样点")
    assert what.endswith("场次还差2人")
    await a_shift(wei, site, worker="han", begins=26, hours=3, role="sampler")
    assert (await _whats(town, "wei", "site_session"))[0].endswith("场次还差1人")
    await a_shift(wei, site, worker="he", begins=26, hours=3, role="查验健康码")
    assert await waiting(town, "site_session", site["id"]) == {}


async def test_a_session_that_is_over_wants_nobody_from_the_moment_it_ends(
    town: Town, wei: httpx.AsyncClient, morning: Any
):
    site = await a_site(wei, grid_id=str(grid_id(VILLAGE)), name="晚间采样点")
    ends = clock.now() + timedelta(seconds=20)
    span = {"starts_at": (ends - timedelta(hours=2)).isoformat(), "ends_at": ends.isoformat()}
    held = await a_session(wei, site, opened=False, staffing={"sampler": 1}, **span)
    await done(wei, f"/v1/site-sessions/{held['id']}/open")
    assert _kinds(await day_of(wei)).count("site_session") == 1
    morning.move_to(ends)
    assert "site_session" not in _kinds(await day_of(wei))


def _kinds(day: dict[str, Any]) -> list[str]:
    return [kind for kind, _ in duties_of(day)]
