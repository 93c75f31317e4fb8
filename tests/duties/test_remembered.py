"""A day that was told a moment ago is told again only while it is what would be found now."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from api.duties.remembered import LONGEST, Days
from api.foundation import clock
from api.foundation.database import Connection, Database, Entry
from api.foundation.records import new_id
from tests.builders import a_quarantine, a_visit
from tests.cast import TOWNSHIP, Town, id_of
from tests.duties.scenery import day_of, duties_of, only_stage
from tests.readings.conftest import DAY, at, reading_body, signed_in

HAN = "t.01.02.01"
_MEASURED = """
    INSERT INTO readings (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at,
        day, "window", timing, abnormal, low)
    SELECT $1, 1, $2, $2, q.performed_by, q.performed_by, 'visit', q.id, q.resident_id, q.grid_id,
        q.reach, 36.5, 'electronic', 'axillary', '{}', $2, $3, $4, 'on_time', false, false
    FROM quarantines AS q WHERE q.id = $5
"""
Writing = Callable[[], Awaitable[Any]]


@pytest.fixture
async def han(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with await signed_in(town, "han") as client:
        yield client


@pytest.fixture
async def person(town: Town, owner: Database) -> dict[str, Any]:
    person = await a_quarantine(await signed_in(town, "wei"), grid=HAN)
    await only_stage(owner, person, visits_per_day=1, calls_per_day=1)
    return person


async def _measured(connection: Connection, person: dict[str, Any], window: str) -> None:
    told = (new_id(), clock.now(), DAY, window, person["id"])
    await connection.execute(_MEASURED, *told)


async def _found_anew(town: Town, client: httpx.AsyncClient) -> dict[str, Any]:
    """The same question to a process that remembers nothing."""
    kept, town.app.state.days = town.app.state.days, Days()
    try:
        return await day_of(client)
    finally:
        town.app.state.days = kept


def _remembered(town: Town) -> dict[Any, Any]:
    return town.app.state.days._told


async def test_what_nothing_changed_is_told_again_with_the_hour_of_now(
    town: Town, han: httpx.AsyncClient, person: dict[str, Any], morning: time_machine.Traveller
):
    first = await day_of(han)
    morning.shift(timedelta(seconds=5))
    again = await day_of(han)
    assert again["as_of"] > first["as_of"]
    assert _said(again) == _said(first) == _said(await _found_anew(town, han))


async def test_what_is_remembered_is_what_is_told(
    town: Town, han: httpx.AsyncClient, person: dict[str, Any]
):
    # Whoever writes in another township of this server in between makes it be found out anew.
    for _ in range(100):
        await day_of(han)
        kept = _remembered(town)
        for whose, told in list(kept.items()):
            marked = told.body.replace(b'"stops":[', b'"stops":["remembered",')
            kept[whose] = replace(told, body=marked)
        if (await han.get("/v1/my-day")).json()["stops"][0] == "remembered":
            return
    pytest.fail("a day was never told from memory")


async def test_a_change_by_another_connection_is_seen_at_once(
    han: httpx.AsyncClient, person: dict[str, Any], owner: Database
):
    assert ("reading", "due") in duties_of(await day_of(han), person["resident_id"])
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        await _measured(connection, person, "morning")
        assert ("reading", "due") in duties_of(await day_of(han), person["resident_id"])
    assert ("reading", "due") not in duties_of(await day_of(han), person["resident_id"])


async def test_whoever_began_to_write_first_and_commits_last_is_seen_at_once(
    han: httpx.AsyncClient, person: dict[str, Any], owner: Database
):
    door = Entry.without_reach(TOWNSHIP)
    async with owner.connection(door) as late:
        await _measured(late, person, "morning")
        async with owner.connection(door) as early:
            await _measured(early, person, "evening")
        before = duties_of(await day_of(han), person["resident_id"])
        assert ("reading", "due") in before
        assert ("reading", "later") not in before
        assert duties_of(await day_of(han), person["resident_id"]) == before
    after = duties_of(await day_of(han), person["resident_id"])
    assert not [each for each in after if each[0] == "reading"]


async def test_what_was_rolled_back_changes_nothing(
    han: httpx.AsyncClient, person: dict[str, Any], owner: Database
):
    before = duties_of(await day_of(han))
    with pytest.raises(RuntimeError):
        async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
            await _measured(connection, person, "morning")
            raise RuntimeError
    assert duties_of(await day_of(han)) == before


async def test_the_clock_alone_changes_a_day(
    town: Town, person: dict[str, Any], morning: time_machine.Traveller
):
    for edge in (at(9), at(10), at(12), at(15), at(17), at(20), at(0, days=1)):
        morning.move_to(edge - timedelta(seconds=20))
        async with await signed_in(town, "han") as client:
            await day_of(client)
            morning.move_to(edge)
            assert _said(await day_of(client)) == _said(await _found_anew(town, client)), edge


async def test_a_way_out_that_ends_by_itself_is_noticed(
    town: Town,
    han: httpx.AsyncClient,
    person: dict[str, Any],
    owner: Database,
    morning: time_machine.Traveller,
):
    away = clock.now() + timedelta(seconds=20)
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        await connection.execute(
            "INSERT INTO whereabouts (id, version, recorded_at, received_at, performed_by, "
            "entered_by, source, reach, quarantine_id, kind, since_at, until_at) "
            "SELECT $1, 1, $2, $2, performed_by, entered_by, 'visit', reach, id, 'in_hospital', "
            "$2, $3 FROM quarantines WHERE id = $4",
            new_id(),
            clock.now() - timedelta(hours=1),
            away,
            person["id"],
        )
    assert ("reading", "due") not in duties_of(await day_of(han), person["resident_id"])
    morning.move_to(away)
    assert _said(await day_of(han)) == _said(await _found_anew(town, han))
    assert ("reading", "due") in duties_of(await day_of(han), person["resident_id"])


async def test_nothing_is_remembered_for_longer_than_a_minute(
    town: Town, han: httpx.AsyncClient, person: dict[str, Any]
):
    await day_of(han)
    assert all(each.until - each.since <= LONGEST for each in _remembered(town).values())


async def test_whoever_lost_their_post_is_told_nothing_that_was_remembered(
    town: Town, person: dict[str, Any], owner: Database
):
    async with await signed_in(town, "han") as client:
        await day_of(client)
        async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
            ended = "UPDATE posts SET ended_at = $2 WHERE id = $1"
            post = id_of("post han")
            await connection.execute(ended, post, clock.now())
        try:
            assert (await client.get("/v1/my-day")).status_code == 401
        finally:
            async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
                await connection.execute(ended, post, None)


async def test_what_is_remembered_is_what_would_be_found_whatever_is_written_in_whatever_order(
    town: Town, han: httpx.AsyncClient, owner: Database, morning: time_machine.Traveller
):
    wei = await signed_in(town, "wei")
    writings: list[Writing] = []
    for _ in range(3):
        person = await a_quarantine(wei, grid=HAN)
        await only_stage(owner, person, visits_per_day=1, calls_per_day=1, tests=[{"day": 1}])
        writings += _writings(han, person)
    random.Random(17).shuffle(writings)
    changes = 0
    for write in writings:
        before = _said(await day_of(han))
        assert before == _said(await _found_anew(town, han))
        await write()
        after = _said(await day_of(han))
        assert after == _said(await _found_anew(town, han))
        changes += after != before
        morning.shift(timedelta(seconds=7))
    assert changes > len(writings) // 2


def _writings(han: httpx.AsyncClient, person: dict[str, Any]) -> list[Writing]:
    call = {"kind": "daily", "outcome": "reached", "called_at": clock.now().isoformat()}
    fever = reading_body(person, value_c=38.5)
    return [
        lambda: han.post("/v1/readings", json=fever),
        lambda: han.post(
            f"/v1/quarantines/{person['id']}/calls", json={"id": str(new_id()), **call}
        ),
        lambda: a_visit(han, {"id": person["household_id"]}),
        lambda: han.post(
            f"/v1/readings/{fever['id']}/discard", json={"reason": "登记到了别人名下"}
        ),
    ]


def _said(day: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in day.items() if name != "as_of"}
