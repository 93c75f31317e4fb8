"""A home found unfit while a change is asked for: one stage in two parts is lengthened once."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.quarantines.problems import ChangeNoLongerFits
from tests.builders import a_quarantine_by_plan
from tests.cast import Town, assert_problem
from tests.quarantines.plans import the_ninth_edition
from tests.quarantines.test_changes import approved, asked, course, day, decided
from tests.quarantines.test_site_checks import check_body, path_of

HOME, CENTRAL = "home_quarantine", "centralized_quarantine"


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


async def _on_the_third_day(town: Town, time_machine: Any) -> dict[str, Any]:
    """Somebody at home for seven days, of which two are over."""
    kept = await a_quarantine_by_plan(await town.as_("lin"))
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    return kept


async def _found_unfit(town: Town, quarantine: dict[str, Any]) -> None:
    ming = town.client(await town.token_of("ming"))
    kept = await ming.post(path_of(quarantine), json=check_body("own_toilet"))
    assert kept.status_code == 201, kept.text


async def test_what_was_asked_before_lengthens_the_measure_that_took_the_place(
    town: Town, time_machine: Any
):
    kept = await _on_the_third_day(town, time_machine)
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    change = await asked(lin, kept, "extension", ends_on=day(7))
    await _found_unfit(town, kept)
    assert (await decided(zhou, change, "approve")).status_code == 200
    assert await course(town, kept) == [(HOME, day(-2), day(-1)), (CENTRAL, day(0), day(7))]
    read = (await lin.get(f"/v1/quarantines/{kept['id']}")).json()
    assert read["planned_end_on"] == day(7)


async def test_the_part_that_is_past_named_by_its_id_means_the_whole_stage(
    town: Town, time_machine: Any
):
    kept = await _on_the_third_day(town, time_machine)
    await _found_unfit(town, kept)
    lin = town.client(await town.token_of("lin"))
    told = (await lin.get(f"/v1/quarantines/{kept['id']}/stages")).json()["stages"]
    past = told[0]["id"]
    longer = await approved(town, kept, "extension", stage_id=past, ends_on=day(6))
    assert longer == [(HOME, day(-2), day(-1)), (CENTRAL, day(0), day(6))]
    shorter = await approved(town, kept, "shortening", stage_id=past, ends_on=day(2))
    assert shorter == [(HOME, day(-2), day(-1)), (CENTRAL, day(0), day(2))]


async def test_what_was_asked_and_has_been_overtaken_is_still_refused(
    town: Town, time_machine: Any
):
    kept = await _on_the_third_day(town, time_machine)
    lin, zhou = town.client(await town.token_of("lin")), town.client(await town.token_of("zhou"))
    change = await asked(lin, kept, "shortening", ends_on=day(1))
    await _found_unfit(town, kept)
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    zhou = town.client(await town.token_of("zhou"))
    assert_problem(await decided(zhou, change, "approve"), ChangeNoLongerFits)
