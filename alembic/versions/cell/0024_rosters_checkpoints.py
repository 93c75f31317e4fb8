"""Duty rosters, checkpoints, passes, and what still has to be checked."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ENTER = """\
DO $$
BEGIN
    -- It runs at every request: its tables are named whole, as in 0001.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION enter(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, writing boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $enter$
DECLARE
    held record;
    duties text;
BEGIN
    IF writing THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()));
    END IF;
    SELECT p.worker_id, p.reach INTO held
    FROM public.sessions s
    JOIN public.accounts a ON a.id = s.account_id AND a.disabled_at IS NULL
    JOIN %%1$I.posts p ON p.id = s.post_id AND p.worker_id = a.id
    JOIN %%1$I.grids g ON g.id = p.grid_id
    WHERE s.id = session_id AND s.post_id = held_post
        AND s.ended_at IS NULL AND s.expires_at > at
        AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
        AND g.id = claimed_grid AND g.level = claimed_level AND p.role = claimed_role
        AND (g.moved_at IS NULL OR date_trunc('second', g.moved_at) <= issued_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the post or session has ended, or the grid has moved'
            USING ERRCODE = 'OG401';
    END IF;
    %s;
    EXECUTE format(
        'SET LOCAL onegrid.reach_from = %%%%L; SET LOCAL onegrid.reach_to = %%%%L; '
        'SET LOCAL onegrid.duties = %%%%L; SET LOCAL onegrid.worker = %%%%L',
        held.reach, held.reach || '/', coalesce(duties, ''), held.worker_id
    );
END
$enter$
    $function$, current_schema());
END
$$
"""

BY_SEAT = """\
SELECT string_agg(concat_ws(',', quarantine_id, household_id, resident_id), ',') INTO duties
    FROM %1$I.care_seats WHERE worker_id = held.worker_id AND ended_at IS NULL"""

BY_SEAT_AND_SHIFT = """\
-- A door opens an hour before a shift, for the handover, and stays open half a day after it, for
    -- what is still to be written down.
    SELECT concat_ws(',', (
        SELECT string_agg(concat_ws(',', quarantine_id, household_id, resident_id), ',')
        FROM %1$I.care_seats WHERE worker_id = held.worker_id AND ended_at IS NULL
    ), (
        SELECT string_agg(DISTINCT d.place_id::text, ',') FROM %1$I.duty_shifts d
        WHERE d.worker_id = held.worker_id AND d.discarded_at IS NULL
            AND d.ends_at > at - interval '12 hours' AND d.starts_at <= at + interval '1 hour'
    )) INTO duties"""

UP: tuple[str, ...] = (
    """\
CREATE TABLE duty_shifts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    place_kind VARCHAR(40) NOT NULL,
    place_id UUID NOT NULL,
    place_name VARCHAR(50) NOT NULL,
    grid_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    worker_name VARCHAR(50) NOT NULL,
    role VARCHAR(50),
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    note TEXT,
    arranged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    arranged_by UUID NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_duty_shifts PRIMARY KEY (id),
    CONSTRAINT ck_duty_shifts_period CHECK (ends_at > starts_at),
    CONSTRAINT ck_duty_shifts_place_kind CHECK (place_kind IN ('checkpoint', 'site')),
    CONSTRAINT fk_duty_shifts_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id)
)
""",
    """\
CREATE INDEX ix_duty_shifts_changed_xid ON duty_shifts (changed_xid)
""",
    """\
CREATE INDEX ix_duty_shifts_place_id_starts_at ON duty_shifts (place_id, starts_at)
""",
    """\
CREATE INDEX ix_duty_shifts_reach_starts_at ON duty_shifts (reach, starts_at)
""",
    """\
CREATE INDEX ix_duty_shifts_worker_id_ends_at ON duty_shifts (worker_id, ends_at) WHERE discarded_at IS NULL
""",
    "ALTER TABLE duty_shifts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON duty_shifts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR place_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
    OR worker_id = nullif(current_setting('onegrid.worker', true), '')::uuid
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    ENTER % BY_SEAT_AND_SHIFT,
    """\
DO $$
BEGIN
    -- People stand at places beyond the reach of whoever rosters them, or ends their post.
    EXECUTE format($function$
CREATE FUNCTION roster_people(named uuid[], at timestamptz) RETURNS TABLE (
    worker_id uuid, name text
) LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- In one order always: whoever rosters the same people waits, and never in a circle.
    PERFORM pg_advisory_xact_lock(hashtextextended(%1$L || ' roster ' || person, 0))
    FROM (SELECT DISTINCT unnest(named)::text AS person ORDER BY 1) AS people;
    RETURN QUERY SELECT w.id, w.name::text FROM %1$I.workers w
    WHERE w.id = ANY (named) AND (w.left_at IS NULL OR w.left_at > at);
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION shifts_of(
    named uuid[], since timestamptz, until timestamptz
) RETURNS TABLE (
    id uuid, worker_id uuid, starts_at timestamptz, ends_at timestamptz, reach text
) LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT d.id, d.worker_id, d.starts_at, d.ends_at, d.reach FROM %1$I.duty_shifts d
    WHERE d.worker_id = ANY (named) AND d.discarded_at IS NULL
        AND d.ends_at > since AND d.starts_at < until
    ORDER BY d.starts_at, d.id
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION pass_shifts(
    passed uuid[], successor uuid, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$
    INSERT INTO %1$I.revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach
    )
    SELECT gen_random_uuid(), 'duty_shifts', d.id, d.version, to_jsonb(d) - 'changed_xid', at,
        passed_by, why, d.reach
    FROM %1$I.duty_shifts d WHERE d.id = ANY (passed);
    UPDATE %1$I.duty_shifts d SET worker_id = w.id, worker_name = w.name, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    FROM %1$I.workers w WHERE d.id = ANY (passed) AND w.id = successor
$body$
    $function$, current_schema());
END
$$
""",
    """\
CREATE TABLE checkpoints (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    address VARCHAR(100),
    authority VARCHAR(100),
    head_name VARCHAR(50),
    head_phone_sealed BYTEA,
    latitude FLOAT,
    longitude FLOAT,
    datum VARCHAR(40),
    accuracy_m FLOAT,
    rule_code VARCHAR(40) NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_checkpoints PRIMARY KEY (id),
    CONSTRAINT ck_checkpoints_coordinates CHECK ((latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (datum IS NULL)),
    CONSTRAINT ck_checkpoints_open CHECK (closed_at IS NULL OR closed_at >= opened_at),
    CONSTRAINT fk_checkpoints_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT ck_checkpoints_kind CHECK (kind IN ('road', 'village', 'station', 'venue', 'other')),
    CONSTRAINT ck_checkpoints_datum CHECK (datum IN ('wgs84', 'gcj02'))
)
""",
    """\
CREATE INDEX ix_checkpoints_changed_xid ON checkpoints (changed_xid)
""",
    """\
CREATE INDEX ix_checkpoints_reach ON checkpoints (reach)
""",
    """\
CREATE TABLE checkpoint_rules (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    proofs JSONB NOT NULL,
    on_unavailable VARCHAR(40) NOT NULL,
    retention_days INTEGER NOT NULL,
    recheck_minutes INTEGER NOT NULL,
    recheck_hours INTEGER NOT NULL,
    answer_minutes INTEGER NOT NULL,
    CONSTRAINT pk_checkpoint_rules PRIMARY KEY (id),
    CONSTRAINT ck_checkpoint_rules_retention_days CHECK (retention_days BETWEEN 1 AND 180),
    CONSTRAINT ck_checkpoint_rules_recheck_minutes CHECK (recheck_minutes BETWEEN 1 AND 1440),
    CONSTRAINT ck_checkpoint_rules_recheck_hours CHECK (recheck_hours BETWEEN 1 AND 168),
    CONSTRAINT ck_checkpoint_rules_answer_minutes CHECK (answer_minutes BETWEEN 1 AND 1440),
    CONSTRAINT ck_checkpoint_rules_on_unavailable CHECK (on_unavailable IN ('hold', 'through_with_recheck', 'turn_back'))
)
""",
    """\
CREATE INDEX ix_checkpoint_rules_changed_xid ON checkpoint_rules (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_checkpoint_rules_code_revision ON checkpoint_rules (code, revision)
""",
    """\
CREATE TABLE passes (
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
    checkpoint_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    person_id UUID,
    name_sealed BYTEA,
    document_kind VARCHAR(40),
    document_sealed BYTEA,
    document_lookup BYTEA,
    phone_sealed BYTEA,
    phone_lookup BYTEA,
    vehicle_plate_sealed BYTEA,
    from_place_sealed BYTEA,
    to_place_sealed BYTEA,
    passed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    shown JSONB NOT NULL,
    rule_id UUID NOT NULL,
    verdict VARCHAR(40) NOT NULL,
    reasons JSONB NOT NULL,
    decision VARCHAR(40) NOT NULL,
    decision_reason TEXT,
    later_verdict VARCHAR(40),
    later_reasons JSONB,
    rechecked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_passes PRIMARY KEY (id),
    CONSTRAINT ck_passes_otherwise CHECK (decision = verdict OR decision_reason IS NOT NULL),
    CONSTRAINT ck_passes_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT ck_passes_document_kind CHECK (document_kind IN ('resident_identity', 'household_book', 'passport', 'hk_macao_permit', 'taiwan_permit', 'foreign_permanent_resident', 'hmt_residence_permit', 'other')),
    CONSTRAINT ck_passes_verdict CHECK (verdict IN ('through', 'hold', 'turn_back')),
    CONSTRAINT ck_passes_decision CHECK (decision IN ('through', 'hold', 'turn_back')),
    CONSTRAINT ck_passes_later_verdict CHECK (later_verdict IN ('through', 'hold', 'turn_back'))
)
""",
    """\
CREATE INDEX ix_passes_changed_xid ON passes (changed_xid)
""",
    """\
CREATE INDEX ix_passes_checkpoint_id_passed_at ON passes (checkpoint_id, passed_at, id)
""",
    """\
CREATE INDEX ix_passes_person_id ON passes (person_id) WHERE person_id IS NOT NULL
""",
    """\
CREATE INDEX ix_passes_reach_passed_at ON passes (reach, passed_at)
""",
    """\
CREATE TABLE passes_to_check (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    checkpoint_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    systems VARCHAR(40)[] NOT NULL,
    state VARCHAR(40) NOT NULL,
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    give_up_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER NOT NULL,
    tried_at TIMESTAMP WITH TIME ZONE,
    last_answer VARCHAR(40),
    CONSTRAINT pk_passes_to_check PRIMARY KEY (id),
    CONSTRAINT ck_passes_to_check_state CHECK (state IN ('waiting', 'answered', 'given_up'))
)
""",
    """\
CREATE INDEX ix_passes_to_check_changed_xid ON passes_to_check (changed_xid)
""",
    """\
CREATE INDEX ix_passes_to_check_checkpoint_id_since_at ON passes_to_check (checkpoint_id, since_at, id)
""",
    """\
CREATE INDEX ix_passes_to_check_next_at ON passes_to_check (next_at) WHERE state = 'waiting'
""",
    """\
CREATE INDEX ix_passes_to_check_reach ON passes_to_check (reach)
""",
    """\
CREATE TABLE gate_look_ups (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    checkpoint_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    rule_id UUID NOT NULL,
    answer VARCHAR(40) NOT NULL,
    keep_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_gate_look_ups PRIMARY KEY (id),
    CONSTRAINT fk_gate_look_ups_checkpoint_id FOREIGN KEY(checkpoint_id) REFERENCES checkpoints (id),
    CONSTRAINT ck_gate_look_ups_answer CHECK (answer IN ('through', 'hold', 'turn_back'))
)
""",
    """\
CREATE INDEX ix_gate_look_ups_changed_xid ON gate_look_ups (changed_xid)
""",
    """\
CREATE INDEX ix_gate_look_ups_reach_at ON gate_look_ups (reach, at)
""",
    """\
CREATE INDEX ix_gate_look_ups_worker_id_at ON gate_look_ups (worker_id, at)
""",
    "ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON checkpoints USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE passes ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON passes USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR checkpoint_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE passes_to_check ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON passes_to_check USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR checkpoint_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE gate_look_ups ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON gate_look_ups USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR checkpoint_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
INSERT INTO checkpoint_rules (
    id, version, code, revision, name, legal_basis, effective_from, effective_to, proofs,
    on_unavailable, retention_days, recheck_minutes, recheck_hours, answer_minutes
) VALUES (
    '01900000-0000-7000-8000-000000000d01', 1, 'three_codes', 1, '三码联查',
    '各地卡点的通行做法:查验健康码、行程卡、48小时内核酸检测阴性证明;查询不到的暂留,人工查验',
    '2020-01-01', '2022-12-12',
    '[{"proof": "health_code", "systems": [], "fresh_minutes": 1440,
       "means": {"red": "turn_back", "yellow": "hold"}},
      {"proof": "travel_card", "fresh_minutes": 1440, "at_risk": "hold", "missing": "hold"},
      {"proof": "negative_test", "hours": 48, "anchor": "sampled", "missing": "hold"}]',
    'hold', 30, 10, 24, 60
), (
    '01900000-0000-7000-8000-000000000d02', 1, 'three_codes', 2, '三码联查',
    '2022年12月13日起行程卡停止服务,不再查验',
    '2022-12-13', NULL,
    '[{"proof": "health_code", "systems": [], "fresh_minutes": 1440,
       "means": {"red": "turn_back", "yellow": "hold"}},
      {"proof": "negative_test", "hours": 48, "anchor": "sampled", "missing": "hold"}]',
    'hold', 30, 10, 24, 60
)
""",
    """\
DO $$
BEGIN
    -- Who stands at a gate may belong anywhere in the township: of them the gate is told this much.
    EXECUTE format($function$
CREATE FUNCTION person_at_gate(
    person uuid, document bytea, phone bytea, called text, day date, at timestamptz
) RETURNS TABLE (
    person_id uuid, household_id uuid, home_grid_id uuid, home_reach text, name text,
    quarantine_id uuid, codes jsonb, card jsonb, sample jsonb, doses integer, exempt boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER AS $body$
DECLARE
    found uuid;
BEGIN
    IF person IS NOT NULL THEN
        SELECT r.id INTO found FROM %1$I.residents r
        WHERE r.id = person AND r.discarded_at IS NULL AND r.left_on IS NULL;
    END IF;
    IF found IS NULL AND document IS NOT NULL THEN
        SELECT r.id INTO found FROM %1$I.residents r
        WHERE r.document_lookup = document AND r.discarded_at IS NULL AND r.left_on IS NULL;
    END IF;
    IF found IS NULL AND phone IS NOT NULL THEN
        -- A phone is shared in families: it tells who it is only where nobody else has it.
        SELECT (array_agg(r.id))[1] INTO found FROM %1$I.residents r
        WHERE r.phone_lookup = phone AND r.discarded_at IS NULL AND r.left_on IS NULL
            AND (called IS NULL OR r.name = called)
            AND (document IS NULL OR r.document_lookup IS NULL)
        HAVING count(*) = 1;
    END IF;
    IF found IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT r.id, r.household_id, r.grid_id, r.reach, r.name::text, (
        SELECT q.id FROM %1$I.quarantines q
        LEFT JOIN %1$I.quarantine_stages s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
            AND day BETWEEN s.starts_on AND s.ends_on
        WHERE q.resident_id = r.id AND q.status IN ('planned', 'active')
            AND q.discarded_at IS NULL AND q.started_on <= day
            AND s.leave_home IS DISTINCT FROM 'free_protected'
            AND NOT EXISTS (
                SELECT FROM %1$I.leaves l WHERE l.quarantine_id = q.id AND l.discarded_at IS NULL
                    AND l.status IN ('approved', 'out') AND at BETWEEN l.from_at AND l.until_at
            )
            AND NOT EXISTS (
                SELECT FROM %1$I.transfers t WHERE t.quarantine_id = q.id
                    AND t.discarded_at IS NULL
                    AND t.status IN ('dispatched', 'picked_up', 'handed_over')
            )
            AND NOT EXISTS (
                SELECT FROM %1$I.hospital_referrals h WHERE h.quarantine_id = q.id
                    AND h.discarded_at IS NULL AND h.outcome IS NULL
            )
            AND NOT EXISTS (
                SELECT FROM %1$I.whereabouts w WHERE w.quarantine_id = q.id
                    AND w.discarded_at IS NULL AND w.until_at IS NULL
                    AND (w.kind IN ('in_hospital', 'transferred') OR w.kind = 'away_approved'
                        AND NOT EXISTS (
                            SELECT FROM %1$I.leaves l WHERE l.quarantine_id = q.id
                                AND l.status = 'out' AND l.until_at < at
                        ))
            )
    ), (
        SELECT jsonb_agg(jsonb_build_array(c.system, c.state, c.fetched_at, c.valid_until)) FROM (
            SELECT DISTINCT ON (k.system) k.system, k.state, k.fetched_at, k.valid_until
            FROM %1$I.code_states k
            WHERE k.resident_id = r.id AND k.discarded_at IS NULL AND k.state <> 'unavailable'
            ORDER BY k.system, k.changed_at DESC, k.fetched_at DESC
        ) AS c
    ), (
        SELECT jsonb_build_array(
            jsonb_path_exists(t.cities, '$[*] ? (@.at_risk == true)'), t.updated_at
        )
        FROM %1$I.travel_cards t WHERE t.resident_id = r.id AND t.discarded_at IS NULL
        ORDER BY t.updated_at DESC LIMIT 1
    ), (
        SELECT jsonb_build_array(t.outcome, t.sampled_at, t.reported_at)
        FROM %1$I.diagnostic_tests t WHERE t.resident_id = r.id AND t.discarded_at IS NULL
            AND t.kind = 'nucleic_acid' AND t.outcome IN ('negative', 'positive', 'inconclusive')
        ORDER BY t.sampled_at DESC LIMIT 1
    ), v.doses, v.exempt
    FROM %1$I.residents r
    CROSS JOIN LATERAL (
        SELECT coalesce(max(d.dose_number), 0) AS doses,
            coalesce(bool_or(d.outcome = 'contraindicated'), false) AS exempt
        FROM %1$I.vaccinations d WHERE d.resident_id = r.id AND d.discarded_at IS NULL
    ) AS v
    WHERE r.id = found;
END
$body$
    $function$, current_schema());
END
$$
""",
    """\
DO $$
BEGIN
    -- They run by the rights of whoever stands at the gate, so that row security judges what they
    -- read and write.
    EXECUTE format($function$
CREATE FUNCTION write_pass(
    said jsonb, gate_grid uuid, gate_reach text, at timestamptz, held_post uuid, session_id uuid,
    note_id uuid, request text
) RETURNS uuid LANGUAGE plpgsql AS $body$
DECLARE
    pass %1$I.passes;
BEGIN
    pass.version := 1;
    pass.changed_xid := pg_current_xact_id();
    pass := jsonb_populate_record(pass, said);
    pass.grid_id := gate_grid;
    pass.reach := gate_reach;
    INSERT INTO %1$I.passes VALUES (pass.*) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO %1$I.audit_entries (
        id, at, action, worker_id, post_id, session_id, request_id, subject_id, details, reach
    ) VALUES (
        note_id, at, 'passes.record', pass.entered_by, held_post, session_id, request, pass.id,
        jsonb_build_object('verdict', pass.verdict, 'decision', pass.decision), pass.reach
    );
    IF (said ->> 'recheck')::boolean THEN
        INSERT INTO %1$I.passes_to_check (
            id, version, reach, checkpoint_id, grid_id, systems, state, since_at, next_at,
            give_up_at, tries
        ) VALUES (
            pass.id, 1, pass.reach, pass.checkpoint_id, pass.grid_id,
            ARRAY(SELECT jsonb_array_elements_text(said -> 'systems')), 'waiting', at,
            at + make_interval(secs => (said ->> 'recheck_after')::double precision),
            at + make_interval(secs => (said ->> 'recheck_for')::double precision), 0
        );
    END IF;
    RETURN pass.id;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION pass_gate(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, gate uuid, person uuid, document bytea, phone bytea,
    called text, performer uuid, day date, passed_at timestamptz, said jsonb, expected text,
    note_id uuid, request text,
    OUT kept uuid, OUT seen text, OUT gate_grid_id uuid, OUT gate_reach text, OUT stands boolean,
    OUT rule_id uuid, OUT by_colleague boolean, OUT person_id uuid, OUT household_id uuid,
    OUT home_grid_id uuid, OUT home_reach text, OUT name text, OUT quarantine_id uuid,
    OUT codes text, OUT card text, OUT sample text, OUT doses integer, OUT exempt boolean
) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('search_path', '%1$I, public', true);
    PERFORM %1$I.enter(
        session_id, held_post, claimed_grid, claimed_level, claimed_role, issued_at, at, true
    );
    SELECT c.grid_id, c.reach,
        c.opened_at <= passed_at AND (c.closed_at IS NULL OR c.closed_at > passed_at), (
            SELECT r.id FROM %1$I.checkpoint_rules r
            WHERE r.code = c.rule_code AND r.effective_from <= day
            ORDER BY r.revision DESC LIMIT 1
        )
    INTO gate_grid_id, gate_reach, stands, rule_id
    FROM %1$I.checkpoints c WHERE c.id = gate;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    by_colleague := performer IS NULL
        OR EXISTS (SELECT FROM %1$I.colleagues(ARRAY[performer]));
    SELECT w.person_id, w.household_id, w.home_grid_id, w.home_reach, w.name, w.quarantine_id,
        w.codes::text, w.card::text, w.sample::text, w.doses, w.exempt
    INTO person_id, household_id, home_grid_id, home_reach, name, quarantine_id, codes, card,
        sample, doses, exempt
    FROM %1$I.person_at_gate(person, document, phone, called, day, passed_at) AS w;
    -- Judged beforehand by what was seen the last time, it is kept where the same is seen now.
    seen := md5(concat_ws(
        '|', gate_grid_id, gate_reach, rule_id, stands, by_colleague, person_id, household_id,
        home_grid_id, home_reach, coalesce(quarantine_id::text, '-'), coalesce(codes, '-'),
        coalesce(card, '-'), coalesce(sample, '-'), doses, exempt
    ));
    IF seen = expected THEN
        kept := %1$I.write_pass(
            said, gate_grid_id, gate_reach, at, held_post, session_id, note_id, request
        );
    END IF;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN: tuple[str, ...] = (
    "DROP FUNCTION pass_gate",
    "DROP FUNCTION write_pass",
    "DROP FUNCTION person_at_gate(uuid, bytea, bytea, text, date, timestamptz)",
    "DROP TABLE gate_look_ups",
    "DROP TABLE passes_to_check",
    "DROP TABLE passes",
    "DROP TABLE checkpoint_rules",
    "DROP TABLE checkpoints",
    "DROP FUNCTION pass_shifts(uuid[], uuid, uuid, text, timestamptz)",
    "DROP FUNCTION shifts_of(uuid[], timestamptz, timestamptz)",
    "DROP FUNCTION roster_people(uuid[], timestamptz)",
    ENTER % BY_SEAT,
    "DROP TABLE duty_shifts",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
