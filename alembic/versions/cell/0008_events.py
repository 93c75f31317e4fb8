"""What has just happened, for those whom it concerns: ids only, kept for a week."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOVE_HISTORY = """\
CREATE OR REPLACE FUNCTION move_history(former text[], latter text[], below boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    kept text;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(former || latter) AS place
        WHERE (place >= nullif(current_setting('onegrid.reach_from', true), '') COLLATE "C"
            AND place < nullif(current_setting('onegrid.reach_to', true), '') COLLATE "C")
            IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'history moves within reach only' USING ERRCODE = '42501';
    END IF;
    -- What was put on record never changes; only where it lies follows its grid.
    FOREACH kept IN ARRAY ARRAY[%s] LOOP
        EXECUTE format(
            'UPDATE %%I AS t SET reach = m.latter || substr(t.reach, length(m.former) + 1) '
            'FROM unnest($1, $2) AS m (former, latter) WHERE %%s', kept,
            CASE WHEN below THEN 't.reach >= m.former AND t.reach < m.former || ''/'''
                ELSE 't.reach = m.former' END
        ) USING former, latter;
    END LOOP;
END
$$
"""

PIN_MOVE_HISTORY = """\
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION move_history SET search_path = %1$I, pg_temp', current_schema());
END
$$
"""

UP = (
    """\
CREATE TABLE events (
    reach TEXT COLLATE "C" NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind VARCHAR(40) NOT NULL,
    subject_id UUID NOT NULL,
    grid_id UUID,
    quarantine_id UUID,
    worker_id UUID,
    CONSTRAINT pk_events PRIMARY KEY (seq)
)
""",
    """\
CREATE INDEX ix_events_xid ON events (xid)
""",
    "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON events FOR SELECT USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
    OR worker_id = nullif(current_setting('onegrid.worker', true), '')::uuid
)
""",
    """\
DO $$
BEGIN
    -- It runs where a reading is taken: its tables are named whole, as those of enter() are. Told
    -- many times in one transaction, listeners are woken once.
    EXECUTE format($function$
CREATE FUNCTION tell(
    kind text, subject uuid, grid uuid, quarantine uuid, worker uuid, reach text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $tell$
    INSERT INTO %1$I.events (kind, subject_id, grid_id, quarantine_id, worker_id, reach, at)
    VALUES (
        tell.kind, tell.subject, tell.grid, tell.quarantine, tell.worker, tell.reach, tell.at
    );
    SELECT pg_catalog.pg_notify('onegrid_events', %1$L)
$tell$
    $function$, current_schema());
END
$$
""",
    """\
CREATE FUNCTION scopes_of(
    sessions uuid[], held uuid[], claimed_grids uuid[], claimed_levels integer[],
    claimed_roles text[], issued timestamptz[], at timestamptz
) RETURNS TABLE (
    nth bigint, worker_id uuid, reach text, duties uuid[]
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    -- Who listens is held to what whoever enters is held to; see enter().
    SELECT told.nth, p.worker_id, p.reach, ARRAY(
        SELECT c.quarantine_id FROM care_seats c
        WHERE c.worker_id = p.worker_id AND c.ended_at IS NULL
    )
    FROM unnest(sessions, held, claimed_grids, claimed_levels, claimed_roles, issued)
        WITH ORDINALITY AS told (session, post, grid, level, role, issued_at, nth)
    JOIN public.sessions s ON s.id = told.session AND s.post_id = told.post
        AND s.ended_at IS NULL AND s.expires_at > at
    JOIN public.accounts a ON a.id = s.account_id AND a.disabled_at IS NULL
    JOIN posts p ON p.id = s.post_id AND p.worker_id = a.id AND p.role = told.role
        AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
    JOIN grids g ON g.id = p.grid_id AND g.id = told.grid AND g.level = told.level
        AND (g.moved_at IS NULL OR date_trunc('second', g.moved_at) <= told.issued_at)
$$
""",
    """\
CREATE FUNCTION purge_events(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
    -- The last transaction of those to be forgotten stays: whoever comes from before it is told
    -- that something is missing.
    WITH forgotten AS (
        DELETE FROM events
        WHERE xid < (SELECT e.xid FROM events e WHERE e.at < before ORDER BY e.xid DESC LIMIT 1)
        RETURNING seq
    )
    SELECT count(*) FROM forgotten
$$
""",
    """\
CREATE FUNCTION events_purged_to(before timestamptz) RETURNS xid8
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT oldest.xid FROM (SELECT e.xid, e.at FROM events e ORDER BY e.xid LIMIT 1) oldest
    WHERE oldest.at < before
$$
""",
    MOVE_HISTORY % "'audit_entries', 'revisions', 'events'",
    PIN_MOVE_HISTORY,
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format(
        'ALTER FUNCTION scopes_of SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION purge_events SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION events_purged_to SET search_path = %1$I, pg_temp', current_schema()
    );
END
$$
""",
)

DOWN = (
    MOVE_HISTORY % "'audit_entries', 'revisions'",
    PIN_MOVE_HISTORY,
    "DROP FUNCTION events_purged_to(timestamptz)",
    "DROP FUNCTION purge_events(timestamptz)",
    "DROP FUNCTION scopes_of(uuid[], uuid[], uuid[], integer[], text[], timestamptz[], timestamptz)",
    "DROP FUNCTION tell(text, uuid, uuid, uuid, uuid, text, timestamptz)",
    "DROP TABLE events",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
