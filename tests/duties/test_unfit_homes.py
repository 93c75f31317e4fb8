"""A home that is not fit: the check is asked for, then the transfer, until somebody asks for it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_household
from tests.cast import Town
from tests.duties.scenery import done, my_day
from tests.quarantines.plans import MEDIUM, a_planned_quarantine, the_ninth_edition
from tests.readings.conftest import signed_in

HAN = "t.01.02.01"


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


@pytest.fixture
async def person(town: Town, protocol: str) -> dict[str, Any]:
    return await a_planned_quarantine(town, protocol, plan=MEDIUM, begun=0, by="wei", grid=HAN)


async def _asked(town: Town, name: str, person: dict[str, Any]) -> dict[str, str]:
    """Which posts to the home of this person are asked for beside the timetable, and how."""
    path = f"/v1/quarantines/{person['id']}/"
    return {
        duty["report"]["path"].removeprefix(path): duty["what"]
        for stop in (await my_day(town, name))["stops"]
        for duty in stop["duties"]
        if duty["kind"] in {"site_check", "transfer"} and duty["report"]["path"].startswith(path)
    }


async def _checked(client: httpx.AsyncClient, person: dict[str, Any], *, fit: bool) -> None:
    path = f"/v1/quarantines/{person['id']}"
    stage = (await client.get(f"{path}/stages")).json()["stages"][0]
    items = dict.fromkeys((each["code"] for each in stage["site_checklist"]), True)
    items[next(iter(items))] = fit
    kept = await client.post(f"{path}/site-checks", json={"id": str(new_id()), "items": items})
    assert kept.status_code == 201, kept.text


async def test_a_home_found_fit_asks_for_nothing_more(town: Town, person: dict[str, Any]):
    assert set(await _asked(town, "han", person)) == {"site-checks"}
    await _checked(await signed_in(town, "han"), person, fit=True)
    assert await _asked(town, "han", person) == {}


async def test_a_home_found_unfit_asks_for_a_transfer_until_there_is_one(
    town: Town, person: dict[str, Any]
):
    han = await signed_in(town, "han")
    await _checked(han, person, fit=False)
    asked = await _asked(town, "han", person)
    assert asked == {
        "transfers": f"住所核查不符合，为{person['resident_name']}申请转运（送集中隔离点）"
    }
    told = {"kind": "to_site", "reason": "没有独立卫生间", "destination": "县职校隔离点"}
    due = (clock.now() + timedelta(hours=4)).isoformat()
    order = {"id": str(new_id()), "due_at": due, **told}
    kept = await han.post(f"/v1/quarantines/{person['id']}/transfers", json=order)
    assert kept.status_code == 201, kept.text
    assert await _asked(town, "han", person) == {}


async def test_temperatures_go_on_at_the_site(town: Town, morning: Any, person: dict[str, Any]):
    han = await signed_in(town, "han")
    await _checked(han, person, fit=False)
    entry = {"id": str(new_id()), "kind": "transferred", "since_at": clock.now().isoformat()}
    noted = await han.post(f"/v1/quarantines/{person['id']}/whereabouts", json=entry)
    assert noted.status_code == 201, noted.text
    asked = [
        duty["kind"]
        for stop in (await my_day(town, "han"))["stops"]
        for duty in stop["duties"]
        if duty["person"] and duty["person"]["id"] == person["resident_id"]
    ]
    assert asked.count("reading") == 2
    assert "visit" not in asked


async def test_the_next_grid_is_asked_nothing_of_it(town: Town, person: dict[str, Any]):
    await _checked(await signed_in(town, "han"), person, fit=False)
    for name in ("ming", "lin"):
        assert await _asked(town, name, person) == {}


async def _ridden(town: Town, person: dict[str, Any], kind: str) -> None:
    """Brought there by every step of an order."""
    han, wei = await signed_in(town, "han"), await signed_in(town, "wei")
    told = {"kind": kind, "reason": "按方案转运", "destination": "县职校隔离点"}
    order = {"id": str(new_id()), **told}
    await done(han, f"/v1/quarantines/{person['id']}/transfers", order)
    path = f"/v1/transfers/{order['id']}"
    car = {"vehicle": "dedicated", "plate": "桂F12345", "driver": "莫"}
    await done(wei, f"{path}/approve")
    await done(wei, f"{path}/dispatch", car)
    await done(han, f"{path}/pick-up", {"check_c": 36.6, "check_symptoms": []})
    await done(han, f"{path}/hand-over", {"taken_over_by": "覃护士"})
    await done(han, f"{path}/close", {})


async def test_who_was_at_a_site_before_is_brought_there_again(town: Town, person: dict[str, Any]):
    for kind in ("to_site", "to_home"):
        await _ridden(town, person, kind)
    await _checked(await signed_in(town, "han"), person, fit=False)
    assert set(await _asked(town, "han", person)) == {"transfers"}


async def test_whom_another_vehicle_fetches_or_the_hospital_has_is_not_asked_for_meanwhile(
    town: Town, person: dict[str, Any]
):
    han = await signed_in(town, "han")
    await _checked(han, person, fit=False)
    order = {"id": str(new_id()), "kind": "to_hospital", "reason": "发热", "destination": "县医院"}
    await done(han, f"/v1/quarantines/{person['id']}/transfers", order)
    assert await _asked(town, "han", person) == {}
    wei, why = await signed_in(town, "wei"), {"reason": "误报"}
    await done(wei, f"/v1/transfers/{order['id']}/cancel", why)
    assert set(await _asked(town, "han", person)) == {"transfers"}
    for kind, asked in (("in_hospital", set()), ("at_home", {"transfers"}), ("transferred", set())):
        entry = {"id": str(new_id()), "kind": kind, "since_at": clock.now().isoformat()}
        await done(han, f"/v1/quarantines/{person['id']}/whereabouts", entry)
        assert set(await _asked(town, "han", person)) == asked


async def test_another_home_is_looked_at_anew(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller
):
    """Moved within the days at home: what was found of the former home says nothing of this one."""
    han, wei = await signed_in(town, "han"), await signed_in(town, "wei")
    path = f"/v1/quarantines/{person['id']}"
    await _checked(han, person, fit=True)
    morning.shift(timedelta(minutes=1))
    home = await a_household(wei, grid=HAN)
    moved = {"household_id": home["id"], "relation": "other"}
    await done(wei, f"/v1/residents/{person['resident_id']}/move", moved)
    assert set(await _asked(town, "han", person)) == {"site-checks"}
    assert (await han.get(f"{path}/stages")).json()["stages"][0]["site_check_due"]
    morning.shift(timedelta(minutes=1))
    await _checked(han, person, fit=True)
    assert await _asked(town, "han", person) == {}
    assert not (await han.get(f"{path}/stages")).json()["stages"][0]["site_check_due"]
