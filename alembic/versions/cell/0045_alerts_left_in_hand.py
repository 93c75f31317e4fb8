"""Whose an alert in hand is when its holder serves elsewhere; which loads are not worth comparing."""

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
    # A rule that a township made compares everybody, as it did. The one that ships does not compare
    # less than is one member's share of the two temperatures of one person.
    """\
ALTER TABLE workload_policies
    ADD COLUMN least_daily_load NUMERIC(4, 1) DEFAULT 0 NOT NULL,
    ADD COLUMN beyond_villages BOOLEAN DEFAULT true NOT NULL
""",
    """\
UPDATE workload_policies SET least_daily_load = 0.5, beyond_villages = false
WHERE id = '01900000-0000-7000-8000-000000001501'
""",
    # The rules of before had need of it; each made from now on says so itself. As few as a township
    # ever makes are looked at in a moment.
    """\
-- squawk-ignore ban-drop-default
ALTER TABLE workload_policies ALTER COLUMN least_daily_load DROP DEFAULT
""",
    """\
-- squawk-ignore ban-drop-default
ALTER TABLE workload_policies ALTER COLUMN beyond_villages DROP DEFAULT
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE workload_policies ADD CONSTRAINT ck_workload_policies_least_daily_load CHECK (least_daily_load >= 0)
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE workload_policies DROP COLUMN least_daily_load, DROP COLUMN beyond_villages
""",
    "DROP FUNCTION serves_over(uuid, text, timestamptz)",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
