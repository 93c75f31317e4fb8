"""How duties stand and what was missed: exact for any day, whoever serves by now."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.duties.board_schemas import LiveView
from api.foundation.database import Database
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, visit_body
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.duties.scenery import only_stage
from tests.readings.conftest import DAY, at, reading_body, signed_in

HAN = "t.01.02.01"
VIEWS = ("/v1/duties/board", "/v1/duties/missed", "/v1/live-view", "/v1/workload")


async def ask(client: httpx.AsyncClient, path: str, **told: Any) -> Any:
    answer = await client.get(path, params=told)
    assert answer.status_code == 200, answer.text
    return answer.json()


def tallies(board: dict[str, Any], of: str) -> dict[str, tuple[int, ...]]:
    """By window or kind: expected, done, late, missed and open of one line."""
    line = next(each for each in board["lines"] if each["id"] == of)
    names = ("expected", "done", "late", "missed", "open")
    return {
        tally["window"] or tally["kind"]: tuple(tally[name] for name in names)
        for tally in line["tallies"]
    }


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


@pytest.fixture
async def grid(town: Town) -> str:
    """A grid of its own for each story, with a worker of its own."""
    async with await signed_in(town, "gu") as gu:
        body = {"id": str(new_id()), "parent_id": str(grid_id("t.01.02")), "name": "新组"}
        said = await gu.post("/v1/grids", json=body | {"kind": "basic"})
        assert said.status_code == 201, said.text
        return said.json()["id"]


async def somebody(wei: httpx.AsyncClient, owner: Database, grid: str, **told: Any) -> Any:
    home = await a_household(wei, grid=grid if grid.startswith("t.") else UUID(grid))
    person = await a_quarantine(wei, resident=home["residents"][0]["id"], team=told.pop("team", ()))
    await only_stage(owner, person, **told)
    return person


async def appointed(wei: httpx.AsyncClient, grid: str, name: str) -> tuple[str, str]:
    """A new grid worker of a grid: worker and post."""
    worker, post = str(new_id()), str(new_id())
    told = {"id": worker, "name": name, "grid_id": grid}
    assert (await wei.post("/v1/workers", json=told)).status_code == 201
    duty = {"id": post, "worker_id": worker, "grid_id": grid, "role": "grid_worker"}
    assert (await wei.post("/v1/posts", json=duty)).status_code == 201
    return worker, post


async def test_nobody_looks_on(town: Town):
    for path in VIEWS:
        assert_problem(await town.nobody().get(path), NotSignedIn)


async def test_the_neighbour_cannot_look_over_here(town: Town):
    lin = await signed_in(town, "lin")
    for path in VIEWS:
        answer = await lin.get(path, params={"grid_id": str(grid_id(HAN))})
        problem = assert_problem(answer, NotFound)
        assert problem["errors"][0]["pointer"] == "/query/grid_id"


async def test_a_period_runs_forward_and_no_longer_than_a_month(wei: httpx.AsyncClient):
    wrong = {"from": at(0).date().isoformat(), "to": at(0, days=-1).date().isoformat()}
    assert_problem(await wei.get("/v1/duties/missed", params=wrong), InvalidInput)
    long = {"from": at(0, days=-60).date().isoformat(), "to": at(0).date().isoformat()}
    assert_problem(await wei.get("/v1/workload", params=long), InvalidInput)


async def test_one_board_leads_down_from_the_township_to_a_person(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    one = await somebody(wei, owner, grid)
    two = await somebody(wei, owner, grid, calls_per_day=1)
    await wei.post("/v1/readings", json=reading_body(one))
    morning.move_to(at(12))
    wei = await signed_in(town, "wei")
    await wei.post("/v1/readings", json=reading_body(two))
    zhou = await signed_in(town, "zhou")
    whole = await ask(zhou, "/v1/duties/board")
    assert str(grid_id("t.01")) in {line["id"] for line in whole["lines"]}
    of_village = await ask(wei, "/v1/duties/board")
    assert tallies(of_village, grid) == {
        "morning": (2, 1, 1, 0, 0),
        "evening": (2, 0, 0, 0, 2),
        "call": (1, 0, 0, 0, 1),
    }
    of_grid = await ask(wei, "/v1/duties/board", grid_id=grid)
    assert {line["kind"] for line in of_grid["lines"]} == {"household"}
    assert tallies(of_grid, one["household_id"])["morning"] == (1, 1, 0, 0, 0)
    assert tallies(of_grid, two["household_id"])["morning"] == (1, 0, 1, 0, 0)
    home = await ask(wei, "/v1/duties/board", household_id=two["household_id"])
    assert tallies(home, two["resident_id"])["call"] == (1, 0, 0, 0, 1)
    assert home["lines"][0]["name"] == two["resident_name"]


async def test_a_past_day_stays_as_it_was_after_the_team_and_the_tree_have_changed(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    person = await somebody(wei, owner, grid, team=("pang", "he", "ba", "qin"))
    await wei.post("/v1/readings", json=reading_body(person))
    day, told = DAY.isoformat(), {"grid_id": grid, "from": DAY.isoformat(), "to": DAY.isoformat()}
    morning.move_to(at(9, days=1))
    wei = await signed_in(town, "wei")
    before = await ask(wei, "/v1/duties/board", day=day, grid_id=grid)
    missed = await ask(wei, "/v1/duties/missed", **told)
    assert tallies(before, person["household_id"]) == {
        "morning": (1, 1, 0, 0, 0),
        "evening": (1, 0, 0, 1, 0),
    }
    change = {"out_worker_id": str(id_of("ba")), "in_worker_id": str(id_of("ming"))}
    path = f"/v1/quarantines/{person['id']}/team/replace"
    replaced = await wei.post(path, json=change | {"reason": "巴志愿外出"})
    assert replaced.status_code == 200, replaced.text
    gu = await signed_in(town, "gu")
    move = {"new_parent_id": str(grid_id("t.01.01")), "reason": "村界调整"}
    moved = await gu.post(f"/v1/grids/{grid}/move", json=move)
    assert moved.status_code == 200, moved.text
    lin = await signed_in(town, "lin")
    assert (await ask(lin, "/v1/duties/board", day=day, grid_id=grid))["lines"] == before["lines"]
    after = await ask(lin, "/v1/duties/missed", **told)
    assert after == missed
    on_duty = {each["name"] for each in after["items"][0]["on_duty"]}
    assert on_duty == {"庞党员", "何医生", "巴志愿", "覃党员"}


async def test_what_was_missed_names_those_who_were_there_then(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    _, post = await appointed(wei, grid, "前任员")
    person = await somebody(wei, owner, grid)
    morning.move_to(at(12))
    wei = await signed_in(town, "wei")
    ended = await wei.post(f"/v1/posts/{post}/end", json={"reason": "调离"})
    assert ended.status_code == 200, ended.text
    await appointed(wei, grid, "后任员")
    morning.move_to(at(22))
    wei = await signed_in(town, "wei")
    items = (await ask(wei, "/v1/duties/missed", grid_id=grid))["items"]
    named = {each["window"]: [who["name"] for who in each["on_duty"]] for each in items}
    assert named == {"morning": ["前任员"], "evening": ["后任员"]}
    assert {each["resident_id"] for each in items} == {person["resident_id"]}


@pytest.mark.parametrize("how", ["split", "merge", "merge, then split"])
async def test_what_was_missed_names_them_also_when_the_grid_was_another_one_then(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any, how: str
):
    await appointed(wei, grid, "原")
    person = await somebody(wei, owner, grid)
    morning.move_to(at(9, days=1))
    gu = await signed_in(town, "gu")
    into, home = grid, person["household_id"]
    for verb in how.split(", then "):
        former, into = into, str(new_id())
        part = {"id": into, "name": "新分组", "household_ids": [home]}
        body: dict[str, Any] = {"grids": [part], "reason": "户数过多"}
        if verb == "merge":
            other = {"parent_id": str(grid_id("t.01.02")), "name": "邻组", "kind": "basic"}
            assert (await gu.post("/v1/grids", json={"id": into, **other})).status_code == 201
            body = {"into_id": into, "reason": "两组合并"}
        changed = await gu.post(f"/v1/grids/{former}/{verb}", json=body)
        assert changed.status_code in {200, 201}, changed.text
    wei = await signed_in(town, "wei")
    await appointed(wei, into, "新")
    morning.move_to(at(22, days=1))
    wei = await signed_in(town, "wei")
    told = {"grid_id": into, "from": DAY.isoformat(), "to": at(0, days=1).date().isoformat()}
    items = (await ask(wei, "/v1/duties/missed", **told))["items"]
    named = [{who["name"] for who in each["on_duty"]} for each in items]
    since = {"原", "新"} if how == "merge" else {"新"}
    assert named == [{"原"}] * 2 + [since] * 2


async def test_what_was_done_at_the_door_of_somebody_who_moved_since_is_not_missed(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    await appointed(wei, grid, "原网格员")
    person = await somebody(wei, owner, grid, visits_per_day=1)
    seen = await wei.post("/v1/visits", json=visit_body({"id": person["household_id"]}))
    assert seen.status_code == 201, seen.text
    morning.move_to(at(9, days=1))
    wei = await signed_in(town, "wei")
    other = await a_household(wei, grid="t.01.02.01")
    path = f"/v1/residents/{person['resident_id']}/move"
    moved = await wei.post(path, json={"household_id": other["id"], "relation": "other"})
    assert moved.status_code == 200, moved.text
    told = {"from": DAY.isoformat(), "to": DAY.isoformat(), "household_id": other["id"]}
    items = (await ask(wei, "/v1/duties/missed", **told))["items"]
    assert [each["kind"] for each in items] == ["reading", "reading"]
    assert {who["name"] for each in items for who in each["on_duty"]} == {"原网格员"}


async def test_a_late_reading_makes_up_and_a_discarded_one_is_missed_again(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    person = await somebody(wei, owner, grid)
    body = reading_body(person)
    await wei.post("/v1/readings", json=body)
    morning.move_to(at(12))
    wei = await signed_in(town, "wei")
    assert not (await ask(wei, "/v1/duties/missed", grid_id=grid))["items"]
    await wei.post(f"/v1/readings/{body['id']}/discard", json={"reason": "登记到了别人名下"})
    assert [each["window"] for each in (await ask(wei, "/v1/duties/missed", grid_id=grid))["items"]]


async def test_the_list_of_what_was_missed_goes_on_where_a_page_ended(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    for _ in range(3):
        await somebody(wei, owner, grid, calls_per_day=1)
    morning.move_to(at(9, days=2))
    wei = await signed_in(town, "wei")
    whole = (await ask(wei, "/v1/duties/missed", grid_id=grid))["items"]
    assert len(whole) == 18
    pages, cursor = [], None
    while True:
        told = {"grid_id": grid, "limit": 4} | ({"cursor": cursor} if cursor else {})
        page = await ask(wei, "/v1/duties/missed", **told)
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == whole
    only = (await ask(wei, "/v1/duties/missed", grid_id=grid, kind="call"))["items"]
    assert {each["kind"] for each in only} == {"call"}


async def test_the_live_view_counts_every_grid_below_and_says_nothing_new_twice(
    town: Town, wei: httpx.AsyncClient, owner: Database, grid: str, morning: Any
):
    person = await somebody(wei, owner, grid)
    await wei.post("/v1/readings", json=reading_body(person))
    zhou = await signed_in(town, "zhou")
    view = await ask(zhou, "/v1/live-view", grid_id=str(grid_id("t.01.02")))
    LiveView.model_validate(view)
    mine = next(each for each in view["grids"] if each["grid_id"] == grid)
    assert (mine["quarantined"], mine["expected"], mine["done"], mine["open"]) == (1, 2, 1, 1)
    villages = await ask(zhou, "/v1/live-view", kind="village")
    assert {each["grid_id"] for each in villages["grids"]} == {
        str(grid_id("t.01.01")),
        str(grid_id("t.01.02")),
    }
    tag = (await zhou.get("/v1/live-view")).headers["ETag"]
    again = await zhou.get("/v1/live-view", headers={"If-None-Match": tag})
    assert again.status_code == 304
    fever = reading_body(person, value_c=38.2, window="evening")
    await wei.post("/v1/readings", json=fever)
    view = await ask(zhou, "/v1/live-view", grid_id=str(grid_id("t.01.02")))
    mine = next(each for each in view["grids"] if each["grid_id"] == grid)
    assert mine["open_alerts"] == {"fever": 1}


async def test_one_on_duty_from_elsewhere_looks_over_their_own_grid_only(
    town: Town, wei: httpx.AsyncClient, owner: Database
):
    person = await somebody(wei, owner, HAN, team=("pang", "he", "ba", "qin"))
    board = await ask(await signed_in(town, "ba"), "/v1/duties/board")
    assert person["household_id"] not in {line["id"] for line in board["lines"]}
    answer = await (await signed_in(town, "ba")).get(
        "/v1/duties/board", params={"grid_id": str(grid_id(HAN))}
    )
    assert_problem(answer, NotFound)
