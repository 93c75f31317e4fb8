"""Who is away from the place of their quarantine: whoever serves them is asked for the return."""

from typing import Any

import httpx
import pytest
import time_machine

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town
from tests.duties.scenery import done, my_day
from tests.movements.test_leaves import leave_body
from tests.movements.test_referrals import referral_body
from tests.readings.conftest import at, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


@pytest.fixture
async def person(wei: httpx.AsyncClient) -> dict[str, Any]:
    return await a_quarantine(wei, grid=HAN)


async def _asked(town: Town, name: str, person: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """What of this kind somebody is asked about this person."""
    return [
        duty
        for stop in (await my_day(town, name))["stops"]
        for duty in stop["duties"]
        if duty["kind"] == kind and (duty["person"] or {}).get("id") == person["resident_id"]
    ]


async def test_who_was_sent_to_a_hospital_is_asked_after_until_somebody_notes_the_return(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller
):
    han = await signed_in(town, "han")
    body = referral_body()
    await done(han, f"/v1/quarantines/{person['id']}/hospital-referrals", body)
    for day in (0, 2):
        morning.move_to(at(9, days=day))
        [asked] = await _asked(town, "han", person, "referral")
        assert asked["what"] == f"{person['resident_name']}送医后返回时登记"
        assert asked["state"] == "due"
        assert await _asked(town, "wei", person, "referral") == []
    report = asked["report"]
    assert report["path"] == f"/v1/hospital-referrals/{body['id']}/return"
    await done(await signed_in(town, "han"), report["path"], report["body"])
    assert await _asked(town, "han", person, "referral") == []
    assert len(await _asked(town, "han", person, "reading")) == 2


async def test_whom_a_transfer_brought_to_a_hospital_is_asked_after_as_well(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    han, path = await signed_in(town, "han"), f"/v1/quarantines/{person['id']}"
    order = {"id": str(new_id()), "kind": "to_hospital", "reason": "发热", "destination": "县医院"}
    await done(han, f"{path}/transfers", order)
    car = {"vehicle": "ambulance", "plate": "桂F120AA", "driver": "莫师傅"}
    ride = f"/v1/transfers/{order['id']}"
    for step, said in (("approve", None), ("dispatch", car)):
        await done(wei, f"{ride}/{step}", said)
    await done(han, f"{ride}/pick-up", {"check_c": 36.6, "check_symptoms": []})
    assert await _asked(town, "han", person, "referral") == []  # the handover is asked for
    await done(han, f"{ride}/hand-over", {"taken_over_by": "覃护士"})
    [asked] = await _asked(town, "han", person, "referral")
    assert asked["what"] == f"{person['resident_name']}从医院返回时登记"
    report = asked["report"]
    assert (report["path"], report["body"]) == (f"{path}/whereabouts", {"kind": "at_home"})
    entry = {"id": str(new_id()), "since_at": clock.now().isoformat(), **report["body"]}
    await done(han, report["path"], entry)
    assert await _asked(town, "han", person, "referral") == []


async def test_leave_that_nobody_took_is_asked_about_until_its_day_is_over(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient, morning: time_machine.Traveller
):
    han, body = await signed_in(town, "han"), leave_body()
    await done(han, f"/v1/quarantines/{person['id']}/leaves", body)
    await done(wei, f"/v1/leaves/{body['id']}/approve", {})
    morning.move_to(at(20))  # its hours are over; a phone may have had no signal
    [asked] = await _asked(town, "han", person, "leave")
    assert asked["state"] == "late"
    morning.move_to(at(8, days=1))
    assert await _asked(town, "han", person, "leave") == []
