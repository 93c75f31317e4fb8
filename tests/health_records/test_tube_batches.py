"""A morning of tubes, filled without a network and sent at once: each whole or not at all."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotPermitted, NotSignedIn
from api.foundation.records import new_id
from tests.builders import (
    FOUR,
    a_diagnostic_test,
    a_household,
    a_quarantine,
    a_sample_tube,
    sample_tube_body,
    synthetic_resident,
)
from tests.cast import Town, assert_problem, grid_id, id_of

TUBES = "/v1/sample-tubes"
BATCH = f"{TUBES}/batch"


@pytest.fixture
async def people(town: Town) -> list[str]:
    """Four of one household in 柳村一组."""
    relations = ("head", "spouse", "child", "child")
    residents = [synthetic_resident(relation=each) for each in relations]
    home = await a_household(await town.as_("lin"), grid="t.01.01.01", residents=residents)
    return [each["id"] for each in home["residents"]]


async def _sent(client: httpx.AsyncClient, *items: Any) -> dict[str, Any]:
    answer = await client.post(BATCH, json={"items": items})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _outcomes(said: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in said["items"]]


def _slug(item: dict[str, Any]) -> str:
    return item["problem"]["type"].rpartition("/")[2]


async def _tests(client: httpx.AsyncClient, person: str) -> list[dict[str, Any]]:
    return (await client.get("/v1/tests", params={"resident_id": person})).json()["items"]


async def test_a_morning_is_kept_at_once_with_everybody_in_it(
    town: Town, ming: httpx.AsyncClient, people: list[str]
):
    bodies = [sample_tube_body(people[:2]), sample_tube_body(people[2:]), sample_tube_body(people)]
    said = await _sent(ming, *bodies)
    assert (said["created"], said["unchanged"], said["refused"]) == (3, 0, 0)
    assert [each["id"] for each in said["items"]] == [body["id"] for body in bodies]
    for body in bodies:
        tube = (await ming.get(f"{TUBES}/{body['id']}")).json()
        members = {(each["test_id"], each["resident_id"]) for each in tube["members"]}
        assert members == {(each["id"], each["resident_id"]) for each in body["members"]}
    assert [each["outcome"] for each in await _tests(ming, people[0])] == ["pending"] * 2
    told = {"limit": 500}
    noted = (await (await town.as_("zhou")).get("/v1/audit-entries", params=told)).json()["items"]
    notes = [each for each in noted if each["action"] == "sample_tubes.record_all"]
    assert {"sample_tubes": 3} in [each["details"] for each in notes]


async def test_sent_again_it_is_no_news_also_in_part_also_after_a_result(
    ming: httpx.AsyncClient, people: list[str]
):
    bodies = [sample_tube_body(people[:2]), sample_tube_body(people[2:])]
    assert _outcomes(await _sent(ming, bodies[0])) == ["created"]
    assert _outcomes(await _sent(ming, *bodies)) == ["unchanged", "created"]
    path, first = f"{TUBES}/{bodies[0]['id']}", {"If-Match": '"1"'}
    assert (await ming.patch(path, json={"outcome": "negative"}, headers=first)).is_success
    path = f"{TUBES}/{bodies[1]['id']}/discard"
    assert (await ming.post(path, json={"reason": "管已破损"}, headers=first)).is_success
    assert _outcomes(await _sent(ming, *bodies, bodies[0])) == ["unchanged"] * 3
    one = await ming.post(TUBES, json=bodies[0])
    assert (one.status_code, one.json()["outcome"]) == (200, "negative")
    assert len(await _tests(ming, people[0])) == 1


async def test_sent_again_with_other_content_it_is_refused_alone(
    ming: httpx.AsyncClient, people: list[str]
):
    bodies = [sample_tube_body(people[:2]) for _ in range(3)]
    await _sent(ming, *bodies)
    other = {**bodies[0], "laboratory": "另一家"}
    fewer = {**bodies[1], "members": bodies[1]["members"][:1]}
    swapped = {**bodies[2], "members": [{**m, "id": str(new_id())} for m in bodies[2]["members"]]}
    new = sample_tube_body(people[2:])
    said = await _sent(ming, other, fewer, swapped, new)
    assert _outcomes(said) == ["refused"] * 3 + ["created"]
    fields = [each["problem"]["fields"] for each in said["items"][:3]]
    assert fields == [["laboratory"], ["members"], ["members"]]
    for body in bodies:
        tube = (await ming.get(f"{TUBES}/{body['id']}")).json()
        assert (tube["version"], tube["member_count"]) == (1, 2)


async def test_the_same_batch_sent_twice_at_the_same_moment_is_kept_once(
    ming: httpx.AsyncClient, people: list[str]
):
    bodies = [sample_tube_body(people) for _ in range(6)]
    turned = list(reversed(bodies))
    said = await asyncio.gather(*(_sent(ming, *each) for each in (bodies, turned, bodies)))
    assert sum(each["created"] for each in said) == 6
    assert sum(each["unchanged"] for each in said) == 12, said
    assert len(await _tests(ming, people[0])) == 6


async def test_one_who_cannot_be_in_a_tube_keeps_that_tube_out_and_no_other(
    town: Town, ming: httpx.AsyncClient, people: list[str]
):
    home = await a_household(await town.as_("lin"), grid="t.01.01.02")
    neighbour = home["residents"][0]["id"]
    taken = await a_diagnostic_test(ming, people[3])
    good = sample_tube_body(people[:1])
    items = [
        good,
        sample_tube_body([people[0], neighbour]),
        sample_tube_body([people[0], people[0]]),
        sample_tube_body(people[:2], pool_size=1),
        sample_tube_body(people[:2], performed_by=str(new_id())),
        sample_tube_body(people[:2], sampled_at=_later()),
        sample_tube_body(people[:2], swab_type="blood"),
        sample_tube_body(people[3:]) | {"members": [_member(taken["id"], people[3])]},
    ]
    said = await _sent(ming, *items)
    assert _outcomes(said) == ["created"] + ["refused"] * 7
    pointers = [each["problem"]["errors"][0]["pointer"] for each in said["items"][1:7]]
    assert pointers == [
        "/body/items/1/members/1/resident_id",
        "/body/items/2/members/1/resident_id",
        "/body/items/3/members",
        "/body/items/4/performed_by",
        "/body/items/5/sampled_at",
        "/body/items/6/swab_type",
    ]
    assert said["items"][7]["problem"]["fields"] == ["members/0/id"]
    assert [each["tube_id"] for each in await _tests(ming, people[0])] == [good["id"]]
    assert [each["tube_id"] for each in await _tests(ming, people[3])] == [None]


def _member(test: str, person: str) -> dict[str, str]:
    return {"id": test, "resident_id": person}


def _later() -> str:
    return (clock.now() + timedelta(hours=2)).isoformat()


async def test_two_tubes_with_one_code_or_one_test_between_them_are_not_both_kept(
    ming: httpx.AsyncClient, people: list[str]
):
    first = sample_tube_body(people[:1])
    same_code = sample_tube_body(people[1:2], code=first["code"])
    same_test = sample_tube_body(people[2:3])
    same_test["members"][0]["id"] = first["members"][0]["id"]
    other = sample_tube_body(people[3:])
    said = await _sent(ming, first, same_code, same_test, other)
    assert _outcomes(said) == ["created", "refused", "refused", "created"]
    assert [_slug(each) for each in said["items"][1:3]] == ["tube-code-taken", "record-differs"]
    assert await _tests(ming, people[1]) == await _tests(ming, people[2]) == []


async def test_tubes_lie_where_all_in_them_are_seen_and_the_neighbour_keeps_none(
    town: Town, people: list[str]
):
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.02")
    own, both = sample_tube_body(people), sample_tube_body([people[0], home["residents"][0]["id"]])
    for name in ("mei", "wei", "bai"):
        said = await _sent(await town.as_(name), own, both)
        assert _outcomes(said) == ["refused", "refused"]
        assert {_slug(each) for each in said["items"]} == {"not-found"}
    said = await _sent(lin, own, both)
    assert said["created"] == 2
    grids = [(await lin.get(f"{TUBES}/{each['id']}")).json()["grid_id"] for each in (own, both)]
    assert grids == [str(grid_id("t.01.01.01")), str(grid_id("t.01.01"))]
    again = await _sent(await town.as_("ming"), own, both)
    assert _outcomes(again) == ["unchanged", "refused"]


async def test_one_seen_by_a_duty_only_is_in_no_tube_of_the_next_village(town: Town):
    kept = await a_quarantine(await town.as_("lin"), team=FOUR)
    he = await town.as_("he")
    said = await _sent(he, sample_tube_body([kept["resident_id"]]))
    assert [_slug(each) for each in said["items"]] == ["outside-your-grid"]


async def test_nobody_no_volunteer_nothing_and_too_many_are_refused_whole(
    town: Town, ming: httpx.AsyncClient, people: list[str]
):
    items = {"items": [sample_tube_body(people)]}
    assert_problem(await town.nobody().post(BATCH, json=items), NotSignedIn)
    assert_problem(await (await town.as_("ba")).post(BATCH, json=items), NotPermitted)
    for wrong in ([], [sample_tube_body(people)] * 501, [{"code": "A1"}], "tubes"):
        told = assert_problem(await ming.post(BATCH, json={"items": wrong}), InvalidInput)
        assert told["errors"][0]["pointer"].startswith("/body/items")


async def test_who_took_them_and_the_quarantine_of_the_day_are_kept(
    town: Town, ming: httpx.AsyncClient
):
    kept = await a_quarantine(await town.as_("lin"))
    person = kept["resident_id"]
    known = await a_sample_tube(ming, [person])
    body = sample_tube_body([person], performed_by=str(id_of("he")))
    assert (await _sent(ming, body))["created"] == 1
    found = {each["tube_id"]: each for each in await _tests(ming, person)}
    one, many = found[known["id"]], found[body["id"]]
    assert many["performed_by"] == str(id_of("he"))
    assert one["quarantine_id"] == many["quarantine_id"] == kept["id"]
