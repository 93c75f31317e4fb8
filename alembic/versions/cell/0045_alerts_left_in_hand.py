"""Whose an alert in hand is when its holder serves elsewhere."""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

UP = (
    # Whoever is nearest does not see the posts of those above, one of whom may have it in hand.
    """\
CREATE FUNCTION serves_over(worker uuid, place text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (
        SELECT FROM posts p
        WHERE p.worker_id = worker AND p.household_id IS NULL
            AND (place = p.reach OR starts_with(place, p.reach || '.'))
            AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
    )
$$
""",
    """\
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION serves_over SET search_path = %I, pg_temp', current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION serves_over(uuid, text, timestamptz)",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
