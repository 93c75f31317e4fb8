"""What is due of whoever is brought to a site because the home is unfit, is due there."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

UP = (
    # The one without what is due stays for a service of the release before, while both are at work.
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION fall_back_after_check(
    checked uuid, stage uuid, told_by uuid, why text, at timestamptz, today date, due jsonb
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
DECLARE
    kept quarantine_stages;
BEGIN
    -- Whoever checks a home may be on duty from elsewhere; the stage follows all the same.
    SELECT s.* INTO kept FROM quarantine_stages s
    JOIN site_checks c ON c.quarantine_id = s.quarantine_id AND c.id = checked AND NOT c.fit
    WHERE s.id = stage AND s.discarded_at IS NULL AND s.ends_on >= today
        AND s.fallback_category <> s.category
    FOR UPDATE OF s;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
    ) VALUES (
        gen_random_uuid(), 'quarantine_stages', kept.id, kept.version,
        to_jsonb(kept) - 'changed_xid', at, told_by, why, kept.quarantine_id, kept.reach
    );
    -- Days that are past were served as they were: the other measure begins today.
    UPDATE quarantine_stages SET ends_on = today - 1,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = kept.id AND kept.starts_on < today;
    kept := jsonb_populate_record(kept, due);
    kept.category := kept.fallback_category;
    kept.changed_xid := pg_current_xact_id();
    IF kept.starts_on < today THEN
        kept.id := checked;
        kept.version := 1;
        kept.starts_on := today;
        INSERT INTO quarantine_stages SELECT (kept).*;
    ELSE
        UPDATE quarantine_stages SET category = kept.category,
            monitoring_policy_id = kept.monitoring_policy_id,
            care_policy_id = kept.care_policy_id, visits_per_day = kept.visits_per_day,
            calls_per_day = kept.calls_per_day, leave_home = kept.leave_home,
            version = version + 1, changed_xid = kept.changed_xid
        WHERE id = kept.id;
    END IF;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION fall_back_after_check(uuid, uuid, uuid, text, timestamptz, date, jsonb)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
