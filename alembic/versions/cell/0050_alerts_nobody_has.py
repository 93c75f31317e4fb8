"""Whether anybody whom an alert was told to last still holds the post it was told to."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

UP = (
    # Whoever is nearest does not see the posts of those above, whom the last step tells.
    """\
CREATE FUNCTION still_told(alert uuid, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (
        SELECT FROM alert_tellings t JOIN posts p ON p.id = t.post_id
        WHERE t.alert_id = alert
            AND t.hop = (SELECT max(l.hop) FROM alert_tellings l WHERE l.alert_id = alert)
            AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
    )
$$
""",
    """\
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION still_told SET search_path = %I, pg_temp', current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION still_told(uuid, timestamptz)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
