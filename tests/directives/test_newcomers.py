"""An order that runs while posts begin, grids are opened and people follow one another (M1.7)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.directives.newcomers import tell_newcomers
from api.foundation import clock
from api.foundation.records import new_id
from tests.cast import Town, grid_id
from tests.directives.conftest import DIRECTIVES, directive_body, issued, names, swept

HOME = str(grid_id("t.01.01.01"))


@pytest.fixture(autouse=True)
async def nobody_else_is_new(town: Town):
    await swept(town, tell_newcomers, clock.now())


async def _posted(
    client: httpx.AsyncClient, name: str, *, grid: str = HOME, **told: Any
) -> dict[str, str]:
    """Somebody new at a post of a grid: the body of that post."""
    worker = {"id": str(new_id()), "name": name, "grid_id": grid}
    assert (await client.post("/v1/workers", json=worker)).status_code == 201
    post = {"id": str(new_id()), "worker_id": worker["id"], "grid_id": grid, "role": "volunteer"}
    answer = await client.post("/v1/posts", json=post | told)
    assert answer.status_code == 201, answer.text
    return post | told


async def test_who_takes_up_a_post_while_an_order_runs_is_told_of_it_once(town: Town):
    lin = await town.as_("lin")
    kept = await issued(lin, roles=["volunteer"])
    since = (await lin.get("/v1/events/poll")).json()["next"]
    post = await _posted(lin, "卢后来")
    assert await swept(town, tell_newcomers, clock.now()) > 0
    assert await swept(town, tell_newcomers, clock.now()) == 0
    assert "卢后来" in await names(lin, kept["id"], outstanding="true")
    heard = (await lin.get("/v1/events/poll", params={"after": since})).json()["items"]
    told = [e["subject_id"] for e in heard if e["kind"] == "directive.issued"]
    assert told.count(kept["id"]) == 1
    said = {"post_id": post["id"], "report": "已排查12户"}
    assert (await lin.post(f"{DIRECTIVES}/{kept['id']}/report", json=said)).status_code == 200


async def test_whom_it_is_not_for_is_not_told_nor_after_the_deadline_or_the_end(town: Town):
    lin, mei = await town.as_("lin"), str(grid_id("t.01.01.02"))
    asked = [
        await issued(lin, roles=["party_member"]),
        await issued(lin, levels=[3], roles=["volunteer", "grid_leader", "cadre"]),
        await issued(lin, grid="t.01.01.02"),
        await issued(lin, deadline_at=(clock.now() + timedelta(minutes=1)).isoformat()),
        await issued(lin),
    ]
    ended = await lin.post(f"{DIRECTIVES}/{asked[-1]['id']}/withdraw", json={"reason": "重复"})
    assert ended.status_code == 200
    await _posted(lin, "覃后来")
    later = (clock.now() + timedelta(days=1)).isoformat()
    await _posted(lin, "甘后来", grid=mei, began_at=later)
    await swept(town, tell_newcomers, clock.now() + timedelta(minutes=2))
    for each in asked:
        assert {"覃后来", "甘后来"}.isdisjoint(await names(lin, each["id"]))


async def test_a_grid_opened_below_is_told_of_it(town: Town):
    lin, gu = await town.as_("lin"), await town.as_("gu")
    kept = await issued(lin)
    village = str(grid_id("t.01.01"))
    grid = {
        "id": str(new_id()),
        "parent_id": village,
        "code": "451422201201099",
        "name": "柳村新组",
        "kind": "basic",
        "opened_on": clock.today().isoformat(),
    }
    opened = await gu.post("/v1/grids", json=grid)
    assert opened.status_code == 201, opened.text
    await _posted(lin, "莫新组", grid=grid["id"], role="grid_worker")
    await swept(town, tell_newcomers, clock.now())
    progress = (await lin.get(f"{DIRECTIVES}/{kept['id']}/progress")).json()
    [there] = [each for each in progress["grids"] if each["grid_id"] == grid["id"]]
    assert (there["tally"]["posts"], there["tally"]["outstanding"]) == (1, 1)


async def test_whose_predecessor_answered_is_not_asked_again(town: Town):
    lin, road = await town.as_("lin"), str(grid_id("t.01.01.02"))
    former = await _posted(lin, "韦前任", grid=road)
    kept = await issued(lin, grid="t.01.01.02", roles=["volunteer"])
    fresh = {"id": str(new_id()), "name": "岑后任", "grid_id": road}
    assert (await lin.post("/v1/workers", json=fresh)).status_code == 201
    said = {"post_id": former["id"], "report": "已办"}
    assert (await lin.post(f"{DIRECTIVES}/{kept['id']}/report", json=said)).status_code == 200
    to = {"successor_worker_id": fresh["id"], "new_post_id": str(new_id()), "reason": "外出务工"}
    passed = await lin.post(f"/v1/posts/{former['id']}/hand-over", json=to)
    assert passed.status_code == 200, passed.text
    await swept(town, tell_newcomers, clock.now())
    assert await names(lin, kept["id"]) == {"韦前任"}


async def test_an_order_to_a_grid_that_was_merged_is_none_to_who_served_the_other(town: Town):
    lin, gu = await town.as_("lin"), await town.as_("gu")
    former, into = str(new_id()), str(new_id())
    for grid, name in ((former, "河边组"), (into, "山脚组")):
        body = {"id": grid, "parent_id": str(grid_id("t.01.01")), "name": name, "kind": "basic"}
        assert (await gu.post("/v1/grids", json=body)).status_code == 201
    await _posted(lin, "农河边", grid=former)
    await _posted(lin, "黄山脚", grid=into)
    told = directive_body() | {"grid_id": former}
    assert (await lin.post(DIRECTIVES, json=told)).status_code == 201
    merge = {"into_id": into, "reason": "两组合并"}
    assert (await gu.post(f"/v1/grids/{former}/merge", json=merge)).status_code == 200
    await swept(town, tell_newcomers, clock.now())
    assert await names(lin, told["id"]) == {"农河边"}
    await _posted(lin, "覃后来", grid=into)
    await swept(town, tell_newcomers, clock.now())
    assert await names(lin, told["id"]) == {"农河边", "覃后来"}
