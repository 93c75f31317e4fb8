"""Who appoints whom, where; how a post ends, and what becomes of its duties."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    PostingChanged,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.grids.models import Grid, GridKind
from api.grids.posts import check_rank
from api.grids.problems import (
    AboveYourRank,
    HouseholdNotNamed,
    LastAdministrator,
    OpenDuties,
    PostEnded,
    PostHeld,
    SuccessorIsHolder,
)
from tests.builders import a_household
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

REASON = {"reason": "工作调动"}
TODAY = date(2022, 2, 15)


async def a_worker(town: Town, place: str = "t.01.01", **told: Any) -> str:
    body = {"id": str(new_id()), "name": "新来的", "grid_id": str(grid_id(place)), **told}
    response = await (await town.as_("zhou")).post("/v1/workers", json=body)
    assert response.status_code == 201, response.text
    return body["id"]


def body(worker: str, place: str, role: str, **told: Any) -> dict[str, Any]:
    grid = str(grid_id(place))
    return {"id": str(new_id()), "worker_id": worker, "grid_id": grid, "role": role, **told}


async def appointed(town: Town, name: str, said: dict[str, Any]) -> str:
    response = await (await town.as_(name)).post("/v1/posts", json=said)
    assert response.status_code == 201, response.text
    return said["id"]


async def test_nobody_appoints_nobody(town: Town):
    said = body(str(id_of("ba")), "t.01.01.01", "volunteer")
    assert_problem(await town.nobody().post("/v1/posts", json=said), NotSignedIn)
    assert_problem(await (await town.as_("ming")).post("/v1/posts", json=said), NotPermitted)


@pytest.mark.parametrize("began_at", ["0002-01-01T00:00:00+08:00", "9998-01-01T00:00:00+08:00"])
async def test_nobody_serves_from_another_age(town: Town, began_at: str):
    said = body(await a_worker(town), "t.01.01.01", "volunteer", began_at=began_at)
    refused = await (await town.as_("lin")).post("/v1/posts", json=said)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/began_at"
    long_ago = said | {"began_at": "1998-07-01T00:00:00+08:00"}
    await appointed(town, "lin", long_ago)


async def test_the_neighbours_posts_are_not_there(town: Town):
    lin, worker = await town.as_("lin"), await a_worker(town)
    assert_problem(await lin.get(f"/v1/posts/{id_of('post han')}"), NotFound)
    assert_problem(await lin.post(f"/v1/posts/{id_of('post han')}/end", json=REASON), NotFound)
    outside = await lin.post("/v1/posts", json=body(worker, "t.01.02.01", "volunteer"))
    assert assert_problem(outside, NotFound)["errors"][0]["pointer"] == "/body/grid_id"
    stranger = await lin.post("/v1/posts", json=body(str(id_of("he")), "t.01.01", "medic"))
    assert assert_problem(stranger, NotFound)["errors"][0]["pointer"] == "/body/worker_id"


APPOINTERS: Sequence[tuple[str, str, str, bool]] = (
    ("gu", "t", "administrator", True),
    ("gu", "t.01.01.01", "administrator", True),
    ("gu", "t", "grid_leader", True),
    ("zhou", "t", "administrator", False),
    ("zhou", "t.01.01", "administrator", False),
    ("zhou", "t", "grid_leader", False),
    ("zhou", "t", "cadre", True),
    ("zhou", "t.01", "grid_leader", True),
    ("li", "t.01", "grid_worker", False),
    ("li", "t.01", "grid_leader", False),
    ("li", "t.01", "volunteer", True),
    ("li", "t.01.01", "grid_leader", True),
    ("lin", "t.01.01", "grid_leader", False),
    ("lin", "t.01.01", "cadre", True),
    ("lin", "t.01.01.01", "grid_leader", True),
    ("lin", "t.01.01.01", "grid_worker", True),
    ("shan", "t.01.01", "cadre", False),
    ("shan", "t.01.01", "grid_leader", False),
    ("shan", "t.01.01.02", "grid_worker", True),
)


@pytest.mark.parametrize(("name", "place", "role", "may"), APPOINTERS)
async def test_nobody_makes_an_equal_or_a_superior(
    town: Town, name: str, place: str, role: str, may: bool
):
    worker = await a_worker(town, place)
    response = await (await town.as_(name)).post("/v1/posts", json=body(worker, place, role))
    if may:
        assert response.status_code == 201, response.text
    else:
        assert_problem(response, AboveYourRank)


async def test_nobody_gives_away_more_than_they_hold(town: Town):
    li = town.app.state.keys.tokens.read(await town.token_of("li"))
    area = Grid(
        id=new_id(), code="", name="", kind=GridKind.area, level=2, path="t.02", opened_on=TODAY
    )
    with pytest.raises(AboveYourRank):
        check_rank(li, Role.grid_leader, area)
    check_rank(li, Role.volunteer, area)


async def test_a_superior_is_not_ended_from_below(town: Town):
    shan, lin = await town.as_("shan"), await town.as_("lin")
    for client, post in ((shan, "lin"), (shan, "shan"), (lin, "lin")):
        refused = await client.post(f"/v1/posts/{id_of(f'post {post}')}/end", json=REASON)
        assert_problem(refused, AboveYourRank)
        successor = {"successor_worker_id": str(id_of("ba")), "new_post_id": str(new_id())}
        url = f"/v1/posts/{id_of(f'post {post}')}/hand-over"
        assert_problem(await client.post(url, json=successor | REASON), AboveYourRank)


async def test_a_post_is_one_however_often_it_is_sent(town: Town):
    lin, worker = await town.as_("lin"), await a_worker(town)
    said = body(worker, "t.01.01.01", "volunteer", title="宣传队")
    answers = await asyncio.gather(*(lin.post("/v1/posts", json=said) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    held = await lin.post("/v1/posts", json=said | {"id": str(new_id())})
    assert assert_problem(held, PostHeld)["errors"][0]["pointer"] == "/body/role"
    read = (await lin.get(f"/v1/posts/{said['id']}")).json()
    assert (read["title"], read["worker_name"]) == ("宣传队", "新来的")


async def test_an_ended_post_opens_no_door_whatever_its_token_says(town: Town):
    lin, worker = await town.as_("lin"), await a_worker(town, "t.01.01.01")
    post = await appointed(town, "lin", body(worker, "t.01.01.01", "grid_worker"))
    await _account(town, worker)
    token = await town.token_at(
        UUID(worker), TOWNSHIP, UUID(post), grid_id("t.01.01.01"), 4, Role.grid_worker
    )
    holder = town.client(token)
    assert (await holder.get("/v1/grids")).status_code == 200
    ended = await lin.post(f"/v1/posts/{post}/end", json=REASON)
    assert ended.json()["ended_reason"] == "工作调动"
    assert_problem(await holder.get("/v1/grids"), PostingChanged)
    assert_problem(await holder.post("/v1/workers", json={}), NotPermitted)
    again = await lin.post(f"/v1/posts/{post}/end", json={"reason": "别的原因"})
    assert again.json() == ended.json()


async def test_the_last_administrator_stays(town: Town, ground: asyncpg.Connection):
    gu = await town.as_("gu")
    others = await ground.fetch(
        "SELECT id FROM posts WHERE role = 'administrator' AND ended_at IS NULL AND id <> $1",
        id_of("post gu"),
    )
    for row in others:
        assert (await gu.post(f"/v1/posts/{row['id']}/end", json=REASON)).status_code == 200
    last = await gu.post(f"/v1/posts/{id_of('post gu')}/end", json=REASON)
    assert_problem(last, LastAdministrator)


async def test_a_household_representative_reaches_the_own_household_only(town: Town):
    lin = await town.as_("lin")
    home, other = [await a_household(lin, grid="t.01.01.01") for _ in range(2)]
    worker = await a_worker(town, "t.01.01.01", resident_id=home["residents"][0]["id"])
    said = body(worker, "t.01.01.01", "household_representative", household_id=home["id"])
    for wrong in (
        said | {"household_id": None},
        said | {"role": "volunteer"},
    ):
        assert_problem(await lin.post("/v1/posts", json=wrong), HouseholdNotNamed)
    elsewhere = await lin.post("/v1/posts", json=said | {"grid_id": str(grid_id("t.01.01.02"))})
    assert assert_problem(elsewhere, NotFound)["errors"][0]["pointer"] == "/body/household_id"
    post = await appointed(town, "lin", said)
    await _account(town, worker)
    token = await town.token_at(
        UUID(worker),
        TOWNSHIP,
        UUID(post),
        grid_id("t.01.01.01"),
        4,
        Role.household_representative,
    )
    representative = town.client(token)
    assert (await representative.get(f"/v1/households/{home['id']}")).status_code == 200
    assert_problem(await representative.get(f"/v1/households/{other['id']}"), NotFound)
    assert (await representative.get("/v1/grids")).json()["items"] == []


async def test_posts_are_listed_by_grid_person_role_and_time(town: Town):
    zhou = await town.as_("zhou")

    async def listed(**params: Any) -> set[str]:
        found = await zhou.get("/v1/posts", params={"limit": 500, **params})
        assert found.status_code == 200, found.text
        return {each["id"] for each in found.json()["items"]}

    han, wei = str(id_of("post han")), str(id_of("post wei"))
    village = str(grid_id("t.01.02"))
    assert wei in await listed(grid_id=village)
    assert han not in await listed(grid_id=village)
    assert han in await listed(grid_id=village, below=True)
    assert await listed(worker_id=str(id_of("han"))) == {han}
    assert han not in await listed(role="grid_leader")
    ended = await appointed(town, "zhou", body(await a_worker(town), "t.01.01", "volunteer"))
    await zhou.post(f"/v1/posts/{ended}/end", json=REASON)
    assert ended in await listed(current=False)
    assert ended not in await listed(current=True)


async def test_many_are_appointed_at_once_each_for_itself(town: Town):
    lin = await town.as_("lin")
    workers = [await a_worker(town, "t.01.01.01") for _ in range(3)]
    items = [
        body(workers[0], "t.01.01.01", "volunteer"),
        body(workers[1], "t.01.01", "grid_leader"),
        body(workers[2], "t.01.01.02", "party_member"),
        body(workers[0], "t.01.01.01", "volunteer"),
    ]
    told = (await lin.post("/v1/posts/batch", json={"items": items})).json()
    outcomes = [each["outcome"] for each in told["items"]]
    assert outcomes == ["created", "refused", "created", "refused"]
    problems = [each["problem"] and each["problem"]["type"] for each in told["items"]]
    assert problems[1::2] == ["/problems/above-your-rank", "/problems/post-held"]


async def test_open_duties_keep_a_post_until_somebody_takes_them_over(
    town: Town, ground: asyncpg.Connection
):
    lin = await town.as_("lin")
    leaving, successor = await a_worker(town), await a_worker(town)
    post = await appointed(town, "lin", body(leaving, "t.01.01.02", "grid_worker", title="屯长"))
    homes = [await a_household(lin, grid="t.01.01.02", grid_worker_id=leaving) for _ in range(3)]
    refused = await lin.post(f"/v1/posts/{post}/end", json=REASON)
    assert assert_problem(refused, OpenDuties)["duties"] == {"bonds": 3}

    said = {"successor_worker_id": successor, "new_post_id": str(new_id()), **REASON}
    done = await lin.post(f"/v1/posts/{post}/hand-over", json=said)

    assert done.status_code == 200, done.text
    assert done.json()["passed_on"]["bonds"] == 3
    assert done.json()["ended"]["ended_at"] is not None
    taken = done.json()["successor"]
    assert (taken["id"], taken["title"], taken["role"]) == (
        said["new_post_id"],
        "屯长",
        "grid_worker",
    )
    for home in homes:
        bonds = (await lin.get(f"/v1/households/{home['id']}")).json()["bonds"]
        assert [each["worker_id"] for each in bonds] == [successor]
    noted = await ground.fetchval(
        "SELECT details -> 'passed_on' ->> 'bonds' FROM audit_entries "
        "WHERE action = 'posts.hand-over' AND subject_id = $1",
        UUID(post),
    )
    assert noted == "3"
    again = await lin.post(f"/v1/posts/{post}/hand-over", json=said)
    assert again.json() == {**done.json(), "passed_on": {}}
    late = said | {"successor_worker_id": await a_worker(town)}
    assert_problem(await lin.post(f"/v1/posts/{post}/hand-over", json=late), PostEnded)


async def test_a_successor_who_holds_the_same_post_keeps_it(town: Town):
    lin = await town.as_("lin")
    leaving, successor = await a_worker(town), await a_worker(town)
    post, same = [
        await appointed(town, "lin", body(worker, "t.01.01.02", "volunteer"))
        for worker in (leaving, successor)
    ]
    said = {"successor_worker_id": successor, "new_post_id": str(new_id()), **REASON}
    done = await lin.post(f"/v1/posts/{post}/hand-over", json=said)
    assert done.json()["successor"]["id"] == same
    own = said | {"successor_worker_id": successor}
    refused = await lin.post(f"/v1/posts/{same}/hand-over", json=own)
    assert_problem(refused, SuccessorIsHolder)


async def test_a_post_yet_to_come_is_handed_on_for_its_day(town: Town):
    lin = await town.as_("lin")
    leaving, successor = await a_worker(town), await a_worker(town)
    next_week = (clock.now() + timedelta(days=7)).isoformat()
    coming = body(leaving, "t.01.01.02", "grid_worker") | {"began_at": next_week}
    post = await appointed(town, "lin", coming)
    said = {"successor_worker_id": successor, "new_post_id": str(new_id()), **REASON}
    done = await lin.post(f"/v1/posts/{post}/hand-over", json=said)
    assert done.status_code == 200, done.text
    planned = (await lin.get(f"/v1/posts/{post}")).json()["began_at"]
    assert done.json()["successor"]["began_at"] == planned


async def test_a_successor_whose_own_post_is_yet_to_come_begins_with_the_handover(town: Town):
    lin = await town.as_("lin")
    leaving, successor = await a_worker(town), await a_worker(town)
    post = await appointed(town, "lin", body(leaving, "t.01.01.02", "volunteer"))
    next_week = (clock.now() + timedelta(days=7)).isoformat()
    coming = body(successor, "t.01.01.02", "volunteer") | {"began_at": next_week}
    same = await appointed(town, "lin", coming)
    said = {"successor_worker_id": successor, "new_post_id": str(new_id()), **REASON}
    done = (await lin.post(f"/v1/posts/{post}/hand-over", json=said)).json()
    assert done["successor"]["id"] == same
    assert done["successor"]["began_at"] <= done["ended"]["ended_at"]
    assert (await lin.post("/v1/posts", json=coming | {"id": same})).status_code == 200


async def test_a_successors_post_does_not_take_the_id_of_another(town: Town):
    lin = await town.as_("lin")
    leaving, successor = await a_worker(town), await a_worker(town)
    post = await appointed(town, "lin", body(leaving, "t.01.01.02", "volunteer"))
    taken = await appointed(town, "lin", body(await a_worker(town), "t.01.01.02", "volunteer"))
    said = {"successor_worker_id": successor, "new_post_id": taken, **REASON}
    refused = await lin.post(f"/v1/posts/{post}/hand-over", json=said)
    assert assert_problem(refused, RecordDiffers)["fields"] == ["new_post_id"]
    assert (await lin.get(f"/v1/posts/{post}")).json()["ended_at"] is None


async def _account(town: Town, worker: str) -> None:
    wanted = {"name": f"u{worker[-12:]}", "initial_password": "Chuci-mima-2022"}
    url = f"/v1/workers/{worker}/account"
    opened = await (await town.as_("gu")).post(url, json=wanted)
    assert opened.status_code == 201, opened.text
