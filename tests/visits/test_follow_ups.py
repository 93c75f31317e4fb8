"""Whom the net has not met: told by when the visits were made, not by when they arrived."""

from typing import Any

from api.foundation.problems import InvalidInput, NotFound
from tests.builders import a_household, a_visit, visit_body
from tests.cast import Town, assert_problem, grid_id

FOLLOW_UPS = "/v1/follow-ups"


def at(day: int, hour: int = 8) -> str:
    return f"2022-02-{day:02d}T{hour:02d}:00:00+08:00"


async def _of(client: Any, household: dict[str, Any]) -> dict[str, Any] | None:
    """What the list of follow-ups says of a household, read page by page."""
    params = {"limit": "2"}
    while True:
        page = (await client.get(FOLLOW_UPS, params=params)).json()
        for each in page["items"]:
            if each["household_id"] == household["id"]:
                return each
        if page["next_cursor"] is None:
            return None
        params["cursor"] = page["next_cursor"]


async def test_a_refusal_has_to_be_followed_up_until_the_household_is_met(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    assert await _of(ming, home) is None
    await a_visit(ming, home, outcome="absent", visited_at=at(10))
    await a_visit(ming, home, outcome="met", visited_at=at(11))
    assert await _of(ming, home) is None
    await a_visit(ming, home, outcome="absent", visited_at=at(12))
    refused = await a_visit(ming, home, outcome="refused", visited_at=at(13))
    assert await _of(ming, home) == {
        "household_id": home["id"],
        "household_name": home["name"],
        "grid_id": str(grid_id("t.01.01.01")),
        "since": "2022-02-12T00:00:00Z",
        "attempts": 2,
        "last_outcome": "refused",
        "last_visit_id": refused["id"],
        "last_visited_at": "2022-02-13T00:00:00Z",
    }
    await a_visit(ming, home, mode="phone", outcome="met", visited_at=at(14))
    assert await _of(ming, home) is None


async def test_a_household_found_moved_away_is_not_followed_up(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    await a_visit(ming, home, outcome="absent", visited_at=at(10))
    await a_visit(ming, home, outcome="moved_away", visited_at=at(11))
    assert await _of(ming, home) is None


async def test_a_meeting_that_arrives_late_does_not_clear_a_newer_refusal(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    await a_visit(ming, home, outcome="refused", visited_at=at(12))
    await a_visit(ming, home, outcome="refused", visited_at=at(10))
    await a_visit(ming, home, outcome="met", visited_at=at(11))
    open_ = await _of(ming, home)
    assert open_ is not None
    assert (open_["attempts"], open_["since"]) == (1, "2022-02-12T00:00:00Z")


async def test_discarding_the_meeting_brings_the_follow_up_back(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    await a_visit(ming, home, outcome="absent", visited_at=at(10))
    met = await a_visit(ming, home, outcome="met", visited_at=at(11))
    discarded = await ming.post(
        f"/v1/visits/{met['id']}/discard",
        json={"reason": "登记到了别人家"},
        headers={"If-Match": '"1"'},
    )
    assert discarded.status_code == 200
    assert await _of(ming, home) is not None


async def test_correcting_an_absence_into_a_meeting_ends_the_follow_up(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    absent = await a_visit(ming, home, outcome="absent", visited_at=at(10))
    corrected = await ming.patch(
        f"/v1/visits/{absent['id']}",
        json={"outcome": "met", "reason": "户主说当天在家"},
        headers={"If-Match": '"1"'},
    )
    assert corrected.status_code == 200
    assert await _of(ming, home) is None


async def test_follow_ups_stand_where_one_may_see_them(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid="t.01.01.01")
    await a_visit(ming, home, outcome="refused", visited_at=at(10))
    assert await _of(lin, home) is not None
    for beside in ("mei", "wei", "bai"):
        assert await _of(await town.as_(beside), home) is None

    async def within(path: str) -> set[str]:
        params = {"grid_id": str(grid_id(path)), "limit": 500}
        return {
            each["household_id"]
            for each in (await lin.get(FOLLOW_UPS, params=params)).json()["items"]
        }

    assert home["id"] in await within("t.01.01.01")
    assert home["id"] in await within("t.01.01")
    assert home["id"] not in await within("t.01.01.02")
    outside = await lin.get(FOLLOW_UPS, params={"grid_id": str(grid_id("t.01.02"))})
    told = assert_problem(outside, NotFound)
    assert told["errors"][0]["pointer"] == "/query/grid_id"


async def test_follow_ups_are_counted_by_grid(town: Town):
    wei = await town.as_("wei")
    for outcome in ("absent", "absent", "refused", "met"):
        home = await a_household(wei, grid="t.01.02.01")
        await a_visit(wei, home, outcome=outcome, visited_at=at(10))
    assert (await wei.get(f"{FOLLOW_UPS}/counts")).json()["items"] == [
        {
            "grid_id": str(grid_id("t.01.02.01")),
            "grid_name": "榕村一组",
            "absent": 2,
            "refused": 1,
        }
    ]


async def test_those_that_wait_longest_come_first_and_a_made_up_cursor_is_told(town: Town):
    mei = await town.as_("mei")
    homes = [await a_household(mei, grid="t.01.01.02") for _ in range(3)]
    for home, day in zip(homes, (12, 10, 11), strict=True):
        await a_visit(mei, home, outcome="absent", visited_at=at(day))
    listed = (await mei.get(FOLLOW_UPS)).json()["items"]
    assert [each["household_id"] for each in listed] == [
        homes[1]["id"],
        homes[2]["id"],
        homes[0]["id"],
    ]
    told = assert_problem(await mei.get(FOLLOW_UPS, params={"cursor": "abc"}), InvalidInput)
    assert told["errors"][0]["pointer"] == "/query/cursor"


async def test_a_follow_up_is_told_by_when_the_visits_were_made_in_any_order_of_arrival(
    town: Town,
):
    ming = await town.as_("ming")
    visits = [(1, "met"), (2, "absent"), (3, "moved_away"), (4, "refused"), (5, "absent")]
    for turn in range(len(visits)):
        home = await a_household(ming, grid="t.01.01.01")
        batch = [
            visit_body(home, outcome=outcome, visited_at=at(day))
            for day, outcome in (*visits[turn:], *visits[:turn])
        ]
        kept = await ming.post("/v1/visits/batch", json={"items": batch})
        assert kept.json()["created"] == len(batch)
        open_ = await _of(ming, home)
        assert open_ is not None
        assert (open_["attempts"], open_["last_outcome"]) == (2, "absent")
        assert open_["since"] == "2022-02-04T00:00:00Z"
