"""1+1+1 when the tree changes: nobody answers for a household where they do not serve."""

from typing import Any

from api.foundation.records import new_id
from tests.builders import a_household
from tests.cast import Town, grid_id, id_of

HOME = "t.01.01.01"


def _worker(name: str) -> dict[str, str]:
    return {"worker_id": str(id_of(name))}


async def _answering(client: Any, home: dict[str, Any]) -> list[tuple[str, str | None]]:
    history = (await client.get(f"/v1/households/{home['id']}/bonds")).json()["items"]
    return [(bond["name"], bond["ended_reason"]) for bond in history]


async def test_nobody_answers_for_a_household_that_lies_no_more_where_they_serve(town: Town):
    """After a split the former grid's worker no longer sees the door they were to answer for."""
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    known, theirs, of_village = [
        await a_household(lin, grid=HOME, grid_worker_id=str(id_of(name)), party_member_id=party)
        for name, party in (("ming", None), ("ming", str(id_of("pang"))), ("lin", None))
    ]
    township = {"id": str(new_id()), "grid_id": str(grid_id("t")), "role": "cadre"}
    await zhou.post("/v1/posts", json=township | _worker("pang"))
    of_township = await a_household(lin, grid=HOME)
    await zhou.put(f"/v1/households/{of_township['id']}/bonds/grid_worker", json=_worker("pang"))
    homes = [each["id"] for each in (theirs, of_village, of_township)]
    part = {"id": str(new_id()), "name": "柳村三组", "household_ids": homes}
    split = {"grids": [part], "reason": "一分为二"}
    done = await zhou.post(f"/v1/grids/{grid_id(HOME)}/split", json=split)
    assert done.status_code == 200, done.text
    ended = ("小明", "网格调整后不在其负责的范围")
    assert await _answering(lin, theirs) == [("庞党员", None), ended]
    assert await _answering(lin, of_village) == [("林支书", None)]
    assert await _answering(lin, of_township) == [("庞党员", None)]
    assert await _answering(lin, known) == [("小明", None)]
    lacking = {"lacking": "grid_worker", "grid_id": part["id"]}
    listed = (await lin.get("/v1/households", params=lacking)).json()["items"]
    assert [each["id"] for each in listed] == [theirs["id"]]
    move = {"new_parent_id": str(grid_id("t.01.02")), "reason": "片区调整"}
    assert (await zhou.post(f"/v1/grids/{part['id']}/move", json=move)).status_code == 200
    wei = await town.as_("wei")
    assert await _answering(wei, of_village) == [("林支书", ended[1])]
    assert await _answering(wei, of_township) == [("庞党员", None)]
