"""Whoever moved after a campaign was over counts where they lived was."""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    -- Where somebody lived is the household of the version that stood then, wherever that lies by
    -- now: grids move with all that is in them. Who has moved away, and what they showed, is beyond
    -- the reach of those whom they left, who count them and see no more than the number.
    EXECUTE format($function$
CREATE FUNCTION moved_since(
    kind text, from_on date, to_on date, begins timestamptz, ends timestamptz, dose integer
) RETURNS TABLE (
    id uuid, reach text, birth_date date, registration text, left_on date,
    recorded_at timestamptz, done boolean, exempt boolean
) LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT r.id, home.reach, r.birth_date, r.registration::text, was.left_on, r.recorded_at,
        CASE WHEN moved_since.kind = 'sampling' THEN EXISTS (
            SELECT FROM %1$I.diagnostic_tests t WHERE t.resident_id = r.id
                AND t.discarded_at IS NULL AND t.kind = 'nucleic_acid' AND t.outcome <> 'invalid'
                AND t.sampled_at >= begins AND t.sampled_at < ends
        ) ELSE EXISTS (
            SELECT FROM %1$I.vaccinations v WHERE v.resident_id = r.id
                AND v.discarded_at IS NULL AND v.outcome = 'given' AND v.given_on <= to_on
                AND (v.dose_number >= dose OR dose IS NULL AND v.given_on >= from_on)
        ) END,
        moved_since.kind = 'vaccination' AND (
            SELECT v.outcome FROM %1$I.vaccinations v WHERE v.resident_id = r.id
                AND v.discarded_at IS NULL AND v.given_on <= to_on
            ORDER BY v.given_on DESC, v.dose_number DESC NULLS LAST LIMIT 1
        ) IS NOT DISTINCT FROM 'contraindicated'
    FROM %1$I.residents r
    CROSS JOIN LATERAL (
        SELECT (v.body ->> 'household_id')::uuid AS household_id,
            (v.body ->> 'left_on')::date AS left_on
        FROM %1$I.revisions v
        WHERE v.kind = 'residents' AND v.record_id = r.id AND v.replaced_at >= ends
        ORDER BY v.version LIMIT 1
    ) AS was
    JOIN %1$I.households home ON home.id = was.household_id
    WHERE r.version > 1 AND r.discarded_at IS NULL AND was.household_id <> r.household_id
        AND (
            home.reach >= nullif(current_setting('onegrid.reach_from', true), '') COLLATE "C"
            AND home.reach < nullif(current_setting('onegrid.reach_to', true), '') COLLATE "C"
            OR r.reach >= nullif(current_setting('onegrid.reach_from', true), '') COLLATE "C"
            AND r.reach < nullif(current_setting('onegrid.reach_to', true), '') COLLATE "C"
        )
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION moved_since(text, date, date, timestamptz, timestamptz, integer)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
