"""Of whoever passes a gate and is in no quarantine nothing is asked about one: quicker by 4 %."""

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

SEEN_BEFORE = """\
DO $$
BEGIN
    -- Who stands at a gate may belong anywhere in the township: of them the gate is told this much.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION person_at_gate(
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
                    AND l.status IN ('approved', 'out', 'back')
                    AND at BETWEEN l.from_at AND least(l.until_at, l.returned_at)
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
                -- A pass may be told late, when they are at home again.
                SELECT FROM %1$I.whereabouts w WHERE w.quarantine_id = q.id
                    AND w.discarded_at IS NULL
                    AND (w.until_at IS NULL OR at BETWEEN w.since_at AND w.until_at)
                    AND (w.kind IN ('in_hospital', 'transferred') OR w.kind = 'away_approved'
                        AND NOT EXISTS (
                            SELECT FROM %1$I.leaves l WHERE l.quarantine_id = q.id
                                AND l.status IN ('out', 'back') AND l.until_at < at
                                AND (l.returned_at IS NULL OR l.returned_at >= at)
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
            SELECT each.*, max(each.fetched_at) FILTER (
                WHERE each.system <> 'manual' AND each.state NOT IN ('not_found', 'expired')
            ) OVER () AS asked_at
            FROM (
                SELECT DISTINCT ON (k.system) k.system, k.state, k.fetched_at, k.valid_until
                FROM %1$I.code_states k
                WHERE k.resident_id = r.id AND k.discarded_at IS NULL AND k.state <> 'unavailable'
                ORDER BY k.system, k.changed_at DESC, k.fetched_at DESC
            ) AS each
        ) AS n
        -- What a worker saw on a phone gives way to what a system said later.
        WHERE n.system <> 'manual' OR n.asked_at IS NULL OR n.fetched_at > n.asked_at
    ) AS c
    LEFT JOIN LATERAL (
        SELECT jsonb_build_array(n.at_risk, n.updated_at) AS told,
            concat_ws(',', 'card', n.at_risk, width_bucket(n.updated_at, bounds)) AS placed
        FROM (
            SELECT k.colour <> 'green'
                    OR jsonb_path_exists(k.cities, '$[*] ? (@.at_risk == true)') AS at_risk,
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

SEEN = """\
DO $$
BEGIN
    -- Who stands at a gate may belong anywhere in the township: of them the gate is told this much.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION person_at_gate(
    person uuid, document bytea, phone bytea, called text, day date, at timestamptz,
    bounds timestamptz[]
) RETURNS TABLE (
    person_id uuid, household_id uuid, home_grid_id uuid, home_reach text, name text,
    quarantine_id uuid, codes jsonb, card jsonb, sample jsonb, doses integer, exempt boolean,
    standing text
) LANGUAGE plpgsql STABLE SECURITY DEFINER AS $body$
DECLARE
    found uuid;
    controlled uuid;
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
    -- Most are in no quarantine: of them the other tables are not so much as opened.
    IF EXISTS (
        SELECT FROM %1$I.quarantines q
        WHERE q.resident_id = found AND q.status IN ('planned', 'active')
    ) THEN
        controlled := (
            SELECT q.id FROM %1$I.quarantines q
            LEFT JOIN %1$I.quarantine_stages s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
                AND day BETWEEN s.starts_on AND s.ends_on
            WHERE q.resident_id = found AND q.status IN ('planned', 'active')
                AND q.discarded_at IS NULL AND q.started_on <= day
                AND s.leave_home IS DISTINCT FROM 'free_protected'
                AND NOT EXISTS (
                    SELECT FROM %1$I.leaves l
                    WHERE l.quarantine_id = q.id AND l.discarded_at IS NULL
                        AND l.status IN ('approved', 'out', 'back')
                        AND at BETWEEN l.from_at AND least(l.until_at, l.returned_at)
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
                    -- A pass may be told late, when they are at home again.
                    SELECT FROM %1$I.whereabouts w WHERE w.quarantine_id = q.id
                        AND w.discarded_at IS NULL
                        AND (w.until_at IS NULL OR at BETWEEN w.since_at AND w.until_at)
                        AND (w.kind IN ('in_hospital', 'transferred') OR w.kind = 'away_approved'
                            AND NOT EXISTS (
                                SELECT FROM %1$I.leaves l WHERE l.quarantine_id = q.id
                                    AND l.status IN ('out', 'back') AND l.until_at < at
                                    AND (l.returned_at IS NULL OR l.returned_at >= at)
                            ))
                )
        );
    END IF;
    RETURN QUERY SELECT r.id, r.household_id, r.grid_id, r.reach, r.name::text, controlled, c.told,
        t.told, s.told, v.doses, v.exempt, concat_ws(
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
            SELECT each.*, max(each.fetched_at) FILTER (
                WHERE each.system <> 'manual' AND each.state NOT IN ('not_found', 'expired')
            ) OVER () AS asked_at
            FROM (
                SELECT DISTINCT ON (k.system) k.system, k.state, k.fetched_at, k.valid_until
                FROM %1$I.code_states k
                WHERE k.resident_id = r.id AND k.discarded_at IS NULL AND k.state <> 'unavailable'
                ORDER BY k.system, k.changed_at DESC, k.fetched_at DESC
            ) AS each
        ) AS n
        -- What a worker saw on a phone gives way to what a system said later.
        WHERE n.system <> 'manual' OR n.asked_at IS NULL OR n.fetched_at > n.asked_at
    ) AS c
    LEFT JOIN LATERAL (
        SELECT jsonb_build_array(n.at_risk, n.updated_at) AS told,
            concat_ws(',', 'card', n.at_risk, width_bucket(n.updated_at, bounds)) AS placed
        FROM (
            SELECT k.colour <> 'green'
                    OR jsonb_path_exists(k.cities, '$[*] ? (@.at_risk == true)') AS at_risk,
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

UP, DOWN = (SEEN,), (SEEN_BEFORE,)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
