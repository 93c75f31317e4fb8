"""Nobody asks after the dead."""

from datetime import timedelta
from typing import Any

from api.foundation import clock
from tests.cast import Town
from tests.duties.scenery import my_day
from tests.quarantines.plans import a_planned_quarantine, sampled, the_ninth_edition


async def test_nobody_is_to_call_after_who_died_since_their_release(town: Town, time_machine: Any):
    kept = await a_planned_quarantine(town, await the_ninth_edition(town))
    await sampled(await town.as_("ming"), kept, 1, 4, 7)
    approval = {"ended_on": clock.today().isoformat(), "reason": "期满"}
    path = f"/v1/quarantines/{kept['id']}"
    released = await (await town.as_("zhou")).post(f"{path}/release", json=approval)
    assert released.status_code == 200, released.text
    time_machine.move_to(clock.now() + timedelta(days=2), tick=False)
    lin = town.client(await town.token_of("lin"))
    assert "follow_up" in await _asked_in_my_day(town, kept)
    died = {"left_on": clock.today().isoformat(), "died": True}
    gone = await lin.post(f"/v1/residents/{kept['resident_id']}/leave", json=died)
    assert gone.status_code == 200, gone.text
    assert await _asked_in_my_day(town, kept) == []
    assert [each["day"] for each in (await lin.get(f"{path}/follow-ups")).json()["items"]] == [1]
    to_come = await lin.get(f"{path}/follow-ups", params={"which": "upcoming"})
    assert to_come.json()["items"] == []


async def _asked_in_my_day(town: Town, kept: dict[str, Any]) -> list[str]:
    return [
        duty["kind"]
        for stop in (await my_day(town, "ming"))["stops"]
        for duty in stop["duties"]
        if duty["person"] and duty["person"]["id"] == kept["resident_id"]
    ]
