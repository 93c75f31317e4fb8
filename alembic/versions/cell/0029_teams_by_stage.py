"""A team is judged by what the stage of the day asks for."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE FUNCTION team_lacks(served uuid, policy uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    -- As `protocols.policies.lacking`: more than are asked for, left by an earlier stage, lack nothing.
    SELECT count(s.id) < p.size
        OR count(s.id) FILTER (WHERE s.is_party_member) < p.min_party_members
        OR EXISTS (
            SELECT FROM jsonb_each_text(p.role_minima) AS wanted (role, number)
            WHERE wanted.number::integer > (
                SELECT count(*) FROM care_seats AS r
                WHERE r.quarantine_id = served AND r.ended_at IS NULL AND r.role = wanted.role
            )
        )
    FROM care_team_policies AS p
    LEFT JOIN care_seats AS s ON s.quarantine_id = served AND s.ended_at IS NULL
    WHERE p.id = policy
    GROUP BY p.id
$$
""",
    # The one without a day stays for a service of the release before, while both are at work.
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION teams_of(member uuid, today date) RETURNS TABLE (
    quarantine_id uuid, care_policy_id uuid, seat_id uuid, seat_reach text, worker_id uuid, role text,
    is_party_member boolean
) LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- Locked in a statement of its own, so that the next one sees the seats as the lock found them.
    PERFORM 1 FROM %1$I.quarantines q WHERE q.id IN (
        SELECT s.quarantine_id FROM %1$I.care_seats s
        WHERE s.worker_id = member AND s.ended_at IS NULL
    ) ORDER BY q.id FOR UPDATE;
    RETURN QUERY
    SELECT q.id, coalesce((
            -- As `quarantines.team_queries.care_policy_today`.
            SELECT asks.care_policy_id FROM %1$I.quarantine_stages asks
            WHERE asks.quarantine_id = q.id AND asks.discarded_at IS NULL
                AND asks.care_policy_id IS NOT NULL AND asks.ends_on >= today
            ORDER BY asks.starts_on LIMIT 1
        ), q.care_policy_id), s.id, s.reach::text, s.worker_id, s.role::text, s.is_party_member
    FROM %1$I.care_seats own
    JOIN %1$I.quarantines q ON q.id = own.quarantine_id
    JOIN %1$I.care_seats s ON s.quarantine_id = q.id AND s.ended_at IS NULL
    WHERE own.worker_id = member AND own.ended_at IS NULL
    ORDER BY q.id, s.began_at, s.id;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION teams_of(uuid, date)", "DROP FUNCTION team_lacks(uuid, uuid)")


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
