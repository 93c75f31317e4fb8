"""`python -m benchmarks.duties [READINGS]`: a worker's day, and the live view as it grows."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import UUID

import asyncpg
import uvloop

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.records import new_id
from api.settings import Settings
from benchmarks.load import asking, times
from benchmarks.run import _serving, _settings
from benchmarks.township import CELL, founded, token_of

VILLAGES, GRIDS, DOORS, QUARANTINED = 27, 160, 100, 2_000
FIRST, TURNS, REQUESTS = 100_000, 15, 60
PERIOD = 14

# Set-based and as the owner: what is measured is the service, not how the scenery got there.
_GRIDS = """
    INSERT INTO grids (
        id, version, code, name, kind, level, path, parent_id, next_segment, opened_on
    )
    SELECT gen_random_uuid(), 1, '451422203' || 200 + n, n || '村', 'village', 2,
        't.' || lpad(n::text, 2, '0'), $1, 1, current_date FROM generate_series(1, $2::int) AS n
"""
_BASIC = """
    INSERT INTO grids (
        id, version, code, name, kind, level, path, parent_id, next_segment, opened_on
    )
    SELECT gen_random_uuid(), 1, v.code || lpad(n::text, 3, '0'), n || '组', 'basic', 3,
        v.path || '.' || lpad(n::text, 3, '0'), v.id, 1, current_date
    FROM generate_series(1, $1::int) AS n
    JOIN (SELECT *, row_number() OVER (ORDER BY path) AS nth FROM grids WHERE level = 2) AS v
        ON v.nth = n % $2::int + 1
"""
_HOMES = """
    WITH door AS (
        SELECT g.id AS grid_id, gen_random_uuid() AS household_id, gen_random_uuid() AS resident_id,
            nextval('household_number') AS number, g.path
        FROM grids AS g, generate_series(1, $1::int) WHERE g.level = 3
    ), household AS (
        INSERT INTO households (id, version, recorded_at, received_at, performed_by, entered_by,
            source, reach, grid_id, number, name, address_sealed)
        SELECT household_id, 1, $2::timestamptz, $2, $3::uuid, $3, 'excel', path || '.h' || number,
            grid_id, number, '某户', $4::bytea FROM door
    )
    INSERT INTO residents (id, version, recorded_at, received_at, performed_by, entered_by,
        source, reach, household_id, grid_id, name, sex, relation, registration,
        is_party_member, mobility_limited, lives_alone)
    SELECT resident_id, 1, $2, $2, $3, $3, 'excel', path || '.h' || number, household_id, grid_id,
        '某人', 'unknown', 'head', 'registered', false, false, false FROM door
"""
_QUARANTINES = """
    WITH begun AS (
        INSERT INTO quarantines (id, version, recorded_at, received_at, performed_by, entered_by,
            source, reach, resident_id, household_id, grid_id, reason, category, place_kind,
            started_on, planned_end_on, ended_on, end_reason, status, care_policy_id,
            monitoring_policy_id, team_complete)
        SELECT gen_random_uuid(), 1, at, at, entered_by, entered_by, 'excel', reach, id,
            household_id, grid_id, 'other', 'home_quarantine', 'home', first, first + 13,
            CASE WHEN past THEN first + 13 END, CASE WHEN past THEN 'completed' END,
            CASE WHEN past THEN 'released' ELSE 'active' END,
            (SELECT id FROM care_team_policies LIMIT 1),
            (SELECT id FROM monitoring_policies LIMIT 1), false
        FROM ({periods}) AS period,
            LATERAL (SELECT first::timestamptz - interval '8 hours' AS at) AS began
        RETURNING *
    )
    INSERT INTO quarantine_stages (id, version, reach, quarantine_id, ordinal, category, starts_on,
        ends_on, counted_from, day_index_base, credited_days, monitoring_policy_id, care_policy_id,
        tests, test_window_hours, on_missed_test, visits_per_day, calls_per_day, cohabitant_rule,
        leave_home, site_checklist)
    SELECT gen_random_uuid(), 1, reach, id, 1, category, started_on, planned_end_on, started_on, 1,
        0, monitoring_policy_id, care_policy_id,
        '[{{"day": 1, "kind": "nucleic_acid", "samples": 1}},
          {{"day": 4, "kind": "nucleic_acid", "samples": 1}},
          {{"day": 7, "kind": "nucleic_acid", "samples": 1}}]',
        24, 'reschedule', 2, 1, 'none', 'never', '[]'
    FROM begun
"""
_NOW = """
    SELECT *, $1::date - 3 AS first, false AS past FROM (
        SELECT *, row_number() OVER (PARTITION BY grid_id ORDER BY id) AS nth,
            dense_rank() OVER (ORDER BY grid_id) AS grid
        FROM residents
    ) AS r
    WHERE nth <= 10 OR grid <= ($2::int - 10 * $3::int) / 10 AND nth <= 20
"""
_BEFORE = """
    SELECT r.*, $1::date - 20 * (k / $4::int + 1) AS first, true AS past
    FROM generate_series($2::int, $3::int) AS k
    JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS nth FROM residents) AS r
        ON r.nth = k % $4::int
"""
_READINGS = """
    INSERT INTO readings (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at,
        day, "window", timing, abnormal, low)
    SELECT gen_random_uuid(), 1, at, at, q.performed_by, q.performed_by, 'visit', q.id,
        q.resident_id, q.grid_id, q.reach, 36.5, 'electronic', 'axillary', '{}', at, day, "window",
        'on_time', false, false
    FROM quarantines AS q,
        LATERAL generate_series(q.started_on, least(q.ended_on, $1::date), interval '1 day') AS d,
        LATERAL (SELECT d::date AS day) AS days,
        (VALUES ('morning', interval '0'), ('evening', interval '9 hours')) AS w ("window", o),
        LATERAL (SELECT day::timestamptz + o AS at) AS measured
    WHERE NOT EXISTS (SELECT FROM readings AS r WHERE r.quarantine_id = q.id)
        AND (q.ended_on IS NOT NULL OR day < $1::date OR "window" = 'morning'
            AND hashtext(q.id::text) % 10 <> 0)
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who asks: a worker of a grid with ten persons, and the township's leader."""

    worker: str
    leader: str
    reading: UUID


def main() -> None:
    """Measure and print; a million readings take three minutes, ten million half an hour."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder), durable=False) as addresses:
            settings = _settings(addresses)
            scene = asyncio.run(_build(addresses, settings))
            with (
                _serving("benchmarks.floor:app", settings) as floor,
                _serving("api.app:app_from_environment", settings) as onegrid,
            ):
                uvloop.run(_measure(addresses, scene, floor, onegrid, largest))


async def _build(addresses: Addresses, settings: Settings) -> Scene:
    root, post = await founded(addresses, settings)
    door = await _door(addresses)
    await door.execute(_GRIDS, root.id, VILLAGES)
    await door.execute(_BASIC, GRIDS, VILLAGES)
    address = settings.keyring().seal("青竹乡柳村一组12号", context="households.address")
    began = clock.now() - timedelta(days=900)
    await door.execute(_HOMES, DOORS, began, post.worker_id, address)
    today = clock.today()
    await door.execute(_QUARANTINES.format(periods=_NOW), today, QUARANTINED, GRIDS)
    await _let_grow(door, FIRST)
    place: UUID = await door.fetchval(_QUIET)
    leader = await _appointed(door, addresses, settings, root.id, 1, Role.grid_leader)
    worker = await _appointed(door, addresses, settings, place, 3, Role.grid_worker)
    reading = await door.fetchval("SELECT id FROM readings LIMIT 1")
    await door.close()
    return Scene(worker=worker, leader=leader, reading=reading)


_QUIET = """
    SELECT g.id FROM grids AS g JOIN quarantines AS q ON q.grid_id = g.id AND q.status = 'active'
    GROUP BY g.id HAVING count(*) = 10 ORDER BY g.path LIMIT 1
"""


async def _door(addresses: Addresses) -> asyncpg.Connection:
    settings = {
        "search_path": f"{cell_schema(CELL)}, public",
        "timezone": "Asia/Shanghai",
        "session_replication_role": "replica",  # no foreign key is looked up for the scenery
    }
    return await asyncpg.connect(addresses.superuser, server_settings=settings)


async def _appointed(
    door: asyncpg.Connection,
    addresses: Addresses,
    settings: Settings,
    grid: UUID,
    level: int,
    role: Role,
) -> str:
    """Somebody new at a post there, signed in."""
    worker, post = new_id(), new_id()
    path = await door.fetchval("SELECT path FROM grids WHERE id = $1", grid)
    await door.execute(
        "INSERT INTO public.accounts (id, name, password_hash, created_at, must_change_password) "
        "VALUES ($1, $2, '', now(), false)",
        worker,
        f"bench-{role.value}",
    )
    await door.execute(
        "INSERT INTO workers (id, version, reach, grid_id, name, is_party_member) "
        "VALUES ($1, 1, $2, $3, '某员', false)",
        worker,
        path,
        grid,
    )
    await door.execute(
        "INSERT INTO posts (id, version, reach, worker_id, grid_id, role, began_at) "
        "VALUES ($1, 1, $2, $3, $4, $5, now() - interval '900 days')",
        post,
        path,
        worker,
        grid,
        role.value,
    )
    return await token_of(addresses, settings, worker, post, grid, level, role)


async def _let_grow(door: asyncpg.Connection, wanted: int) -> None:
    """More people were in quarantine before, until there are about as many readings as wanted."""
    done = await door.fetchval("SELECT count(*) FROM quarantines WHERE status = 'released'")
    before = _QUARANTINES.format(periods=_BEFORE)
    numbers = (done, wanted // (PERIOD * 2) - 1)
    await door.execute(before, clock.today(), *numbers, GRIDS * DOORS, timeout=3600)
    await door.execute(_READINGS, clock.today(), timeout=7200)
    await door.execute("VACUUM ANALYZE", timeout=3600)


async def _measure(
    addresses: Addresses, scene: Scene, floor: int, onegrid: int, largest: int
) -> None:
    row = lambda: asking("GET", f"/v1/readings/{scene.reading}", scene.worker)  # noqa: E731
    day = lambda: asking("GET", "/v1/my-day", scene.worker)  # noqa: E731
    view = lambda: asking("GET", "/v1/live-view", scene.leader)  # noqa: E731
    first: float | None = None
    door = await _door(addresses)
    for wanted in sorted({FIRST, largest}):
        began = perf_counter()
        await _let_grow(door, wanted)
        readings = await door.fetchval("SELECT count(*) FROM readings")
        print(f"{readings:,} readings ({perf_counter() - began:.0f} s to get there)")
        one, mine, ratio = await _in_turn((floor, row), (onegrid, day))
        print(
            f"  my-day {mine * 1e3:.2f} ms, one row of the floor {one * 1e3:.2f} ms, p50 ratio "
            f"{ratio:.2f}"
        )
        views = await times(onegrid, view, requests=REQUESTS)
        p50 = median(views[10:])
        first = first or p50
        print(f"  live view {p50 * 1e3:.1f} ms, {p50 / first:.2f} of what it was at first")
    await door.close()


async def _in_turn(
    floor: tuple[int, Callable[[], bytes]], onegrid: tuple[int, Callable[[], bytes]]
) -> tuple[float, float, float]:
    """Both medians, and the median of their ratio, asked alternately."""
    ours, theirs = [], []
    for turn in range(TURNS + 2):
        one = await times(*floor, requests=REQUESTS)
        mine = await times(*onegrid, requests=REQUESTS)
        if turn > 1:
            theirs.append(median(one))
            ours.append(median(mine))
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return median(theirs), median(ours), median(ratios)


if __name__ == "__main__":
    main()
