"""Reading the tree, opening grids with their codes, and naming them."""

from typing import Any

import pytest

from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.grids.problems import CodeMisshapen, CodeNeeded, CodeTaken, GridKindMisfit
from api.settings import Settings
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.grids.crowd import a_grid

VILLAGE = "t.01.02"


def body(parent: str = VILLAGE, **told: Any) -> dict[str, Any]:
    place = str(grid_id(parent))
    return {"id": str(new_id()), "parent_id": place, "name": "新网格", "kind": "basic", **told}


async def test_nobody_reads_no_tree(town: Town):
    assert_problem(await town.nobody().get("/v1/grids"), NotSignedIn)
    assert_problem(await town.nobody().post("/v1/grids", json=body()), NotSignedIn)


async def test_the_neighbour_is_not_there(town: Town):
    ming = await town.as_("ming")
    for path in ("t.01.01.02", "t.01.01", "t"):
        for view in ("", "/children", "/ancestors"):
            assert_problem(await ming.get(f"/v1/grids/{grid_id(path)}{view}"), NotFound)


async def test_another_cell_is_not_there(town: Town):
    bai = await town.as_("bai")
    assert_problem(await bai.get(f"/v1/grids/{grid_id('t')}"), NotFound)
    assert [each["name"] for each in (await bai.get("/v1/grids")).json()["items"]] == ["白水乡"]


async def test_the_tree_of_my_reach_comes_in_one_call_with_its_leaders(town: Town):
    tree = (await (await town.as_("lin")).get("/v1/grids")).json()["items"]
    assert [each["name"] for each in tree] == ["柳村", "柳村一组", "柳村二组"]
    village, first, _ = tree
    assert village["leaders"][0]["name"] == "林支书"
    assert village["children"] == 2
    assert first["parent_id"] == village["id"]
    assert [each["name"] for each in first["leaders"]] == ["小明"]
    assert "path" not in village


async def test_the_tree_can_be_read_level_by_level(town: Town):
    li = await town.as_("li")
    levels = [
        {each["level"] for each in (await li.get("/v1/grids", params={"depth": d})).json()["items"]}
        for d in (0, 1, 2)
    ]
    assert levels == [{2}, {2, 3}, {2, 3, 4}]
    children = (await li.get(f"/v1/grids/{grid_id('t.01')}/children")).json()["items"]
    assert [each["name"] for each in children] == ["柳村", "榕村"]
    assert_problem(await li.get("/v1/grids", params={"depth": -1}), InvalidInput)


async def test_a_grid_worker_knows_who_stands_above(town: Town):
    ming = await town.as_("ming")
    above = (await ming.get(f"/v1/grids/{grid_id('t.01.01.01')}/ancestors")).json()["items"]
    told = [(each["name"], [who["name"] for who in each["leaders"]]) for each in above]
    assert told == [("青竹乡", ["周书记"]), ("东片", ["李委员"]), ("柳村", ["林支书"])]


async def test_somebody_registered_elsewhere_is_named_where_they_serve(town: Town):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    worker, post = str(new_id()), str(new_id())
    registered = {"id": worker, "name": "外村网格长", "grid_id": str(grid_id("t"))}
    assert (await zhou.post("/v1/workers", json=registered)).status_code == 201
    place = str(grid_id("t.01.01.02"))
    appointed = {"id": post, "worker_id": worker, "grid_id": place, "role": "grid_leader"}
    assert (await zhou.post("/v1/posts", json=appointed)).status_code == 201
    leaders = (await lin.get(f"/v1/grids/{place}")).json()["leaders"]
    assert [each["name"] for each in leaders] == ["外村网格长", "梅大姐"]


async def test_only_the_township_opens_grids(town: Town):
    for name in ("lin", "li", "ming"):
        assert_problem(await (await town.as_(name)).post("/v1/grids", json=body()), NotPermitted)


async def test_a_grid_gets_the_next_code_of_its_village(town: Town):
    zhou = await town.as_("zhou")
    said = body(name="𠮷'); DROP TABLE grids; --")
    first = await zhou.post("/v1/grids", json=said)
    assert first.status_code == 201, first.text
    assert first.headers["Location"] == f"/v1/grids/{said['id']}"
    assert first.json()["code"] == "451422201202002"
    assert first.json()["name"] == said["name"]
    assert first.json()["level"] == 4
    again = await zhou.post("/v1/grids", json=said)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await zhou.post("/v1/grids", json={**said, "name": "别的"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["name"]
    below = body(parent=VILLAGE, kind="micro") | {"parent_id": said["id"]}
    assert (await zhou.post("/v1/grids", json=below)).json()["code"] == "451422201202003"
    area = await zhou.post("/v1/grids", json=body("t", kind="area"))
    assert area.json()["code"] == "451422201000001"


async def test_a_given_code_is_held_to_its_village_and_to_the_pattern(town: Town):
    zhou = await town.as_("zhou")
    given = await zhou.post("/v1/grids", json=body(code="451422201202777"))
    assert given.json()["code"] == "451422201202777"
    taken = await zhou.post("/v1/grids", json=body(code="451422201202777"))
    assert assert_problem(taken, CodeTaken)["errors"][0]["pointer"] == "/body/code"
    for wrong in ("451422201201778", "4514222012027", "451422201202", "45142220120277A"):
        refused = await zhou.post("/v1/grids", json=body(code=wrong))
        assert_problem(refused, CodeMisshapen)
    village = {"kind": "village", "parent": "t.01"}
    assert_problem(await zhou.post("/v1/grids", json=body(**village)), CodeNeeded)
    foreign = await zhou.post("/v1/grids", json=body(**village, code="451422202203"))
    assert_problem(foreign, CodeMisshapen)
    opened = await zhou.post("/v1/grids", json=body(**village, code="451422201203"))
    assert opened.status_code == 201


async def test_another_place_has_another_pattern(town: Town, settings: Settings):
    zhou = await town.as_("zhou")
    town.app.state.settings = settings.model_copy(
        update={"grid_code_pattern": r"\d{12}(G\d{4}|\d{4})?"}
    )
    try:
        numbered = await zhou.post("/v1/grids", json=body("t.01.01"))
        lettered = await zhou.post("/v1/grids", json=body("t.01.01", code="451422201201G0001"))
    finally:
        town.app.state.settings = settings
    assert numbered.json()["code"] == "4514222012010001"
    assert lettered.status_code == 201


@pytest.mark.parametrize(
    ("parent", "kind"),
    [("t", "township"), ("t.01.01", "village"), ("t.01.01", "area"), ("t.01.01.01", "village")],
)
async def test_a_larger_grid_does_not_lie_below_a_smaller_one(town: Town, parent: str, kind: str):
    refused = await (await town.as_("zhou")).post("/v1/grids", json=body(parent, kind=kind))
    assert assert_problem(refused, GridKindMisfit)["errors"][0]["pointer"] == "/body/kind"


async def test_a_town_without_villages_hangs_its_grids_under_the_township(town: Town):
    grid = await a_grid(town, "t")
    seen = (await (await town.as_("zhou")).get(f"/v1/grids/{grid}")).json()
    assert (seen["level"], seen["code"][:12]) == (2, "451422201000")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": " "}, "/body/name"),
        ({"name": "x" * 51}, "/body/name"),
        ({"kind": "hamlet"}, "/body/kind"),
        ({"id": "1"}, "/body/id"),
        ({"code": "\u0000"}, "/body/code"),
        ({"path": "t.09"}, "/body/path"),
        ({"opened_on": "2022-02-30"}, "/body/opened_on"),
        ({"opened_on": "0002-01-01"}, "/body/opened_on"),
        ({"opened_on": "9998-12-31"}, "/body/opened_on"),
    ],
)
async def test_each_bad_field_is_pointed_at(town: Town, wrong: dict[str, Any], pointer: str):
    refused = await (await town.as_("zhou")).post("/v1/grids", json=body(**wrong))
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == pointer


async def test_a_parent_out_of_reach_is_not_found(town: Town):
    response = await (await town.as_("zhou")).post("/v1/grids", json=body(parent="t.99"))
    assert assert_problem(response, NotFound)["errors"][0]["pointer"] == "/body/parent_id"


async def test_a_grid_is_renamed_openly(town: Town):
    zhou = await town.as_("zhou")
    grid = await a_grid(town, VILLAGE)
    url, rename = f"/v1/grids/{grid}", {"name": "那蒙屯"}
    assert_problem(await zhou.patch(url, json=rename), VersionMissing)
    renamed = await zhou.patch(url, json=rename, headers={"If-Match": '"1"'})
    assert (renamed.json()["name"], renamed.headers["ETag"]) == ("那蒙屯", '"2"')
    late = await zhou.patch(url, json={"name": "别名"}, headers={"If-Match": '"1"'})
    assert assert_problem(late, VersionMismatch)["version"] == 2
    assert (await zhou.get(url)).json()["leaders"] == []
    assert str(id_of("zhou")) in (await zhou.get(f"/v1/grids/{grid_id('t')}")).text
