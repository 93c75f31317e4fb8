"""Unanswered directives when a post ends: the successor owes them, or nobody does (M1.7)."""

from datetime import timedelta
from typing import Any

import httpx

from api.directives.lateness import remind
from api.foundation import clock
from api.foundation.records import new_id
from api.grids.problems import OpenDuties
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.directives.conftest import DIRECTIVES, issued, names, receipts, swept

HOME = str(grid_id("t.01.01.01"))


async def _volunteer(lin: httpx.AsyncClient, name: str) -> tuple[str, str]:
    """A new volunteer of 柳村一组: the ids of the person and of the post."""
    worker = {"id": str(new_id()), "name": name, "grid_id": HOME}
    assert (await lin.post("/v1/workers", json=worker)).status_code == 201
    post = {"id": str(new_id()), "worker_id": worker["id"], "grid_id": HOME, "role": "volunteer"}
    assert (await lin.post("/v1/posts", json=post)).status_code == 201
    return worker["id"], post["id"]


def _to(successor: str) -> dict[str, Any]:
    new_post = str(new_id())
    return {"successor_worker_id": successor, "new_post_id": new_post, "reason": "外出务工"}


async def test_a_post_that_owes_an_answer_ends_when_somebody_gave_it(town: Town):
    lin = await town.as_("lin")
    _, post = await _volunteer(lin, "卢志愿")
    kept = await issued(lin, roles=["volunteer"])
    refused = await lin.post(f"/v1/posts/{post}/end", json={"reason": "外出"})
    assert assert_problem(refused, OpenDuties)["duties"] == {"directives": 1}
    said = {"post_id": post, "report": "已电话办结"}
    assert (await lin.post(f"{DIRECTIVES}/{kept['id']}/report", json=said)).status_code == 200
    assert (await lin.post(f"/v1/posts/{post}/end", json={"reason": "外出"})).status_code == 200
    assert "卢志愿" in await names(lin, kept["id"])


async def test_the_successor_answers_what_was_open_and_its_history_is_kept(town: Town):
    lin = await town.as_("lin")
    _, post = await _volunteer(lin, "莫志愿")
    successor, _ = await _volunteer(lin, "甘志愿")
    [answered, waiting] = [await issued(lin, roles=["volunteer"]) for _ in range(2)]
    done = {"post_id": post}
    await lin.post(f"{DIRECTIVES}/{answered['id']}/report", json=done)
    ended = await lin.post(f"{DIRECTIVES}/{waiting['id']}/close", json={"reason": "改日"})
    assert ended.status_code == 200
    only = await issued(lin, roles=["volunteer"])
    fresh = {"id": str(new_id()), "name": "覃志愿", "grid_id": HOME}
    assert (await lin.post("/v1/workers", json=fresh)).status_code == 201
    passed = await lin.post(f"/v1/posts/{post}/hand-over", json=_to(fresh["id"]))
    assert passed.status_code == 200, passed.text
    assert passed.json()["passed_on"]["directives"] == 1
    assert "覃志愿" in await names(lin, only["id"], outstanding="true")
    assert "莫志愿" not in await names(lin, only["id"])
    assert "莫志愿" in await names(lin, answered["id"])
    assert successor != fresh["id"]


async def test_the_successor_is_told_and_reminded_although_the_one_before_was(town: Town):
    lin, begins = await town.as_("lin"), clock.now() + timedelta(hours=2, minutes=1)
    _, post = await _volunteer(lin, "农志愿")
    kept = await issued(lin, roles=["volunteer"])
    await swept(town, remind, begins)
    since = (await lin.get("/v1/events/poll")).json()["next"]
    fresh = {"id": str(new_id()), "name": "岑志愿", "grid_id": HOME}
    assert (await lin.post("/v1/workers", json=fresh)).status_code == 201
    to = _to(fresh["id"])
    assert (await lin.post(f"/v1/posts/{post}/hand-over", json=to)).status_code == 200
    heard = (await lin.get("/v1/events/poll", params={"after": since})).json()["items"]
    assert ("duties.changed", to["new_post_id"]) in {(e["kind"], e["subject_id"]) for e in heard}
    await swept(town, remind, begins)
    told = {each["worker_name"]: each for each in await receipts(lin, kept["id"])}
    assert told["岑志愿"]["reminded_at"]


async def test_a_successor_who_was_told_already_owes_one_answer_and_the_ended_post_none(
    town: Town,
):
    lin = await town.as_("lin")
    _, post = await _volunteer(lin, "韦志愿")
    kept = await issued(lin, roles=["volunteer"])
    passed = await lin.post(f"/v1/posts/{post}/hand-over", json=_to(str(id_of("ba"))))
    assert passed.status_code == 200, passed.text
    assert passed.json()["passed_on"]["directives"] == 0
    waiting = await names(lin, kept["id"], outstanding="true")
    assert "巴志愿" in waiting
    assert "韦志愿" not in waiting
    progress = (await lin.get(f"{DIRECTIVES}/{kept['id']}/progress")).json()
    assert progress["total"]["posts"] == len(waiting)


async def test_a_grid_that_moved_away_owes_nothing_and_what_it_answered_counts(town: Town):
    """A group of 柳村 becomes one of 榕村: an order to 柳村 does not bind it any more."""
    gu, lin, zhou = await town.as_("gu"), await town.as_("lin"), await town.as_("zhou")
    group = {"id": str(new_id()), "parent_id": str(grid_id("t.01.01")), "kind": "basic"}
    assert (await gu.post("/v1/grids", json=group | {"name": "柳村边组"})).status_code == 201
    posts: list[str] = []
    for name in ("边一", "边二"):
        worker = {"id": str(new_id()), "name": name, "grid_id": group["id"]}
        assert (await lin.post("/v1/workers", json=worker)).status_code == 201
        held = {"id": str(new_id()), "worker_id": worker["id"], "grid_id": group["id"]}
        assert (await lin.post("/v1/posts", json=held | {"role": "cadre"})).status_code == 201
        posts.append(held["id"])
    kept = await issued(zhou, roles=["cadre"])
    one = f"{DIRECTIVES}/{kept['id']}"
    said = {"post_id": posts[0]}
    assert (await lin.post(f"{one}/report", json=said)).status_code == 200
    move = {"new_parent_id": str(grid_id("t.01.02")), "reason": "片区调整"}
    moved = await gu.post(f"/v1/grids/{group['id']}/move", json=move)
    assert moved.status_code == 200, moved.text
    assert await names(zhou, kept["id"], outstanding="true") == {"单干部"}
    whole = {"grid_id": str(grid_id("t"))}
    progress = (await zhou.get(f"{one}/progress", params=whole)).json()
    assert (progress["total"]["posts"], progress["total"]["answered"]) == (2, 1)
    wei = await town.as_("wei")
    assert (await wei.post(f"/v1/posts/{posts[1]}/end", json={"reason": "调整"})).is_success
