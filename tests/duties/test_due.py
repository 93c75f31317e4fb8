"""What is due follows from the records alone, in whatever order they were made."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.foundation.database import Connection, Database, Entry
from api.foundation.records import new_id
from api.health_records.answers import answered
from api.health_records.models import DiagnosticOutcome
from api.protocols.models import DiagnosticKind
from tests.builders import a_household, a_quarantine
from tests.cast import TOWNSHIP, Town, id_of
from tests.duties.scenery import lay_stage
from tests.readings.conftest import DAY, at, signed_in

START = datetime(2022, 2, 8, 16, tzinfo=UTC)
PCR = DiagnosticKind.nucleic_acid


@dataclass(frozen=True)
class Due:
    opens: int
    hours: int
    samples: int
    kind: DiagnosticKind = PCR

    @property
    def opens_at(self) -> datetime:
        return START + timedelta(hours=self.opens)

    @property
    def due_at(self) -> datetime:
        return self.opens_at + timedelta(hours=self.hours)


@dataclass(frozen=True)
class Sample:
    after: int
    samples: int
    id: UUID
    kind: DiagnosticKind = PCR
    outcome: DiagnosticOutcome = DiagnosticOutcome.negative

    @property
    def sampled_at(self) -> datetime:
        return START + timedelta(hours=self.after)


_DUES = st.lists(
    st.builds(Due, opens=st.integers(0, 96), hours=st.integers(1, 60), samples=st.integers(1, 2)),
    max_size=6,
)
_SAMPLES = st.lists(
    st.builds(
        Sample, after=st.integers(-12, 180), samples=st.integers(1, 2), id=st.uuids(version=4)
    ),
    max_size=8,
    unique_by=lambda each: each.id,
)
_ANSWERING = "SELECT answering($1, $2, $3, $4, $5)"


async def _by_the_database(
    connection: Connection, due: Sequence[Due], samples: Sequence[Sample]
) -> list[UUID | None]:
    told = await connection.fetchval(
        _ANSWERING,
        [each.opens_at for each in due],
        [each.due_at for each in due],
        [each.samples for each in due],
        [each.sampled_at for each in samples],
        [each.samples for each in samples],
    )
    return [None if place is None else samples[place - 1].id for place in told]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(due=_DUES, samples=_SAMPLES)
async def test_the_database_answers_tests_as_the_pure_rule_does(
    owner: Database, due: list[Due], samples: list[Sample]
):
    due = sorted(due, key=lambda each: each.due_at)
    in_order = sorted(samples, key=lambda each: (each.sampled_at, each.id))
    by_rule = [each.samples[-1].id if each.complete else None for each in answered(due, samples)]
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        assert await _by_the_database(connection, due, in_order) == by_rule


Record = tuple[str, tuple[Any, ...]]

_READING = """
    INSERT INTO readings (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at,
        day, "window", timing, abnormal, low)
    SELECT $1, 1, $2, $2, $3, $3, $4, q.id, q.resident_id, q.grid_id, q.reach, 36.5, 'electronic',
        'axillary', '{}', $2, $5::date, $6, 'on_time', false, false
    FROM quarantines AS q WHERE q.id = $7
"""
_CALL = """
    INSERT INTO care_calls (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, kind, day, called_at, outcome, symptoms, needs)
    SELECT $1, 1, $2, $2, $3, $3, 'phone', q.id, q.resident_id, q.grid_id, q.reach, 'daily',
        $4::date, $2, $5, '{}', '{}'
    FROM quarantines AS q WHERE q.id = $6
"""
_SAMPLE = """
    INSERT INTO diagnostic_tests (id, version, recorded_at, received_at, performed_by, entered_by,
        source, resident_id, grid_id, reach, quarantine_id, kind, outcome, sampled_at, reported_at,
        samples)
    SELECT $1, 1, $2, $2, $3, $3, 'visit', q.resident_id, q.grid_id, q.reach, q.id, 'nucleic_acid',
        $4::text, $2, CASE WHEN $4::text <> 'pending' THEN $2::timestamptz END, 1
    FROM quarantines AS q WHERE q.id = $5
"""
_KNOCK = """
    INSERT INTO visits (id, version, recorded_at, received_at, performed_by, entered_by, source,
        household_id, grid_id, reach, mode, outcome, purposes, needs, visited_at)
    SELECT $1, 1, $2, $2, $3, $3, 'visit', q.household_id, q.grid_id, q.reach, 'visit', $4, '{}',
        '{}', $2
    FROM quarantines AS q WHERE q.id = $5
"""


def _records(seed: int, quarantine: UUID) -> list[Record]:
    """Three days of what might have been recorded of one person."""
    chance = random.Random(seed)
    by = id_of("han")
    records: list[Record] = []
    for days in range(3):
        day = at(0, days=days).date()
        for window, hour in (("morning", 8), ("evening", 18)):
            if chance.random() < 0.6:
                source = chance.choice(("visit", "phone"))
                instant = at(hour + chance.randrange(5), days=days)
                told = (new_id(), instant, by, source, day, window, quarantine)
                records.append((_READING, told))
        for _ in range(chance.randrange(3)):
            outcome = chance.choice(("reached", "unreachable", "refused"))
            instant = at(chance.randrange(8, 21), chance.randrange(60), days=days)
            records.append((_CALL, (new_id(), instant, by, day, outcome, quarantine)))
            instant = at(chance.randrange(8, 21), chance.randrange(60), days=days)
            outcome = chance.choice(("met", "absent"))
            records.append((_KNOCK, (new_id(), instant, by, outcome, quarantine)))
        if chance.random() < 0.6:
            instant = at(chance.randrange(24), days=days)
            outcome = chance.choice(("pending", "negative", "invalid"))
            records.append((_SAMPLE, (new_id(), instant, by, outcome, quarantine)))
    return records


@pytest.fixture
async def twins(town: Town, owner: Database) -> list[dict[str, Any]]:
    """Four people alike, each behind a door of their own, with the same stages."""
    wei = await signed_in(town, "wei")
    people = []
    for _ in range(4):
        home = await a_household(wei, grid="t.01.02.01")
        people.append(await a_quarantine(wei, resident=home["residents"][0]["id"]))
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for person in people:
            gone = "DELETE FROM quarantine_stages WHERE quarantine_id = $1"
            await connection.execute(gone, person["id"])
            tests = [{"day": 1}, {"day": 2}, {"day": 3}]
            due = {"tests": tests, "visits_per_day": 2, "calls_per_day": 1}
            await lay_stage(connection, person, **due)
    return people


async def _told(client: httpx.AsyncClient, person: dict[str, Any]) -> tuple[Any, ...]:
    """Everything the views say of one person, without ids and names."""
    boards = []
    for days in range(3):
        asked = {"household_id": person["household_id"], "day": at(0, days=days).date().isoformat()}
        board = (await client.get("/v1/duties/board", params=asked)).json()
        boards.append([line["tallies"] for line in board["lines"]])
    asked = {"household_id": person["household_id"], "limit": 200}
    missed = (await client.get("/v1/duties/missed", params=asked)).json()["items"]
    slots = [(each["kind"], each["day"], each["window"], each["due_at"]) for each in missed]
    day = (await client.get("/v1/my-day")).json()
    mine = [
        (duty["kind"], duty["due_at"], duty["state"], duty["report"]["body"].get("window"))
        for stop in day["stops"]
        for duty in stop["duties"]
        if (stop["household"] or {}).get("id") == person["household_id"]
    ]
    return boards, sorted(slots, key=str), sorted(mine, key=str)


@pytest.mark.parametrize("seed", range(6))
async def test_due_lists_are_the_same_however_the_records_were_ordered(
    town: Town, owner: Database, twins: list[dict[str, Any]], morning: Any, seed: int
):
    order = random.Random(seed)
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for person in twins:
            records = _records(seed, UUID(person["id"]))
            order.shuffle(records)
            for statement, told in records:
                await connection.execute(statement, *told)
    morning.move_to(at(14, days=2))
    han = await signed_in(town, "han")
    first, *others = [await _told(han, person) for person in twins]
    assert any(tally for board in first[0] for tally in board)
    assert all(other == first for other in others)
    assert at(0).date() == DAY
