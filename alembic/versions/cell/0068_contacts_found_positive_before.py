"""Whoever begins to follow a contact that has turned out positive already is told of as well."""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION warn_of_contact(
    follower uuid, note_sealed bytea, told_by uuid, at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
DECLARE
    findings jsonb;
BEGIN
    -- The contact may live out of the caller's sight; who follows lies in it.
    SELECT jsonb_agg(jsonb_build_object(
        'cause', 'reported', 'subject_id', q.resident_id, 'grid_id', q.grid_id, 'reach', q.reach,
        'household_id', q.household_id, 'resident_id', q.resident_id, 'quarantine_id', q.id,
        'kind', 'test_result', 'record_id', t.id, 'key', 'linked ' || q.id,
        'found_at', warn_of_contact.at, 'told_by', warn_of_contact.told_by,
        'note_sealed', warn_of_contact.note_sealed::text
    )) INTO findings
    FROM quarantine_plans p
    JOIN quarantines q ON q.id = p.quarantine_id AND q.status IN ('planned', 'active')
    JOIN quarantines contact ON contact.id = p.linked_quarantine_id
    JOIN diagnostic_tests t ON t.resident_id = contact.resident_id AND t.discarded_at IS NULL
        AND t.outcome = 'positive'
        AND t.sampled_at >= contact.started_on::timestamp AT TIME ZONE 'Asia/Shanghai'
    WHERE p.quarantine_id = follower AND p.link = 'secondary_contact' AND p.ended_at IS NULL
        AND p.reach >= nullif(current_setting('onegrid.reach_from', true), '') COLLATE "C"
        AND p.reach < nullif(current_setting('onegrid.reach_to', true), '') COLLATE "C";
    IF findings IS NOT NULL THEN
        PERFORM open_alerts(findings, at);
    END IF;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION warn_of_contact(uuid, bytea, uuid, timestamptz)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
