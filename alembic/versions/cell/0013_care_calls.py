"""Calls of the care line, notices of release by number, and whoever follows another one's tests."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE care_calls (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    performed_by UUID NOT NULL,
    entered_by UUID NOT NULL,
    source VARCHAR(40) NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    quarantine_id UUID NOT NULL,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    day DATE NOT NULL,
    called_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    mood VARCHAR(40),
    symptoms VARCHAR(40)[] NOT NULL,
    needs VARCHAR(40)[] NOT NULL,
    note_sealed BYTEA,
    CONSTRAINT pk_care_calls PRIMARY KEY (id),
    CONSTRAINT ck_care_calls_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_care_calls_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_care_calls_kind CHECK (kind IN ('daily', 'follow_up')),
    CONSTRAINT ck_care_calls_outcome CHECK (outcome IN ('reached', 'unreachable', 'refused')),
    CONSTRAINT ck_care_calls_mood CHECK (mood IN ('calm', 'low', 'anxious', 'agitated'))
)
""",
    """\
CREATE INDEX ix_care_calls_called_at ON care_calls (called_at, id)
""",
    """\
CREATE INDEX ix_care_calls_changed_xid ON care_calls (changed_xid)
""",
    """\
CREATE INDEX ix_care_calls_quarantine_id_day ON care_calls (quarantine_id, day)
""",
    """\
CREATE INDEX ix_care_calls_reach ON care_calls (reach)
""",
    "ALTER TABLE care_calls ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON care_calls USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "CREATE SEQUENCE release_number",
    """\
CREATE FUNCTION linked_samples(followers uuid[]) RETURNS TABLE (
    quarantine_id uuid, test_id uuid, outcome text, sampled_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    -- The contact may live out of the caller's sight: nothing is told of them but their results.
    SELECT p.quarantine_id, t.id, t.outcome, t.sampled_at
    FROM quarantine_plans p
    JOIN quarantines contact ON contact.id = p.linked_quarantine_id
    JOIN diagnostic_tests t ON t.resident_id = contact.resident_id AND t.discarded_at IS NULL
        AND t.sampled_at >= contact.started_on::timestamp AT TIME ZONE 'Asia/Shanghai'
    WHERE p.quarantine_id = ANY (followers) AND p.link = 'secondary_contact' AND p.ended_at IS NULL
        AND (
            p.reach >= nullif(current_setting('onegrid.reach_from', true), '')
            AND p.reach < nullif(current_setting('onegrid.reach_to', true), '')
            OR p.quarantine_id = ANY (
                string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[]
            )
        )
    ORDER BY p.quarantine_id, t.sampled_at, t.id
$$
""",
    """\
CREATE FUNCTION warn_followers(
    positive uuid[], note_sealed bytea, told_by uuid, at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    reach_from text := current_setting('onegrid.reach_from', true);
    reach_to text := current_setting('onegrid.reach_to', true);
    findings jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object(
        'cause', 'reported', 'subject_id', q.resident_id, 'grid_id', q.grid_id, 'reach', q.reach,
        'household_id', q.household_id, 'resident_id', q.resident_id, 'quarantine_id', q.id,
        'kind', 'test_result', 'record_id', t.id, 'key', 'linked ' || q.id,
        'found_at', coalesce(t.reported_at, warn_followers.at), 'told_by', warn_followers.told_by,
        'note_sealed', warn_followers.note_sealed::text
    )) INTO findings
    FROM diagnostic_tests t
    JOIN quarantines contact ON contact.resident_id = t.resident_id AND contact.grid_id = t.grid_id
    JOIN quarantine_plans p ON p.linked_quarantine_id = contact.id
        AND p.link = 'secondary_contact' AND p.ended_at IS NULL
    JOIN quarantines q ON q.id = p.quarantine_id AND q.status IN ('planned', 'active')
    WHERE t.id = ANY (positive) AND t.outcome = 'positive' AND t.discarded_at IS NULL
        AND (
            t.reach >= reach_from COLLATE "C" AND t.reach < reach_to COLLATE "C"
            OR t.resident_id = ANY (
                string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[]
            )
        );
    IF findings IS NOT NULL THEN
        -- Who follows may live out of the caller's sight, and their leaders are told all the same.
        PERFORM set_config('onegrid.reach_from', 't', true);
        PERFORM set_config('onegrid.reach_to', 't/', true);
        PERFORM open_alerts(findings, at);
        PERFORM set_config('onegrid.reach_from', reach_from, true);
        PERFORM set_config('onegrid.reach_to', reach_to, true);
    END IF;
END
$$
""",
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format(
        'ALTER FUNCTION linked_samples SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION warn_followers SET search_path = %1$I, pg_temp', current_schema()
    );
END
$$
""",
)

DOWN = (
    "DROP FUNCTION warn_followers(uuid[], bytea, uuid, timestamptz)",
    "DROP FUNCTION linked_samples(uuid[])",
    "DROP SEQUENCE release_number",
    "DROP TABLE care_calls",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
