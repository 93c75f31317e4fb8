"""When somebody was told of at a session: its hours are put right around that."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    -- Those who came may live anywhere: of them it is told only when they did.
    EXECUTE format($function$
CREATE FUNCTION told_at_session(held uuid) RETURNS TABLE (
    first_hour timestamptz, last_hour timestamptz, first_sample timestamptz,
    last_sample timestamptz, first_dose date, last_dose date
) LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT h.first, h.last, t.first, t.last, d.first, d.last
    FROM (
        SELECT min(n.hour_at) AS first, max(n.hour_at) AS last FROM %1$I.session_tallies n
        WHERE n.site_session_id = held AND n.discarded_at IS NULL
    ) AS h, (
        SELECT min(n.sampled_at) AS first, max(n.sampled_at) AS last FROM %1$I.sample_tubes n
        WHERE n.site_session_id = held AND n.discarded_at IS NULL
    ) AS t, (
        SELECT min(n.given_on) AS first, max(n.given_on) AS last FROM %1$I.vaccinations n
        WHERE n.site_session_id = held AND n.discarded_at IS NULL
    ) AS d
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION told_at_session(uuid)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
