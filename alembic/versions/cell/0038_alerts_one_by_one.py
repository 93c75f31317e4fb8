"""An alert is opened one at a time, its first hop with it: less than half of what it cost."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

UP = (
    # Called by the functions below alone, or made again at once with a column more.
    """\
-- squawk-ignore ban-drop-function
DROP FUNCTION tell_alerts(uuid[], text, timestamptz), findings_of(jsonb),
    alert_policy_for(text, uuid, timestamptz)
""",
    """\
CREATE TYPE finding AS (
    cause text, subject_id uuid, grid_id uuid, reach text, household_id uuid, resident_id uuid,
    quarantine_id uuid, kind text, record_id uuid, key text, found_at timestamptz, told_by uuid,
    note_sealed bytea
)
""",
    """\
DO $$
BEGIN
    -- They run where a reading is taken: their tables are named whole, as those of enter() are.
    EXECUTE format($function$
CREATE FUNCTION alert_policy_for(cause text, quarantine uuid, at timestamptz) RETURNS TABLE (
    id uuid, grace interval, whole interval, steps jsonb
) LANGUAGE sql STABLE AS $body$
    -- The one that the quarantine's plan names, else the newest that holds the cause. Whatever the
    -- policies leave out, an alert is opened: then by the newest of all.
    SELECT p.id, make_interval(mins => p.grace_minutes), (
        SELECT make_interval(mins => sum((step ->> 'minutes')::integer)::integer)
        FROM jsonb_array_elements(p.steps) AS step
    ), p.steps
    FROM %1$I.alert_policies p
    WHERE p.effective_from <= (at AT TIME ZONE 'Asia/Shanghai')::date
        AND (p.effective_to IS NULL OR p.effective_to >= (at AT TIME ZONE 'Asia/Shanghai')::date)
    ORDER BY (
        p.code = (
            SELECT q.alert_policies ->> cause FROM %1$I.quarantine_plans q
            WHERE q.quarantine_id = quarantine AND q.ended_at IS NULL
        )
    ) IS TRUE DESC, cause = ANY (p.causes) DESC, p.effective_from DESC, p.code, p.revision DESC
    LIMIT 1
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION alert_listeners(reach text, step jsonb, at timestamptz) RETURNS TABLE (
    grid_id uuid, posts uuid[], workers uuid[], names text[]
) LANGUAGE sql STABLE AS $body$
    -- The nearest open grid of the step's kind; behind the last step, the township. Who holds two
    -- posts there is told once.
    SELECT above.id, there.posts, there.workers, there.names
    FROM (
        SELECT g.id FROM %1$I.grids g
        WHERE g.path = ANY (ARRAY(
            SELECT array_to_string((string_to_array(reach, '.'))[1:depth], '.')
            FROM generate_series(1, cardinality(string_to_array(reach, '.'))) AS depth
        ))
            AND g.closed_at IS NULL
            AND (g.kind = step ->> 'grid_kind' OR step IS NULL AND g.level = 1)
        ORDER BY g.level DESC LIMIT 1
    ) AS above
    CROSS JOIN LATERAL (
        SELECT array_agg(one.post) AS posts, array_agg(one.worker) AS workers,
            array_agg(one.name) AS names
        FROM (
            SELECT DISTINCT ON (w.id) h.id AS post, w.id AS worker, w.name
            FROM %1$I.posts h
            JOIN %1$I.workers w ON w.id = h.worker_id AND (w.left_at IS NULL OR w.left_at > at)
            WHERE h.grid_id = above.id AND h.began_at <= at
                AND (h.ended_at IS NULL OR h.ended_at > at)
                AND coalesce(step -> 'roles', '["grid_leader", "administrator"]') ? h.role
            ORDER BY w.id, h.began_at, h.id
        ) AS one
    ) AS there
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION tell_alert(
    alert %1$I.alerts, steps jsonb, at timestamptz, OUT vacant boolean, OUT due_at timestamptz
) LANGUAGE plpgsql AS $body$
DECLARE
    step jsonb := steps -> alert.step;
    grid uuid;
    posts uuid[];
    workers uuid[];
    names text[];
BEGIN
    -- The next hop of an alert, with whom it is told to.
    SELECT w.grid_id, w.posts, w.workers, w.names INTO grid, posts, workers, names
    FROM %1$I.alert_listeners(alert.reach, step, at) w;
    vacant := posts IS NULL;
    due_at := at + CASE WHEN vacant THEN interval '0'
        ELSE make_interval(mins => (coalesce(step, steps -> -1) ->> 'minutes')::integer) END;
    INSERT INTO %1$I.alert_hops (
        id, version, reach, alert_id, quarantine_id, number, step, told_grid_id, roles, told_at,
        due_at, vacant
    ) VALUES (
        gen_random_uuid(), 1, alert.reach, alert.id, alert.quarantine_id, alert.hop + 1,
        alert.step + 1, grid, ARRAY(SELECT jsonb_array_elements_text(
            coalesce(step -> 'roles', '["grid_leader", "administrator"]')
        )), at, due_at, vacant
    );
    INSERT INTO %1$I.alert_tellings (
        id, version, reach, alert_id, quarantine_id, hop, post_id, worker_id, worker_name, told_at
    )
    SELECT gen_random_uuid(), 1, alert.reach, alert.id, alert.quarantine_id, alert.hop + 1,
        told.post, told.worker, told.name, at
    FROM unnest(posts, workers, names) AS told (post, worker, name);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION climb_alert(alert uuid, at timestamptz) RETURNS void
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
CREATE OR REPLACE FUNCTION reopen_alerts(wanted uuid[], at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    former %1$I.alerts;
BEGIN
    -- A new clock by the policy in force now; hops go on being counted.
    FOR former IN SELECT a.* FROM %1$I.alerts a WHERE a.id = ANY (wanted) LOOP
        UPDATE %1$I.alerts a SET status = 'open', policy_id = p.id, step = 0,
            answer_by = at + p.whole, acknowledged_at = NULL, acknowledged_by = NULL,
            handled_at = NULL, handled_by = NULL, resolved_at = NULL, resolved_by = NULL,
            verified_at = NULL, verified_by = NULL
        FROM %1$I.alert_policy_for(former.cause, former.quarantine_id, at) AS p
        WHERE a.id = former.id;
        PERFORM %1$I.climb_alert(former.id, at);
        PERFORM %1$I.tell(
            'alert.reopened', former.id, former.grid_id, former.quarantine_id, NULL, former.reach,
            at
        );
    END LOOP;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION open_alert(f %1$I.finding, at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER AS $body$
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
DO $$
BEGIN
    -- Planning these anew at each call would take longer than what is planned; and a plan made
    -- while a township has no alerts yet must not read them whole once it has.
    ALTER FUNCTION open_alert SET plan_cache_mode = force_generic_plan SET enable_seqscan = off;
    ALTER FUNCTION reopen_alerts SET plan_cache_mode = force_generic_plan SET enable_seqscan = off;
    ALTER FUNCTION climb_alerts SET plan_cache_mode = force_generic_plan SET enable_seqscan = off;
END
$$
""",
)

DOWN = (
    """\
DROP FUNCTION open_alert(finding, timestamptz), climb_alert(uuid, timestamptz),
    tell_alert(alerts, jsonb, timestamptz), alert_listeners(text, jsonb, timestamptz),
    alert_policy_for(text, uuid, timestamptz)
""",
    "DROP TYPE finding",
    """\
DO $$
BEGIN
    -- They run where a reading is taken: their tables are named whole, as those of enter() are.
    EXECUTE format($function$
CREATE FUNCTION findings_of(findings jsonb) RETURNS TABLE (
    nth bigint, cause text, subject_id uuid, grid_id uuid, reach text, household_id uuid,
    resident_id uuid, quarantine_id uuid, kind text, record_id uuid, key text, found_at timestamptz,
    told_by uuid, note_sealed bytea
) LANGUAGE sql STABLE AS $body$
    SELECT f.nth, f.cause, f.subject_id, f.grid_id, f.reach, f.household_id, f.resident_id,
        f.quarantine_id, f.kind, f.record_id, f.key, f.found_at, f.told_by, f.note_sealed
    FROM ROWS FROM (jsonb_to_recordset(findings) AS (
        cause text, subject_id uuid, grid_id uuid, reach text, household_id uuid, resident_id uuid,
        quarantine_id uuid, kind text, record_id uuid, key text, found_at timestamptz, told_by uuid,
        note_sealed bytea
    )) WITH ORDINALITY AS f (
        cause, subject_id, grid_id, reach, household_id, resident_id, quarantine_id, kind, record_id,
        key, found_at, told_by, note_sealed, nth
    )
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION alert_policy_for(cause text, quarantine uuid, at timestamptz) RETURNS TABLE (
    id uuid, grace interval, whole interval
) LANGUAGE sql STABLE AS $body$
    -- The one that the quarantine's plan names, else the newest that holds the cause. Whatever the
    -- policies leave out, an alert is opened: then by the newest of all.
    SELECT p.id, make_interval(mins => p.grace_minutes), (
        SELECT make_interval(mins => sum((step ->> 'minutes')::integer)::integer)
        FROM jsonb_array_elements(p.steps) AS step
    )
    FROM %1$I.alert_policies p
    WHERE p.effective_from <= (at AT TIME ZONE 'Asia/Shanghai')::date
        AND (p.effective_to IS NULL OR p.effective_to >= (at AT TIME ZONE 'Asia/Shanghai')::date)
    ORDER BY (
        p.code = (
            SELECT q.alert_policies ->> cause FROM %1$I.quarantine_plans q
            WHERE q.quarantine_id = quarantine AND q.ended_at IS NULL
        )
    ) IS TRUE DESC, cause = ANY (p.causes) DESC, p.effective_from DESC, p.code, p.revision DESC
    LIMIT 1
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION tell_alerts(due uuid[], happened text, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    waiting uuid[] := due;
BEGIN
    -- Where nobody is found the next step is told at once; behind the last one stand those who
    -- lead the township, so that no alert ends at an empty chair.
    WHILE cardinality(waiting) > 0 LOOP
        WITH next AS (
            SELECT a.id, a.reach, a.quarantine_id, a.hop + 1 AS number, a.step + 1 AS step,
                jsonb_array_length(p.steps) AS steps, s.roles, s.minutes, g.id AS grid_id
            FROM %1$I.alerts a
            JOIN %1$I.alert_policies p ON p.id = a.policy_id
            CROSS JOIN LATERAL (
                SELECT p.steps -> a.step ->> 'grid_kind' AS grid_kind,
                    ARRAY(SELECT jsonb_array_elements_text(coalesce(
                        p.steps -> a.step -> 'roles', '["grid_leader", "administrator"]'
                    ))) AS roles,
                    (coalesce(p.steps -> a.step, p.steps -> -1) ->> 'minutes')::integer AS minutes
            ) AS s
            LEFT JOIN LATERAL (
                SELECT above.id FROM %1$I.grids above
                WHERE above.path = ANY (ARRAY(
                    SELECT array_to_string((string_to_array(a.reach, '.'))[1:depth], '.')
                    FROM generate_series(1, cardinality(string_to_array(a.reach, '.'))) AS depth
                ))
                    AND above.closed_at IS NULL
                    AND (above.kind = s.grid_kind OR s.grid_kind IS NULL AND above.level = 1)
                ORDER BY above.level DESC LIMIT 1
            ) AS g ON true
            WHERE a.id = ANY (waiting)
        ), told AS (
            INSERT INTO %1$I.alert_tellings (
                id, version, reach, alert_id, quarantine_id, hop, post_id, worker_id, worker_name,
                told_at
            )
            SELECT DISTINCT ON (n.id, w.id) gen_random_uuid(), 1, n.reach, n.id, n.quarantine_id,
                n.number, h.id, w.id, w.name, at
            FROM next n
            JOIN %1$I.posts h ON h.grid_id = n.grid_id AND h.role = ANY (n.roles)
                AND h.began_at <= at AND (h.ended_at IS NULL OR h.ended_at > at)
            JOIN %1$I.workers w ON w.id = h.worker_id AND (w.left_at IS NULL OR w.left_at > at)
            ORDER BY n.id, w.id, h.began_at, h.id
            RETURNING alert_id
        ), hopped AS (
            INSERT INTO %1$I.alert_hops (
                id, version, reach, alert_id, quarantine_id, number, step, told_grid_id, roles,
                told_at, due_at, vacant
            )
            SELECT gen_random_uuid(), 1, n.reach, n.id, n.quarantine_id, n.number, n.step, n.grid_id,
                n.roles, at,
                CASE WHEN t.alert_id IS NULL THEN at ELSE at + make_interval(mins => n.minutes) END,
                t.alert_id IS NULL
            FROM next n LEFT JOIN (SELECT DISTINCT alert_id FROM told) AS t ON t.alert_id = n.id
            RETURNING alert_id, number, step, due_at, vacant
        ), moved AS (
            UPDATE %1$I.alerts a SET hop = h.number, step = h.step, version = a.version + 1,
                changed_xid = pg_current_xact_id(),
                climbs_at = CASE WHEN NOT h.vacant AND h.step < n.steps THEN h.due_at END
            FROM hopped h JOIN next n ON n.id = h.alert_id
            WHERE a.id = h.alert_id AND a.id = ANY (waiting)
            RETURNING a.id, h.vacant AND h.step <= n.steps AS again
        )
        SELECT coalesce(array_agg(id) FILTER (WHERE again), '{}') INTO waiting FROM moved;
    END LOOP;
    PERFORM %1$I.tell(happened, a.id, a.grid_id, a.quarantine_id, NULL, a.reach, at)
    FROM %1$I.alerts a WHERE a.id = ANY (due);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION reopen_alerts(wanted uuid[], at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- A new clock by the policy in force now; hops go on being counted.
    UPDATE %1$I.alerts a SET status = 'open', policy_id = p.id, step = 0, answer_by = at + p.whole,
        acknowledged_at = NULL, acknowledged_by = NULL, handled_at = NULL, handled_by = NULL,
        resolved_at = NULL, resolved_by = NULL, verified_at = NULL, verified_by = NULL
    FROM %1$I.alerts former CROSS JOIN LATERAL
        %1$I.alert_policy_for(former.cause, former.quarantine_id, at) AS p
    WHERE former.id = ANY (wanted) AND a.id = former.id;
    PERFORM %1$I.tell_alerts(wanted, 'alert.reopened', at);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION open_alerts(findings jsonb, at timestamptz) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    opened uuid[] := '{}';
    shown uuid[];
    again uuid[];
    attempts integer := 0;
BEGIN
    LOOP
        -- Whoever opens the same at the same moment is waited for; the next statement sees it.
        WITH kept AS (
            INSERT INTO %1$I.alerts (
                id, version, reach, grid_id, household_id, resident_id, quarantine_id, cause,
                subject_id, policy_id, status, opened_at, opened_by, hop, step, answer_by
            )
            SELECT gen_random_uuid(), 0, f.reach, f.grid_id, f.household_id, f.resident_id,
                f.quarantine_id, f.cause, f.subject_id, p.id, 'open', at, f.told_by, 0, 0,
                at + p.whole
            FROM (
                SELECT DISTINCT ON (said.cause, said.subject_id) said.cause, said.subject_id,
                    said.grid_id, said.reach, said.told_by, q.id AS quarantine_id,
                    coalesce(said.household_id, q.household_id) AS household_id,
                    coalesce(said.resident_id, q.resident_id) AS resident_id
                FROM %1$I.findings_of(findings) said
                LEFT JOIN %1$I.quarantines q ON q.id = coalesce(said.quarantine_id, (
                    SELECT now.id FROM %1$I.quarantines now WHERE now.resident_id = said.resident_id
                        AND now.status IN ('planned', 'active')
                ))
                WHERE (
                    SELECT e.id FROM %1$I.alert_evidence e WHERE e.record_id = said.record_id
                        AND e.kind = said.kind AND e.key = said.key
                ) IS NULL
                ORDER BY said.cause, said.subject_id, said.nth
            ) AS f
            CROSS JOIN LATERAL %1$I.alert_policy_for(f.cause, f.quarantine_id, at) AS p
            ON CONFLICT (cause, subject_id) WHERE status <> 'verified' DO NOTHING
            RETURNING id, reach, quarantine_id, cause, subject_id
        ), added AS (
            INSERT INTO %1$I.alert_evidence (
                id, version, reach, alert_id, quarantine_id, kind, record_id, key, found_at, told_by,
                note_sealed, added_at
            )
            SELECT gen_random_uuid(), 1, a.reach, a.id, a.quarantine_id, f.kind, f.record_id, f.key,
                f.found_at, f.told_by, f.note_sealed, at
            FROM %1$I.findings_of(findings) f
            JOIN kept a ON a.cause = f.cause AND a.subject_id = f.subject_id
            ON CONFLICT (record_id, kind, key) DO NOTHING
            RETURNING alert_id, record_id, kind, key
        )
        SELECT opened || ARRAY(SELECT id FROM kept), ARRAY(
            SELECT coalesce(added.alert_id, shown[f.nth::integer])
            FROM %1$I.findings_of(findings) f LEFT JOIN added USING (record_id, kind, key)
            ORDER BY f.nth
        ) INTO opened, shown;
        EXIT WHEN array_position(shown, NULL) IS NULL;
        -- Those that were open before are locked, so that nobody closes them in between; one that
        -- was closed just now is not found.
        WITH added AS (
            INSERT INTO %1$I.alert_evidence (
                id, version, reach, alert_id, quarantine_id, kind, record_id, key, found_at, told_by,
                note_sealed, added_at
            )
            SELECT gen_random_uuid(), 1, a.reach, a.id, a.quarantine_id, f.kind, f.record_id, f.key,
                f.found_at, f.told_by, f.note_sealed, at
            FROM (
                SELECT * FROM %1$I.findings_of(findings) ORDER BY cause, subject_id, nth
            ) AS f
            CROSS JOIN LATERAL (
                SELECT alert.id, alert.reach, alert.quarantine_id FROM %1$I.alerts alert
                WHERE alert.cause = f.cause AND alert.subject_id = f.subject_id
                    AND alert.status <> 'verified'
                FOR UPDATE
            ) AS a
            ON CONFLICT (record_id, kind, key) DO NOTHING
            RETURNING alert_id, record_id, kind, key
        )
        SELECT array_agg(coalesce(added.alert_id, shown[f.nth::integer]) ORDER BY f.nth) INTO shown
        FROM %1$I.findings_of(findings) f LEFT JOIN added USING (record_id, kind, key);
        EXIT WHEN array_position(shown, NULL) IS NULL;
        EXIT WHEN NOT EXISTS (
            SELECT FROM %1$I.findings_of(findings) f WHERE NOT EXISTS (
                SELECT FROM %1$I.alert_evidence e
                WHERE e.record_id = f.record_id AND e.kind = f.kind AND e.key = f.key
            )
        );
        attempts := attempts + 1;
        IF attempts > 9 THEN
            RAISE EXCEPTION 'there is no alert policy in force';
        END IF;
    END LOOP;
    IF array_position(shown, NULL) IS NOT NULL THEN
        -- What somebody else told as evidence of another thing meanwhile opens nothing.
        WITH void AS (
            DELETE FROM %1$I.alerts a WHERE a.id = ANY (opened)
                AND NOT EXISTS (SELECT FROM %1$I.alert_evidence e WHERE e.alert_id = a.id)
            RETURNING id
        )
        SELECT ARRAY(SELECT unnest(opened) EXCEPT SELECT id FROM void) INTO opened;
    END IF;
    IF cardinality(array_remove(shown, NULL)) > cardinality(opened) THEN
        -- Those that were there before have hops already.
        WITH added AS (
            UPDATE %1$I.alerts a SET version = a.version + 1, changed_xid = pg_current_xact_id()
            WHERE a.id = ANY (shown) AND a.hop > 0
            RETURNING a.id, a.reach, a.quarantine_id, a.status
        ), noted AS (
            INSERT INTO %1$I.alert_actions (id, version, reach, alert_id, quarantine_id, verb, at)
            SELECT gen_random_uuid(), 1, a.reach, a.id, a.quarantine_id, 'reopen', open_alerts.at
            FROM added a WHERE a.status = 'resolved'
            RETURNING alert_id
        )
        SELECT array_agg(alert_id) INTO again FROM noted;
        PERFORM %1$I.reopen_alerts(again, at) WHERE again IS NOT NULL;
    END IF;
    PERFORM %1$I.tell_alerts(opened, 'alert.opened', at);
    RETURN shown;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION climb_alerts(at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $body$
DECLARE
    due uuid[];
BEGIN
    -- One that somebody is answering this very moment is left to them, or to the next time.
    SELECT coalesce(array_agg(id), '{}') INTO due FROM (
        SELECT a.id FROM %1$I.alerts a WHERE a.status = 'open' AND a.climbs_at <= climb_alerts.at
        ORDER BY a.climbs_at, a.id LIMIT 10000 FOR UPDATE SKIP LOCKED
    ) AS late;
    PERFORM %1$I.tell_alerts(due, 'alert.climbed', at);
    RETURN cardinality(due);
END
$body$
    $function$, current_schema());
END
$$
""",
    """\
DO $$
BEGIN
    -- Planning these anew at each call would take longer than what is planned; and a plan made
    -- while a township has no alerts yet must not read them whole once it has.
    ALTER FUNCTION open_alerts SET plan_cache_mode = force_generic_plan;
    ALTER FUNCTION open_alerts SET enable_seqscan = off;
    ALTER FUNCTION tell_alerts SET plan_cache_mode = force_generic_plan;
    ALTER FUNCTION tell_alerts SET enable_seqscan = off;
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
