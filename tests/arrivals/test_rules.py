"""How far back is looked, by which protocol, and what follows when the rules change."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from api import background
from api.arrivals.rules import LONGEST_LOOK_BACK, Rules, Term, reporting
from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from api.foundation.jobs import sweep
from api.foundation.records import new_id
from tests.builders import a_household, a_risk_area, an_arrival
from tests.cast import TOWNSHIP, Town

HOME = "t.01.01.01"
TODAY = clock.today()
assert background.arrivals  # the sweep is known to whoever does the background work


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


def term(since: int, until: int | None, look_back: int, before: int | None, after: int | None):
    ends = None if until is None else TODAY + timedelta(days=until)
    return Term(TODAY + timedelta(days=since), ends, look_back, before, after)


def test_of_two_protocols_the_stricter_counts_on_the_days_of_both():
    rules = Rules((term(-10, None, 7, 24, None), term(-5, 3, 14, 48, 12)))
    early, both = rules.on(TODAY - timedelta(days=6)), rules.on(TODAY)
    assert (early.look_back_days, early.pre_report) == (7, timedelta(hours=24))
    assert early.post_arrival_report is None
    assert (both.look_back_days, both.pre_report) == (14, timedelta(hours=48))
    assert both.post_arrival_report == timedelta(hours=12)
    assert rules.on(TODAY + timedelta(days=3)) == both
    assert rules.on(TODAY + timedelta(days=4)) == early


def test_without_a_protocol_the_longest_look_back_counts_and_nothing_is_due():
    clocks = Rules(()).on(TODAY)
    assert clocks.look_back_days == LONGEST_LOOK_BACK
    came = clock.now()
    reported = reporting(
        Rules(()), recorded_at=came, expected_on=None, arrived_at=came, told_at=came
    )
    assert (reported.pre_reported_in_time, reported.arrival_report_due_at) == (None, None)
    assert reported.reported_in_time is None


def test_until_somebody_has_come_they_may_come_from_the_first_instant_of_the_day():
    rules = Rules((term(-10, None, 7, 24, 12),))
    midnight, _ = clock.day_bounds(TODAY)

    def in_time(hours: int) -> bool | None:
        recorded = midnight - timedelta(hours=hours)
        told = reporting(
            rules, recorded_at=recorded, expected_on=TODAY, arrived_at=None, told_at=None
        )
        assert (told.arrival_report_due_at, told.reported_in_time) == (None, None)
        return told.pre_reported_in_time

    assert (in_time(24), in_time(23)) == (True, False)


async def _adopt(client: Any, code: str) -> dict[str, Any]:
    adoption = {"id": str(new_id()), "effective_from": day(-30), "activate": True}
    adopted = await client.post(f"/v1/protocol-presets/{code}", json=adoption)
    assert adopted.status_code == 201, adopted.text
    return adopted.json()


@pytest.fixture
async def left_ten_days_before(town: Town) -> dict[str, Any]:
    """Somebody who left a county at high risk ten days before they came, today."""
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    prefix = f"53{new_id().int % 90 + 10}{new_id().int % 90 + 10}"
    await a_risk_area(zhou, code_prefix=prefix, level="high", from_on=day(-12))
    home = await a_household(ming, grid=HOME)
    stays = [{"code": prefix, "from_on": day(-30), "to_on": day(-10)}]
    came = {"expected_on": None, "arrived_at": clock.now().isoformat()}
    arrival = await an_arrival(ming, home, stays=stays, **came)
    assert arrival["risk_level"] == "high"
    return arrival


async def test_when_a_protocol_is_adopted_everybody_is_classed_anew_once(
    town: Town, left_ten_days_before: dict[str, Any], addresses: Addresses
):
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    address = f"/v1/arrivals/{left_ten_days_before['id']}"
    assert await sweep(town.database, "arrivals.reclassify", TOWNSHIP) == 0
    protocol = await _adopt(zhou, "cn_v9")
    assert await sweep(town.database, "arrivals.reclassify", TOWNSHIP) == 1
    assert await sweep(town.database, "arrivals.reclassify", TOWNSHIP) == 0
    file = (await ming.get(address)).json()
    assert file["arrival"]["risk_level"] == "none"
    latest = file["classifications"][0]
    assert (latest["because"], latest["by"]) == ("rules_changed", None)
    assert "7天" in latest["explanation"]

    connection = await asyncpg.connect(addresses.owner)
    told = await connection.fetch(
        f"SELECT kind FROM {cell_schema(TOWNSHIP)}.events WHERE subject_id = $1 ORDER BY seq",
        left_ten_days_before["id"],
    )
    await connection.close()
    assert [row["kind"] for row in told] == ["duties.changed"] * 2

    why = {"reason": "另行通知"}
    retired = await zhou.post(f"/v1/protocols/{protocol['id']}/retire", json=why)
    assert retired.status_code == 200, retired.text
    assert await sweep(town.database, "arrivals.reclassify", TOWNSHIP) == 1


async def test_each_protocol_looks_as_far_back_as_it_says_itself(
    town: Town, left_ten_days_before: dict[str, Any]
):
    """The ninth edition looks back 7 days, the Guangxi notice 14: only that finds the high risk."""
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    address = f"/v1/arrivals/{left_ten_days_before['id']}/proposal"
    ninth = await _adopt(zhou, "cn_20m")
    alone = (await ming.get(address)).json()
    assert (alone["plan"], alone["facts"]["risk_level"]) == (None, "none")
    notice = await _adopt(zhou, "gx_2022_0118")
    both = (await ming.get(address)).json()
    assert both["plan"]["protocol"]["id"] == notice["id"]
    assert both["facts"]["left_risk_area_on"] == day(-10)
    only = (await ming.get(address, params={"protocol_id": ninth["id"]})).json()
    assert only["plan"] is None
    assert {rule["protocol_id"] for rule in only["considered"]} == {ninth["id"]}
