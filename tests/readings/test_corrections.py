"""What was written down wrong is put right openly, judged anew, and stays as history."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.readings.problems import ImplausibleValue, ReadingDiscarded, WindowAlreadyMeasured
from tests.cast import Town, assert_problem, id_of
from tests.readings.conftest import at, reading_body, signed_in


@pytest.fixture
async def reading(ming: httpx.AsyncClient, quarantine: dict[str, Any]) -> dict[str, Any]:
    body = reading_body(quarantine, note="早上家人代测")
    response = await ming.post("/v1/readings", json=body)
    assert response.status_code == 201, response.text
    return response.json() | {"said": body}


async def _correct(
    client: httpx.AsyncClient, reading: dict[str, Any], version: int | None = 1, **changes: Any
) -> httpx.Response:
    headers = {"If-Match": f'"{version}"'} if version else {}
    body = {"reason": "录入时看错一行", **changes}
    return await client.patch(f"/v1/readings/{reading['id']}", json=body, headers=headers)


async def test_nobody_corrects_a_reading(town: Town, reading: dict[str, Any]):
    assert_problem(await _correct(town.nobody(), reading, value_c=37.0), NotSignedIn)


async def test_the_neighbour_does_not_find_the_reading(town: Town, reading: dict[str, Any]):
    mei = await signed_in(town, "mei")
    path = f"/v1/readings/{reading['id']}"
    assert_problem(await mei.get(path), NotFound)
    assert_problem(await mei.get(f"{path}/history"), NotFound)
    assert_problem(await _correct(mei, reading, value_c=37.0), NotFound)
    assert_problem(await mei.post(f"{path}/discard", json={"reason": "不是我的"}), NotFound)
    assert_problem(await mei.post(f"{path}/reveal", json={"reason": "想看一看"}), NotFound)


async def test_a_correction_is_judged_anew_and_the_former_value_is_kept(
    ming: httpx.AsyncClient, lin: httpx.AsyncClient, reading: dict[str, Any]
):
    corrected = await _correct(ming, reading, value_c=37.8)
    assert corrected.status_code == 200, corrected.text
    assert corrected.headers["ETag"] == '"2"'
    assert (corrected.json()["value_c"], corrected.json()["abnormal"]) == (37.8, True)
    history = (await lin.get(f"/v1/readings/{reading['id']}/history")).json()["items"]
    assert [each["reading"]["value_c"] for each in history] == [36.5]
    assert history[0]["replaced_by"] == str(id_of("ming"))
    assert history[0]["reason"] == "录入时看错一行"


async def test_a_late_retry_of_a_corrected_reading_is_no_news(
    ming: httpx.AsyncClient, reading: dict[str, Any]
):
    await _correct(ming, reading, value_c=37.8, note=None)
    again = await ming.post("/v1/readings", json=reading["said"])
    assert (again.status_code, again.json()["value_c"]) == (200, 37.8)
    other = {**reading["said"], "value_c": 37.8}
    assert_problem(await ming.post("/v1/readings", json=other), RecordDiffers)


async def test_of_two_corrections_from_one_version_the_second_is_told_to_read_again(
    ming: httpx.AsyncClient, reading: dict[str, Any]
):
    assert_problem(await _correct(ming, reading, None, value_c=36.6), VersionMissing)
    assert (await _correct(ming, reading, value_c=36.6)).status_code == 200
    assert_problem(await _correct(ming, reading, value_c=36.7), VersionMismatch)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"value_c": None}, "/body/value_c"),
        ({"reason": " "}, "/body/reason"),
        ({"day": "2022-02-15"}, "/body/day"),
    ],
)
async def test_a_wrong_correction_is_pointed_at(
    ming: httpx.AsyncClient, reading: dict[str, Any], changes: dict[str, Any], pointer: str
):
    said = assert_problem(await _correct(ming, reading, **changes), InvalidInput)
    assert said["errors"][0]["pointer"] == pointer


async def test_a_correction_is_asked_the_same_questions_as_a_reading(
    ming: httpx.AsyncClient, reading: dict[str, Any]
):
    assert_problem(await _correct(ming, reading, value_c=30.0), ImplausibleValue)


async def test_a_reading_cannot_be_moved_into_a_window_that_has_one(
    town: Town, quarantine: dict[str, Any], reading: dict[str, Any], morning: Any
):
    morning.move_to(at(16))
    ming = await signed_in(town, "ming")
    evening = (await ming.post("/v1/readings", json=reading_body(quarantine))).json()
    said = assert_problem(await _correct(ming, evening, window="morning"), WindowAlreadyMeasured)
    assert said["reading_id"] == reading["id"]


async def test_a_reading_whose_time_was_wrong_moves_to_its_window(
    town: Town, quarantine: dict[str, Any], morning: Any
):
    morning.move_to(at(16))
    ming = await signed_in(town, "ming")
    evening = (await ming.post("/v1/readings", json=reading_body(quarantine))).json()
    assert evening["window"] == "evening"
    moved = (await _correct(ming, evening, measured_at=at(9).isoformat())).json()
    assert (moved["window"], moved["timing"]) == ("morning", "on_time")


async def test_a_discarded_reading_leaves_its_window_open_again(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], reading: dict[str, Any]
):
    path = f"/v1/readings/{reading['id']}"
    for _ in range(2):
        gone = await ming.post(f"{path}/discard", json={"reason": "登记到了别人名下"})
        assert gone.status_code == 200, gone.text
        assert gone.json()["discarded_at"] is not None
    assert_problem(await _correct(ming, reading, 2, value_c=36.9), ReadingDiscarded)
    again = await ming.post("/v1/readings", json=reading_body(quarantine, value_c=36.8))
    assert again.status_code == 201, again.text
    listed = await ming.get("/v1/readings", params={"quarantine_id": quarantine["id"]})
    assert [each["value_c"] for each in listed.json()["items"]] == [36.8]


async def test_a_note_is_sealed_and_shown_for_a_reason_only(
    town: Town, ming: httpx.AsyncClient, reading: dict[str, Any]
):
    assert reading["has_note"]
    assert "note" not in reading
    path = f"/v1/readings/{reading['id']}/reveal"
    assert_problem(await ming.post(path, json={"reason": "看"}), InvalidInput)
    shown = await ming.post(path, json={"reason": "核对早上的情况"})
    assert shown.json() == {"id": reading["id"], "note": "早上家人代测"}
