"""Moved to another revision of a protocol: from its day on, and not before."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.foundation.problems import NotFound
from api.foundation.records import new_id
from tests.builders import a_preset_in_force
from tests.cast import Town, assert_problem
from tests.quarantines.plans import the_ninth_edition
from tests.quarantines.test_changes import a_contact, approved, change_body, day


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


async def test_who_was_to_be_brought_to_a_site_is_at_home_when_the_plan_says_so_in_time(
    town: Town, protocol: str
):
    lin = await town.as_("lin")
    planned: dict[str, Any] = {"control_started_on": day(2), "place": "县职校隔离点"}
    kept, begun = await a_contact(lin, **planned), await a_contact(lin)
    for each, place in ((kept, ("home", None, "at_home")), (begun, ("site", None, "transferred"))):
        told = {"protocol_id": protocol, "plan_code": "secondary_home_7"}
        await approved(town, each, "new_plan", **told)
        read = (await lin.get(f"/v1/quarantines/{each['id']}")).json()
        assert (read["place_kind"], read["place"], read["whereabouts"]["kind"]) == place
        assert read["category"] == "home_quarantine"


async def test_nobody_is_moved_to_a_revision_before_its_day(town: Town, time_machine: Any):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    kept = await a_contact(lin)
    coming = await a_preset_in_force(zhou, "cn_20m", since=day(1))
    told = {"protocol_id": coming["id"], "plan_code": "contact_5_3"}
    path = f"/v1/quarantines/{kept['id']}/changes"
    refused = assert_problem(await lin.post(path, json=change_body("new_plan", **told)), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/protocol_id"
    time_machine.move_to(clock.now() + timedelta(days=1), tick=False)
    course = await approved(town, kept, "new_plan", **told)
    assert [category for category, *_ in course][-1] == "home_quarantine"


@pytest.mark.parametrize("activated", [False, True])
async def test_nobody_is_moved_to_what_was_never_in_force(
    town: Town, time_machine: Any, activated: bool
):
    """A draft that was given up, or a revision withdrawn before its day; not on that day either."""
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    kept = await a_contact(lin)
    said = {"id": str(new_id()), "effective_from": day(1), "activate": activated}
    given_up = (await zhou.post("/v1/protocol-presets/cn_rural_2021", json=said)).json()
    path = f"/v1/protocols/{given_up['id']}/retire"
    assert (await zhou.post(path, json={"reason": "县里改发"})).status_code == 200
    time_machine.move_to(clock.now() + timedelta(days=1), tick=False)
    lin = town.client(await town.token_of("lin"))
    told = {"protocol_id": given_up["id"], "plan_code": "home_monitoring_14"}
    path = f"/v1/quarantines/{kept['id']}/changes"
    refused = assert_problem(await lin.post(path, json=change_body("new_plan", **told)), NotFound)
    assert refused["errors"] == [
        {"pointer": "/body/protocol_id", "detail": "没有找到该方案，或未曾施行。"}
    ]
