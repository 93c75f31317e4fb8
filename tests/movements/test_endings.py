"""What was under way when a quarantine ended: called off, handed over, or still to be closed."""

from datetime import timedelta
from typing import Any

import httpx

from api.foundation import clock
from tests.builders import a_quarantine
from tests.cast import Town
from tests.duties.scenery import my_day
from tests.movements.test_lateness import _alerts, _swept  # pyright: ignore[reportPrivateUsage]
from tests.movements.test_leaves import leave_body
from tests.movements.test_transfers import CAR, NORMAL, SIGNED, transfer_body


async def _sent(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def _ordered(town: Town, *steps: str, **told: Any) -> tuple[dict[str, Any], str]:
    """Somebody with a transfer that has come so far; its address."""
    lin, body = await town.as_("lin"), transfer_body()
    kept = await a_quarantine(lin, **told)
    await _sent(lin, f"/v1/quarantines/{kept['id']}/transfers", body)
    path = f"/v1/transfers/{body['id']}"
    said = {"dispatch": CAR, "pick-up": NORMAL, "hand-over": SIGNED}
    for step in steps:
        await _sent(lin, f"{path}/{step}", said.get(step))
    return kept, path


async def _ended(town: Town, quarantine: dict[str, Any]) -> None:
    ending = {"ended_on": clock.today().isoformat(), "end_reason": "moved_away", "note": "迁走"}
    await _sent(await town.as_("lin"), f"/v1/quarantines/{quarantine['id']}/terminate", ending)


async def _asked(town: Town, name: str, path: str) -> list[str]:
    """What somebody is asked to do with the record at this address."""
    return [
        duty["report"]["path"].removeprefix(path)
        for stop in (await my_day(town, name))["stops"]
        for duty in stop["duties"]
        if duty["report"]["path"].startswith(path)
    ]


async def test_an_order_not_on_the_road_is_called_off_and_never_late(town: Town):
    for steps in ((), ("approve",), ("approve", "dispatch")):
        kept, path = await _ordered(town, *steps)
        await _ended(town, kept)
        lin = await town.as_("lin")
        read = (await lin.get(path)).json()
        assert (read["status"], read["cancelled_reason"]) == ("cancelled", "隔离已结束")
        assert [await _asked(town, name, path) for name in ("lin", "ming", "zhou")] == [[], [], []]
        assert await _swept(town, clock.now() + timedelta(days=1)) == 0
        assert await _alerts(town, kept) == []


async def test_leave_that_nobody_has_taken_is_called_off(town: Town):
    lin, li = await town.as_("lin"), await town.as_("li")
    for decided in (False, True):
        kept, body = await a_quarantine(lin), leave_body()
        await _sent(lin, f"/v1/quarantines/{kept['id']}/leaves", body)
        path = f"/v1/leaves/{body['id']}"
        if decided:
            await _sent(li, f"{path}/approve", {})
        await _ended(town, kept)
        read = (await lin.get(path)).json()
        assert (read["status"], read["cancelled_reason"]) == ("cancelled", "隔离已结束")
        assert [await _asked(town, name, path) for name in ("li", "ming", "zhou")] == [[], [], []]


async def test_whoever_rides_is_still_handed_over_and_the_village_is_asked(town: Town):
    kept, path = await _ordered(town, "approve", "dispatch", "pick-up")
    await _ended(town, kept)
    lin = await town.as_("lin")
    for step, body in (("hand-over", SIGNED), ("close", {})):
        assert await _asked(town, "lin", path) == [f"/{step}"]
        assert await _asked(town, "zhou", path) == []
        await _sent(lin, f"{path}/{step}", body)
    assert await _asked(town, "lin", path) == []


async def test_a_vehicle_not_disinfected_yet_keeps_nobody_and_is_not_forgotten(town: Town):
    kept, path = await _ordered(town, "approve", "dispatch", "pick-up", "hand-over", days=1)
    lin, release = await town.as_("lin"), f"/v1/quarantines/{kept['id']}/release"
    assert (await lin.get(release)).json()["ready"]
    await _sent(lin, release, {"ended_on": clock.today().isoformat(), "reason": "期满"})
    assert (await lin.get(path)).json()["status"] == "handed_over"
    assert await _asked(town, "lin", path) == ["/close"]
    assert (await _sent(lin, f"{path}/close", {}))["status"] == "closed"
