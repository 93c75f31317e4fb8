"""How a directive stands: every post counted once, at each level, and by name on the way down."""

from datetime import timedelta
from typing import Any

from time_machine import travel

from api.foundation import clock
from api.foundation.problems import NotFound
from tests.cast import Town, assert_problem, grid_id
from tests.directives.conftest import DIRECTIVES, issued


async def _progress(town: Town, name: str, directive: str, **asked: Any) -> dict[str, Any]:
    client = town.client(await town.token_of(name))
    answer = await client.get(f"{DIRECTIVES}/{directive}/progress", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_each_level_sees_its_sums_and_who_has_not_answered(town: Town):
    zhou = await town.as_("zhou")
    kept = await issued(zhou, grid="t")
    one = f"{DIRECTIVES}/{kept['id']}"
    for name in ("ming", "lin", "han"):
        assert (await (await town.as_(name)).post(f"{one}/report", json={})).status_code == 200
    await (await town.as_("mei")).post(f"{one}/acknowledge", json={})

    whole = await _progress(town, "zhou", kept["id"])
    assert whole["total"] == {
        "posts": 13,
        "acknowledged": 4,
        "reported": 3,
        "answered": 3,
        "outstanding": 10,
        "late": 0,
    }
    assert [(grid["grid_name"], grid["tally"]["posts"]) for grid in whole["grids"]] == [
        ("东片", 12)
    ]
    assert [each["worker_name"] for each in whole["outstanding_here"]] == ["顾管理"]
    levels = {each["level"]: each["tally"]["posts"] for each in whole["levels"]}
    assert levels == {1: 1, 2: 1, 3: 4, 4: 7}

    area = await _progress(town, "zhou", kept["id"], grid_id=str(grid_id("t.01")))
    sums = {grid["grid_name"]: grid["tally"] for grid in area["grids"]}
    assert {name: tally["outstanding"] for name, tally in sums.items()} == {"柳村": 5, "榕村": 3}
    assert sum(tally["posts"] for tally in sums.values()) + 1 == area["total"]["posts"] == 12

    village = await _progress(town, "lin", kept["id"])
    assert village["grid_id"] == str(grid_id("t.01.01"))
    assert [each["worker_name"] for each in village["outstanding_here"]] == ["单干部"]
    leaf = await _progress(town, "lin", kept["id"], grid_id=str(grid_id("t.01.01.02")))
    assert leaf["grids"] == []
    assert {each["worker_name"] for each in leaf["outstanding_here"]} == {"梅大姐", "范党员"}


async def test_below_nobody_looks_into_the_next_grid(town: Town):
    kept = await issued(await town.as_("zhou"), grid="t")
    own = await _progress(town, "ming", kept["id"])
    assert own["total"]["posts"] == 3
    ming = await town.as_("ming")
    next_door = {"grid_id": str(grid_id("t.01.01.02"))}
    refused = await ming.get(f"{DIRECTIVES}/{kept['id']}/progress", params=next_door)
    assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/query/grid_id"


async def test_late_is_who_answers_after_the_deadline_or_not_at_all(town: Town):
    lin = await town.as_("lin")
    soon = clock.now() + timedelta(hours=1)
    kept = await issued(lin, roles=["grid_worker", "volunteer"], deadline_at=soon.isoformat())
    one = f"{DIRECTIVES}/{kept['id']}"
    await (await town.as_("ming")).post(f"{one}/report", json={})
    with travel(soon + timedelta(minutes=10), tick=False):
        mei = town.client(await town.token_of("mei"))
        said = (await mei.post(f"{one}/report", json={})).json()
        assert (said["answered"], said["late"]) == (True, True)
        told = await _progress(town, "lin", kept["id"])
        assert (told["total"]["answered"], told["total"]["late"]) == (2, 2)
        leader = town.client(await town.token_of("lin"))
        ended = await leader.post(f"{one}/close", json={"reason": "到期"})
        assert ended.status_code == 200, ended.text
    closed = await _progress(town, "lin", kept["id"])
    assert (closed["total"]["outstanding"], closed["total"]["late"]) == (1, 2)
