"""Many changes in parts, from several senders in the same moment: each event still once."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.builders import a_household, synthetic_resident
from tests.cast import Town
from tests.inbound.events import a_change, ago, fates, send
from tests.machines import a_machine

PATH = "/v1/health-codes/changes"
CODES = "health_codes:write"
NEW = {"created", "superseded"}


async def resident(town: Town, *, grid: str = "t.01.01.01") -> dict[str, Any]:
    body = synthetic_resident(relation="head")
    await a_household(await town.as_("gu"), grid=grid, residents=[body])
    return body


def many(person: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """So many changes of one person, the newest first, in more parts than one."""
    return [a_change(person, changed_at=ago(hours=2, seconds=nth)) for nth in range(number)]


@pytest.fixture
async def machine(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, CODES)


async def test_two_senders_of_the_same_events_in_opposite_order_keep_each_once(
    town: Town, machine: httpx.AsyncClient
):
    items = [each for _ in range(3) for each in many(await resident(town), 220)]
    forth, back = await asyncio.gather(send(machine, PATH, items), send(machine, PATH, items[::-1]))
    for one, other in zip(fates(forth), reversed(fates(back)), strict=True):
        assert len({one, other} & NEW) == 1, (one, other)
        assert "unchanged" in (one, other)
    assert {*fates(await send(machine, PATH, items))} == {"unchanged"}


async def test_senders_of_overlapping_events_do_not_stop_each_other(
    town: Town, machine: httpx.AsyncClient
):
    red = [a_change(await resident(town), "red") for _ in range(4)]
    items = [*many(await resident(town), 500), *red]
    told = await asyncio.gather(
        send(machine, PATH, items[200:]), send(machine, PATH, items[:400]), send(machine, PATH, red)
    )
    assert sum(each["refused"] for each in told) == 0
    assert sum(each["created"] + each["superseded"] for each in told) == len(items)


async def test_what_is_newer_in_a_later_part_makes_the_earlier_history(
    town: Town, machine: httpx.AsyncClient
):
    items = many(await resident(town), 600)
    told = fates(await send(machine, PATH, items[::-1]))
    assert (told[-1], {*told[:-1]}) == ("created", {"superseded"})


async def test_a_bad_item_of_any_part_is_pointed_at_where_it_stands(
    town: Town, machine: httpx.AsyncClient
):
    items = many(await resident(town), 600)
    for place in (3, 299, 580):
        items[place]["state"] = "purple"
    told = (await send(machine, PATH, items))["items"]
    wrong = {place: each["problem"] for place, each in enumerate(told) if each["problem"]}
    assert [*wrong] == [3, 299, 580]
    for place, problem in wrong.items():
        assert problem["errors"][0]["pointer"] == f"/body/items/{place}/state"


async def test_an_event_that_is_kept_out_of_sight_is_refused_and_costs_no_other(town: Town):
    """Nothing is seen under its id, and yet it is taken: the person moved out of the reach."""
    gone, stayed = await resident(town), await resident(town)
    async with await a_machine(town, CODES, grid="t.01.01.01") as machine:
        event = a_change(gone)
        assert fates(await send(machine, PATH, [event])) == ["created"]
        there = await a_household(await town.as_("gu"), grid="t.01.01.02")
        answer = await (await town.as_("gu")).post(
            f"/v1/residents/{gone['id']}/move",
            json={"household_id": there["id"], "relation": "other"},
        )
        assert answer.status_code == 200, answer.text
        again = a_change(stayed, event_id=event["event_id"])
        told = await send(machine, PATH, [a_change(stayed), again, a_change(stayed, "yellow")])
    assert told["items"][1]["problem"]["type"] == "/problems/record-differs"
    assert told["items"][1]["problem"]["fields"] == []
    assert fates(told)[1:2] == ["refused"]
    assert told["created"] + told["superseded"] == 2
