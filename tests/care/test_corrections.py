"""A call told wrong is put right openly: its former version stays, and its symptoms are heard."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.care.problems import CallDiscarded, CallOutOfPeriod
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from tests.builders import FOUR, a_care_call, a_quarantine
from tests.care.test_routes import ago
from tests.cast import Town, assert_problem, id_of
from tests.quarantines.plans import rows

CALLS = "/v1/calls"
WHY = {"reason": "听错了，家属更正"}


@pytest.fixture(scope="module")
async def served(town: Town) -> dict[str, Any]:
    return await a_quarantine(await town.as_("lin"), team=FOUR)


async def corrected(
    client: httpx.AsyncClient, call: dict[str, Any], *, version: int = 1, **said: Any
) -> httpx.Response:
    told = {**WHY, **said}
    headers = {"If-Match": f'"{version}"'}
    return await client.patch(f"{CALLS}/{call['id']}", json=told, headers=headers)


async def _alerts(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    listed = await client.get("/v1/alerts", params={"quarantine_id": quarantine["id"]})
    return listed.json()["items"]


async def test_neither_nobody_nor_the_neighbour_puts_a_call_right(
    town: Town, served: dict[str, Any]
):
    call = await a_care_call(await town.as_("ba"), served["id"])
    assert_problem(await corrected(town.nobody(), call, mood="low"), NotSignedIn)
    for name in ("mei", "wei", "bai"):
        assert_problem(await corrected(await town.as_(name), call, mood="low"), NotFound)


async def test_what_was_told_wrong_is_put_right_and_the_former_is_kept(
    town: Town, served: dict[str, Any]
):
    ba, ming, zhou = await town.as_("ba"), await town.as_("ming"), await town.as_("zhou")
    call = await a_care_call(ba, served["id"], mood="anxious", note="夜里睡不着")
    answer = await corrected(
        ming, call, mood=None, needs=["masks"], note="睡得好𠮷", performed_by=str(id_of("he"))
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    told = answer.json()
    assert (told["mood"], told["needs"], told["performed_by"]) == (
        None,
        ["masks"],
        str(id_of("he")),
    )
    assert (told["version"], told["entered_by"]) == (2, str(id_of("ba")))
    note = await ming.post(f"{CALLS}/{call['id']}/reveal", json={"reason": "安排心理疏导"})
    assert note.json()["note"] == "睡得好𠮷"
    [kept] = await rows(
        town,
        "SELECT body ->> 'mood', reason FROM revisions WHERE record_id = :id AND version = 1",
        id=call["id"],
    )
    assert tuple(kept) == ("anxious", WHY["reason"])
    noted = await zhou.get("/v1/audit-entries", params={"subject_id": call["id"]})
    [entry] = [each for each in noted.json()["items"] if each["action"] == "calls.correct"]
    assert entry["details"] == {"fields": ["mood", "needs", "note", "performed_by"]}
    assert_problem(await corrected(ming, call, mood="low"), VersionMismatch)


async def test_two_who_correct_at_the_same_moment_do_so_one_after_the_other(
    town: Town, served: dict[str, Any]
):
    ba, ming = await town.as_("ba"), await town.as_("ming")
    call = await a_care_call(ba, served["id"])
    answers = await asyncio.gather(
        corrected(ba, call, mood="low"), corrected(ming, call, mood="calm")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_symptoms_that_a_correction_tells_of_are_told_upward_and_stand(town: Town):
    ba, lin = await town.as_("ba"), await town.as_("lin")
    kept = await a_quarantine(lin, team=FOUR)
    call = await a_care_call(ba, kept["id"])
    assert (await corrected(ba, call, symptoms=["dry_cough"])).status_code == 200
    [alert] = await _alerts(lin, kept)
    assert (alert["cause"], alert["status"]) == ("symptom", "open")
    assert (await corrected(ba, call, version=2, symptoms=[])).status_code == 200
    [alert] = await _alerts(lin, kept)
    assert alert["status"] == "open", "who was told of it closes it"
    [shown] = (await lin.get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert shown["discarded_at"] is not None


async def test_who_was_not_reached_after_all_said_nothing_and_is_visited(
    town: Town, served: dict[str, Any]
):
    ba = await town.as_("ba")
    call = await a_care_call(ba, served["id"], mood="low", needs=["masks"])
    refused = await corrected(ba, call, outcome="unreachable")
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/mood"
    answer = await corrected(ba, call, outcome="unreachable", mood=None, needs=[])
    assert answer.json()["outcome"] == "unreachable"
    owed = (await ba.get(f"{CALLS}/unreached")).json()["items"]
    assert call["id"] in [each["call_id"] for each in owed]


async def test_a_call_moved_to_another_hour_answers_the_duty_of_that_day(town: Town):
    lin = await town.as_("lin")
    yesterday = clock.today() - timedelta(days=1)
    kept = await a_quarantine(lin, started_on=str(yesterday))
    call = await a_care_call(lin, kept["id"])
    begins, _ = clock.day_bounds(yesterday)
    moved = await corrected(lin, call, called_at=(begins + timedelta(hours=9)).isoformat())
    assert (moved.json()["day"], moved.json()["kind"]) == (str(yesterday), "daily")
    before = (begins - timedelta(hours=1)).isoformat()
    assert_problem(await corrected(lin, call, version=2, called_at=before), CallOutOfPeriod)
    assert_problem(await corrected(lin, call, version=2, kind="follow_up"), CallOutOfPeriod)
    soon = ago(hours=-1)
    assert_problem(await corrected(lin, call, version=2, called_at=soon), RecordedInTheFuture)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({}, "/body"),
        ({"outcome": None}, "/body/outcome"),
        ({"outcome": "busy"}, "/body/outcome"),
        ({"symptoms": ["boredom"]}, "/body/symptoms/0"),
        ({"note": "\u0000"}, "/body/note"),
        ({"day": "2022-02-15"}, "/body/day"),
        ({"mood": "low", "reason": ""}, "/body/reason"),
    ],
)
async def test_a_wrong_correction_is_pointed_at(
    town: Town, served: dict[str, Any], said: dict[str, Any], pointer: str
):
    ba = await town.as_("ba")
    call = await a_care_call(ba, served["id"])
    refused = assert_problem(await corrected(ba, call, **said), InvalidInput)
    assert pointer in [each["pointer"] for each in refused["errors"]]
    assert (await ba.get(f"{CALLS}/{call['id']}")).json() == call


async def test_without_a_version_by_a_stranger_or_once_discarded_nothing_is_corrected(
    town: Town, served: dict[str, Any]
):
    ba = await town.as_("ba")
    call = await a_care_call(ba, served["id"])
    path = f"{CALLS}/{call['id']}"
    assert_problem(await ba.patch(path, json={**WHY, "mood": "low"}), VersionMissing)
    stranger = await corrected(ba, call, performed_by=str(new_id()))
    assert stranger.status_code == 422, stranger.text
    discarded = await ba.post(f"{path}/discard", json=WHY, headers={"If-Match": '"1"'})
    assert discarded.status_code == 200
    assert_problem(await corrected(ba, call, version=2, mood="low"), CallDiscarded)
