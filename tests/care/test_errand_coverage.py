"""All of those in quarantine are served: counted by grid, by person, on any day (R9)."""

from datetime import datetime, time, timedelta
from typing import Any

import httpx
from time_machine import travel

from api.foundation import clock
from api.foundation.problems import NotFound
from tests.builders import FOUR, a_quarantine, an_errand
from tests.care.test_errands import ERRANDS, stepped
from tests.cast import Town, assert_problem, grid_id, id_of

VILLAGE, GRID = str(grid_id("t.01.01")), str(grid_id("t.01.01.01"))


async def covered(client: httpx.AsyncClient, **asked: str) -> dict[str, Any]:
    answer = await client.get(f"{ERRANDS}/coverage", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in ("persons", "asked", "covered", "open", "late", "share"))


async def missing(client: httpx.AsyncClient, **asked: str) -> list[str]:
    answer = await client.get(f"{ERRANDS}/uncovered", params=asked)
    assert answer.status_code == 200, answer.text
    return [each["quarantine_id"] for each in answer.json()["items"]]


async def test_everybody_is_covered_once_brought_something_or_asked_in_vain(town: Town):
    lin, zhou, wei = await town.as_("lin"), await town.as_("zhou"), await town.as_("wei")
    assert numbers((await covered(lin))["whole"]) == (0, 0, 0, 0, 0, None)
    one = await a_quarantine(lin, team=FOUR)
    two, three = await a_quarantine(lin), await a_quarantine(lin, grid="t.01.01.02")
    everybody = await missing(lin)
    assert set(everybody) == {one["id"], two["id"], three["id"]}
    first = (await lin.get(f"{ERRANDS}/uncovered", params={"limit": "2"})).json()
    rest = await missing(lin, limit="2", cursor=first["next_cursor"])
    assert [each["quarantine_id"] for each in first["items"]] + rest == everybody
    errand = await an_errand(lin, one["id"])
    soon = (clock.now() + timedelta(minutes=1)).isoformat()
    late = await an_errand(lin, two["id"], needed_by=soon)
    with travel(clock.now() + timedelta(minutes=2)):
        told = await covered(town.client(await town.token_of("lin")))
        assert numbers(told["whole"]) == (3, 2, 0, 2, 1, 0.0)
    await stepped(lin, errand, "accept")
    await stepped(lin, errand, "deliver", contact_free=True)
    await stepped(lin, late, "cancel", reason="不要了")
    told = await covered(zhou, grid_id=VILLAGE)
    assert numbers(told["whole"]) == (3, 2, 1, 0, 0, 0.333)
    assert [(line["grid_name"], line["persons"], line["covered"]) for line in told["grids"]] == [
        ("柳村一组", 2, 1),
        ("柳村二组", 1, 0),
    ]
    for each in (two, three):
        nothing = await an_errand(lin, each["id"], kind="none_needed", wanted=None)
        assert (nothing["status"], nothing["wanted"]) == ("none_needed", None)
    assert numbers((await covered(lin))["whole"]) == (3, 3, 3, 0, 0, 1.0)
    assert await missing(zhou) == []
    assert numbers((await covered(wei))["whole"])[0] == 0
    assert_problem(await wei.get(f"{ERRANDS}/coverage", params={"grid_id": GRID}), NotFound)
    assert_problem(await wei.get(f"{ERRANDS}/uncovered", params={"grid_id": GRID}), NotFound)


async def test_a_day_that_is_over_stays_as_it_was(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, grid="t.01.01.02")
    before = await covered(lin, grid_id=str(grid_id("t.01.01.02")))
    today = str(clock.today())
    noon = datetime.combine(clock.today() + timedelta(days=1), time(12), clock.TOWNSHIP_ZONE)
    with travel(noon):
        later = town.client(await town.token_of("lin"))
        await an_errand(later, kept["id"], kind="none_needed", wanted=None)
        place = {"grid_id": str(grid_id("t.01.01.02"))}
        assert (await covered(later, **place))["whole"]["share"] == 1.0
        then = await covered(later, **place, day=today)
    assert numbers(then["whole"]) == numbers(before["whole"])


async def test_who_serves_below_counts_their_own_grid_and_not_the_one_above(town: Town):
    ba = await town.as_("ba")
    assert (await covered(ba))["whole"]["grid_name"] == "柳村一组"
    nobody = await ba.get(f"{ERRANDS}/coverage", params={"grid_id": VILLAGE})
    assert_problem(nobody, NotFound)


async def test_what_somebody_had_in_hand_is_brought_by_their_successor(town: Town):
    """Qin, of the next village, serves here by a seat: the errand lies beyond who ends the post."""
    lin, wei, zhou = await town.as_("lin"), await town.as_("wei"), await town.as_("zhou")
    kept = await a_quarantine(lin, team=("ming", "pang", "ba", "qin"))
    errand = await an_errand(lin, kept["id"])
    await stepped(await town.as_("qin"), errand, "accept")
    path = f"/v1/posts/{id_of('post qin')}"
    over = {"successor_worker_id": str(id_of("he")), "reason": "外出务工"}
    over |= {"new_post_id": errand["id"]}
    passed = await wei.post(f"{path}/hand-over", json=over)
    assert passed.status_code == 200, passed.text
    assert passed.json()["passed_on"]["errands"] == 1, passed.text
    now = (await (await town.as_("he")).get(f"{ERRANDS}/{errand['id']}")).json()
    assert (now["accepted_by_name"], now["status"]) == ("何医生", "accepted")
    history = (await zhou.get(f"{ERRANDS}/{errand['id']}/history")).json()["items"]
    assert (history[-1]["errand"]["accepted_by_name"], history[-1]["reason"]) == (
        "覃党员",
        "外出务工",
    )


async def test_the_dossier_tells_of_errands_and_not_of_what_was_wanted(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    errand = await an_errand(lin, kept["id"], wanted="奥美拉唑")
    told = (await lin.get(f"/v1/residents/{kept['resident_id']}/dossier")).json()
    [entry] = [each for each in told["items"] if each["kind"] == "errand"]
    assert (entry["record_id"], entry["what"]) == (errand["id"], "代办代买药品：待接单")
