"""A reading says which alerts it opened, or was added to, so that they are told right after it."""

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

UP = (
    """\
-- squawk-ignore ban-drop-function
DROP FUNCTION keep_reading(
    uuid, uuid, uuid, integer, text, timestamptz, timestamptz, jsonb, jsonb, uuid, text
)
""",
    """\
DO $$
BEGIN
    -- It runs by the rights of whoever records, so that row security judges what it reads and
    -- writes; each statement sees what had happened when enter() had the cell's lock.
    EXECUTE format($function$
CREATE FUNCTION keep_reading(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, said jsonb, judged jsonb, note_id uuid, request text,
    OUT policy uuid, OUT resident uuid, OUT grid uuid, OUT alerts uuid[]
) LANGUAGE plpgsql AS $body$
DECLARE
    kept %1$I.readings;
    household uuid;
    means jsonb;
    cause text;
BEGIN
    PERFORM set_config('search_path', '%1$I, public', true);
    PERFORM %1$I.enter(
        session_id, held_post, claimed_grid, claimed_level, claimed_role, issued_at, at, true
    );
    -- A reading is judged by the policy of its day's stage; where none is due, by the one before.
    SELECT q.resident_id, q.household_id, q.grid_id, q.reach, coalesce((
        SELECT s.monitoring_policy_id FROM %1$I.quarantine_stages s
        WHERE s.quarantine_id = q.id AND s.starts_on <= (said ->> 'day')::date
            AND s.discarded_at IS NULL AND s.monitoring_policy_id IS NOT NULL
        ORDER BY s.starts_on DESC LIMIT 1
    ), q.monitoring_policy_id)
    INTO kept.resident_id, household, kept.grid_id, kept.reach, policy
    FROM %1$I.quarantines q
    WHERE q.id = (said ->> 'quarantine_id')::uuid
        AND q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
        AND q.started_on <= (said ->> 'day')::date
        AND (q.ended_on IS NULL OR q.ended_on >= (said ->> 'day')::date);
    means := judged -> policy::text;
    kept.changed_xid := pg_current_xact_id();
    kept := jsonb_populate_record(kept, said || means);
    IF kept.id IS NULL OR kept.performed_by <> kept.entered_by
        AND NOT EXISTS (SELECT FROM %1$I.colleagues(ARRAY[kept.performed_by]))
    THEN
        policy := NULL;
        RETURN;
    END IF;
    INSERT INTO %1$I.readings VALUES (kept.*) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        policy := NULL;
        RETURN;
    END IF;
    INSERT INTO %1$I.audit_entries (
        id, at, action, worker_id, post_id, session_id, request_id, subject_id, details, reach
    ) VALUES (
        note_id, at, 'readings.record', kept.entered_by, held_post, session_id, request, kept.id,
        '{}', kept.reach
    );
    IF kept.abnormal THEN
        alerts := '{}';
        FOREACH cause IN ARRAY array_remove(ARRAY[
            CASE WHEN (means ->> 'fever')::boolean THEN 'fever' END,
            CASE WHEN kept.symptoms <> '{}' THEN 'symptom' END
        ], NULL) LOOP
            alerts := alerts || %1$I.open_alert(ROW(
                cause, kept.resident_id, kept.grid_id, kept.reach, household, kept.resident_id,
                kept.quarantine_id, 'reading', kept.id, cause, kept.measured_at, kept.performed_by,
                NULL
            )::%1$I.finding, kept.received_at);
        END LOOP;
        PERFORM %1$I.keep_event(
            'reading.abnormal', kept.id, kept.grid_id, kept.quarantine_id, NULL, kept.reach,
            kept.received_at
        );
    END IF;
    resident := kept.resident_id;
    grid := kept.grid_id;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-function
DROP FUNCTION keep_reading(
    uuid, uuid, uuid, integer, text, timestamptz, timestamptz, jsonb, jsonb, uuid, text
)
""",
    """\
DO $$
BEGIN
    -- It runs by the rights of whoever records, so that row security judges what it reads and
    -- writes; each statement sees what had happened when enter() had the cell's lock.
    EXECUTE format($function$
CREATE FUNCTION keep_reading(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, said jsonb, judged jsonb, note_id uuid, request text,
    OUT policy uuid, OUT resident uuid, OUT grid uuid
) LANGUAGE plpgsql AS $body$
DECLARE
    kept %1$I.readings;
    household uuid;
    means jsonb;
    cause text;
BEGIN
    PERFORM set_config('search_path', '%1$I, public', true);
    PERFORM %1$I.enter(
        session_id, held_post, claimed_grid, claimed_level, claimed_role, issued_at, at, true
    );
    -- A reading is judged by the policy of its day's stage; where none is due, by the one before.
    SELECT q.resident_id, q.household_id, q.grid_id, q.reach, coalesce((
        SELECT s.monitoring_policy_id FROM %1$I.quarantine_stages s
        WHERE s.quarantine_id = q.id AND s.starts_on <= (said ->> 'day')::date
            AND s.discarded_at IS NULL AND s.monitoring_policy_id IS NOT NULL
        ORDER BY s.starts_on DESC LIMIT 1
    ), q.monitoring_policy_id)
    INTO kept.resident_id, household, kept.grid_id, kept.reach, policy
    FROM %1$I.quarantines q
    WHERE q.id = (said ->> 'quarantine_id')::uuid
        AND q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
        AND q.started_on <= (said ->> 'day')::date
        AND (q.ended_on IS NULL OR q.ended_on >= (said ->> 'day')::date);
    means := judged -> policy::text;
    kept.changed_xid := pg_current_xact_id();
    kept := jsonb_populate_record(kept, said || means);
    IF kept.id IS NULL OR kept.performed_by <> kept.entered_by
        AND NOT EXISTS (SELECT FROM %1$I.colleagues(ARRAY[kept.performed_by]))
    THEN
        policy := NULL;
        RETURN;
    END IF;
    INSERT INTO %1$I.readings VALUES (kept.*) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        policy := NULL;
        RETURN;
    END IF;
    INSERT INTO %1$I.audit_entries (
        id, at, action, worker_id, post_id, session_id, request_id, subject_id, details, reach
    ) VALUES (
        note_id, at, 'readings.record', kept.entered_by, held_post, session_id, request, kept.id,
        '{}', kept.reach
    );
    IF kept.abnormal THEN
        FOREACH cause IN ARRAY array_remove(ARRAY[
            CASE WHEN (means ->> 'fever')::boolean THEN 'fever' END,
            CASE WHEN kept.symptoms <> '{}' THEN 'symptom' END
        ], NULL) LOOP
            PERFORM %1$I.open_alert(ROW(
                cause, kept.resident_id, kept.grid_id, kept.reach, household, kept.resident_id,
                kept.quarantine_id, 'reading', kept.id, cause, kept.measured_at, kept.performed_by,
                NULL
            )::%1$I.finding, kept.received_at);
        END LOOP;
        PERFORM %1$I.tell(
            'reading.abnormal', kept.id, kept.grid_id, kept.quarantine_id, NULL, kept.reach,
            kept.received_at
        );
    END IF;
    resident := kept.resident_id;
    grid := kept.grid_id;
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
