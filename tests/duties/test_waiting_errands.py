"""An errand waits for all who care, then for who took it on; a late one for who leads there."""

from typing import Any

import httpx
import pytest
from time_machine import Traveller

from api.foundation import clock
from api.foundation.database import Database
from tests.builders import a_quarantine, an_errand
from tests.cast import Town, id_of
from tests.duties.scenery import done, my_day, only_stage, waiting
from tests.duties.test_board import ask, tallies
from tests.readings.conftest import at, signed_in

HAN = "t.01.02.01"


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await signed_in(town, "wei")


@pytest.fixture
async def person(wei: httpx.AsyncClient, owner: Database) -> dict[str, Any]:
    somebody = await a_quarantine(wei, grid=HAN)
    await only_stage(owner, somebody)
    return somebody


async def test_it_waits_for_the_grid_then_for_who_has_it_then_for_a_word(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient
):
    errand = await an_errand(wei, person["id"], needed_by=at(12).isoformat())
    path = f"/v1/errands/{errand['id']}"
    assert await waiting(town, "errand", errand["id"]) == {"han": "accept"}
    li = await signed_in(town, "li")
    await done(li, f"{path}/accept")
    assert await waiting(town, "errand", errand["id"]) == {"li": "deliver"}
    stops = (await my_day(town, "li"))["stops"]
    [duty] = [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "errand"]
    assert duty["what"].endswith("送达：代买药品")
    assert duty["due_at"] == errand["needed_by"]
    await done(li, f"{path}/deliver", {"contact_free": True})
    assert await waiting(town, "errand", errand["id"]) == {"han": "confirm"}
    await done(await signed_in(town, "han"), f"{path}/confirm", {"word": "resident"})
    assert await waiting(town, "errand", errand["id"]) == {}


async def test_a_late_one_is_shown_to_who_leads_there_until_somebody_has_brought_it(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient, morning: Traveller
):
    errand = await an_errand(wei, person["id"], needed_by=at(9).isoformat())
    path = f"/v1/errands/{errand['id']}"
    assert await waiting(town, "errand", errand["id"]) == {"han": "accept"}
    morning.move_to(at(9, 30))
    assert await waiting(town, "errand", errand["id"]) == {"han": "accept", "wei": "assign"}
    wei = await signed_in(town, "wei")
    await done(wei, f"{path}/assign", {"worker_id": str(id_of("han"))})
    assert await waiting(town, "errand", errand["id"]) == {"han": "deliver", "wei": "assign"}
    await done(wei, f"{path}/cancel", {"reason": "亲属已送"})
    assert await waiting(town, "errand", errand["id"]) == {}


async def test_what_is_left_over_from_a_quarantine_is_shown_to_who_leads_there(
    town: Town, wei: httpx.AsyncClient
):
    person = await a_quarantine(wei, grid=HAN, days=1)
    errand = await an_errand(wei, person["id"], needed_by=at(18, days=5).isoformat())
    ended = {"ended_on": str(clock.today()), "reason": "期满"}
    await done(wei, f"/v1/quarantines/{person['id']}/release", ended)
    assert await waiting(town, "errand", errand["id"]) == {"wei": "assign"}
    li = await signed_in(town, "li")
    await done(li, f"/v1/errands/{errand['id']}/accept")
    assert await waiting(town, "errand", errand["id"]) == {"li": "deliver", "wei": "assign"}
    await done(li, f"/v1/errands/{errand['id']}/deliver", {"contact_free": True})
    assert await waiting(town, "errand", errand["id"]) == {}


async def test_the_board_counts_an_errand_on_the_day_on_which_it_is_wanted(
    town: Town, person: dict[str, Any], wei: httpx.AsyncClient, morning: Traveller
):
    home = {"household_id": person["household_id"]}
    brought = await an_errand(wei, person["id"])
    late = await an_errand(wei, person["id"], needed_by=at(9).isoformat())
    gone = await an_errand(wei, person["id"])
    await an_errand(wei, person["id"], kind="none_needed", wanted=None)
    await done(wei, f"/v1/errands/{gone['id']}/cancel", {"reason": "不要了"})
    board = await ask(wei, "/v1/duties/board", **home)
    assert tallies(board, person["resident_id"])["errand"] == (2, 0, 0, 0, 2)
    await done(wei, f"/v1/errands/{brought['id']}/accept")
    await done(wei, f"/v1/errands/{brought['id']}/deliver", {"contact_free": True})
    morning.move_to(at(10))
    wei = await signed_in(town, "wei")
    board = await ask(wei, "/v1/duties/board", **home)
    assert tallies(board, person["resident_id"])["errand"] == (2, 1, 0, 1, 0)
    [missed] = (await ask(wei, "/v1/duties/missed", kind="errand", **home))["items"]
    assert missed["due_at"] == late["due_at"]
    load = await ask(wei, "/v1/workload")
    assert load["villages"]


async def test_what_somebody_has_taken_on_is_theirs_also_in_what_was_missed_and_in_the_workload(
    town: Town, wei: httpx.AsyncClient, owner: Database, morning: Traveller
):
    person = await a_quarantine(wei, grid=HAN, team=("pang", "he", "ba", "qin"))
    await only_stage(owner, person)
    before = await _bore(wei, "李委员"), await _bore(wei, "巴志愿")
    until = {"needed_by": at(9).isoformat()}
    brought, taken, passed, _ = [await an_errand(wei, person["id"], **until) for _ in "1234"]
    li = await signed_in(town, "li")
    for errand in (brought, taken, passed):
        await done(li, f"/v1/errands/{errand['id']}/accept")
    await done(li, f"/v1/errands/{brought['id']}/deliver", {"contact_free": True})
    morning.move_to(at(10))
    wei = await signed_in(town, "wei")
    han = {"worker_id": str(id_of("han"))}
    await done(wei, f"/v1/errands/{passed['id']}/assign", han)
    home = {"household_id": person["household_id"], "kind": "errand"}
    missed = (await ask(wei, "/v1/duties/missed", **home))["items"]
    whose = sorted(sorted(who["name"] for who in each["on_duty"]) for each in missed)
    assert whose == [sorted(["庞党员", "何医生", "巴志愿", "覃党员"]), ["李委员"], ["李委员"]]
    after = await _bore(wei, "李委员"), await _bore(wei, "巴志愿")
    li_more, ba_more = (
        tuple(now - then for then, now in zip(*each, strict=True))
        for each in zip(before, after, strict=True)
    )
    assert li_more == (3, 1, 2, 1)
    assert ba_more == (1, 0, 1, 0), "their part of the one that nobody took"


async def _bore(client: httpx.AsyncClient, name: str) -> tuple[int, ...]:
    """What somebody had to do: expected, done, missed and done by themselves."""
    [village] = (await ask(client, "/v1/workload"))["villages"]
    names = ("expected", "done", "missed", "performed")
    told = {each["name"]: tuple(each[one] for one in names) for each in village["workers"]}
    return told.get(name, (0, 0, 0, 0))
