"""Putting an arrival right: what was said is kept, and what was not to be changed stays."""

from datetime import timedelta
from typing import Any

import pytest

from api.arrivals.problems import ArrivalNotSo
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, VersionMismatch, VersionMissing
from api.foundation.records import new_id
from tests.builders import a_household, an_arrival, arrival_body, somebody
from tests.cast import Town, assert_problem

ARRIVALS = "/v1/arrivals"
HOME = "t.01.01.01"
FIRST = {"If-Match": '"1"'}
A_YEAR_AGO, IN_A_MONTH = (str(clock.today() + timedelta(days=at)) for at in (-366, 30))
YESTERDAY = str(clock.today() - timedelta(days=1))
STAY = {"code": "451026101", "from_on": "2022-01-01", "to_on": YESTERDAY}


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    """A household in ming's grid."""
    return await a_household(await town.as_("ming"), grid=HOME)


async def test_a_correction_keeps_what_was_said_and_a_late_retry_is_still_no_news(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    said = arrival_body(home, **somebody(), stays=[STAY], note="带一名婴儿")
    arrival = (await ming.post(ARRIVALS, json=said)).json()
    address = f"{ARRIVALS}/{arrival['id']}"
    change = {
        "name": "韦小妹",
        "stays": [STAY | {"code": "441900003"}],
        "phone": None,
        "contact_phone": "13800001111",
        "document_kind": "passport",
        "document": "E12345678",
        "exposure_class": "general_contact",
        "last_exposure_on": YESTERDAY,
        "note": None,
        "reason": "本人更正",
    }
    assert_problem(await ming.patch(address, json=change), VersionMissing)
    patched = await ming.patch(address, json=change, headers=FIRST)
    assert (patched.status_code, patched.headers["ETag"]) == (200, '"2"'), patched.text
    now = patched.json()
    assert (now["name"], now["phone"], now["document"]) == ("韦小妹", None, "E******78")
    assert now["stays"][0]["code"] == "441900003"
    assert now["has_note"] is False
    assert_problem(await ming.patch(address, json=change, headers=FIRST), VersionMismatch)
    history = (await ming.get(address)).json()["classifications"]
    assert [each["because"] for each in history] == ["corrected", "recorded"]
    assert history[0]["exposure_class"] == "general_contact"
    late = await ming.post(ARRIVALS, json=said)
    assert (late.status_code, late.json()) == (200, now)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({}, "/body"),
        ({"expected_on": None}, "/body/expected_on"),
        ({"arrived_at": "2022-02-15T08:30:00+08:00"}, "/body/arrived_at"),
        ({"birth_date": "1999-01-01"}, "/body/birth_date"),
        ({"document": None}, "/body/document"),
        ({"name": None}, "/body/name"),
        ({"resident_id": str(new_id())}, "/body/resident_id"),
        ({"last_exposure_on": "2190-01-01"}, "/body/last_exposure_on"),
        ({"last_exposure_on": A_YEAR_AGO}, "/body/last_exposure_on"),
        ({"stays": [STAY | {"to_on": A_YEAR_AGO}]}, "/body/stays"),
        ({"stays": [STAY | {"from_on": IN_A_MONTH, "to_on": IN_A_MONTH}]}, "/body/stays"),
    ],
)
async def test_a_correction_that_corrects_nothing_or_wrongly_is_refused(
    town: Town, home: dict[str, Any], said: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, home, **somebody())
    address = f"{ARRIVALS}/{arrival['id']}"
    body = {"reason": "更正", **said}
    if "document" in said:
        body["document_kind"] = "passport"
    told = assert_problem(await ming.patch(address, json=body, headers=FIRST), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert (await ming.get(address)).json()["arrival"] == arrival


async def test_who_turns_out_to_come_to_the_next_door_takes_their_history_along(town: Town):
    lin, ming, mei = [await town.as_(name) for name in ("lin", "ming", "mei")]
    home, next_door = await a_household(lin, grid=HOME), await a_household(lin, grid="t.01.01.02")
    arrival = await an_arrival(lin, home)
    address = f"{ARRIVALS}/{arrival['id']}"
    change = {"household_id": next_door["id"], "reason": "住外婆家"}
    assert_problem(await ming.patch(address, json=change, headers=FIRST), NotFound)
    assert (await lin.patch(address, json=change, headers=FIRST)).status_code == 200
    assert_problem(await ming.get(address), NotFound)
    assert len((await mei.get(address)).json()["classifications"]) == 1
    await lin.post(f"{address}/invalidate", json={"reason": "不来了"})
    ended = await lin.patch(address, json=change, headers={"If-Match": '"3"'})
    assert_problem(ended, ArrivalNotSo)
