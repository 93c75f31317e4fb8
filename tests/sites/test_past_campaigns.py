"""What a past campaign came to, village by village, stands still when people move afterwards."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.foundation import clock
from tests.builders import a_diagnostic_test, a_household, a_vaccination, synthetic_resident
from tests.cast import Town, grid_id
from tests.sites.test_sites import FIRST, made

LIU, RONG = "t.01.01.01", "t.01.02.01"
Home = dict[str, Any]


def _day(ago: int) -> str:
    return str(clock.today() - timedelta(days=ago))


async def _home(client: httpx.AsyncClient, grid: str, *, people: int = 3) -> Home:
    """A household that was registered before the campaign."""
    then = (clock.now() - timedelta(days=9)).isoformat()
    residents = [synthetic_resident() for _ in range(people)]
    return await a_household(client, grid=grid_id(grid), residents=residents, recorded_at=then)


async def _campaign(client: httpx.AsyncClient, *, grid: str = "t", **told: Any) -> str:
    said = {"grid_id": str(grid_id(grid)), "name": "第一轮全员核酸", "kind": "sampling"}
    days = {"from_on": _day(3), "to_on": _day(1)}
    campaign = await made(client, "/v1/sampling-campaigns", **said | days | told)
    return f"/v1/sampling-campaigns/{campaign['id']}"


async def _moved(client: httpx.AsyncClient, person: str, home: Home) -> None:
    path, told = f"/v1/residents/{person}/move", {"household_id": home["id"], "reason": "嫁入"}
    moved = await client.post(path, json=told)
    assert moved.status_code == 200, moved.text


async def _told(client: httpx.AsyncClient, address: str, **query: str) -> Any:
    answer = await client.get(f"{address}/coverage", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _sampled(client: httpx.AsyncClient, person: str) -> None:
    await a_diagnostic_test(
        client, person, sampled_at=(clock.now() - timedelta(days=2)).isoformat()
    )


@pytest.fixture
async def zhou(town: Town) -> httpx.AsyncClient:
    return await town.as_("zhou")


async def test_each_village_keeps_whom_it_had_when_it_was_over(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient, zhou: httpx.AsyncClient
):
    here, there = await _home(lin, LIU), await _home(wei, RONG)
    came, missed, _ = (each["id"] for each in here["residents"])
    await _sampled(lin, came)
    address = await _campaign(zhou)
    ming = await town.as_("ming")
    clients = (zhou, lin, wei, ming)
    before = [await _told(each, address) for each in clients]
    area = await _told(zhou, address, grid_id=str(grid_id("t.01")))
    for person in (came, missed):
        await _moved(zhou, person, there)
    assert [await _told(each, address) for each in clients] == before
    assert await _told(zhou, address, grid_id=str(grid_id("t.01"))) == area
    await _moved(zhou, came, here)  # and back again
    assert [await _told(each, address) for each in clients] == before


async def test_whoever_is_asked_again_is_asked_where_they_live_by_now(
    lin: httpx.AsyncClient, wei: httpx.AsyncClient, zhou: httpx.AsyncClient
):
    here, there = await _home(lin, LIU), await _home(wei, RONG)
    going, coming = here["residents"][0]["id"], there["residents"][0]["id"]
    of_liu, of_all = await _campaign(lin, grid="t.01.01"), await _campaign(zhou)
    whole = (await _told(lin, of_liu))["whole"]
    await _moved(zhou, going, there)
    await _moved(zhou, coming, here)
    assert (await _told(lin, of_liu))["whole"] == whole

    async def listed(client: httpx.AsyncClient, address: str) -> set[str]:
        found = await client.get(f"{address}/not-sampled", params={"limit": "500"})
        return {each["resident_id"] for each in found.json()["items"]} & {going, coming}

    assert await listed(lin, of_all) == {coming}
    assert await listed(wei, of_all) == {going}
    assert await listed(lin, of_liu) == set()  # it never was of the village's campaign


async def test_who_moves_while_it_lasts_comes_where_they_live(
    lin: httpx.AsyncClient, wei: httpx.AsyncClient, zhou: httpx.AsyncClient
):
    here, there = await _home(lin, LIU), await _home(wei, RONG)
    address = await _campaign(zhou, to_on=_day(0))
    before = [(await _told(each, address))["whole"]["expected"] for each in (lin, wei)]
    await _moved(zhou, here["residents"][0]["id"], there)
    now = [(await _told(each, address))["whole"]["expected"] for each in (lin, wei)]
    assert now == [before[0] - 1, before[1] + 1]


async def test_doses_and_who_must_not_have_any_stay_with_the_village_as_well(
    lin: httpx.AsyncClient, wei: httpx.AsyncClient, zhou: httpx.AsyncClient
):
    here, there = await _home(lin, LIU), await _home(wei, RONG)
    given, never, _ = (each["id"] for each in here["residents"])
    await a_vaccination(lin, given, given_on=_day(2))
    not_any = {"outcome": "contraindicated", "dose_number": None, "technology": None}
    await a_vaccination(lin, never, **not_any)
    for target in ({}, {"dose_number": 1}, {"max_age": 120, "registrations": ["registered"]}):
        address = await _campaign(zhou, kind="vaccination", target=target)
        before = [await _told(each, address) for each in (zhou, lin, wei)]
        for each in here["residents"]:
            await _moved(zhou, each["id"], there)
        assert [await _told(each, address) for each in (zhou, lin, wei)] == before
        for each in here["residents"]:
            await _moved(zhou, each["id"], here)


async def test_who_had_left_before_it_and_lives_elsewhere_since_was_not_expected(
    lin: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    zhou: httpx.AsyncClient,
    owner: asyncpg.Connection,
):
    here, there = await _home(lin, LIU), await _home(wei, RONG)
    person = here["residents"][0]["id"]
    left = await lin.post(f"/v1/residents/{person}/leave", json={"left_on": _day(5)}, headers=FIRST)
    assert left.status_code == 200, left.text
    before_it = "UPDATE revisions SET replaced_at = now() - interval '5 days' WHERE record_id = $1"
    await owner.execute(before_it, UUID(person))
    address = await _campaign(zhou)
    before = await _told(zhou, address, grid_id=str(grid_id("t.01")))
    await _moved(zhou, person, there)
    assert await _told(zhou, address, grid_id=str(grid_id("t.01"))) == before
