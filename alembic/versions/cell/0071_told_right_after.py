"""An alert is opened with its record, and told right after it: its first hop is a step of its clock."""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    -- They run where a reading is taken: their tables are named whole, as those of enter() are.
    EXECUTE format($function$
CREATE FUNCTION keep_event(
    kind text, subject uuid, grid uuid, quarantine uuid, worker uuid, reach text, at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- As tell(), where listeners are woken right after.
    INSERT INTO %1$I.events (kind, subject_id, grid_id, quarantine_id, worker_id, reach, at)
    VALUES (
        keep_event.kind, keep_event.subject, keep_event.grid, keep_event.quarantine,
        keep_event.worker, keep_event.reach, keep_event.at
    );
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION tell(
    kind text, subject uuid, grid uuid, quarantine uuid, worker uuid, reach text, at timestamptz
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- Told many times in one transaction, listeners are woken once.
    PERFORM %1$I.keep_event(kind, subject, grid, quarantine, worker, reach, at);
    PERFORM pg_catalog.pg_notify('onegrid_events', %1$L);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION climb_alert(alert uuid, at timestamptz) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    climbing %1$I.alerts;
    steps jsonb;
    next record;
BEGIN
    SELECT a.* INTO climbing FROM %1$I.alerts a WHERE a.id = climb_alert.alert;
    SELECT p.steps INTO steps FROM %1$I.alert_policies p WHERE p.id = climbing.policy_id;
    -- Where nobody is found the next step is told at once; behind the last one stand those who
    -- lead the township, so that no alert ends at an empty chair.
    LOOP
        SELECT * INTO next FROM %1$I.tell_alert(climbing, steps, at);
        climbing.hop := climbing.hop + 1;
        climbing.step := climbing.step + 1;
        EXIT WHEN NOT next.vacant OR climbing.step > jsonb_array_length(steps);
    END LOOP;
    -- To be told first belongs to being opened, and makes no other version of it.
    UPDATE %1$I.alerts a SET hop = climbing.hop, step = climbing.step,
        version = a.version + (a.hop > 0)::integer, changed_xid = pg_current_xact_id(),
        climbs_at = CASE
            WHEN NOT next.vacant AND climbing.step < jsonb_array_length(steps) THEN next.due_at
        END
    WHERE a.id = climbing.id;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION tell_opened(wanted uuid[], at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $body$
DECLARE
    alert %1$I.alerts;
BEGIN
    -- Those of them that nobody was told of yet, by the first step of their clock. Whoever holds one
    -- of them meanwhile, to add to it, tells of it; what else is held, the clock finds.
    FOR alert IN
        SELECT a.* FROM %1$I.alerts a WHERE a.id = ANY (wanted) AND a.hop = 0 AND a.status = 'open'
        ORDER BY a.id FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM %1$I.climb_alert(alert.id, at);
        PERFORM %1$I.keep_event(
            'alert.opened', alert.id, alert.grid_id, alert.quarantine_id, NULL, alert.reach, at
        );
    END LOOP;
    PERFORM pg_catalog.pg_notify('onegrid_events', %1$L);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alert(f %1$I.finding, at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $body$
DECLARE
    alert %1$I.alerts;
    policy uuid;
    whole interval;
BEGIN
    IF f.quarantine_id IS NULL THEN
        SELECT q.id INTO f.quarantine_id FROM %1$I.quarantines q
        WHERE q.resident_id = f.resident_id AND q.status IN ('planned', 'active');
    END IF;
    IF f.quarantine_id IS NOT NULL AND (f.household_id IS NULL OR f.resident_id IS NULL) THEN
        SELECT coalesce(f.household_id, q.household_id), coalesce(f.resident_id, q.resident_id)
        INTO f.household_id, f.resident_id FROM %1$I.quarantines q WHERE q.id = f.quarantine_id;
    END IF;
    SELECT p.id, p.whole INTO policy, whole
    FROM %1$I.alert_policy_for(f.cause, f.quarantine_id, at) AS p;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no alert policy in force';
    END IF;
    LOOP
        alert.id := gen_random_uuid();
        alert.reach := f.reach;
        alert.quarantine_id := f.quarantine_id;
        INSERT INTO %1$I.alerts (
            id, version, reach, grid_id, household_id, resident_id, quarantine_id, cause,
            subject_id, policy_id, status, opened_at, opened_by, hop, step, answer_by, climbs_at
        ) VALUES (
            alert.id, 1, f.reach, f.grid_id, f.household_id, f.resident_id, f.quarantine_id, f.cause,
            f.subject_id, policy, 'open', at, f.told_by, 0, 0, at + whole, at
        ) ON CONFLICT (cause, subject_id) WHERE status <> 'verified' DO NOTHING;
        EXIT WHEN FOUND;
        -- Locked, so that nobody closes it in between; one that was closed just now is not found.
        SELECT a.* INTO alert FROM %1$I.alerts a
        WHERE a.cause = f.cause AND a.subject_id = f.subject_id AND a.status <> 'verified'
        FOR UPDATE;
        EXIT WHEN FOUND;
    END LOOP;
    INSERT INTO %1$I.alert_evidence (
        id, version, reach, alert_id, quarantine_id, kind, record_id, key, found_at, told_by,
        note_sealed, added_at
    ) VALUES (
        gen_random_uuid(), 1, alert.reach, alert.id, alert.quarantine_id, f.kind, f.record_id,
        f.key, f.found_at, f.told_by, f.note_sealed, at
    ) ON CONFLICT (record_id, kind, key) WHERE discarded_at IS NULL DO NOTHING;
    IF NOT FOUND THEN
        -- Told already: what was opened for it just now has no ground of its own.
        DELETE FROM %1$I.alerts a WHERE a.id = alert.id AND alert.version IS NULL;
        RETURN NULL;
    END IF;
    IF alert.version IS NULL THEN
        RETURN alert.id;
    END IF;
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
        PERFORM %1$I.keep_event(
            'alert.evidence', alert.id, alert.grid_id, alert.quarantine_id, NULL, alert.reach, at
        );
    END IF;
    RETURN alert.id;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alerts(findings jsonb, at timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    shown uuid[] := array_fill(NULL::uuid, ARRAY[jsonb_array_length(findings)]);
    said record;
BEGIN
    -- In one order always, so that two who find the same wait and do not deadlock.
    FOR said IN
        SELECT f AS finding, each.nth
        FROM jsonb_array_elements(findings) WITH ORDINALITY AS each (said, nth),
            jsonb_populate_record(NULL::%1$I.finding, each.said) AS f
        ORDER BY f.cause, f.subject_id, each.nth
    LOOP
        shown[said.nth] := %1$I.open_alert(said.finding, at);
    END LOOP;
    IF array_remove(shown, NULL) <> '{}' THEN
        PERFORM %1$I.tell_opened(shown, at);
    END IF;
    RETURN shown;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION climb_alerts(at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    due %1$I.alerts;
    climbed integer := 0;
BEGIN
    -- One that somebody is answering this very moment is left to them, or to the next time.
    FOR due IN
        SELECT a.* FROM %1$I.alerts a WHERE a.status = 'open' AND a.climbs_at <= climb_alerts.at
        ORDER BY a.climbs_at, a.id LIMIT 10000 FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM %1$I.climb_alert(due.id, at);
        PERFORM %1$I.tell(
            CASE due.hop WHEN 0 THEN 'alert.opened' ELSE 'alert.climbed' END, due.id, due.grid_id,
            due.quarantine_id, NULL, due.reach, at
        );
        climbed := climbed + 1;
    END LOOP;
    RETURN climbed;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    """\
SELECT climb_alerts(now())
""",
    """\
DO $$
BEGIN
    -- They run where a reading is taken: their tables are named whole, as those of enter() are.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION tell(
    kind text, subject uuid, grid uuid, quarantine uuid, worker uuid, reach text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $tell$
    INSERT INTO %1$I.events (kind, subject_id, grid_id, quarantine_id, worker_id, reach, at)
    VALUES (
        tell.kind, tell.subject, tell.grid, tell.quarantine, tell.worker, tell.reach, tell.at
    );
    SELECT pg_catalog.pg_notify('onegrid_events', %1$L)
$tell$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION climb_alert(alert uuid, at timestamptz) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
    climbing %1$I.alerts;
    steps jsonb;
    next record;
BEGIN
    SELECT a.* INTO climbing FROM %1$I.alerts a WHERE a.id = climb_alert.alert;
    SELECT p.steps INTO steps FROM %1$I.alert_policies p WHERE p.id = climbing.policy_id;
    -- Where nobody is found the next step is told at once; behind the last one stand those who
    -- lead the township, so that no alert ends at an empty chair.
    LOOP
        SELECT * INTO next FROM %1$I.tell_alert(climbing, steps, at);
        climbing.hop := climbing.hop + 1;
        climbing.step := climbing.step + 1;
        EXIT WHEN NOT next.vacant OR climbing.step > jsonb_array_length(steps);
    END LOOP;
    UPDATE %1$I.alerts a SET hop = climbing.hop, step = climbing.step, version = a.version + 1,
        changed_xid = pg_current_xact_id(), climbs_at = CASE
            WHEN NOT next.vacant AND climbing.step < jsonb_array_length(steps) THEN next.due_at
        END
    WHERE a.id = climbing.id;
END
$body$
    $function$, current_schema());
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
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alerts(findings jsonb, at timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    shown uuid[] := array_fill(NULL::uuid, ARRAY[jsonb_array_length(findings)]);
    said record;
BEGIN
    -- In one order always, so that two who find the same wait and do not deadlock.
    FOR said IN
        SELECT f AS finding, each.nth
        FROM jsonb_array_elements(findings) WITH ORDINALITY AS each (said, nth),
            jsonb_populate_record(NULL::%1$I.finding, each.said) AS f
        ORDER BY f.cause, f.subject_id, each.nth
    LOOP
        shown[said.nth] := %1$I.open_alert(said.finding, at);
    END LOOP;
    RETURN shown;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION climb_alerts(at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    due %1$I.alerts;
    climbed integer := 0;
BEGIN
    -- One that somebody is answering this very moment is left to them, or to the next time.
    FOR due IN
        SELECT a.* FROM %1$I.alerts a WHERE a.status = 'open' AND a.climbs_at <= climb_alerts.at
        ORDER BY a.climbs_at, a.id LIMIT 10000 FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM %1$I.climb_alert(due.id, at);
        PERFORM %1$I.tell(
            'alert.climbed', due.id, due.grid_id, due.quarantine_id, NULL, due.reach, at
        );
        climbed := climbed + 1;
    END LOOP;
    RETURN climbed;
END
$body$
    $function$, current_schema());
END
$$
""",
    """\
DROP FUNCTION tell_opened(uuid[], timestamptz),
    keep_event(text, uuid, uuid, uuid, uuid, text, timestamptz)
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
