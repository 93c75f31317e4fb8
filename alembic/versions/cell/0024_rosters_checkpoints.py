"""Duty rosters, checkpoints, passes, and what still has to be checked."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ENTER = """\
DO $$
BEGIN
    -- It runs at every request: its tables are named whole, as in 0001.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION enter(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, writing boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $enter$
DECLARE
    held record;
    duties text;
BEGIN
    IF writing THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()));
    END IF;
    SELECT p.worker_id, p.reach INTO held
    FROM public.sessions s
    JOIN public.accounts a ON a.id = s.account_id AND a.disabled_at IS NULL
    JOIN %%1$I.posts p ON p.id = s.post_id AND p.worker_id = a.id
    JOIN %%1$I.grids g ON g.id = p.grid_id
    WHERE s.id = session_id AND s.post_id = held_post
        AND s.ended_at IS NULL AND s.expires_at > at
        AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
        AND g.id = claimed_grid AND g.level = claimed_level AND p.role = claimed_role
        AND (g.moved_at IS NULL OR date_trunc('second', g.moved_at) <= issued_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the post or session has ended, or the grid has moved'
            USING ERRCODE = 'OG401';
    END IF;
    %s;
    EXECUTE format(
        'SET LOCAL onegrid.reach_from = %%%%L; SET LOCAL onegrid.reach_to = %%%%L; '
        'SET LOCAL onegrid.duties = %%%%L; SET LOCAL onegrid.worker = %%%%L',
        held.reach, held.reach || '/', coalesce(duties, ''), held.worker_id
    );
END
$enter$
    $function$, current_schema());
END
$$
"""

BY_SEAT = """\
SELECT string_agg(concat_ws(',', quarantine_id, household_id, resident_id), ',') INTO duties
    FROM %1$I.care_seats WHERE worker_id = held.worker_id AND ended_at IS NULL"""

BY_SEAT_AND_SHIFT = """\
-- A door opens an hour before a shift, for the handover, and stays open half a day after it, for
    -- what is still to be written down.
    SELECT concat_ws(',', (
        SELECT string_agg(concat_ws(',', quarantine_id, household_id, resident_id), ',')
        FROM %1$I.care_seats WHERE worker_id = held.worker_id AND ended_at IS NULL
    ), (
        SELECT string_agg(DISTINCT d.place_id::text, ',') FROM %1$I.duty_shifts d
        WHERE d.worker_id = held.worker_id AND d.discarded_at IS NULL
            AND d.ends_at > at - interval '12 hours' AND d.starts_at <= at + interval '1 hour'
    )) INTO duties"""

UP: tuple[str, ...] = (
    """\
CREATE TABLE duty_shifts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    place_kind VARCHAR(40) NOT NULL,
    place_id UUID NOT NULL,
    place_name VARCHAR(50) NOT NULL,
    grid_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    worker_name VARCHAR(50) NOT NULL,
    role VARCHAR(50),
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    note TEXT,
    arranged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    arranged_by UUID NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_duty_shifts PRIMARY KEY (id),
    CONSTRAINT ck_duty_shifts_period CHECK (ends_at > starts_at),
    CONSTRAINT ck_duty_shifts_place_kind CHECK (place_kind IN ('checkpoint', 'site')),
    CONSTRAINT fk_duty_shifts_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id)
)
""",
    """\
CREATE INDEX ix_duty_shifts_changed_xid ON duty_shifts (changed_xid)
""",
    """\
CREATE INDEX ix_duty_shifts_place_id_starts_at ON duty_shifts (place_id, starts_at)
""",
    """\
CREATE INDEX ix_duty_shifts_reach_starts_at ON duty_shifts (reach, starts_at)
""",
    """\
CREATE INDEX ix_duty_shifts_worker_id_ends_at ON duty_shifts (worker_id, ends_at) WHERE discarded_at IS NULL
""",
    "ALTER TABLE duty_shifts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON duty_shifts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR place_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
    OR worker_id = nullif(current_setting('onegrid.worker', true), '')::uuid
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    ENTER % BY_SEAT_AND_SHIFT,
    """\
DO $$
BEGIN
    -- People stand at places beyond the reach of whoever rosters them, or ends their post.
    EXECUTE format($function$
CREATE FUNCTION roster_people(named uuid[], at timestamptz) RETURNS TABLE (
    worker_id uuid, name text
) LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- In one order always: whoever rosters the same people waits, and never in a circle.
    PERFORM pg_advisory_xact_lock(hashtextextended(%1$L || ' roster ' || person, 0))
    FROM (SELECT DISTINCT unnest(named)::text AS person ORDER BY 1) AS people;
    RETURN QUERY SELECT w.id, w.name::text FROM %1$I.workers w
    WHERE w.id = ANY (named) AND (w.left_at IS NULL OR w.left_at > at);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION shifts_of(
    named uuid[], since timestamptz, until timestamptz
) RETURNS TABLE (
    id uuid, worker_id uuid, starts_at timestamptz, ends_at timestamptz, reach text
) LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT d.id, d.worker_id, d.starts_at, d.ends_at, d.reach FROM %1$I.duty_shifts d
    WHERE d.worker_id = ANY (named) AND d.discarded_at IS NULL
        AND d.ends_at > since AND d.starts_at < until
    ORDER BY d.starts_at, d.id
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION pass_shifts(
    passed uuid[], successor uuid, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$
    INSERT INTO %1$I.revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach
    )
    SELECT gen_random_uuid(), 'duty_shifts', d.id, d.version, to_jsonb(d) - 'changed_xid', at,
        passed_by, why, d.reach
    FROM %1$I.duty_shifts d WHERE d.id = ANY (passed);
    UPDATE %1$I.duty_shifts d SET worker_id = w.id, worker_name = w.name, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    FROM %1$I.workers w WHERE d.id = ANY (passed) AND w.id = successor
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN: tuple[str, ...] = (
    "DROP FUNCTION pass_shifts(uuid[], uuid, uuid, text, timestamptz)",
    "DROP FUNCTION shifts_of(uuid[], timestamptz, timestamptz)",
    "DROP FUNCTION roster_people(uuid[], timestamptz)",
    ENTER % BY_SEAT,
    "DROP TABLE duty_shifts",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
