"""A whole round in one call: everybody has an outcome, and one mistake costs nobody else."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town, assert_problem, grid_id
from tests.readings.conftest import at, reading_body, signed_in


async def _round(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    response = await client.post("/v1/rounds", json={"id": str(new_id()), **told})
    assert response.status_code == 200, response.text
    return response.json()


def _outcomes(said: dict[str, Any]) -> dict[str, str]:
    return {each["quarantine_id"]: each["outcome"] for each in said["items"]}


@pytest.fixture
async def people(lin: httpx.AsyncClient) -> list[dict[str, Any]]:
    return [await a_quarantine(lin) for _ in range(4)]


def _ids(people: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in people]


async def test_nobody_records_a_round(town: Town):
    body = {"id": str(new_id()), "readings": []}
    assert_problem(await town.nobody().post("/v1/rounds", json=body), NotSignedIn)


async def test_the_neighbour_is_refused_person_by_person_and_the_grid_is_not_found(
    town: Town, people: list[dict[str, Any]]
):
    mei = await signed_in(town, "mei")
    said = await _round(mei, normal={"value_c": 36.5, "quarantine_ids": _ids(people)})
    assert (said["created"], said["refused"]) == (0, 4)
    assert {each["problem"]["type"] for each in said["items"]} == {"/problems/not-found"}
    pointers = [each["problem"]["errors"][0]["pointer"] for each in said["items"]]
    assert pointers[3] == "/body/normal/quarantine_ids/3"
    body = {"id": str(new_id()), "normal": {"value_c": 36.5, "grid_id": str(grid_id("t.01.01.01"))}}
    assert_problem(await mei.post("/v1/rounds", json=body), NotFound)


async def test_all_normal_with_exceptions_is_one_call(
    ming: httpx.AsyncClient, people: list[dict[str, Any]]
):
    ids = _ids(people)
    said = await _round(
        ming,
        normal={"value_c": 36.5, "quarantine_ids": ids},
        exceptions=[
            {"quarantine_id": ids[1], "value_c": 37.9, "symptoms": ["dry_cough"], "note": "已报告"},
            {"quarantine_id": ids[2], "not_measured": "refused"},
        ],
    )
    assert _outcomes(said) == dict.fromkeys(ids, "created")
    assert (said["created"], said["abnormal"]) == (4, 1)
    untaken = next(each for each in said["items"] if each["quarantine_id"] == ids[2])
    assert (untaken["not_measured"], untaken["abnormal"]) == ("refused", None)
    kept = [
        (await ming.get("/v1/readings", params={"quarantine_id": each})).json()["items"]
        for each in ids
    ]
    assert [[each["value_c"] for each in one] for one in kept] == [[36.5], [37.9], [], [36.5]]


async def test_a_whole_grid_is_all_normal_but_for_those_in_hospital(
    town: Town, lin: httpx.AsyncClient
):
    home, away = [await a_quarantine(lin, grid="t.01.01.02") for _ in range(2)]
    entry = {"id": str(new_id()), "kind": "in_hospital", "since_at": at(7).isoformat()}
    gone = await lin.post(f"/v1/quarantines/{away['id']}/whereabouts", json=entry)
    assert gone.status_code == 201, gone.text
    mei = await signed_in(town, "mei")
    said = await _round(mei, normal={"value_c": 36.4, "grid_id": str(grid_id("t.01.01.02"))})
    assert _outcomes(said) == {home["id"]: "created"}


async def test_the_same_round_twice_is_one_round(
    ming: httpx.AsyncClient, people: list[dict[str, Any]]
):
    body = {
        "id": str(new_id()),
        "normal": {"value_c": 36.5, "quarantine_ids": _ids(people)[:3]},
        "exceptions": [{"quarantine_id": people[3]["id"], "not_measured": "absent"}],
    }
    first, second = await _round(ming, **body), await _round(ming, **body)
    assert (first["created"], second["created"], second["unchanged"]) == (4, 0, 4)
    assert [each["id"] for each in first["items"]] == [each["id"] for each in second["items"]]
    other = {**body, "normal": {**body["normal"], "value_c": 36.9}}
    differing = await _round(ming, **other)
    assert (differing["unchanged"], differing["refused"]) == (1, 3)
    assert differing["items"][0]["problem"]["fields"] == ["value_c"]


async def test_the_same_round_from_two_connections_at_once_is_one_round(
    ming: httpx.AsyncClient, people: list[dict[str, Any]]
):
    ids = _ids(people)
    body = {"id": str(new_id()), "normal": {"value_c": 36.5, "quarantine_ids": ids}}
    turned = {**body, "normal": {"value_c": 36.5, "quarantine_ids": ids[::-1]}}
    answers = await asyncio.gather(*(_round(ming, **each) for each in (body, turned, body, turned)))
    assert sum(each["created"] for each in answers) == 4
    assert sum(each["unchanged"] for each in answers) == 12


async def test_one_bad_item_costs_nobody_else(
    ming: httpx.AsyncClient, lin: httpx.AsyncClient, people: list[dict[str, Any]]
):
    await ming.post("/v1/readings", json=reading_body(people[3]))
    stranger = await a_quarantine(lin, grid="t.01.01.02")
    good = reading_body(people[0])
    said = await _round(
        ming,
        readings=[
            good,
            good,
            reading_body(people[1], value_c=30.0),
            reading_body(people[2], window="noon"),
            reading_body(people[3]),
            reading_body(stranger),
            reading_body(people[0], id=good["id"], value_c=39.0),
        ],
    )
    assert [each["outcome"] for each in said["items"]] == [
        "created", "unchanged", "refused", "refused", "refused", "refused", "refused",
    ]  # fmt: skip
    assert [each["problem"] and each["problem"]["type"] for each in said["items"]] == [
        None,
        None,
        "/problems/implausible-value",
        "/problems/unknown-window",
        "/problems/window-already-measured",
        "/problems/not-found",
        "/problems/record-differs",
    ]
    assert said["items"][2]["problem"]["errors"][0]["pointer"] == "/body/readings/2/value_c"
    assert said["items"][3]["problem"]["errors"][0]["pointer"] == "/body/readings/3/window"


async def test_normal_is_not_said_of_a_fever(ming: httpx.AsyncClient, people: list[dict[str, Any]]):
    said = await _round(ming, normal={"value_c": 37.6, "quarantine_ids": _ids(people)})
    assert {each["problem"]["type"] for each in said["items"]} == {"/problems/not-normal"}


async def test_what_the_round_says_of_time_and_window_holds_for_all_its_readings(
    town: Town, people: list[dict[str, Any]], morning: Any
):
    morning.move_to(at(12))
    ming = await signed_in(town, "ming")
    body = reading_body(people[0])
    await _round(
        ming, readings=[body], measured_at=at(8, 30).isoformat(), window="morning", source="paper"
    )
    kept = (await ming.get(f"/v1/readings/{body['id']}")).json()
    assert (kept["timing"], kept["source"]) == ("on_time", "paper")
    assert kept["measured_at"].startswith(f"{at(8).date()}T00:30")


@pytest.mark.parametrize(
    "told",
    [
        {"normal": {"value_c": 36.5}},
        {"normal": {"quarantine_ids": []}},
        {"exceptions": [{"quarantine_id": str(new_id())}]},
        {"readings": [{}]},
        {"readings": [reading_body({"id": str(new_id())}) for _ in range(501)]},
        {"normal": {"value_c": 36.5, "quarantine_ids": [str(new_id()) for _ in range(501)]}},
    ],
)
async def test_a_round_that_says_too_little_or_too_much_is_refused_whole(
    ming: httpx.AsyncClient, told: dict[str, Any]
):
    body = {"id": str(new_id()), **told}
    assert_problem(await ming.post("/v1/rounds", json=body), InvalidInput)


async def test_a_round_of_tomorrow_is_refused_whole(ming: httpx.AsyncClient):
    body = {"id": str(new_id()), "measured_at": at(8, days=1).isoformat()}
    assert_problem(await ming.post("/v1/rounds", json=body), RecordedInTheFuture)
