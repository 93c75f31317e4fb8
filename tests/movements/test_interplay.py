"""Two movements of one person at once: on leave and to a hospital, or fetched from there."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.movements.problems import LeaveNotAllowed
from tests.builders import a_quarantine
from tests.cast import Town, assert_problem
from tests.movements.test_leaves import leave_body
from tests.movements.test_referrals import referral_body
from tests.movements.test_transfers import CAR, NORMAL, SIGNED, transfer_body
from tests.readings.conftest import at, signed_in


@pytest.fixture(autouse=True)
def morning():
    with time_machine.travel(at(8, 10), tick=False) as traveller:
        yield traveller


async def _sent(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def _whereabouts(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[str]:
    entries = (await client.get(f"/v1/quarantines/{quarantine['id']}/whereabouts")).json()
    return [entry["kind"] for entry in entries]


async def _out(town: Town, quarantine: dict[str, Any]) -> str:
    """On leave since now; the address of that leave."""
    body = leave_body()
    ming, lin = await signed_in(town, "ming"), await signed_in(town, "lin")
    await _sent(ming, f"/v1/quarantines/{quarantine['id']}/leaves", body)
    path = f"/v1/leaves/{body['id']}"
    await _sent(lin, f"{path}/approve", {})
    await _sent(ming, f"{path}/out", {})
    return path


async def _referred(lin: httpx.AsyncClient, quarantine: dict[str, Any], **told: Any) -> str:
    body = referral_body(**told)
    await _sent(lin, f"/v1/quarantines/{quarantine['id']}/hospital-referrals", body)
    return f"/v1/hospital-referrals/{body['id']}"


async def _riding(lin: httpx.AsyncClient, quarantine: dict[str, Any]) -> str:
    body = transfer_body()
    await _sent(lin, f"/v1/quarantines/{quarantine['id']}/transfers", body)
    path = f"/v1/transfers/{body['id']}"
    for step, said in (("approve", None), ("dispatch", CAR), ("pick-up", NORMAL)):
        await _sent(lin, f"{path}/{step}", said)
    return path


async def test_whom_the_hospital_keeps_is_not_brought_home_by_the_end_of_leave(
    town: Town, morning: time_machine.Traveller
):
    lin, ming = await signed_in(town, "lin"), await signed_in(town, "ming")
    kept = await a_quarantine(lin)
    leave = await _out(town, kept)
    morning.shift(timedelta(minutes=2))
    referral = await _referred(ming, kept)
    morning.shift(timedelta(minutes=2))
    await _sent(ming, f"{leave}/back", {})
    assert (await _whereabouts(lin, kept))[0] == "in_hospital"
    await _sent(ming, f"{referral}/return", {"outcome": "returned"})
    assert (await _whereabouts(lin, kept))[0] == "at_home"


async def test_back_from_leave_is_told_after_what_came_then(
    town: Town, morning: time_machine.Traveller
):
    lin, ming = await signed_in(town, "lin"), await signed_in(town, "ming")
    kept = await a_quarantine(lin)
    leave = await _out(town, kept)
    morning.shift(timedelta(minutes=2))
    back = clock.now()
    morning.shift(timedelta(minutes=2))
    await _referred(lin, kept)
    told = await _sent(ming, f"{leave}/back", {"returned_at": back.isoformat()})
    assert told["status"] == "back"
    assert (await _whereabouts(lin, kept))[0] == "in_hospital"


async def test_who_is_fetched_from_leave_or_from_a_hospital_rides_on(
    town: Town, morning: time_machine.Traveller
):
    lin, ming = await signed_in(town, "lin"), await signed_in(town, "ming")
    for way in ("leave", "hospital"):
        kept = await a_quarantine(lin)
        if way == "leave":
            path, body = f"{await _out(town, kept)}/back", {}
        else:
            path, body = f"{await _referred(lin, kept)}/return", {"outcome": "returned"}
        morning.shift(timedelta(minutes=2))
        ride = await _riding(lin, kept)
        morning.shift(timedelta(minutes=2))
        await _sent(ming, path, body)
        assert (await _whereabouts(lin, kept))[0] == "transferred"
        await _sent(lin, f"{ride}/hand-over", SIGNED)
        await _sent(lin, f"{ride}/close", {})
        assert (await _whereabouts(lin, kept))[0] == "transferred"


async def test_nobody_goes_out_on_leave_from_a_hospital_or_from_the_vehicle(
    town: Town, morning: time_machine.Traveller
):
    lin, ming = await signed_in(town, "lin"), await signed_in(town, "ming")
    for way in (_referred, _riding):
        kept, body = await a_quarantine(lin), leave_body()
        await _sent(ming, f"/v1/quarantines/{kept['id']}/leaves", body)
        await _sent(lin, f"/v1/leaves/{body['id']}/approve", {})
        await way(lin, kept)
        morning.shift(timedelta(minutes=2))
        refused = await ming.post(f"/v1/leaves/{body['id']}/out", json={})
        assert assert_problem(refused, LeaveNotAllowed)["detail"].endswith("再登记外出。")
