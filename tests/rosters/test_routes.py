"""Rosters: who stands where, nobody at two places, and what is left uncovered."""

import asyncio
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
from api.rosters.problems import AlreadyOnDuty, PlaceNotOpen, ShiftDiscarded
from tests.builders import a_checkpoint, a_shift, shift_body
from tests.cast import Town, assert_problem, id_of


@pytest.fixture
async def bridge(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A checkpoint in 柳村, as its secretary set it up."""
    return await a_checkpoint(lin, grid="t.01.01")


async def test_nobody_sees_or_arranges_a_roster_without_a_token(town: Town):
    assert_problem(await town.nobody().get("/v1/duty-shifts"), NotSignedIn)
    assert_problem(await town.nobody().post("/v1/duty-shifts", json={}), NotSignedIn)


async def test_the_neighbour_finds_neither_the_place_nor_its_roster(
    lin: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    shift = await a_shift(lin, bridge, worker="ba")
    assert_problem(await wei.get(f"/v1/duty-shifts/{shift['id']}"), NotFound)
    listed = await wei.get("/v1/duty-shifts", params={"place_id": bridge["id"]})
    assert listed.json()["items"] == []
    body = assert_problem(
        await wei.post("/v1/duty-shifts", json=shift_body(bridge, worker="he")), NotFound
    )
    assert body["errors"][0]["pointer"] == "/body/place_id"
    period = {"place_id": bridge["id"], "from": _at(0), "to": _at(1)}
    assert_problem(await wei.get("/v1/duty-shifts/gaps", params=period), NotFound)


async def testa_volunteer_reads_the_roster_and_does_not_arrange_it(
    town: Town, bridge: dict[str, Any]
):
    ba = await town.as_("ba")
    assert_problem(
        await ba.post("/v1/duty-shifts", json=shift_body(bridge, worker="ba")), NotPermitted
    )


async def test_the_one_above_reads_and_arranges_it(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    zhou = await town.as_("zhou")
    shift = await a_shift(zhou, bridge, worker="fan", role="值班长")
    listed = (await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})).json()
    assert [each["id"] for each in listed["items"]] == [shift["id"]]
    assert listed["items"][0]["worker_name"] == "范党员"
    assert listed["items"][0]["place_name"] == bridge["name"]
    assert listed["items"][0]["place_kind"] == "checkpoint"


async def test_whoever_is_on_duty_sees_the_place_from_an_hour_before_to_half_a_day_after(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    han = await town.as_("han")
    path = f"/v1/checkpoints/{bridge['id']}"
    assert_problem(await han.get(path), NotFound)
    shift = await a_shift(lin, bridge, worker="han", begins=2)
    assert_problem(await han.get(path), NotFound)
    mine = (await han.get("/v1/duty-shifts", params={"worker_id": str(id_of("han"))})).json()
    assert [each["id"] for each in mine["items"]] == [shift["id"]]
    sooner = {"starts_at": _at(0.5), "reason": "提前接班"}
    await _patched(lin, shift, sooner)
    assert (await han.get(path)).status_code == 200
    earlier = {"starts_at": _at(-20), "ends_at": _at(-11), "reason": "实际时间"}
    shift = await _patched(lin, shift | {"version": 2}, earlier)
    assert (await han.get(path)).status_code == 200
    long_ago = {"starts_at": _at(-20), "ends_at": _at(-13), "reason": "实际时间"}
    await _patched(lin, shift, long_ago)
    assert_problem(await han.get(path), NotFound)


async def test_a_shift_taken_off_the_roster_closes_the_door(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    qin = await town.as_("qin")
    shift = await a_shift(lin, bridge, worker="qin")
    assert (await qin.get(f"/v1/checkpoints/{bridge['id']}")).status_code == 200
    headers = {"If-Match": '"1"'}
    path = f"/v1/duty-shifts/{shift['id']}/discard"
    off = await lin.post(path, json={"reason": "调班"}, headers=headers)
    assert off.json()["discarded_at"] is not None
    assert_problem(await qin.get(f"/v1/checkpoints/{bridge['id']}"), NotFound)
    again = await lin.post(path, json={"reason": "调班"}, headers={"If-Match": '"2"'})
    assert_problem(again, ShiftDiscarded)
    listed = await lin.get(
        "/v1/duty-shifts", params={"place_id": bridge["id"], "discarded": "true"}
    )
    assert [each["id"] for each in listed.json()["items"]] == [shift["id"]]


async def test_nobody_is_on_duty_at_two_places_at_once(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    elsewhere = await a_checkpoint(wei, grid="t.01.02")
    await a_shift(wei, elsewhere, worker="he", begins=30, hours=8)
    taken = await lin.post(
        "/v1/duty-shifts", json=shift_body(bridge, worker="he", begins=37, hours=4)
    )
    body = assert_problem(taken, AlreadyOnDuty)
    assert body["errors"][0]["pointer"] == "/body/worker_id"
    assert {"starts_at", "ends_at"} <= body.keys()
    assert elsewhere["name"] not in taken.text
    await a_shift(lin, bridge, worker="he", begins=38, hours=4)


async def test_two_who_book_the_same_person_at_the_same_moment_do_not_both_succeed(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    elsewhere = await a_checkpoint(wei, grid="t.01.02")
    answers = await asyncio.gather(
        *(
            client.post("/v1/duty-shifts", json=shift_body(place, worker="mei", begins=50))
            for client, place in ((lin, bridge), (wei, elsewhere)) * 4
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_a_shift_sent_twice_is_one_and_another_under_its_id_is_refused(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    body = shift_body(bridge, worker="pang", begins=60)
    both = await asyncio.gather(*(lin.post("/v1/duty-shifts", json=body) for _ in range(2)))
    assert sorted(each.status_code for each in both) == [200, 201]
    differs = await lin.post("/v1/duty-shifts", json={**body, "role": "队长"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["role"]


async def test_a_roster_keeps_what_it_can_and_tells_of_the_rest(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    good = [shift_body(bridge, worker="shan", begins=100 + 8 * nth, hours=8) for nth in range(3)]
    over = shift_body(bridge, worker="shan", begins=104)
    stranger = shift_body(bridge, worker="bai", begins=100)
    endless = shift_body(bridge, worker="fan", begins=100, hours=25)
    unread = {**shift_body(bridge, worker="fan"), "starts_at": "明天"}
    items = [*good, over, stranger, endless, unread]
    answer = (await lin.post("/v1/duty-shifts/batch", json={"items": items})).json()
    assert [each["outcome"] for each in answer["items"]] == ["created"] * 3 + ["refused"] * 4
    pointers = [each["problem"]["errors"][0]["pointer"] for each in answer["items"][3:]]
    assert pointers == [
        "/body/items/3/worker_id",
        "/body/items/4/worker_id",
        "/body/items/5/ends_at",
        "/body/items/6/starts_at",
    ]
    again = (await lin.post("/v1/duty-shifts/batch", json={"items": items})).json()
    assert (again["created"], again["unchanged"], again["refused"]) == (0, 3, 4)


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"ends_at": "2022-02-15T08:00:00+08:00"}, "/body/starts_at"),
        ({"starts_at": "2022-02-15T08:00:00+08:00"}, "/body/ends_at"),
        ({"worker_id": "不是编号"}, "/body/worker_id"),
        ({"role": "长" * 51}, "/body/role"),
        ({"colour": "red"}, "/body/colour"),
    ],
)
async def test_what_cannot_be_a_shift_is_refused_with_its_place(
    lin: httpx.AsyncClient, bridge: dict[str, Any], told: dict[str, Any], pointer: str
):
    body = {**shift_body(bridge, worker="fan", begins=200), **told}
    if pointer == "/body/starts_at":
        body["starts_at"] = "2022-02-15T00:00:00+08:00"
    refused = assert_problem(await lin.post("/v1/duty-shifts", json=body), InvalidInput)
    assert pointer in [each["pointer"] for each in refused["errors"]]


async def test_nobody_is_rostered_where_nothing_stands_any_more(lin: httpx.AsyncClient):
    gone = await a_checkpoint(lin, grid="t.01.01")
    closing = {"closed_at": _at(10), "reason": "疫情解除"}
    path = f"/v1/checkpoints/{gone['id']}"
    assert (await lin.patch(path, json=closing, headers={"If-Match": '"1"'})).status_code == 200
    late = await lin.post("/v1/duty-shifts", json=shift_body(gone, worker="fan", begins=5))
    assert_problem(late, PlaceNotOpen)


async def test_hours_without_anybody_are_told(lin: httpx.AsyncClient):
    place = await a_checkpoint(lin, grid="t.01.01")
    day = (clock.today() + timedelta(days=12)).isoformat()
    for worker, begins, ends in (("pang", 2, 6), ("fan", 4, 8), ("pang", 10, 12)):
        hours = {"starts_at": f"{day}T{begins:02d}:00:00Z", "ends_at": f"{day}T{ends:02d}:00:00Z"}
        await a_shift(lin, place, worker=worker, **hours)
    whole = {"place_id": place["id"], "from": f"{day}T00:00:00Z", "to": f"{day}T12:00:00Z"}
    gaps = (await lin.get("/v1/duty-shifts/gaps", params=whole)).json()
    assert [gap["starts_at"][11:16] for gap in gaps["items"]] == ["00:00", "08:00"]
    assert [gap["minutes"] for gap in gaps["items"]] == [120, 120]
    assert gaps["minutes"] == 240
    backwards = {**whole, "from": whole["to"], "to": whole["from"]}
    refused = await lin.get("/v1/duty-shifts/gaps", params=backwards)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/query/to"


async def test_a_swap_of_people_keeps_the_hours_and_the_former_holder_is_free(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    shift = await a_shift(lin, bridge, worker="ba", begins=400)
    swapped = await _patched(lin, shift, {"worker_id": str(id_of("fan")), "reason": "换班"})
    assert swapped["worker_name"] == "范党员"
    assert swapped["starts_at"] == shift["starts_at"]
    stale = await lin.patch(
        f"/v1/duty-shifts/{shift['id']}",
        json={"role": "组长", "reason": "补填"},
        headers={"If-Match": '"1"'},
    )
    assert_problem(stale, VersionMismatch)
    await a_shift(lin, bridge, worker="ba", begins=400)


async def test_a_post_with_shifts_ahead_ends_by_handing_them_over(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    zhou = await town.as_("zhou")
    leaving = await a_volunteer(lin, "莫志愿")
    successor = await a_volunteer(lin, "陆志愿")
    shift = await a_shift(lin, bridge, worker=leaving["worker"], begins=500)
    ended = await zhou.post(f"/v1/posts/{leaving['post']}/end", json={"reason": "离岗"})
    assert ended.json()["duties"] == {"duty_shifts": 1}
    taken = await a_shift(lin, bridge, worker=successor["worker"], begins=501)
    over = {
        "new_post_id": str(new_id()),
        "successor_worker_id": successor["worker"],
        "reason": "离岗",
    }
    refused = await zhou.post(f"/v1/posts/{leaving['post']}/hand-over", json=over)
    assert refused.status_code == 409
    assert refused.json()["shifts"] == [shift["id"]]
    off = await lin.post(
        f"/v1/duty-shifts/{taken['id']}/discard",
        json={"reason": "接替他人"},
        headers={"If-Match": '"1"'},
    )
    assert off.status_code == 200
    passed = await zhou.post(f"/v1/posts/{leaving['post']}/hand-over", json=over)
    assert passed.status_code == 200, passed.text
    now = (await lin.get(f"/v1/duty-shifts/{shift['id']}")).json()
    assert (now["worker_name"], now["version"]) == ("陆志愿", 2)


async def test_a_shift_handed_over_while_it_lasts_is_stood_by_both(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    zhou = await town.as_("zhou")
    leaving = await a_volunteer(lin, "梁志愿")
    successor = await a_volunteer(lin, "农志愿")
    stood = await a_shift(lin, bridge, worker=leaving["worker"], begins=-20, hours=8)
    shift = await a_shift(lin, bridge, worker=leaving["worker"], begins=-4, hours=8, role="查验")
    other = await a_checkpoint(lin, grid="t.01.01", name="村口")
    await a_shift(lin, other, worker=successor["worker"], begins=-5, hours=4)
    over = {
        "new_post_id": str(new_id()),
        "successor_worker_id": successor["worker"],
        "reason": "发热离岗",
    }
    path = f"/v1/posts/{leaving['post']}/hand-over"
    passed = await zhou.post(path, json=over)
    assert passed.status_code == 200, passed.text
    listed = await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})
    spans = [(s["worker_name"], s["starts_at"], s["ends_at"]) for s in listed.json()["items"]]
    at = spans[-1][1]
    assert shift["starts_at"] < at < shift["ends_at"]
    assert spans == [
        ("梁志愿", stood["starts_at"], stood["ends_at"]),
        ("梁志愿", shift["starts_at"], at),
        ("农志愿", at, shift["ends_at"]),
    ]
    assert listed.json()["items"][2]["role"] == "查验"
    assert (await zhou.post(path, json=over)).status_code == 200
    again = await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})
    assert again.json() == listed.json()


async def a_volunteer(lin: httpx.AsyncClient, name: str) -> dict[str, str]:
    worker, post = str(new_id()), str(new_id())
    grid = str(id_of("451422201 t.01.01.01"))
    made = await lin.post("/v1/workers", json={"id": worker, "grid_id": grid, "name": name})
    assert made.status_code == 201, made.text
    held = {"id": post, "worker_id": worker, "grid_id": grid, "role": "volunteer"}
    assert (await lin.post("/v1/posts", json=held)).status_code == 201
    return {"worker": worker, "post": post}


async def _patched(
    client: httpx.AsyncClient, shift: dict[str, Any], change: dict[str, Any]
) -> dict[str, Any]:
    headers = {"If-Match": f'"{shift["version"]}"'}
    answer = await client.patch(f"/v1/duty-shifts/{shift['id']}", json=change, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _at(hours: float) -> str:
    return (clock.now() + timedelta(hours=hours)).isoformat()
