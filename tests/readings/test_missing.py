"""Who still lacks which temperature, and a person's sheet: derived, and therefore exact."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.foundation.problems import NotFound, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine
from tests.cast import Town, assert_problem, grid_id
from tests.readings.conftest import DAY, at, reading_body, signed_in

HAN = "t.01.02.01"


async def _missing(client: httpx.AsyncClient, **told: Any) -> list[dict[str, Any]]:
    response = await client.get("/v1/readings/missing", params=told)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def _counts(client: httpx.AsyncClient, **told: Any) -> dict[str, dict[str, int]]:
    response = await client.get("/v1/readings/missing/counts", params=told)
    assert response.status_code == 200, response.text
    return {
        each["window"]: {name: each[name] for name in ("expected", "done", "due", "late")}
        for each in response.json()["items"]
    }


def _slots(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["quarantine_id"], each["window"], each["state"]) for each in items]


@pytest.fixture
async def grid(town: Town) -> str:
    """A grid of its own for each story, opened by the township."""
    async with await signed_in(town, "gu") as gu:
        body = {"id": str(new_id()), "parent_id": str(grid_id("t.01.02")), "name": "新组"}
        said = await gu.post("/v1/grids", json=body | {"kind": "basic"})
        assert said.status_code == 201, said.text
        return said.json()["id"]


async def test_nobody_sees_what_is_missing(town: Town):
    assert_problem(await town.nobody().get("/v1/readings/missing"), NotSignedIn)
    assert_problem(await town.nobody().get("/v1/readings/missing/counts"), NotSignedIn)
    path = f"/v1/quarantines/{new_id()}/temperature-sheet"
    assert_problem(await town.nobody().get(path), NotSignedIn)


async def test_a_window_is_due_while_it_is_open_and_late_when_it_has_closed(
    town: Town, morning: Any
):
    wei = await signed_in(town, "wei")
    person = await a_quarantine(wei, grid=HAN)
    han = await signed_in(town, "han")
    due = [each for each in await _missing(han) if each["quarantine_id"] == person["id"]]
    assert _slots(due) == [(person["id"], "morning", "due")]
    assert due[0]["resident_name"] == person["resident_name"]
    assert due[0]["label"] == "早"
    morning.move_to(at(16))
    han = await signed_in(town, "han")
    late = [each for each in await _missing(han) if each["quarantine_id"] == person["id"]]
    assert _slots(late) == [(person["id"], "morning", "late"), (person["id"], "evening", "due")]


async def test_the_neighbouring_village_misses_nobody_here(town: Town):
    wei = await signed_in(town, "wei")
    person = await a_quarantine(wei, grid=HAN)
    lin = await signed_in(town, "lin")
    assert person["id"] not in {each["quarantine_id"] for each in await _missing(lin)}
    told = {"grid_id": str(grid_id(HAN))}
    assert_problem(await lin.get("/v1/readings/missing", params=told), NotFound)
    assert_problem(await lin.get(f"/v1/quarantines/{person['id']}/temperature-sheet"), NotFound)


async def test_one_on_duty_from_elsewhere_misses_the_person_served_and_nobody_else(
    town: Town, lin: httpx.AsyncClient
):
    served = await a_quarantine(lin, team=("ming", "pang", "ba", "qin"))
    await a_quarantine(lin)
    qin = await signed_in(town, "qin")
    seen = {each["quarantine_id"] for each in await _missing(qin)}
    assert served["id"] in seen
    mine = await qin.get("/v1/readings/missing/counts")
    elsewhere = [each for each in mine.json()["items"] if each["grid_name"] is None]
    assert [each["expected"] for each in elsewhere] == [1, 1]
    sheet = await qin.get(f"/v1/quarantines/{served['id']}/temperature-sheet")
    assert sheet.status_code == 200, sheet.text


async def test_counts_follow_from_what_is_there(town: Town, grid: str, morning: Any):
    wei = await signed_in(town, "wei")
    people = []
    for _ in range(3):
        home = await a_household(wei, grid=UUID(grid))
        people.append(await a_quarantine(wei, resident=home["residents"][0]["id"]))
    await wei.post("/v1/readings", json=reading_body(people[0]))
    entry = {"id": str(new_id()), "kind": "in_hospital", "since_at": at(8).isoformat()}
    await wei.post(f"/v1/quarantines/{people[1]['id']}/whereabouts", json=entry)
    assert await _counts(wei, grid_id=grid) == {
        "morning": {"expected": 2, "done": 1, "due": 1, "late": 0},
        "evening": {"expected": 2, "done": 0, "due": 0, "late": 0},
    }
    morning.move_to(at(11))
    zhou = await signed_in(town, "zhou")
    assert (await _counts(zhou, grid_id=grid))["morning"] == {
        "expected": 2,
        "done": 1,
        "due": 0,
        "late": 1,
    }
    assert _slots(await _missing(zhou, grid_id=grid)) == [(people[2]["id"], "morning", "late")]


async def test_a_released_person_is_due_no_more_but_the_gap_before_stays(town: Town, morning: Any):
    wei = await signed_in(town, "wei")
    person = await a_quarantine(wei, grid=HAN)
    morning.move_to(at(12))
    wei = await signed_in(town, "wei")
    end = {"ended_on": person["started_on"], "end_reason": "moved_away", "note": "回原籍"}
    ended = await wei.post(f"/v1/quarantines/{person['id']}/terminate", json=end)
    assert ended.status_code == 200, ended.text
    morning.move_to(at(16))
    wei = await signed_in(town, "wei")
    mine = [each for each in await _missing(wei) if each["quarantine_id"] == person["id"]]
    assert _slots(mine) == [(person["id"], "morning", "late")]


async def test_the_list_goes_on_where_a_page_ended(town: Town, grid: str):
    wei = await signed_in(town, "wei")
    for _ in range(3):
        home = await a_household(wei, grid=UUID(grid))
        await a_quarantine(wei, resident=home["residents"][0]["id"])
    whole = _slots(await _missing(wei, grid_id=grid))
    first = (await wei.get("/v1/readings/missing", params={"grid_id": grid, "limit": 2})).json()
    told = {"grid_id": grid, "limit": 2, "cursor": first["next_cursor"]}
    second = (await wei.get("/v1/readings/missing", params=told)).json()
    assert _slots(first["items"]) + _slots(second["items"]) == whole
    assert (len(whole), second["next_cursor"]) == (3, None)


async def test_a_refusal_is_told_beside_what_is_missing(town: Town):
    wei = await signed_in(town, "wei")
    person = await a_quarantine(wei, grid=HAN)
    exceptions = [{"quarantine_id": person["id"], "not_measured": "refused"}]
    await wei.post("/v1/rounds", json={"id": str(new_id()), "exceptions": exceptions})
    mine = [each for each in await _missing(wei) if each["quarantine_id"] == person["id"]]
    assert mine[0]["not_taken"] == "refused"


async def test_the_sheet_is_the_paper_form(town: Town, morning: Any):
    wei = await signed_in(town, "wei")
    person = await a_quarantine(wei, grid=HAN)
    he = await signed_in(town, "he")
    await he.post("/v1/readings", json=reading_body(person, value_c=37.8, symptoms=["headache"]))
    morning.move_to(at(16, days=1))
    wei = await signed_in(town, "wei")
    sheet = (await wei.get(f"/v1/quarantines/{person['id']}/temperature-sheet")).json()
    assert sheet["quarantine"]["resident_name"] == person["resident_name"]
    assert "*" in sheet["quarantine"]["resident_phone"]
    assert [each["label"] for each in sheet["windows"]] == ["早", "晚"]
    assert [(each["day"], each["day_number"]) for each in sheet["days"]] == [
        (DAY.isoformat(), 1),
        (at(0, days=1).date().isoformat(), 2),
    ]
    states = [[cell["state"] for cell in each["cells"]] for each in sheet["days"]]
    assert states == [["measured", "late"], ["late", "due"]]
    measured = sheet["days"][0]["cells"][0]["reading"]
    assert (measured["value_c"], measured["abnormal"], measured["symptoms"]) == (
        37.8,
        True,
        ["headache"],
    )
    assert measured["performed_by_name"] == "何医生"
