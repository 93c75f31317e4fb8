"""Whom a place needs, and which shifts are short of them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
)
from api.foundation.records import new_id
from tests.builders import a_checkpoint, a_shift
from tests.cast import Town, assert_problem, grid_id

DAY = clock.today() + timedelta(days=20)
NEEDED = {"值班长": 1, "查验": 2}
SHORTAGES = "/v1/duty-shifts/shortages"


@pytest.fixture
async def bridge(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A checkpoint in 柳村 that needs somebody in charge and two who check, day and night."""
    return await a_checkpoint(lin, grid="t.01.01", staffing=NEEDED)


def at(hour: int, *, day: int = 0) -> str:
    """An hour of the local day."""
    begins, _ = clock.day_bounds(DAY + timedelta(days=day))
    return (begins + timedelta(hours=hour)).isoformat()


async def _stands(
    lin: httpx.AsyncClient, place: dict[str, Any], worker: str, hours: tuple[int, int], role: str
) -> str:
    told = {"starts_at": at(hours[0]), "ends_at": at(hours[1]), "role": role}
    return (await a_shift(lin, place, worker=worker, **told))["id"]


async def _short(
    client: httpx.AsyncClient, place: dict[str, Any], since: int = 0, until: int = 24
) -> list[dict[str, Any]]:
    period = {"place_id": place["id"], "from": at(since), "to": at(until)}
    answer = await client.get("/v1/duty-shifts/gaps", params=period)
    assert answer.status_code == 200, answer.text
    return answer.json()["short"]


async def _cancelled(lin: httpx.AsyncClient, *shifts: str) -> None:
    """Off the roster again, so that the cast is free for the next."""
    for shift in shifts:
        path, headers = f"/v1/duty-shifts/{shift}/discard", {"If-Match": '"1"'}
        gone = await lin.post(path, json={"reason": "换人"}, headers=headers)
        assert gone.status_code == 200, gone.text


async def test_a_roster_tells_which_shifts_are_short_and_of_what(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    early = await _stands(lin, bridge, "pang", (0, 12), "查验")
    late = [await _stands(lin, bridge, who, (12, 24), "查验") for who in ("fan", "ba")]
    head = await _stands(lin, bridge, "shan", (8, 20), "值班长")
    told = [
        (each["role"], each["minutes"], each["needed"], each["there"], each["missing"])
        for each in await _short(lin, bridge)
    ]
    assert told == [("值班长", 480, 1, 0, 1), ("查验", 720, 2, 1, 1), ("值班长", 240, 1, 0, 1)]
    [alone] = [each for each in await _short(lin, bridge) if each["shift_ids"]]
    assert alone["shift_ids"] == [early]
    assert await _short(lin, bridge, 12, 20) == []
    await _cancelled(lin, late[0])
    [again] = await _short(lin, bridge, 12, 20)
    assert (again["role"], again["missing"], again["shift_ids"]) == ("查验", 1, [late[1]])
    await _cancelled(lin, early, late[1], head)


async def test_two_shifts_that_are_short_one_after_the_other_are_told_apart(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    shifts = [
        await _stands(lin, bridge, "pang", (0, 8), "查验"),
        await _stands(lin, bridge, "fan", (8, 16), "查验"),
    ]
    checking = [each for each in await _short(lin, bridge) if each["role"] == "查验"]
    told = [(each["missing"], each["shift_ids"]) for each in checking]
    assert told == [(1, shifts[:1]), (1, shifts[1:]), (2, [])]
    await _cancelled(lin, *shifts)


async def test_a_place_that_asks_for_nobody_is_short_of_nobody(lin: httpx.AsyncClient):
    place = await a_checkpoint(lin, grid="t.01.01")
    assert place["staffing"] == {}
    assert await _short(lin, place) == []


async def test_a_checkpoint_needs_people_while_it_stands(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    closing = {"closed_at": at(6), "reason": "撤除"}
    path, headers = f"/v1/checkpoints/{bridge['id']}", {"If-Match": '"1"'}
    assert (await lin.patch(path, json=closing, headers=headers)).status_code == 200
    assert {each["minutes"] for each in await _short(lin, bridge)} == {360}
    assert await _short(lin, bridge, 6) == []


async def test_the_leader_sees_every_place_that_is_short_for_a_day_or_a_week(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    quiet = await a_checkpoint(lin, grid="t.01.01")
    wei = await town.as_("wei")
    ford = await a_checkpoint(wei, grid="t.01.02", name="渡口卡点", staffing={"查验": 1})
    day = await _shortages(lin)
    places = {each["place_id"]: each for each in day["items"]}
    assert bridge["id"] in places
    assert not {quiet["id"], ford["id"]} & places.keys()
    assert (day["from_on"], day["to_on"]) == (str(DAY), str(DAY))
    assert places[bridge["id"]]["place_kind"] == "checkpoint"
    assert [each["minutes"] for each in places[bridge["id"]]["short"]] == [1440, 1440]
    week = await _shortages(await town.as_("zhou"), days=7)
    assert week["to_on"] == str(DAY + timedelta(days=6))
    over = {each["place_id"]: each["short"][0]["minutes"] for each in week["items"]}
    assert (over[bridge["id"]], over[ford["id"]]) == (7 * 1440, 7 * 1440)
    there = await _shortages(await town.as_("zhou"), grid_id=str(grid_id("t.01.02")))
    assert [each["place_id"] for each in there["items"]] == [ford["id"]]
    assert [each["place_id"] for each in (await _shortages(wei))["items"]] == [ford["id"]]


async def test_nobody_and_another_township_see_no_shortages(town: Town, bridge: dict[str, Any]):
    assert_problem(await town.nobody().get(SHORTAGES), NotSignedIn)
    bai = await town.as_("bai")
    assert (await _shortages(bai))["items"] == []
    period = {"place_id": bridge["id"], "from": at(0), "to": at(24)}
    assert_problem(await bai.get("/v1/duty-shifts/gaps", params=period), NotFound)
    han = await town.as_("han")
    assert (await _shortages(han))["items"] == []


async def test_whoever_is_on_duty_there_sees_what_their_place_lacks_and_no_other(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    other = await a_checkpoint(lin, grid="t.01.01", staffing={"查验": 1})
    shift = await a_shift(lin, bridge, worker="qin", role="查验")
    qin = await town.as_("qin")
    answer = (await qin.get(SHORTAGES)).json()
    assert [each["place_id"] for each in answer["items"]] == [bridge["id"]]
    checked = [each for each in answer["items"][0]["short"] if each["shift_ids"]]
    assert [each["missing"] for each in checked] == [1]
    assert other["id"] not in str(answer)
    await _cancelled(lin, shift["id"])


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"days": "0"}, "/query/days"),
        ({"days": "32"}, "/query/days"),
        ({"day": "明天"}, "/query/day"),
        ({"grid_id": "柳村"}, "/query/grid_id"),
    ],
)
async def test_an_odd_question_is_refused_with_its_place(
    lin: httpx.AsyncClient, asked: dict[str, str], pointer: str
):
    told = assert_problem(await lin.get(SHORTAGES, params=asked), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer]


async def test_whom_a_checkpoint_needs_is_changed_openly_by_whoever_manages_it(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path, change = f"/v1/checkpoints/{bridge['id']}", {"staffing": {"查验": 3}, "reason": "春运"}
    first = {"If-Match": '"1"'}
    ba = await town.as_("ba")
    assert_problem(await ba.patch(path, json=change, headers=first), NotPermitted)
    wei = await town.as_("wei")
    assert_problem(await wei.patch(path, json=change, headers=first), NotFound)
    kept = await lin.patch(path, json=change, headers=first)
    assert kept.json()["staffing"] == {"查验": 3}
    assert_problem(await lin.patch(path, json=change, headers=first), VersionMismatch)
    assert [each["needed"] for each in await _short(lin, bridge)] == [3]
    nobody = {"staffing": {}, "reason": "不再要求"}
    cleared = await lin.patch(path, json=nobody, headers={"If-Match": '"2"'})
    assert cleared.json()["staffing"] == {}
    assert await _short(lin, bridge) == []


@pytest.mark.parametrize(
    "staffing",
    [{"查验": 0}, {"查验": 101}, {"查验": "二"}, {"": 1}, {"长" * 51: 1}, ["查验"]],
)
async def test_numbers_of_people_that_cannot_be_are_refused(
    lin: httpx.AsyncClient, bridge: dict[str, Any], staffing: Any
):
    body = {"staffing": staffing, "reason": "调整"}
    path = f"/v1/checkpoints/{bridge['id']}"
    refused = await lin.patch(path, json=body, headers={"If-Match": '"1"'})
    told = assert_problem(refused, InvalidInput)
    assert all(each["pointer"].startswith("/body/staffing") for each in told["errors"])


async def test_a_checkpoint_sent_again_with_other_numbers_is_refused(lin: httpx.AsyncClient):
    body = {
        "id": str(new_id()),
        "grid_id": str(grid_id("t.01.01")),
        "name": "村口卡点",
        "staffing": NEEDED,
    }
    assert (await lin.post("/v1/checkpoints", json=body)).status_code == 201
    assert (await lin.post("/v1/checkpoints", json=body)).status_code == 200
    other = await lin.post("/v1/checkpoints", json={**body, "staffing": {"查验": 1}})
    assert assert_problem(other, RecordDiffers)["fields"] == ["staffing"]


async def test_a_session_of_a_site_is_short_of_the_roles_that_it_asks_for(
    lin: httpx.AsyncClient,
):
    told = {"grid_id": str(grid_id("t.01.01")), "name": "文化楼采样点", "kind": "sampling"}
    site = (await lin.post("/v1/sites", json={"id": str(new_id()), **told})).json()
    hours = {"starts_at": at(7), "ends_at": at(11)}
    needed = {"staffing": {"sampler": 2, "order_keeping": 1}}
    body = {"id": str(new_id()), "site_id": site["id"], **hours, **needed}
    held = await lin.post("/v1/site-sessions", json=body)
    assert held.status_code == 201, held.text
    shifts = [
        await _stands(lin, site, "pang", (7, 11), "采样"),
        await _stands(lin, site, "fan", (6, 9), "sampler"),
    ]
    told = [
        (each["role"], each["minutes"], each["missing"]) for each in await _short(lin, site, 0, 24)
    ]
    assert told == [("秩序维护", 240, 1), ("采样", 120, 1)]
    [place] = [e for e in (await _shortages(lin))["items"] if e["place_id"] == site["id"]]
    assert place["place_kind"] == "site"
    cancel = f"/v1/site-sessions/{body['id']}/cancel"
    gone = await lin.post(cancel, json={"reason": "遇大雨"}, headers={"If-Match": '"1"'})
    assert gone.status_code == 200, gone.text
    assert await _short(lin, site) == []
    await _cancelled(lin, *shifts)


async def _shortages(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await client.get(SHORTAGES, params={"day": str(DAY), **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()
