"""Who lives with somebody that comes home from a site is quarantined from that day on, at home."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from tests.builders import a_preset_in_force
from tests.cast import Town
from tests.quarantines.plans import sampled, the_ninth_edition
from tests.quarantines.test_changes import approved, course, day
from tests.quarantines.test_cohabitants import a_family, following, path_of

TWENTY = "cn_20m"
"""Five days at a site for a contact, then three at home with everybody of the house."""


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    await the_ninth_edition(town)
    return (await a_preset_in_force(await town.as_("zhou"), TWENTY))["id"]


async def back_home(
    client: httpx.AsyncClient, protocol: str, *, begun: int = 6, of: int = 2
) -> dict[str, Any]:
    """A family of whom one was brought to a site some days ago."""
    facts = {"exposure_class": "close_contact", "last_exposure_on": day(-begun)}
    told = {"protocol_id": protocol, "facts": facts, "control_started_on": day(-begun)}
    return await a_family(client, of=of, reason="close_contact", **told)


async def joined(
    client: httpx.AsyncClient, family: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The quarantine of the second of the family, and the body that began it."""
    body = following(family["people"][1])
    answer = await client.post(path_of(family), json=body)
    assert answer.json()["created"] == 1, answer.text
    return (await client.get(f"/v1/quarantines/{body['items'][0]['id']}")).json(), body


async def test_nobody_is_said_to_have_been_at_the_site_with_them(
    town: Town, protocol: str, time_machine: Any
):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    family = await back_home(lin, protocol)
    kept, body = await joined(lin, family)
    assert await course(town, kept) == [("home_quarantine", day(-1), day(1))]
    assert (kept["started_on"], kept["planned_end_on"]) == (day(-1), day(1))
    assert (kept["place_kind"], kept["whereabouts"]["kind"]) == ("home", "at_home")
    path = f"/v1/quarantines/{kept['id']}/release"
    [tests] = [
        each["detail"]
        for each in (await lin.get(path)).json()["conditions"]
        if each["kind"] == "tests_negative"
    ]
    assert tests.count("；") == 1, "nothing is asked for of days that they were not under control"
    time_machine.move_to(clock.now() + timedelta(days=1), tick=False)
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    await sampled(lin, kept, 1, 3)
    done = await zhou.post(path, json={"ended_on": day(0), "reason": "期满"})
    assert done.status_code == 200, done.text
    notice = (await zhou.get(f"/v1/quarantines/{kept['id']}/notice")).json()["text"]
    assert "止接受：居家" in notice
    for days in (0, 20):
        time_machine.move_to(clock.now() + timedelta(days=days), tick=False)
        lin = town.client(await town.token_of("lin"))
        assert (await lin.post(path_of(family), json=body)).json()["unchanged"] == 1


async def test_they_follow_what_is_changed_from_then_on(town: Town, protocol: str):
    lin = await town.as_("lin")
    family = await back_home(lin, protocol)
    kept, _ = await joined(lin, family)
    after = await approved(town, family["quarantine"], "extension", ends_on=day(4))
    assert after[-1] == ("home_quarantine", day(-1), day(4))
    assert await course(town, kept) == after[1:]


async def test_they_follow_to_another_plan_on_the_same_days(town: Town, protocol: str):
    lin = await town.as_("lin")
    family = await back_home(lin, protocol)
    kept, _ = await joined(lin, family)
    told = {"protocol_id": protocol, "plan_code": "high_risk_home_7"}
    after = await approved(town, family["quarantine"], "new_plan", **told)
    assert await course(town, kept) == after[1:]


async def test_who_joins_after_the_days_at_the_site_were_lengthened_has_the_days_of_now(
    town: Town, protocol: str, time_machine: Any
):
    family = await back_home(await town.as_("lin"), protocol, begun=3, of=3)
    await approved(town, family["quarantine"], "extension", ends_on=day(6))
    time_machine.move_to(clock.now() + timedelta(days=7), tick=False)
    lin = town.client(await town.token_of("lin"))
    kept, _ = await joined(lin, family)
    theirs = await course(town, family["quarantine"])
    assert theirs[1:] == [("home_quarantine", day(0), day(2))]
    assert await course(town, kept) == theirs[1:]
    assert (kept["started_on"], kept["planned_end_on"]) == (day(0), day(2))
    # Who is told to follow the one that joined follows in the same way.
    third = {**family, "quarantine": kept}
    body = following(family["people"][2])
    assert (await lin.post(path_of(third), json=body)).json()["created"] == 1
    assert await course(town, body["items"][0]) == theirs[1:]
