"""A shift on the roster stands in the day of whoever is to stand it, and of nobody else."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from tests.builders import a_checkpoint, a_shift
from tests.cast import Town, grid_id
from tests.duties.scenery import my_day
from tests.readings.conftest import at, signed_in
from tests.sites.test_sites import a_session, a_site


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with time_machine.travel(at(8), tick=False):
        yield


@pytest.fixture
async def lin(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "lin")


async def _shifts(town: Town, name: str) -> list[dict[str, Any]]:
    stops = (await my_day(town, name))["stops"]
    return [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "shift"]


async def test_a_shift_is_told_with_its_hours_and_where_to_record_passes(
    town: Town, lin: httpx.AsyncClient
):
    bridge = await a_checkpoint(lin, grid="t.01.01")
    shift = await a_shift(lin, bridge, worker="han", begins=2, hours=8, role="值班长")
    [duty] = await _shifts(town, "han")
    assert duty["what"] == "到青竹大桥卡点（值班长）值班"
    assert (duty["opens_at"], duty["due_at"]) == (shift["starts_at"], shift["ends_at"])
    assert duty["state"] == "later"
    assert duty["report"]["path"] == f"/v1/checkpoints/{bridge['id']}/passes"
    assert await _shifts(town, "wei") == []
    with time_machine.travel(clock.now() + timedelta(hours=3), tick=False):
        assert [each["state"] for each in await _shifts(town, "han")] == ["due"]
    with time_machine.travel(clock.now() + timedelta(hours=11), tick=False):
        assert await _shifts(town, "han") == []


async def test_a_shift_of_another_day_or_off_the_roster_is_not_of_today(
    town: Town, lin: httpx.AsyncClient
):
    bridge = await a_checkpoint(lin, grid="t.01.01")
    await a_shift(lin, bridge, worker="mei", begins=30)
    off = await a_shift(lin, bridge, worker="mei", begins=1)
    path, headers = f"/v1/duty-shifts/{off['id']}/discard", {"If-Match": '"1"'}
    answer = await lin.post(path, json={"reason": "调班"}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert await _shifts(town, "mei") == []


async def test_a_shift_that_begins_after_midnight_is_told_an_hour_before(
    town: Town, lin: httpx.AsyncClient
):
    bridge = await a_checkpoint(lin, grid="t.01.01")
    shift = await a_shift(lin, bridge, worker="qin", begins=16, hours=8)
    for hour, told in ((22.5, []), (23, ["later"]), (24, ["due"]), (31.9, ["due"]), (32, [])):
        with time_machine.travel(clock.now() + timedelta(hours=hour - 8), tick=False):
            duties = await _shifts(town, "qin")
            assert [each["state"] for each in duties] == told, hour
            assert all(each["opens_at"] == shift["starts_at"] for each in duties)


async def test_a_shift_at_a_site_leads_to_the_session_that_can_be_worked_on(
    town: Town, lin: httpx.AsyncClient
):
    site = await a_site(lin, grid_id=str(grid_id("t.01.01")), name="村委采样点")
    await a_shift(lin, site, worker="mei", begins=0, hours=8, role="sampler")
    mei = await signed_in(town, "mei")
    [duty] = await _shifts(town, "mei")
    assert duty["what"] == "到村委采样点（采样）值班，场次尚未安排"
    assert duty["report"]["method"] == "GET"
    assert (await mei.get(duty["report"]["path"])).json()["items"] == []
    span = {
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(hours=4)).isoformat(),
    }
    held = await a_session(lin, site, opened=False, **span)
    [duty] = await _shifts(town, "mei")
    assert duty["what"].endswith("值班，场次尚未开点")
    assert duty["report"]["path"] == f"/v1/site-sessions/{held['id']}/open"
    assert (await mei.post(duty["report"]["path"])).status_code == 200
    later = {
        "starts_at": span["ends_at"],
        "ends_at": (clock.now() + timedelta(hours=6)).isoformat(),
    }
    await a_session(lin, site, opened=False, **later)
    [duty] = await _shifts(town, "mei")
    assert duty["report"]["path"] == f"/v1/site-sessions/{held['id']}/tallies"
