"""Registering the people of the net, finding them, and putting right what is known of them."""

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api.access.problems import SignInRefused
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
)
from api.foundation.records import new_id
from api.grids.problems import PhoneTaken, WorkerStillServes
from api.registry.problems import StillStandsForHouseholds
from tests.builders import a_household
from tests.cast import PASSWORD, Town, assert_problem, grid_id, id_of

_PHONES = count(13_700_000_000)


def body(place: str = "t.01.01.01", **told: Any) -> dict[str, Any]:
    grid = str(grid_id(place))
    return {"id": str(new_id()), "name": "黄秀英", "grid_id": grid, "phone": _phone(), **told}


def _phone() -> str:
    return str(next(_PHONES))


async def test_nobody_sees_no_workers(town: Town):
    assert_problem(await town.nobody().get("/v1/workers"), NotSignedIn)
    assert_problem(await town.nobody().post("/v1/workers", json=body()), NotSignedIn)


async def test_the_neighbours_workers_are_not_there(town: Town):
    ming = await town.as_("ming")
    assert_problem(await ming.get(f"/v1/workers/{id_of('mei')}"), NotFound)
    names = {each["name"] for each in (await ming.get("/v1/workers")).json()["items"]}
    assert names == {"小明", "庞党员", "巴志愿"}


async def test_a_grid_worker_registers_nobody(town: Town):
    ming = await town.as_("ming")
    assert_problem(await ming.post("/v1/workers", json=body()), NotPermitted)


async def test_a_village_secretary_registers_people_in_the_own_village_only(town: Town):
    lin = await town.as_("lin")
    said = body(name="买买提·𠮷", is_party_member=True)
    made = await lin.post("/v1/workers", json=said)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["phone"] == f"{said['phone'][:3]}****{said['phone'][-4:]}"
    assert said["phone"] not in made.text
    again = await lin.post("/v1/workers", json=said)
    assert (again.status_code, again.json()) == (200, shown)
    other = await lin.post("/v1/workers", json=said | {"phone": _phone()})
    assert assert_problem(other, RecordDiffers)["fields"] == ["phone"]
    outside = assert_problem(await lin.post("/v1/workers", json=body("t.01.02")), NotFound)
    assert outside["errors"][0]["pointer"] == "/body/grid_id"


async def test_a_phone_belongs_to_one_worker_even_where_the_other_is_out_of_sight(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    said = body("t.01.01.01")
    assert (await lin.post("/v1/workers", json=said)).status_code == 201
    refused = await wei.post("/v1/workers", json=body("t.01.02", phone=said["phone"]))
    assert assert_problem(refused, PhoneTaken)["errors"][0]["pointer"] == "/body/phone"


async def test_one_worker_sent_twice_at_the_same_moment_is_one_worker(town: Town):
    lin = await town.as_("lin")
    said = body()
    answers = await asyncio.gather(*(lin.post("/v1/workers", json=said) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]


async def test_in_a_batch_each_item_stands_for_itself(town: Town):
    lin = await town.as_("lin")
    good, same_phone = body(), body()
    taken = body(phone=same_phone["phone"])
    items = [good, body("t.01.02"), same_phone, taken, body(name=" "), good]
    answer = await lin.post("/v1/workers/batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [each["outcome"] for each in told["items"]] == [
        "created",
        "refused",
        "created",
        "refused",
        "refused",
        "unchanged",
    ]
    assert [each["id"] for each in told["items"]] == [each["id"] for each in items]
    assert told["items"][3]["problem"]["type"] == "/problems/phone-taken"
    pointers = [told["items"][place]["problem"]["errors"][0]["pointer"] for place in (1, 3, 4)]
    assert pointers == ["/body/items/1/grid_id", "/body/items/3/phone", "/body/items/4/name"]
    empty = await lin.post("/v1/workers/batch", json={"items": []})
    assert_problem(empty, InvalidInput)


async def test_workers_are_found_by_name_phone_place_role_and_party(town: Town):
    zhou = await town.as_("zhou")

    async def found(**params: Any) -> list[str]:
        listed = await zhou.get("/v1/workers", params=params)
        assert listed.status_code == 200, listed.text
        return [each["name"] for each in listed.json()["items"]]

    assert await found(name="大姐") == ["梅大姐"]
    assert await found(name="%") == []
    assert await found(phone="138 0000 0001") == ["小明"]
    assert "韦支书" in await found(grid_id=str(grid_id("t.01.02")))
    assert "林支书" not in await found(grid_id=str(grid_id("t.01.02")))
    assert await found(role="village_doctor") == ["何医生"]
    assert "小明" not in await found(is_party_member=True)
    unknown = await zhou.get("/v1/workers", params={"grid_id": str(new_id())})
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == "/query/grid_id"
    wrong = await zhou.get("/v1/workers", params={"phone": "123"})
    assert assert_problem(wrong, InvalidInput)["errors"][0]["pointer"] == "/query/phone"


async def test_pages_of_workers_follow_one_another(town: Town):
    zhou = await town.as_("zhou")
    whole = (await zhou.get("/v1/workers", params={"limit": 500})).json()["items"]
    paged: list[Any] = []
    cursor = None
    while cursor is not None or not paged:
        page = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        told = (await zhou.get("/v1/workers", params=page)).json()
        paged += told["items"]
        cursor = told["next_cursor"]
    assert paged == whole


async def test_a_worker_is_shown_with_their_posts(town: Town):
    told = await (await town.as_("lin")).get(f"/v1/workers/{id_of('ming')}")
    posts = told.json()["posts"]
    assert [(each["role"], each["worker_name"]) for each in posts] == [("grid_worker", "小明")]
    assert told.headers["ETag"] == f'"{told.json()["version"]}"'


async def test_a_worker_is_corrected_openly(town: Town):
    lin = await town.as_("lin")
    said = body()
    await lin.post("/v1/workers", json=said)
    url = f"/v1/workers/{said['id']}"
    mended = await lin.patch(url, json={"name": "黄秀瑛"}, headers={"If-Match": '"1"'})
    assert (mended.json()["name"], mended.json()["version"]) == ("黄秀瑛", 2)
    assert mended.json()["phone"] is not None, "what was not sent stays"
    late = await lin.patch(url, json={"phone": None}, headers={"If-Match": '"1"'})
    assert_problem(late, VersionMismatch)
    emptied = await lin.patch(url, json={"phone": None}, headers={"If-Match": '"2"'})
    assert emptied.json()["phone"] is None
    moved = {"grid_id": str(grid_id("t.01.01.02"))}
    await lin.patch(url, json=moved, headers={"If-Match": '"3"'})
    assert (await (await town.as_("mei")).get(url)).status_code == 200
    retried = await lin.post("/v1/workers", json=said)
    assert retried.status_code == 200, "a late retry meets what was first said"


@pytest.mark.parametrize("member", ["name", "is_party_member", "grid_id"])
async def test_what_everybody_has_cannot_be_emptied(town: Town, member: str):
    zhou = await town.as_("zhou")
    url = f"/v1/workers/{id_of('ming')}"
    refused = await zhou.patch(url, json={member: None}, headers={"If-Match": '"1"'})
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == f"/body/{member}"


async def test_who_still_serves_has_not_left(town: Town):
    zhou = await town.as_("zhou")
    left = {"left_at": "2022-02-15T08:00:00+08:00"}
    serving = await zhou.patch(
        f"/v1/workers/{id_of('ming')}", json=left, headers={"If-Match": '"1"'}
    )
    assert assert_problem(serving, WorkerStillServes)["posts"] == 1
    said = body()
    await zhou.post("/v1/workers", json=said)
    gone = await zhou.patch(f"/v1/workers/{said['id']}", json=left, headers={"If-Match": '"1"'})
    assert gone.json()["left_at"] == "2022-02-15T00:00:00Z"


async def test_who_left_yesterday_leaves_the_number_to_the_next(town: Town):
    """Numbers go with the duty, or are given out anew by the operator: also as a way to sign in."""
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    former = body(phone=_phone())
    await zhou.post("/v1/workers", json=former)
    url = f"/v1/workers/{former['id']}"
    account = {"name": f"u{former['id'][-12:]}", "initial_password": "Chuci-mima-2022"}
    assert (await gu.post(f"{url}/account", json=account)).status_code == 201
    latter = body(phone=former["phone"])
    assert_problem(await zhou.post("/v1/workers", json=latter), PhoneTaken)
    tomorrow = {"left_at": (clock.now() + timedelta(days=1)).isoformat()}
    refused = await zhou.patch(url, json=tomorrow, headers={"If-Match": '"1"'})
    assert assert_problem(refused, RecordedInTheFuture)["errors"][0]["pointer"] == "/body/left_at"
    left = {"left_at": clock.now().isoformat()}
    assert (await zhou.patch(url, json=left, headers={"If-Match": '"1"'})).status_code == 200
    assert (await zhou.post("/v1/workers", json=latter)).status_code == 201
    account = {"name": f"u{latter['id'][-12:]}", "initial_password": "Chuci-mima-2022"}
    opened = await gu.post(f"/v1/workers/{latter['id']}/account", json=account)
    assert opened.status_code == 201, opened.text
    back = await zhou.patch(url, json={"left_at": None}, headers={"If-Match": '"2"'})
    assert_problem(back, PhoneTaken)
    renumbered = {"left_at": None, "phone": _phone()}
    assert (await zhou.patch(url, json=renumbered, headers={"If-Match": '"2"'})).status_code == 200


async def test_who_is_to_serve_next_week_has_not_left(town: Town):
    zhou = await town.as_("zhou")
    said = body()
    await zhou.post("/v1/workers", json=said)
    post = {"id": str(new_id()), "worker_id": said["id"], "role": "volunteer"}
    post |= {"grid_id": said["grid_id"], "began_at": (clock.now() + timedelta(days=7)).isoformat()}
    assert (await zhou.post("/v1/posts", json=post)).status_code == 201
    left = {"left_at": clock.now().isoformat()}
    refused = await zhou.patch(f"/v1/workers/{said['id']}", json=left, headers={"If-Match": '"1"'})
    assert assert_problem(refused, WorkerStillServes)["posts"] == 1


async def test_a_correction_says_what_is_to_be_put_right(town: Town):
    zhou = await town.as_("zhou")
    url, version = f"/v1/workers/{id_of('pang')}", {"If-Match": '"1"'}
    for said in ({}, {"reason": "核对"}):
        assert_problem(await zhou.patch(url, json=said, headers=version), InvalidInput)
    assert (await zhou.get(url)).json()["version"] == 1


async def test_who_is_needed_as_a_party_member_does_not_leave_the_party(town: Town):
    lin = await town.as_("lin")
    await a_household(lin, grid="t.01.01.02", party_member_id=str(id_of("fan")))
    url = f"/v1/workers/{id_of('fan')}"
    leave = {"is_party_member": False}
    refused = await lin.patch(url, json=leave, headers={"If-Match": '"1"'})
    assert_problem(refused, StillStandsForHouseholds)
    assert (await lin.get(url)).json()["is_party_member"] is True
    unbound = await lin.patch(
        f"/v1/workers/{id_of('shan')}", json=leave, headers={"If-Match": '"1"'}
    )
    assert unbound.json()["is_party_member"] is False


async def test_who_stands_for_a_household_does_not_leave_before_it_has_another(town: Town):
    """A party member needs no post to stand for one; the door would be left with nobody."""
    lin = await town.as_("lin")
    said = body(is_party_member=True)
    await lin.post("/v1/workers", json=said)
    home = await a_household(lin, grid="t.01.01.01", party_member_id=said["id"])
    url, left = f"/v1/workers/{said['id']}", {"left_at": clock.now().isoformat()}
    refused = await lin.patch(url, json=left, headers={"If-Match": '"1"'})
    assert assert_problem(refused, StillStandsForHouseholds)["households"] == 1
    await lin.delete(f"/v1/households/{home['id']}/bonds/party_member")
    assert (await lin.patch(url, json=left, headers={"If-Match": '"1"'})).status_code == 200


async def test_a_resident_who_serves_must_be_known(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    resident = home["residents"][0]["id"]
    known = await lin.post("/v1/workers", json=body(resident_id=resident))
    assert known.json()["resident_id"] == resident
    unknown = await lin.post("/v1/workers", json=body(resident_id=str(new_id())))
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == "/body/resident_id"


async def test_whose_phone_is_put_right_signs_in_with_the_new_one_and_no_more_with_the_old(
    town: Town,
):
    lin, nobody = await town.as_("lin"), town.nobody()
    mei, former, latter = f"/v1/workers/{id_of('mei')}", _phone(), _phone()
    for phone in (former, latter):
        version = (await lin.get(mei)).headers["ETag"]
        told = await lin.patch(mei, json={"phone": phone}, headers={"If-Match": version})
        assert told.status_code == 200, told.text
    said = {"login": latter, "password": PASSWORD}
    assert (await nobody.post("/v1/sign-in", json=said)).status_code == 200
    assert_problem(await nobody.post("/v1/sign-in", json=said | {"login": former}), SignInRefused)
