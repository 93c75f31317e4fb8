"""`python -m benchmarks.alerts`: what an alert adds to a reading, and how long a sweep takes."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

import asyncpg
import orjson
import uvloop

from api.foundation import clock
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.records import new_id
from api.readings.sweep import sweep_missed
from benchmarks.load import asking, times
from benchmarks.run import _serving, _settings
from benchmarks.township import CELL, Scene, build

TURNS, REQUESTS = 10, 80
PEOPLE, MISSING = 100_000, 5

# Villages with a secretary each, so that an alert is told to somebody at its first step.
_SECRETARIES = """
    UPDATE grids SET kind = 'village' WHERE level = 2;
    INSERT INTO workers (id, version, reach, grid_id, name, is_party_member)
    SELECT gen_random_uuid(), 1, path, id, '某书记', true FROM grids WHERE level = 2;
    INSERT INTO posts (id, version, reach, worker_id, grid_id, role, began_at)
    SELECT gen_random_uuid(), 1, reach, id, grid_id, 'grid_leader', now() - interval '500 days'
    FROM workers WHERE name = '某书记';
"""
_STAGES = """
    INSERT INTO quarantine_stages (id, version, reach, quarantine_id, ordinal, category, starts_on,
        ends_on, counted_from, day_index_base, credited_days, monitoring_policy_id, care_policy_id,
        tests, test_window_hours, on_missed_test, visits_per_day, calls_per_day, cohabitant_rule,
        leave_home, site_checklist)
    SELECT gen_random_uuid(), 1, reach, id, 1, category, started_on, planned_end_on, started_on, 1,
        0, monitoring_policy_id, care_policy_id, '[]', 24, 'reschedule', 0, 0, 'none', 'never', '{}'
    FROM quarantines q
    WHERE NOT EXISTS (SELECT FROM quarantine_stages s WHERE s.quarantine_id = q.id);
    ANALYZE
"""
_MORE_PEOPLE = """
    WITH person AS (
        SELECT q.*, gen_random_uuid() AS resident, gen_random_uuid() AS quarantine
        FROM quarantines q, generate_series(1, $1::int - 1)
    ), resident AS (
        INSERT INTO residents (id, version, recorded_at, received_at, performed_by, entered_by,
            source, reach, household_id, grid_id, name, sex, relation, registration,
            is_party_member, mobility_limited, lives_alone)
        SELECT resident, 1, recorded_at, received_at, performed_by, entered_by, source, reach,
            household_id, grid_id, '某人', 'unknown', 'other', 'registered', false, false, false
        FROM person
    )
    INSERT INTO quarantines (id, version, recorded_at, received_at, performed_by, entered_by,
        source, reach, resident_id, household_id, grid_id, reason, category, place_kind, started_on,
        planned_end_on, status, care_policy_id, monitoring_policy_id, team_complete)
    SELECT quarantine, 1, recorded_at, received_at, performed_by, entered_by, source, reach,
        resident, household_id, grid_id, reason, category, place_kind, started_on, planned_end_on,
        status, care_policy_id, monitoring_policy_id, team_complete FROM person
"""
_AT_HOME = """
    INSERT INTO whereabouts (id, version, recorded_at, received_at, performed_by, entered_by,
        source, reach, quarantine_id, kind, since_at)
    SELECT gen_random_uuid(), 1, recorded_at, received_at, performed_by, entered_by, source, reach,
        id, 'at_home', received_at FROM quarantines
"""
_MOST_MEASURED = """
    INSERT INTO readings (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at,
        day, "window", timing, abnormal, low)
    SELECT gen_random_uuid(), 1, $2, $2, q.performed_by, q.performed_by, 'visit', q.id,
        q.resident_id, q.grid_id, q.reach, 36.5, 'electronic', 'axillary', '{}', $2, $3::date,
        "window", 'on_time', false, false
    FROM quarantines AS q, unnest('{morning,evening}'::text[]) AS "window"
    WHERE ("window" = 'evening' OR abs(hashtext(q.id::text)) % 100 >= $1::int)
        AND NOT EXISTS (SELECT FROM readings r WHERE r.quarantine_id = q.id AND r.day = $3)
"""


def main() -> None:
    """Measure and print; takes about two minutes."""
    with tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as addresses:
            settings = _settings(addresses)
            scene = asyncio.run(build(addresses, settings))
            asyncio.run(_prepare(addresses))
            with _serving("api.app:app_from_environment", settings) as port:
                uvloop.run(_readings(scene, port))
            uvloop.run(_sweep(addresses, scene))


async def _owner(addresses: Addresses) -> asyncpg.Connection:
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(CELL)}, public")
    return connection


async def _prepare(addresses: Addresses) -> None:
    connection = await _owner(addresses)
    await connection.execute(_SECRETARIES)
    await connection.execute(_STAGES)
    await connection.close()


async def _readings(scene: Scene, port: int) -> None:
    """Normal, opening and added-to in turn, one request after the other."""
    normal = _bodies(scene, value_c=36.5, window="evening", day=0)
    opening = _bodies(scene, value_c=38.5, window="morning", day=0)
    adding = _bodies(scene, value_c=38.5, window="morning", day=1)
    taken: dict[str, list[float]] = {"normal": [], "opening": [], "adding": []}
    for turn in range(TURNS + 1):
        for what, bodies in zip(taken, (normal, opening, adding), strict=True):
            measured = await times(port, bodies.__next__, requests=REQUESTS)
            taken[what] += measured if turn else []
    first = median(taken["normal"])
    for what, each in taken.items():
        print(f"reading, {what:8} {median(each) * 1e6:7,.0f} µs   ratio {median(each) / first:.2f}")


def _bodies(scene: Scene, *, value_c: float, window: str, day: int) -> Iterator[bytes]:
    at = scene.first_day + timedelta(days=day)
    for place in count():
        body = {
            "id": str(new_id()),
            "quarantine_id": str(scene.quarantines[place]),
            "value_c": value_c,
            "symptoms": [],
            "measured_at": at.isoformat(),
            "window": window,
        }
        yield asking("POST", "/v1/readings", scene.token, orjson.dumps(body))


async def _sweep(addresses: Addresses, scene: Scene) -> None:
    """The minute in which the grace of this morning's window ends, for many people."""
    owner = await _owner(addresses)
    await owner.execute("SET statement_timeout = 0")
    await owner.execute(_MORE_PEOPLE, PEOPLE // len(scene.quarantines))
    await owner.execute(_AT_HOME)
    await owner.execute(_STAGES)
    today = clock.today()
    noon = clock.day_bounds(today)[0] + timedelta(hours=12)
    await owner.execute(_MOST_MEASURED, MISSING, noon, today)
    await owner.execute("TRUNCATE sweeps; ANALYZE")
    service = await asyncpg.connect(addresses.service, server_settings={"jit": "off"})
    for minute in (-1, 0, 1):
        began = perf_counter()
        await service.execute(Entry.for_the_house(CELL).opening)
        missed = await sweep_missed(service, CELL, noon + timedelta(minutes=minute))
        await service.execute("COMMIT")
        people = await owner.fetchval("SELECT count(*) FROM quarantines")
        print(f"sweep of {people:,}: {missed:,} missed, {perf_counter() - began:.2f} s")
    await service.close()
    await owner.close()


if __name__ == "__main__":
    main()
