"""The list of readings: newest first, narrowed by what is asked, and never beyond reach."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import InvalidInput, NotSignedIn
from api.readings.schemas import ReadingRead
from tests.builders import a_quarantine
from tests.cast import Town, assert_problem, grid_id
from tests.readings.conftest import DAY, at, reading_body, signed_in


async def _listed(client: httpx.AsyncClient, **told: Any) -> list[dict[str, Any]]:
    response = await client.get("/v1/readings", params=told)
    assert response.status_code == 200, response.text
    return response.json()["items"]


@pytest.fixture
async def three(lin: httpx.AsyncClient, ming: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Three people's readings of this morning, the second abnormal, the third with a note."""
    told = [{}, {"value_c": 38.1, "symptoms": ["fever", "headache"]}, {"note": "已服药 𠮷"}]
    kept: list[dict[str, Any]] = []
    for place, more in enumerate(told):
        measured = at(7, 10 + place).isoformat()
        body = reading_body(await a_quarantine(lin), measured_at=measured, **more)
        response = await ming.post("/v1/readings", json=body)
        assert response.status_code == 201, response.text
        kept.append(response.json())
    return kept


async def test_nobody_lists_readings(town: Town):
    assert_problem(await town.nobody().get("/v1/readings"), NotSignedIn)


async def test_the_neighbour_lists_none_of_them(town: Town, three: list[dict[str, Any]]):
    mei = await signed_in(town, "mei")
    assert await _listed(mei, grid_id=str(grid_id("t.01.01.01"))) == []
    assert await _listed(mei, quarantine_id=three[0]["quarantine_id"]) == []


async def test_a_listed_reading_says_what_the_same_reading_says_alone(
    ming: httpx.AsyncClient, three: list[dict[str, Any]]
):
    listed = {each["id"]: each for each in await _listed(ming)}
    for alone in three:
        assert listed[alone["id"]].keys() == alone.keys()
        assert ReadingRead(**listed[alone["id"]]) == ReadingRead(**alone)


async def test_the_newest_stand_first_and_the_next_page_goes_on(
    ming: httpx.AsyncClient, three: list[dict[str, Any]]
):
    grid = three[0]["grid_id"]
    whole = await _listed(ming, grid_id=grid)
    measured = [each["measured_at"] for each in whole]
    assert measured == sorted(measured, reverse=True)
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        told = {"grid_id": grid, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await ming.get("/v1/readings", params=told)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == whole


@pytest.mark.parametrize("abnormal", [True, False])
async def test_filters_narrow_the_list(
    ming: httpx.AsyncClient, three: list[dict[str, Any]], abnormal: bool
):
    day = DAY.isoformat()
    listed = await _listed(ming, day=day, abnormal=str(abnormal).lower())
    assert {each["abnormal"] for each in listed} == {abnormal}
    one = await _listed(ming, quarantine_id=three[1]["quarantine_id"])
    assert [each["id"] for each in one] == [three[1]["id"]]
    assert await _listed(ming, day=at(8, days=-1).date().isoformat()) == []


@pytest.mark.parametrize("cursor", ["nonsense", "WyIxIl0", "' OR 1=1 --"])
async def test_a_cursor_of_another_list_is_refused(ming: httpx.AsyncClient, cursor: str):
    assert_problem(await ming.get("/v1/readings", params={"cursor": cursor}), InvalidInput)
