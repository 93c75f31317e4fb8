"""Who is quarantined along with a secondary contact follows that one's contact (v9): they could
never be released, since their own plan asked for a contact and their own link names the family.
"""

from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

UP = (
    # `linked_samples` stays for a service of the release before, while both are at work.
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION linked_tests(followers uuid[]) RETURNS TABLE (
    quarantine_id uuid, test_id uuid, kind text, outcome text, sampled_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
    -- The contact may live out of the caller's sight: nothing is told of them but their results.
    -- Whose contact has none yet is told without one.
    WITH RECURSIVE followed AS (
        SELECT p.quarantine_id, p.linked_quarantine_id, p.link FROM quarantine_plans p
        WHERE p.quarantine_id = ANY (followers) AND p.ended_at IS NULL AND p.link IS NOT NULL
            AND (
                p.reach >= nullif(current_setting('onegrid.reach_from', true), '')
                AND p.reach < nullif(current_setting('onegrid.reach_to', true), '')
                OR p.quarantine_id = ANY (
                    string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[]
                )
            )
        UNION
        SELECT f.quarantine_id, p.linked_quarantine_id, p.link FROM followed f
        JOIN quarantine_plans p ON p.quarantine_id = f.linked_quarantine_id
            AND p.ended_at IS NULL AND p.link IS NOT NULL
        WHERE f.link = 'cohabitant'
    )
    SELECT f.quarantine_id, t.id, t.kind, t.outcome, t.sampled_at
    FROM followed f
    JOIN quarantines contact ON contact.id = f.linked_quarantine_id
    LEFT JOIN diagnostic_tests t ON t.resident_id = contact.resident_id AND t.discarded_at IS NULL
        AND t.sampled_at >= contact.started_on::timestamp AT TIME ZONE 'Asia/Shanghai'
    WHERE f.link = 'secondary_contact'
    ORDER BY f.quarantine_id, t.sampled_at, t.id
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION linked_tests(uuid[])",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
