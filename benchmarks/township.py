"""A township to measure on: its grids, and a person in quarantine behind every door."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from api.access.keys import KeyRoom
from api.access.models import Session
from api.access.permissions import Role
from api.access.tokens import Tokens
from api.foundation import clock
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from api.grids.models import Grid, Post
from api.operations import Operator, Password, create_administrator, create_township
from api.settings import Settings

CELL = "451422203"
GRIDS, DOORS = 20, 100
PAST_DAYS = 10
FIRST_DAY = timedelta(days=400)

# Set-based and as the owner: what is measured is the service, not how the scenery got there.
_SCENERY = """
    INSERT INTO grids (
        id, version, code, name, kind, level, path, parent_id, next_segment, opened_on
    )
    SELECT gen_random_uuid(), 1, '451422203201' || lpad(n::text, 3, '0'), n || '组', 'basic', 2,
        't.' || lpad(n::text, 3, '0'), $1, 1, current_date FROM generate_series(1, $2::int) AS n;
"""
_HOUSEHOLDS = """
    WITH door AS (
        SELECT g.id AS grid_id, gen_random_uuid() AS household_id, gen_random_uuid() AS resident_id,
            gen_random_uuid() AS quarantine_id, nextval('household_number') AS number, g.path
        FROM grids AS g, generate_series(1, $2::int) WHERE g.level = 2
    ), placed AS (
        SELECT *, path || '.h' || number AS reach FROM door
    ), household AS (
        INSERT INTO households (id, version, recorded_at, received_at, performed_by, entered_by,
            source, reach, grid_id, number, name)
        SELECT household_id, 1, $3::timestamptz, $3, $1::uuid, $1, 'excel', reach, grid_id, number,
            '某户' FROM placed
    ), resident AS (
        INSERT INTO residents (id, version, recorded_at, received_at, performed_by, entered_by,
            source, reach, household_id, grid_id, name, sex, relation, registration,
            is_party_member, mobility_limited, lives_alone)
        SELECT resident_id, 1, $3, $3, $1, $1, 'excel', reach, household_id, grid_id, '某人',
            'unknown', 'head', 'registered', false, false, false FROM placed
    )
    INSERT INTO quarantines (id, version, recorded_at, received_at, performed_by, entered_by,
        source, reach, resident_id, household_id, grid_id, reason, category, place_kind, started_on,
        planned_end_on, status, care_policy_id, monitoring_policy_id, team_complete)
    SELECT quarantine_id, 1, $3, $3, $1, $1, 'excel', reach, resident_id, household_id, grid_id,
        'other', 'home_quarantine', 'home', $4::date, $4::date + 500, 'active',
        (SELECT id FROM care_team_policies LIMIT 1), (SELECT id FROM monitoring_policies LIMIT 1),
        false
    FROM placed
    RETURNING id, grid_id
"""
_STAGES = """
    INSERT INTO quarantine_stages (id, version, reach, quarantine_id, ordinal, category, starts_on,
        ends_on, counted_from, day_index_base, credited_days, monitoring_policy_id, care_policy_id,
        tests, test_window_hours, on_missed_test, visits_per_day, calls_per_day, cohabitant_rule,
        leave_home, site_checklist)
    SELECT gen_random_uuid(), 1, reach, id, 1, category, started_on, planned_end_on, started_on, 1,
        0, monitoring_policy_id, care_policy_id, '[]', 24, 'reschedule', 0, 0, 'none', 'never', '[]'
    FROM quarantines
"""
_PAST = """
    INSERT INTO readings (id, version, recorded_at, received_at, performed_by, entered_by, source,
        quarantine_id, resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at,
        day, "window", timing, abnormal, low)
    SELECT gen_random_uuid(), 1, at, at, q.performed_by, q.performed_by, 'visit', q.id,
        q.resident_id, q.grid_id, q.reach, 36.5, 'electronic', 'axillary', '{}', at,
        at::date, "window", 'on_time', false, false
    FROM quarantines AS q, generate_series(0, $1::int - 1) AS n,
        (VALUES ('morning', interval '1 hour'), ('evening', interval '8 hours')) AS w ("window", o),
        LATERAL (SELECT (q.started_on + n)::timestamptz + o AS at) AS measured
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the load needs to know."""

    token: str
    worker: UUID
    quarantines: list[UUID]
    grids: list[UUID]
    first_day: datetime


async def founded(addresses: Addresses, settings: Settings) -> tuple[Grid, Post]:
    """A migrated cell with its root and its administrator's post, and nothing else."""
    operator = Operator(addresses.owner, "onegrid_service")
    await operator.migrate()
    await operator.create_cell(CELL, "测速乡")
    owner = Database(addresses.owner, settings.keyring())
    root = await create_township(owner, CELL, "测速乡")
    post = await create_administrator(
        owner, CELL, account="bench", name="测速", password=Password("Bench-2022-bench")
    )
    await owner.close()
    return root, post


async def build(addresses: Addresses, settings: Settings) -> Scene:
    """Migrate, build the township and sign its administrator in."""
    root, post = await founded(addresses, settings)
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(CELL)}, public")
    await connection.execute(_SCENERY, root.id, GRIDS)
    began = clock.now() - FIRST_DAY
    rows = await connection.fetch(_HOUSEHOLDS, post.worker_id, DOORS, began, began.date())
    await connection.execute(_STAGES)
    await connection.execute(_PAST, PAST_DAYS)
    await connection.execute("ANALYZE")
    await connection.close()
    token = await token_of(addresses, settings, post.worker_id, post.id, root.id)
    return Scene(
        token=token,
        worker=post.worker_id,
        quarantines=[row["id"] for row in rows],
        grids=list({row["grid_id"] for row in rows}),
        first_day=began.astimezone(UTC).replace(hour=0, minute=10) + timedelta(days=PAST_DAYS + 2),
    )


async def token_of(  # noqa: PLR0913, PLR0917 - what a token says
    addresses: Addresses,
    settings: Settings,
    worker: UUID,
    post: UUID,
    grid: UUID,
    level: int = 1,
    role: Role = Role.administrator,
) -> str:
    """Sign somebody in at a post."""
    service = Database(addresses.service, settings.keyring())
    await service.open()
    tokens = Tokens(issuer=settings.public_url, audience=settings.audience, minutes=60)
    keys = KeyRoom(service, tokens, overlap=timedelta(minutes=1))
    await keys.open()
    now, identity = clock.now(), new_id()
    async with service.session(Entry.outside()) as session:
        session.add(
            Session(
                id=identity,
                account_id=worker,
                cell=CELL,
                post_id=post,
                device="benchmarks",
                created_at=now,
                used_at=now,
                expires_at=now + timedelta(days=1),
            )
        )
    claims = {"sub": str(worker), "sid": str(identity), "cell": CELL, "post": str(post)}
    place = {"grid": str(grid), "level": level, "role": role.value}
    token = await keys.issue({**claims, **place})
    await service.close()
    return token
