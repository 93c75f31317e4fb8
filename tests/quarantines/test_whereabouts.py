"""Where the person is: dated entries that follow one another without a gap (M3.4)."""

import asyncio
import itertools
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder
from tests.builders import FOUR, a_quarantine
from tests.cast import TOWNSHIP, Town, assert_problem


def _entry(kind: str, *, ago: timedelta = timedelta(), **told: Any) -> dict[str, Any]:
    since_at = (clock.now() - ago).isoformat()
    return {"id": str(new_id()), "kind": kind, "since_at": since_at, **told}


async def _begun_yesterday(town: Town) -> str:
    yesterday = clock.today() - timedelta(days=1)
    kept = await a_quarantine(await town.as_("lin"), started_on=yesterday.isoformat())
    return f"/v1/quarantines/{kept['id']}"


async def test_nobody_notes_and_a_neighbour_neither_notes_nor_reads_whereabouts(town: Town):
    path = f"{await _begun_yesterday(town)}/whereabouts"
    assert_problem(await town.nobody().post(path, json=_entry("at_home")), NotSignedIn)
    mei = await town.as_("mei")
    assert_problem(await mei.post(path, json=_entry("away_breach")), NotFound)
    assert_problem(await mei.get(path), NotFound)


async def test_entries_follow_one_another_from_the_first_instant_of_the_first_day(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    quarantine = await _begun_yesterday(town)
    path = f"{quarantine}/whereabouts"
    hours = [timedelta(hours=hours) for hours in (5, 3, 1)]
    for kind, ago in zip(("away_breach", "at_home", "in_hospital"), hours, strict=True):
        assert (await ming.post(path, json=_entry(kind, ago=ago))).status_code == 201
    leave = _entry("away_approved", destination="县人民医院透析中心", note="经批准闭环接送")
    kept = await lin.post(path, json=leave)
    assert kept.status_code == 201
    assert kept.headers["Location"] == path
    assert kept.json()["destination"] == "县人民医***"
    assert kept.json()["has_note"]
    entries = (await ming.get(path)).json()
    assert [entry["kind"] for entry in entries] == [
        "away_approved",
        "in_hospital",
        "at_home",
        "away_breach",
        "at_home",
    ]
    assert entries[0]["until_at"] is None
    for later, earlier in itertools.pairwise(entries):
        assert earlier["until_at"] == later["since_at"]
    first, _ = clock.day_bounds(clock.today() - timedelta(days=1))
    assert datetime.fromisoformat(entries[-1]["since_at"]) == first
    now = (await ming.get(quarantine)).json()["whereabouts"]
    assert now["kind"] == "away_approved"
    revealed = await ming.post(f"{quarantine}/reveal", json={"reason": "核对去向"})
    assert revealed.json()["whereabouts"][0]["note"] == "经批准闭环接送"


async def test_an_entry_neither_begins_before_the_current_one_nor_in_the_future(town: Town):
    ming = await town.as_("ming")
    path = f"{await _begun_yesterday(town)}/whereabouts"
    assert (await ming.post(path, json=_entry("away_breach"))).status_code == 201
    before = await ming.post(path, json=_entry("at_home", ago=timedelta(hours=1)))
    assert assert_problem(before, WhereaboutsOutOfOrder)["errors"][0]["pointer"] == "/body/since_at"
    later = await ming.post(path, json=_entry("at_home", ago=-timedelta(hours=1)))
    refused = assert_problem(later, RecordedInTheFuture)
    assert refused["errors"][0]["pointer"] == "/body/since_at"
    lost = await ming.post(path, json=_entry("lost"))
    assert assert_problem(lost, InvalidInput)["errors"][0]["pointer"] == "/body/kind"
    assert len((await ming.get(path)).json()) == 2


async def test_a_clock_that_runs_a_little_ahead_is_kept_as_it_told(town: Town):
    ming = await town.as_("ming")
    path = f"{await _begun_yesterday(town)}/whereabouts"
    ahead = _entry("away_breach", ago=-timedelta(seconds=200))
    assert (await ming.post(path, json=ahead)).status_code == 201


async def test_the_same_entry_sent_twice_at_the_same_moment_is_one(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    quarantine = await _begun_yesterday(town)
    path = f"{quarantine}/whereabouts"
    entry = _entry("in_hospital", destination="乡卫生院")
    answers = await asyncio.gather(*(client.post(path, json=entry) for client in (ming, lin, ming)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    other = await ming.post(path, json={**entry, "destination": "县人民医院"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["destination"]
    elsewhere = await ming.post(f"{await _begun_yesterday(town)}/whereabouts", json=entry)
    assert assert_problem(elsewhere, RecordDiffers)["fields"] == ["quarantine_id"]
    assert len((await ming.get(path)).json()) == 2
    ending = {"ended_on": str(clock.today()), "end_reason": "hospitalised", "note": "确诊"}
    assert (await lin.post(f"{quarantine}/terminate", json=ending)).status_code == 200
    assert (await ming.post(path, json=entry)).status_code == 200
    assert_problem(await ming.post(path, json=_entry("at_home")), QuarantineEnded)
    assert all(each["until_at"] for each in (await ming.get(path)).json())


async def test_entries_noted_at_the_same_moment_never_overlap(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    path = f"{await _begun_yesterday(town)}/whereabouts"
    entries = [
        _entry("away_breach", ago=timedelta(minutes=minutes)) for minutes in (9, 8, 7, 6, 5, 4)
    ]
    clients = (ming, lin) * 3
    await asyncio.gather(
        *(client.post(path, json=entry) for client, entry in zip(clients, entries, strict=True))
    )
    kept = (await ming.get(path)).json()
    assert [entry["until_at"] for entry in kept].count(None) == 1
    for later, earlier in itertools.pairwise(kept):
        assert earlier["until_at"] == later["since_at"]


async def test_a_list_is_narrowed_by_where_people_are_now(town: Town):
    ming = await town.as_("ming")
    quarantine = await _begun_yesterday(town)
    await ming.post(f"{quarantine}/whereabouts", json=_entry("transferred"))
    listed = await ming.get("/v1/quarantines", params={"whereabouts": "transferred"})
    assert [item["id"] for item in listed.json()["items"]] == [quarantine.rpartition("/")[2]]


async def test_a_breach_opens_an_alert_about_the_person(town: Town, addresses: Addresses):
    ming, path = await town.as_("ming"), await _begun_yesterday(town)
    entry = _entry("away_breach")
    for _ in range(2):
        assert (await ming.post(f"{path}/whereabouts", json=entry)).status_code in (200, 201)
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    rows = await connection.fetch(
        "SELECT cause, kind, record_id::text FROM alerts a JOIN alert_evidence e "
        "ON e.alert_id = a.id WHERE a.quarantine_id = $1",
        path.rpartition("/")[2],
    )
    await connection.close()
    assert [tuple(row) for row in rows] == [("breach", "whereabouts", entry["id"])]


async def test_consoles_and_the_team_hear_at_once_where_somebody_is_now(town: Town):
    lin, he, mei = await town.as_("lin"), await town.as_("he"), await town.as_("mei")
    kept = await a_quarantine(lin, team=FOUR)
    marks = {each: (await each.get("/v1/events/poll")).json()["next"] for each in (lin, he, mei)}
    entry = _entry("in_hospital")
    path = f"/v1/quarantines/{kept['id']}/whereabouts"
    for _ in range(2):  # sent twice, it is told once
        assert (await he.post(path, json=entry)).is_success
    for each, heard in ((lin, {"quarantine.changed", "duties.changed"}), (he, {"duties.changed"})):
        items = (await each.get("/v1/events/poll", params={"after": marks[each]})).json()["items"]
        assert sorted(item["kind"] for item in items) == sorted(heard)
        assert {item["subject_id"] for item in items} == {kept["id"]}
    heard = await mei.get("/v1/events/poll", params={"after": marks[mei]})
    assert heard.json()["items"] == []
