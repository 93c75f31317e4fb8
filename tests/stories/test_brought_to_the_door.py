"""An old man behind his door wants his pills; by evening the village has left nobody out."""

from datetime import timedelta
from typing import Any

import httpx

from api.care.errand_problems import ErrandTaken
from api.foundation import clock
from tests.builders import FOUR, a_care_call, a_quarantine, an_errand
from tests.cast import Town, assert_problem


async def _errands_of(client: httpx.AsyncClient) -> dict[str, str]:
    """What is to be done with errands in somebody's day: the path by the sentence."""
    stops: list[dict[str, Any]] = (await client.get("/v1/my-day")).json()["stops"]
    duties = [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "errand"]
    return {duty["what"]: duty["report"]["path"] for duty in duties}


async def _step(client: httpx.AsyncClient, path: str, **told: Any) -> httpx.Response:
    return await client.post(path, json=told or None)


async def test_pills_are_brought_and_everybody_is_asked(town: Town):
    lin, ba, he, ming = [await town.as_(name) for name in ("lin", "ba", "he", "ming")]
    old, young = await a_quarantine(lin, team=FOUR), await a_quarantine(lin)
    # Ba calls in the morning: he has pills for two days.
    await a_care_call(ba, old["id"], needs=["medicine"])
    soon = (clock.now() + timedelta(minutes=30)).isoformat()
    errand = await an_errand(ba, old["id"], quantity="两盒", needed_by=soon)
    # It stands in the day of all four; the doctor, who is from the next village, is quickest.
    days = [await _errands_of(client) for client in (ba, he, ming)]
    assert [list(day.values()) for day in days] == [[f"/v1/errands/{errand['id']}/accept"]] * 3
    [accept] = days[0].values()
    assert (await _step(he, accept)).status_code == 200
    assert "何医生" in assert_problem(await _step(ba, accept), ErrandTaken)["detail"]
    assert await _errands_of(ba) == {}
    [deliver] = (await _errands_of(he)).values()
    cost = {"amount_fen": 3580, "payer": "resident", "receipt_number": "00123456"}
    assert (await _step(he, deliver, contact_free=True, **cost)).status_code == 200
    # Whoever calls next hears that they have come.
    [confirm] = (await _errands_of(ba)).values()
    assert (await _step(ba, confirm, word="resident")).json()["status"] == "confirmed"
    # The young one wants nothing, and says so: the village is covered, all of it.
    coverage = "/v1/errands/coverage"
    assert (await lin.get(coverage)).json()["whole"]["share"] == 0.5
    [left_out] = (await lin.get("/v1/errands/uncovered")).json()["items"]
    assert left_out["quarantine_id"] == young["id"]
    await an_errand(ming, young["id"], kind="none_needed", wanted=None)
    assert (await lin.get(coverage)).json()["whole"]["share"] == 1.0
