"""Who follows somebody whose home was found unfit: at home themselves, for as many days."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from tests.cast import Town
from tests.quarantines.plans import the_ninth_edition
from tests.quarantines.test_changes import approved, asked, course, day, decided
from tests.quarantines.test_cohabitants import a_family, following, path_of
from tests.quarantines.test_site_checks import check_body
from tests.quarantines.test_site_checks import path_of as checks_of

HOME, CENTRAL = "home_quarantine", "centralized_quarantine"


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


async def _found_unfit(town: Town, family: dict[str, Any]) -> None:
    ming = town.client(await town.token_of("ming"))
    kept = await ming.post(checks_of(family["quarantine"]), json=check_body("own_toilet"))
    assert kept.status_code == 201, kept.text


async def _followed(town: Town, family: dict[str, Any]) -> dict[str, Any]:
    lin = town.client(await town.token_of("lin"))
    body = following(family["people"][1])
    told = (await lin.post(path_of(family), json=body)).json()
    assert told["created"] == 1, told
    return body["items"][0]


@pytest.mark.parametrize("passed", [0, 2])
async def test_who_follows_after_an_extension_has_one_stage_of_as_many_days(
    town: Town, time_machine: Any, passed: int
):
    family = await a_family(await town.as_("lin"), of=2)
    first = clock.today()
    time_machine.move_to(clock.now() + timedelta(days=passed), tick=False)
    await _found_unfit(town, family)
    await approved(town, family["quarantine"], "extension", ends_on=day(8))
    other = await _followed(town, family)
    assert await course(town, other) == [(HOME, first.isoformat(), day(8))]
    lin = town.client(await town.token_of("lin"))
    [own] = (await lin.get(f"/v1/quarantines/{other['id']}/changes")).json()["items"]
    [stage] = (await lin.get(f"/v1/quarantines/{other['id']}/stages")).json()["stages"]
    assert own["stage_id"] == stage["id"]


async def test_one_decision_still_keeps_the_family_in_when_one_of_them_was_moved(
    town: Town, time_machine: Any
):
    family = await a_family(await town.as_("lin"), of=2)
    other, first = await _followed(town, family), day(0)
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    await _found_unfit(town, family)
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    change = await asked(lin, family["quarantine"], "extension", ends_on=day(7))
    told = (await decided(zhou, change, "approve")).json()
    assert [each["status"] for each in told["cohabitants"]] == ["approved"]
    assert await course(town, other) == [(HOME, first, day(7))]
    assert await course(town, family["quarantine"]) == [
        (HOME, first, day(-1)),
        (CENTRAL, day(0), day(7)),
    ]


async def test_who_follows_somebody_brought_to_a_site_begins_at_home(town: Town):
    lin = await town.as_("lin")
    family = await a_family(lin, of=2)
    await _found_unfit(town, family)
    path = f"/v1/quarantines/{family['quarantine']['id']}"
    moved = {"place_kind": "site", "place": "县职校隔离点", "change_reason": "已转运"}
    brought = await lin.patch(path, json=moved, headers={"If-Match": '"1"'})
    assert brought.status_code == 200, brought.text
    other = await _followed(town, family)
    read = (await lin.get(f"/v1/quarantines/{other['id']}")).json()
    assert (read["place_kind"], read["place"], read["whereabouts"]["kind"]) == (
        "home",
        None,
        "at_home",
    )
