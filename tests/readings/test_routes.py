"""One temperature: who may record it, how it is judged, and what is refused with which words."""

import asyncio
from typing import Any

import httpx
import pytest

from api.access.colleagues import NotAColleague
from api.access.permissions import Role
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.protocols.problems import UnknownWindow
from api.readings.problems import ImplausibleValue, QuarantineNotRunning, WindowAlreadyMeasured
from tests.builders import a_quarantine
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.readings.conftest import at, reading_body, signed_in


async def _record(client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/readings", json=body)


async def test_nobody_records_a_temperature_without_signing_in(
    town: Town, quarantine: dict[str, Any]
):
    assert_problem(await _record(town.nobody(), reading_body(quarantine)), NotSignedIn)


async def test_the_worker_of_the_next_grid_does_not_even_learn_that_the_person_is_there(
    town: Town, quarantine: dict[str, Any]
):
    mei = await signed_in(town, "mei")
    body = assert_problem(await _record(mei, reading_body(quarantine)), NotFound)
    assert body["errors"][0]["pointer"] == "/body/quarantine_id"


async def test_one_on_duty_from_another_village_records_for_this_person_and_nobody_else(
    town: Town, lin: httpx.AsyncClient
):
    served = await a_quarantine(lin, team=("ming", "pang", "ba", "he"))
    other = await a_quarantine(lin)
    he = await signed_in(town, "he")
    kept = await _record(he, reading_body(served))
    assert kept.status_code == 201, kept.text
    assert (await he.get(f"/v1/readings/{kept.json()['id']}")).status_code == 200
    assert_problem(await _record(he, reading_body(other)), NotFound)


async def test_a_household_representative_may_look_but_not_record(
    town: Town, quarantine: dict[str, Any]
):
    token = await town.token_at(
        id_of("ming"),
        TOWNSHIP,
        id_of("post ming"),
        grid_id("t.01.01.01"),
        4,
        Role.household_representative,
    )
    assert_problem(await _record(town.client(token), reading_body(quarantine)), NotPermitted)


async def test_a_reading_needs_only_an_id_a_person_and_a_value(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine)
    response = await _record(ming, body)
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"/v1/readings/{body['id']}"
    kept = response.json()
    assert kept == (await ming.get(response.headers["Location"])).json()
    assert (kept["window"], kept["timing"]) == ("morning", "on_time")
    assert kept["day"] == quarantine["started_on"]
    assert (kept["abnormal"], kept["low"], kept["value_c"]) == (False, False, 36.5)
    assert kept["performed_by"] == kept["entered_by"] == str(id_of("ming"))
    assert (kept["resident_id"], kept["grid_id"]) == (
        quarantine["resident_id"],
        quarantine["grid_id"],
    )


@pytest.mark.parametrize(
    ("value", "symptoms", "abnormal", "low"),
    [
        (37.2, [], False, False),
        (37.3, [], True, False),
        (41.0, [], True, False),
        (36.5, ["dry_cough"], True, False),
        (35.0, [], False, False),
        (34.9, [], False, True),
        (34.0, [], False, True),
        (43.0, [], True, False),
    ],
)
async def test_the_policy_says_what_is_abnormal_and_what_is_low(
    lin: httpx.AsyncClient,
    ming: httpx.AsyncClient,
    value: float,
    symptoms: list[str],
    abnormal: bool,
    low: bool,
):
    person = await a_quarantine(lin)
    kept = (await _record(ming, reading_body(person, value_c=value, symptoms=symptoms))).json()
    assert (kept["value_c"], kept["abnormal"], kept["low"]) == (value, abnormal, low)


@pytest.mark.parametrize("value", [33.9, 30.0, 43.1, 99])
async def test_an_implausible_value_is_asked_again_and_not_kept(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], value: float
):
    said = assert_problem(
        await _record(ming, reading_body(quarantine, value_c=value)), ImplausibleValue
    )
    assert said["errors"][0]["pointer"] == "/body/value_c"
    assert "34.0–43.0℃" in said["detail"]
    assert "重新测量" in said["detail"]
    assert await _of(ming, quarantine) == []


async def _of(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    listed = await client.get("/v1/readings", params={"quarantine_id": quarantine["id"]})
    assert listed.status_code == 200, listed.text
    return listed.json()["items"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"value_c": "36.5"}, "/body/value_c"),
        ({"value_c": 36.55}, "/body/value_c"),
        ({"value_c": None}, "/body/value_c"),
        ({"symptoms": ["'; DROP TABLE readings; --"]}, "/body/symptoms/0"),
        ({"symptoms": None}, "/body/symptoms"),
        ({"method": "guess"}, "/body/method"),
        ({"window": "Robert'); --"}, "/body/window"),
        ({"measured_at": "yesterday"}, "/body/measured_at"),
        ({"measured_at": 1644883800}, "/body/measured_at"),
        ({"id": "7"}, "/body/id"),
        ({"note": "\u0000"}, "/body/note"),
        ({"abnormal": False}, "/body/abnormal"),
    ],
)
async def test_what_is_filled_in_wrongly_is_pointed_at_and_nothing_is_kept(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], told: dict[str, Any], pointer: str
):
    said = assert_problem(await _record(ming, reading_body(quarantine, **told)), InvalidInput)
    assert said["errors"][0]["pointer"] == pointer
    assert await _of(ming, quarantine) == []


async def test_a_window_the_policy_does_not_have_is_refused_with_those_it_has(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    said = assert_problem(
        await _record(ming, reading_body(quarantine, window="noon")), UnknownWindow
    )
    assert said["windows"] == {"morning": "早", "evening": "晚"}


@pytest.mark.parametrize(
    ("hour", "minute", "answers"),
    [
        (6, 0, ("morning", "on_time")),
        (10, 59, ("morning", "on_time")),
        (11, 0, ("morning", "late")),
        (14, 59, ("morning", "late")),
        (15, 0, ("evening", "on_time")),
        (21, 0, ("evening", "late")),
        (5, 59, ("morning", "early")),
    ],
)
async def test_the_time_measured_says_which_window_it_is_of(
    town: Town,
    lin: httpx.AsyncClient,
    morning: Any,
    hour: int,
    minute: int,
    answers: tuple[str, str],
):
    person = await a_quarantine(lin)
    morning.move_to(at(23, 30))
    ming = await signed_in(town, "ming")
    measured = at(hour, minute).isoformat()
    kept = (await _record(ming, reading_body(person, measured_at=measured))).json()
    assert (kept["window"], kept["timing"]) == answers


async def test_a_second_reading_in_a_window_is_refused_and_names_the_first(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    first = reading_body(quarantine)
    assert (await _record(ming, first)).status_code == 201
    said = assert_problem(
        await _record(ming, reading_body(quarantine, value_c=36.9)), WindowAlreadyMeasured
    )
    assert said["reading_id"] == first["id"]
    assert [each["value_c"] for each in await _of(ming, quarantine)] == [36.5]


async def test_the_same_reading_sent_twice_is_one(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine, note="已服药 𠮷", symptoms=["dry_cough"])
    first, second = await _record(ming, body), await _record(ming, body)
    assert (first.status_code, second.status_code) == (201, 200), second.text
    assert first.json() == second.json()
    assert len(await _of(ming, quarantine)) == 1


async def test_the_same_id_with_another_body_is_refused_with_what_differs(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine, note="好")
    await _record(ming, body)
    other = {**body, "value_c": 37.9, "note": "不好", "symptoms": ["fatigue"]}
    said = assert_problem(await _record(ming, other), RecordDiffers)
    assert set(said["fields"]) == {"value_c", "note", "symptoms"}


async def test_an_id_used_out_of_reach_says_nothing_of_what_it_was_used_for(
    town: Town, lin: httpx.AsyncClient, ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine)
    await _record(ming, body)
    elsewhere = await a_quarantine(lin, grid="t.01.01.02")
    mei = await signed_in(town, "mei")
    said = assert_problem(
        await _record(mei, {**body, "quarantine_id": elsewhere["id"]}), RecordDiffers
    )
    assert said["fields"] == []


async def test_sent_by_two_connections_at_once_a_reading_is_kept_once(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine)
    answers = await asyncio.gather(*(_record(ming, body) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 200, 201]


async def test_of_two_readings_for_one_window_at_once_one_is_kept_and_named_to_the_other(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    answers = await asyncio.gather(*(_record(ming, reading_body(quarantine)) for _ in range(4)))
    kept = [each for each in answers if each.status_code == 201]
    assert len(kept) == 1
    for refused in (each for each in answers if each.status_code != 201):
        said = assert_problem(refused, WindowAlreadyMeasured)
        assert said["reading_id"] == kept[0].json()["id"]


async def test_what_is_measured_before_the_first_day_is_refused(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    before = at(8, days=-1).isoformat()
    assert_problem(
        await _record(ming, reading_body(quarantine, measured_at=before)), QuarantineNotRunning
    )


async def test_what_a_phone_brings_late_from_before_the_end_is_kept_and_after_it_is_not(
    town: Town, lin: httpx.AsyncClient, quarantine: dict[str, Any], morning: Any
):
    end = {"ended_on": quarantine["started_on"], "end_reason": "moved_away", "note": "回原籍"}
    ended = await lin.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=end)
    assert ended.status_code == 200, ended.text
    morning.move_to(at(9, days=1))
    ming = await signed_in(town, "ming")
    late = reading_body(quarantine, measured_at=at(7).isoformat())
    assert (await _record(ming, late)).status_code == 201
    assert_problem(await _record(ming, reading_body(quarantine)), QuarantineNotRunning)


async def test_the_phone_may_be_five_minutes_ahead_and_no_more(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    ahead = reading_body(quarantine, measured_at=at(8, 16).isoformat())
    said = assert_problem(await _record(ming, ahead), RecordedInTheFuture)
    assert said["errors"][0]["pointer"] == "/body/measured_at"
    ahead = {**ahead, "measured_at": at(8, 15).isoformat()}
    assert (await _record(ming, ahead)).status_code == 201


async def test_a_phone_whose_clock_began_anew_is_not_believed(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine, measured_at="1970-01-01T08:00:00+08:00")
    said = assert_problem(await _record(ming, body), InvalidInput)
    assert said["errors"][0]["pointer"] == "/body/measured_at"


async def test_a_younger_worker_enters_for_an_older_one(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine, performed_by=str(id_of("mei")), source="paper")
    kept = (await _record(ming, body)).json()
    assert (kept["performed_by"], kept["entered_by"]) == (str(id_of("mei")), str(id_of("ming")))


async def test_who_measured_must_be_of_this_township(
    ming: httpx.AsyncClient, quarantine: dict[str, Any]
):
    body = reading_body(quarantine, performed_by=str(new_id()))
    assert_problem(await _record(ming, body), NotAColleague)
    assert await _of(ming, quarantine) == []
