"""A pass judged beforehand by every standing that is usual at its gate."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

SEEN_BEFORE = """\
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
"""

KEPT_BEFORE = """\
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
"""

SEEN = """\
DO $$
BEGIN
    -- Who stands at a gate may belong anywhere in the township: of them the gate is told this much.
    EXECUTE format($function$
CREATE FUNCTION person_at_gate(
    person uuid, document bytea, phone bytea, called text, day date, at timestamptz,
    bounds timestamptz[]
) RETURNS TABLE (
    person_id uuid, household_id uuid, home_grid_id uuid, home_reach text, name text,
    quarantine_id uuid, codes jsonb, card jsonb, sample jsonb, doses integer, exempt boolean,
    standing text
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
    ), c.told, t.told, s.told, v.doses, v.exempt, concat_ws(
        -- An instant is told by the bounds between which it lies: whose standing reads the same is
        -- judged the same.
        ' ', c.placed, t.placed, s.placed, v.doses, v.exempt
    )
    FROM %1$I.residents r
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(n.system, n.state, n.fetched_at, n.valid_until)) AS told,
            string_agg(concat_ws(
                ',', n.system, n.state, width_bucket(n.fetched_at, bounds),
                width_bucket(n.valid_until, bounds)
            ), ' ') AS placed
        FROM (
            SELECT DISTINCT ON (k.system) k.system, k.state, k.fetched_at, k.valid_until
            FROM %1$I.code_states k
            WHERE k.resident_id = r.id AND k.discarded_at IS NULL AND k.state <> 'unavailable'
            ORDER BY k.system, k.changed_at DESC, k.fetched_at DESC
        ) AS n
    ) AS c
    LEFT JOIN LATERAL (
        SELECT jsonb_build_array(n.at_risk, n.updated_at) AS told,
            concat_ws(',', 'card', n.at_risk, width_bucket(n.updated_at, bounds)) AS placed
        FROM (
            SELECT jsonb_path_exists(k.cities, '$[*] ? (@.at_risk == true)') AS at_risk,
                k.updated_at
            FROM %1$I.travel_cards k WHERE k.resident_id = r.id AND k.discarded_at IS NULL
            ORDER BY k.updated_at DESC LIMIT 1
        ) AS n
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_build_array(k.outcome, k.sampled_at, k.reported_at) AS told, concat_ws(
            ',', 'test', k.outcome, width_bucket(k.sampled_at, bounds),
            width_bucket(k.reported_at, bounds)
        ) AS placed
        FROM %1$I.diagnostic_tests k WHERE k.resident_id = r.id AND k.discarded_at IS NULL
            AND k.kind = 'nucleic_acid' AND k.outcome IN ('negative', 'positive', 'inconclusive')
        ORDER BY k.sampled_at DESC LIMIT 1
    ) AS s ON true
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
"""

KEPT = """\
DO $$
BEGIN
    -- They run by the rights of whoever stands at the gate, so that row security judges what they
    -- read and write.
    EXECUTE format($function$
CREATE FUNCTION write_pass(
    said jsonb, means jsonb, person uuid, gate_grid uuid, gate_reach text, at timestamptz,
    held_post uuid, session_id uuid, note_id uuid, request text
) RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE
    pass %1$I.passes;
BEGIN
    pass.version := 1;
    pass.changed_xid := pg_current_xact_id();
    pass := jsonb_populate_record(pass, said);
    pass.verdict := means ->> 'verdict';
    pass.reasons := means -> 'reasons';
    pass.decision := coalesce(pass.decision, pass.verdict);
    pass.person_id := person;
    pass.grid_id := gate_grid;
    pass.reach := gate_reach;
    INSERT INTO %1$I.passes VALUES (pass.*) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO %1$I.audit_entries (
        id, at, action, worker_id, post_id, session_id, request_id, subject_id, details, reach
    ) VALUES (
        note_id, at, 'passes.record', pass.entered_by, held_post, session_id, request, pass.id,
        jsonb_build_object('verdict', pass.verdict, 'decision', pass.decision), pass.reach
    );
    -- Of somebody who is not told apart, nobody could be asked later.
    IF means ? 'recheck' AND (person IS NOT NULL OR said ?| '{document_lookup,phone_lookup}') THEN
        INSERT INTO %1$I.passes_to_check (
            id, version, reach, checkpoint_id, grid_id, systems, state, since_at, next_at,
            give_up_at, tries
        ) VALUES (
            pass.id, 1, pass.reach, pass.checkpoint_id, pass.grid_id,
            ARRAY(SELECT jsonb_array_elements_text(means #> '{recheck,systems}')), 'waiting', at,
            at + make_interval(secs => (means #>> '{recheck,after}')::double precision),
            at + make_interval(secs => (means #>> '{recheck,for}')::double precision), 0
        );
    END IF;
    RETURN true;
END
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION pass_gate(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, gate uuid, person uuid, document bytea, phone bytea,
    called text, performer uuid, day date, passed_at timestamptz, bounds timestamptz[], said jsonb,
    judged jsonb, note_id uuid, request text,
    OUT kept boolean, OUT standing text, OUT gate_grid_id uuid, OUT gate_reach text, OUT stands boolean,
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
        w.codes::text, w.card::text, w.sample::text, w.doses, w.exempt, w.standing
    INTO person_id, household_id, home_grid_id, home_reach, name, quarantine_id, codes, card,
        sample, doses, exempt, standing
    FROM %1$I.person_at_gate(person, document, phone, called, day, passed_at, bounds) AS w;
    standing := coalesce(standing, 'nobody');
    kept := false;
    -- Judged beforehand for whoever stands as is usual here; never for who should be at home.
    IF stands AND by_colleague AND quarantine_id IS NULL AND judged ? standing
        AND rule_id = (said ->> 'rule_id')::uuid
    THEN
        kept := %1$I.write_pass(
            said, judged -> standing, person_id, gate_grid_id, gate_reach, at, held_post,
            session_id, note_id, request
        );
    END IF;
END
$body$
    $function$, current_schema());
END
$$
"""

# No service calls what goes: each refuses to serve a database that is not at its own version.
DROPPED = tuple(
    f"-- squawk-ignore ban-drop-function\nDROP FUNCTION {name}"
    for name in ("pass_gate", "write_pass", "person_at_gate")
)

UP = (
    *DROPPED,
    SEEN,
    KEPT,
    # Nothing is found by it: passes are listed by their checkpoint, and forgotten by their rule.
    """\
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX ix_passes_reach_passed_at
""",
)

DOWN = (
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_passes_reach_passed_at ON passes (reach, passed_at)
""",
    *DROPPED,
    SEEN_BEFORE,
    KEPT_BEFORE,
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
