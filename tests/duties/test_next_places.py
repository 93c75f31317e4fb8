"""A plan that goes on elsewhere: bringing the person there is asked for until somebody has."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from tests.cast import Town
from tests.duties.scenery import done, my_day
from tests.quarantines.plans import CONTACT, a_planned_quarantine, the_ninth_edition
from tests.readings.conftest import at, signed_in

HAN = "t.01.02.01"
HOME = "进入下一阶段，为{}申请转运（送返家中）"
SITE = "进入下一阶段，为{}申请转运（送集中隔离点）"


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


async def _asked(town: Town, name: str, person: dict[str, Any]) -> list[tuple[str, Any]]:
    """What somebody is asked to ask for this person, and by what body."""
    path = f"/v1/quarantines/{person['id']}/transfers"
    return [
        (duty["what"].replace(person["resident_name"], "{}"), duty["report"]["body"])
        for stop in (await my_day(town, name))["stops"]
        for duty in stop["duties"]
        if duty["report"]["path"] == path
    ]


async def _at_a_site(town: Town, protocol: str, *, begun: int) -> dict[str, Any]:
    """A contact who was brought to a site at once: seven days there, then three at home."""
    person = await a_planned_quarantine(
        town, protocol, plan=CONTACT, begun=begun, by="wei", grid=HAN
    )
    han, path = await signed_in(town, "han"), f"/v1/quarantines/{person['id']}"
    brought = await _ordered(han, person, "to_site")
    await _ridden(town, brought)
    assert (await han.get(path)).json()["place_kind"] == "site"
    return person


async def _ordered(client: httpx.AsyncClient, person: dict[str, Any], kind: str) -> str:
    told = {"kind": kind, "reason": "按方案转入", "destination": "县职校隔离点"}
    order = {"id": str(new_id()), **told}
    await done(client, f"/v1/quarantines/{person['id']}/transfers", order)
    return f"/v1/transfers/{order['id']}"


async def _ridden(town: Town, path: str) -> None:
    wei, han = await signed_in(town, "wei"), await signed_in(town, "han")
    await done(wei, f"{path}/approve")
    car = {"vehicle": "dedicated", "plate": "桂F12345", "driver": "莫"}
    await done(wei, f"{path}/dispatch", car)
    await done(han, f"{path}/pick-up", {"check_c": 36.6, "check_symptoms": []})
    await done(han, f"{path}/hand-over", {"taken_over_by": "覃护士"})
    await done(han, f"{path}/close", {})


async def test_who_is_at_a_site_is_to_be_brought_home_from_the_day_before(
    town: Town, protocol: str, morning: Any
):
    person = await _at_a_site(town, protocol, begun=0)
    for day, asked in ((5, []), (6, [(HOME, {"kind": "to_home"})])):
        morning.move_to(at(8, days=day))
        assert await _asked(town, "han", person) == asked
    morning.move_to(at(8, days=8))  # nobody has: it is asked as long as the stage lasts
    assert await _asked(town, "han", person) == [(HOME, {"kind": "to_home"})]
    assert await _asked(town, "wei", person) == await _asked(town, "ming", person) == []
    order = await _ordered(await signed_in(town, "han"), person, "to_home")
    assert await _asked(town, "han", person) == []
    await _ridden(town, order)
    assert await _asked(town, "han", person) == []


async def test_who_was_noted_to_be_at_home_or_in_hospital_is_not_asked_for(
    town: Town, protocol: str, morning: Any
):
    for kind in ("at_home", "in_hospital"):
        morning.move_to(at(8, 10))
        person = await _at_a_site(town, protocol, begun=0)
        morning.move_to(at(8, days=7))
        assert len(await _asked(town, "han", person)) == 1
        entry = {"id": str(new_id()), "kind": kind, "since_at": clock.now().isoformat()}
        han = await signed_in(town, "han")
        await done(han, f"/v1/quarantines/{person['id']}/whereabouts", entry)
        assert await _asked(town, "han", person) == []


async def test_who_is_at_home_when_days_at_a_site_have_begun_is_to_be_brought_there(
    town: Town, protocol: str
):
    person = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=1, by="wei", grid=HAN)
    assert await _asked(town, "han", person) == [(SITE, {"kind": "to_site"})]
    order = await _ordered(await signed_in(town, "han"), person, "to_site")
    assert await _asked(town, "han", person) == []
    await done(await signed_in(town, "wei"), f"{order}/cancel", {"reason": "车辆故障"})
    assert len(await _asked(town, "han", person)) == 1


async def test_by_when_it_is_asked(town: Town, protocol: str):
    person = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=0, by="wei", grid=HAN)
    path = f"/v1/quarantines/{person['id']}/transfers"
    duties = [duty for stop in (await my_day(town, "han"))["stops"] for duty in stop["duties"]]
    [duty] = [duty for duty in duties if duty["report"]["path"] == path]
    _, ends = clock.day_bounds(clock.today())
    assert duty["due_at"] == ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ends - clock.now() < timedelta(days=1)
