"""A release told some days late: dated no earlier than what it rests on, and nothing is missed."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from api.quarantines.problems import ReleaseConditionsUnmet
from tests.cast import Town, assert_problem
from tests.duties.scenery import my_day
from tests.quarantines.plans import (
    CONTACT,
    SECONDARY,
    a_planned_quarantine,
    sampled,
    the_ninth_edition,
)


@pytest.fixture(scope="module")
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


async def _released(
    client: httpx.AsyncClient, quarantine: dict[str, Any], on: date
) -> httpx.Response:
    path = f"/v1/quarantines/{quarantine['id']}/release"
    return await client.post(path, json={"ended_on": on.isoformat(), "reason": "期满"})


async def _zhou(town: Town) -> httpx.AsyncClient:
    return town.client(await town.token_of("zhou"))


async def test_no_release_is_dated_before_the_sample_that_made_up_for_a_missed_test(
    town: Town, protocol: str
):
    """Seven days, over four days ago; the last sample was taken yesterday."""
    kept = await a_planned_quarantine(town, protocol, begun=10)
    lin, zhou = await town.as_("lin"), await _zhou(town)
    last = date.fromisoformat(kept["planned_end_on"])
    await sampled(lin, kept, 1, 4, 10)
    for too_early in (last, clock.today() - timedelta(days=2)):
        refused = assert_problem(await _released(zhou, kept, too_early), ReleaseConditionsUnmet)
        [unmet] = refused["unmet"]
        made_up = clock.today() - timedelta(days=1)
        assert unmet["kind"] == "tests_negative"
        told = f"的检测{made_up.month}月{made_up.day}日才采样，解除日期不能早于该日"
        assert told in unmet["detail"]
        assert len(unmet["evidence"]) == 3
    answer = await _released(zhou, kept, clock.today() - timedelta(days=1))
    assert answer.status_code == 200, answer.text
    assert (await _released(zhou, kept, clock.today() - timedelta(days=1))).status_code == 200


async def test_what_was_sampled_in_time_may_be_told_later(town: Town, protocol: str):
    kept = await a_planned_quarantine(town, protocol, begun=10)
    await sampled(await town.as_("lin"), kept, 1, 4, 7)
    last = date.fromisoformat(kept["planned_end_on"])
    assert (await _released(await _zhou(town), kept, last)).status_code == 200


async def test_nor_before_the_tests_of_the_linked_contact(town: Town, protocol: str):
    contact = await a_planned_quarantine(town, protocol, plan=CONTACT, begun=8)
    kept = await a_planned_quarantine(town, protocol, plan=SECONDARY, begun=8, linked=contact["id"])
    lin, zhou = await town.as_("lin"), await _zhou(town)
    await sampled(lin, kept, 1, 4, 7)
    await sampled(lin, contact, 1, 9)
    last = date.fromisoformat(kept["planned_end_on"])
    refused = assert_problem(await _released(zhou, kept, last), ReleaseConditionsUnmet)
    assert [each["kind"] for each in refused["unmet"]] == ["linked_contact"]
    assert (await _released(zhou, kept, clock.today())).status_code == 200


async def test_nobody_has_missed_a_call_whose_day_was_over_when_the_release_was_told(
    town: Town, protocol: str, time_machine: Any
):
    kept = await a_planned_quarantine(town, protocol, begun=10)
    await sampled(await town.as_("lin"), kept, 1, 4, 7)
    last = date.fromisoformat(kept["planned_end_on"])
    assert (await _released(await _zhou(town), kept, last)).status_code == 200
    days = {"from": last.isoformat(), "to": clock.today().isoformat()}
    for move in (0, 3):  # days 1, 2 and 3 are over; of day 7 somebody is asked
        time_machine.move_to(clock.now() + timedelta(days=move), tick=False)
        lin = town.client(await town.token_of("lin"))
        missed = (await lin.get("/v1/duties/missed", params={**days, "limit": 500})).json()["items"]
        theirs = [each for each in missed if each["quarantine_id"] == kept["id"]]
        assert [each for each in theirs if each["kind"] == "follow_up"] == []
        asked = [
            duty["what"]
            for stop in (await my_day(town, "ming"))["stops"]
            for duty in stop["duties"]
            if duty["kind"] == "follow_up" and duty["person"]["id"] == kept["resident_id"]
        ]
        wanted = [] if move == 0 else [f"随访{kept['resident_name']}（解除后第7天）"]
        assert asked == wanted
        path = f"/v1/quarantines/{kept['id']}/follow-ups"
        listed = (await lin.get(path, params={"which": "all"})).json()["items"]
        assert [(each["day"], each["late"]) for each in listed] == [(7, False), (14, False)]
    over = {"day": (last + timedelta(days=3)).isoformat()}
    before = (await lin.get("/v1/duties/board", params=over)).json()
    call = {"id": str(new_id()), "kind": "follow_up", "outcome": "reached"}
    made = await lin.post(f"/v1/quarantines/{kept['id']}/calls", json=call)
    assert made.status_code == 201, made.text
    after = (await lin.get("/v1/duties/board", params=over)).json()
    assert after["lines"] == before["lines"], "nor was it done late"
