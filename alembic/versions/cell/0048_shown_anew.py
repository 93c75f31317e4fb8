"""What a record shows, then not, and then after all, is shown anew: also where its alert is over."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

UP = (
    """\
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX uq_alert_evidence_once
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX uq_alert_evidence_once ON alert_evidence (record_id, kind, key)
    WHERE discarded_at IS NULL
""",
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alert(f %1$I.finding, at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $body$
DECLARE
    alert %1$I.alerts;
    policy record;
    next record;
BEGIN
    IF f.quarantine_id IS NULL THEN
        SELECT q.id INTO f.quarantine_id FROM %1$I.quarantines q
        WHERE q.resident_id = f.resident_id AND q.status IN ('planned', 'active');
    END IF;
    IF f.quarantine_id IS NOT NULL AND (f.household_id IS NULL OR f.resident_id IS NULL) THEN
        SELECT coalesce(f.household_id, q.household_id), coalesce(f.resident_id, q.resident_id)
        INTO f.household_id, f.resident_id FROM %1$I.quarantines q WHERE q.id = f.quarantine_id;
    END IF;
    LOOP
        -- Locked, so that nobody closes it in between; one that was closed just now is not found.
        SELECT a.* INTO alert FROM %1$I.alerts a
        WHERE a.cause = f.cause AND a.subject_id = f.subject_id AND a.status <> 'verified'
        FOR UPDATE;
        alert.id := coalesce(alert.id, gen_random_uuid());
        INSERT INTO %1$I.alert_evidence (
            id, version, reach, alert_id, quarantine_id, kind, record_id, key, found_at, told_by,
            note_sealed, added_at
        ) VALUES (
            gen_random_uuid(), 1, coalesce(alert.reach, f.reach), alert.id,
            CASE WHEN alert.reach IS NULL THEN f.quarantine_id ELSE alert.quarantine_id END,
            f.kind, f.record_id, f.key, f.found_at, f.told_by, f.note_sealed, at
        ) ON CONFLICT (record_id, kind, key) WHERE discarded_at IS NULL DO NOTHING;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF alert.reach IS NOT NULL THEN
            UPDATE %1$I.alerts a SET version = a.version + 1, changed_xid = pg_current_xact_id()
            WHERE a.id = alert.id;
            IF alert.status = 'resolved' THEN
                INSERT INTO %1$I.alert_actions (
                    id, version, reach, alert_id, quarantine_id, verb, at
                ) VALUES (
                    gen_random_uuid(), 1, alert.reach, alert.id, alert.quarantine_id, 'reopen', at
                );
                PERFORM %1$I.reopen_alerts(ARRAY[alert.id], at);
            ELSE
                PERFORM %1$I.tell(
                    'alert.evidence', alert.id, alert.grid_id, alert.quarantine_id, NULL,
                    alert.reach, at
                );
            END IF;
            RETURN alert.id;
        END IF;
        SELECT * INTO policy FROM %1$I.alert_policy_for(f.cause, f.quarantine_id, at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no alert policy in force';
        END IF;
        alert.reach := f.reach;
        alert.quarantine_id := f.quarantine_id;
        alert.hop := 0;
        alert.step := 0;
        SELECT * INTO next FROM %1$I.tell_alert(alert, policy.steps, at);
        INSERT INTO %1$I.alerts (
            id, version, reach, grid_id, household_id, resident_id, quarantine_id, cause,
            subject_id, policy_id, status, opened_at, opened_by, hop, step, answer_by, climbs_at
        ) VALUES (
            alert.id, 1, f.reach, f.grid_id, f.household_id, f.resident_id, f.quarantine_id, f.cause,
            f.subject_id, policy.id, 'open', at, f.told_by, 1, 1, at + policy.whole,
            CASE WHEN NOT next.vacant AND jsonb_array_length(policy.steps) > 1 THEN next.due_at END
        ) ON CONFLICT (cause, subject_id) WHERE status <> 'verified' DO NOTHING;
        EXIT WHEN FOUND;
        -- Somebody opened the same at the same moment: what this one wrote is theirs to have.
        DELETE FROM %1$I.alert_evidence e WHERE e.alert_id = alert.id;
        DELETE FROM %1$I.alert_tellings t WHERE t.alert_id = alert.id;
        DELETE FROM %1$I.alert_hops h WHERE h.alert_id = alert.id;
    END LOOP;
    IF next.vacant THEN
        PERFORM %1$I.climb_alert(alert.id, at);
    END IF;
    PERFORM %1$I.tell('alert.opened', alert.id, f.grid_id, f.quarantine_id, NULL, f.reach, at);
    RETURN alert.id;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    # Of what was shown twice, the last stays.
    """\
DELETE FROM alert_evidence AS e USING alert_evidence AS later
WHERE later.record_id = e.record_id AND later.kind = e.kind AND later.key = e.key
    AND (later.added_at, later.id) > (e.added_at, e.id)
""",
    """\
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX uq_alert_evidence_once
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX uq_alert_evidence_once ON alert_evidence (record_id, kind, key)
""",
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alert(f %1$I.finding, at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $body$
DECLARE
    alert %1$I.alerts;
    policy record;
    next record;
BEGIN
    IF f.quarantine_id IS NULL THEN
        SELECT q.id INTO f.quarantine_id FROM %1$I.quarantines q
        WHERE q.resident_id = f.resident_id AND q.status IN ('planned', 'active');
    END IF;
    IF f.quarantine_id IS NOT NULL AND (f.household_id IS NULL OR f.resident_id IS NULL) THEN
        SELECT coalesce(f.household_id, q.household_id), coalesce(f.resident_id, q.resident_id)
        INTO f.household_id, f.resident_id FROM %1$I.quarantines q WHERE q.id = f.quarantine_id;
    END IF;
    LOOP
        -- Locked, so that nobody closes it in between; one that was closed just now is not found.
        SELECT a.* INTO alert FROM %1$I.alerts a
        WHERE a.cause = f.cause AND a.subject_id = f.subject_id AND a.status <> 'verified'
        FOR UPDATE;
        alert.id := coalesce(alert.id, gen_random_uuid());
        INSERT INTO %1$I.alert_evidence (
            id, version, reach, alert_id, quarantine_id, kind, record_id, key, found_at, told_by,
            note_sealed, added_at
        ) VALUES (
            gen_random_uuid(), 1, coalesce(alert.reach, f.reach), alert.id,
            CASE WHEN alert.reach IS NULL THEN f.quarantine_id ELSE alert.quarantine_id END,
            f.kind, f.record_id, f.key, f.found_at, f.told_by, f.note_sealed, at
        ) ON CONFLICT (record_id, kind, key) DO NOTHING;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF alert.reach IS NOT NULL THEN
            UPDATE %1$I.alerts a SET version = a.version + 1, changed_xid = pg_current_xact_id()
            WHERE a.id = alert.id;
            IF alert.status = 'resolved' THEN
                INSERT INTO %1$I.alert_actions (
                    id, version, reach, alert_id, quarantine_id, verb, at
                ) VALUES (
                    gen_random_uuid(), 1, alert.reach, alert.id, alert.quarantine_id, 'reopen', at
                );
                PERFORM %1$I.reopen_alerts(ARRAY[alert.id], at);
            END IF;
            RETURN alert.id;
        END IF;
        SELECT * INTO policy FROM %1$I.alert_policy_for(f.cause, f.quarantine_id, at);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no alert policy in force';
        END IF;
        alert.reach := f.reach;
        alert.quarantine_id := f.quarantine_id;
        alert.hop := 0;
        alert.step := 0;
        SELECT * INTO next FROM %1$I.tell_alert(alert, policy.steps, at);
        INSERT INTO %1$I.alerts (
            id, version, reach, grid_id, household_id, resident_id, quarantine_id, cause,
            subject_id, policy_id, status, opened_at, opened_by, hop, step, answer_by, climbs_at
        ) VALUES (
            alert.id, 1, f.reach, f.grid_id, f.household_id, f.resident_id, f.quarantine_id, f.cause,
            f.subject_id, policy.id, 'open', at, f.told_by, 1, 1, at + policy.whole,
            CASE WHEN NOT next.vacant AND jsonb_array_length(policy.steps) > 1 THEN next.due_at END
        ) ON CONFLICT (cause, subject_id) WHERE status <> 'verified' DO NOTHING;
        EXIT WHEN FOUND;
        -- Somebody opened the same at the same moment: what this one wrote is theirs to have.
        DELETE FROM %1$I.alert_evidence e WHERE e.alert_id = alert.id;
        DELETE FROM %1$I.alert_tellings t WHERE t.alert_id = alert.id;
        DELETE FROM %1$I.alert_hops h WHERE h.alert_id = alert.id;
    END LOOP;
    IF next.vacant THEN
        PERFORM %1$I.climb_alert(alert.id, at);
    END IF;
    PERFORM %1$I.tell('alert.opened', alert.id, f.grid_id, f.quarantine_id, NULL, f.reach, at);
    RETURN alert.id;
END
$body$
    $function$, current_schema());
END
$$
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
