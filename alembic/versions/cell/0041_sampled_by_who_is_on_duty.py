"""Samples and doses told at a site by whoever is on duty there; what was told at a session."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE vaccinations ADD COLUMN site_session_id UUID",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_vaccinations_site_session_id ON vaccinations (site_session_id) WHERE site_session_id IS NOT NULL
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_sample_tubes_site_session_id ON sample_tubes (site_session_id) WHERE site_session_id IS NOT NULL
""",
    """\
CREATE TABLE site_look_ups (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    site_id UUID NOT NULL,
    site_session_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    person_id UUID,
    keep_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_site_look_ups PRIMARY KEY (id),
    CONSTRAINT fk_site_look_ups_site_session_id FOREIGN KEY(site_session_id) REFERENCES site_sessions (id)
)
""",
    """\
CREATE INDEX ix_site_look_ups_changed_xid ON site_look_ups (changed_xid)
""",
    """\
CREATE INDEX ix_site_look_ups_reach ON site_look_ups (reach)
""",
    """\
CREATE INDEX ix_site_look_ups_keep_until ON site_look_ups (keep_until)
""",
    """\
CREATE INDEX ix_site_look_ups_worker_id_at ON site_look_ups (worker_id, at)
""",
    "ALTER TABLE site_look_ups ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON site_look_ups USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR site_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
-- A shift is at a site and never at a session: what is told at one is seen only where
-- open_to_site() has opened it.
ALTER POLICY reach ON sample_tubes USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR site_session_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
DO $$
BEGIN
    -- Whoever comes to a site may belong anywhere in the township. Whom the caller has looked up at
    -- this session is opened as a seat would open them, until the transaction ends and no longer.
    EXECUTE format($function$
CREATE FUNCTION open_to_site(held uuid, named uuid[]) RETURNS TABLE (
    look_up_id uuid, resident_id uuid, keep_until timestamptz, line jsonb
) LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    on_duty text := nullif(current_setting('onegrid.duties', true), '');
    asking uuid := nullif(current_setting('onegrid.worker', true), '')::uuid;
    opened text;
BEGIN
    PERFORM FROM %1$I.site_sessions s WHERE s.id = held AND (
        s.reach >= nullif(current_setting('onegrid.reach_from', true), '')
        AND s.reach < nullif(current_setting('onegrid.reach_to', true), '')
        OR s.site_id = ANY (string_to_array(on_duty, ',')::uuid[])
    );
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT string_agg(concat_ws(',', r.id, r.household_id, (
        SELECT string_agg(q.id::text, ',') FROM %1$I.quarantines q
        WHERE q.resident_id = r.id AND q.discarded_at IS NULL
    )), ',') INTO opened
    FROM %1$I.residents r WHERE r.discarded_at IS NULL AND r.id IN (
        SELECT l.person_id FROM %1$I.site_look_ups l
        WHERE l.site_session_id = held AND l.worker_id = asking
            AND (named IS NULL OR l.id = ANY (named))
    );
    EXECUTE format(
        'SET LOCAL onegrid.duties = %%L', concat_ws(',', on_duty, held, opened)
    );
    RETURN QUERY SELECT l.id, r.id, l.keep_until, (
        SELECT jsonb_object_agg(g.path, g.id) FROM %1$I.grids g
        WHERE starts_with(r.reach, g.path || '.')
    )
    FROM %1$I.site_look_ups l JOIN %1$I.residents r ON r.id = l.person_id
    WHERE l.site_session_id = held AND l.worker_id = asking AND l.id = ANY (named)
        AND r.discarded_at IS NULL;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    "DROP FUNCTION open_to_site(uuid, uuid[])",
    """\
ALTER POLICY reach ON sample_tubes USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "DROP TABLE site_look_ups",
    "DROP INDEX ix_sample_tubes_site_session_id",
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE vaccinations DROP COLUMN site_session_id
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
