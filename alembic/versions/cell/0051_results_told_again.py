"""Which test a result became and what it said when, so that its sender can correct it."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

UP = (
    """\
ALTER TABLE taken_results
    ADD COLUMN test_id UUID,
    ADD COLUMN sampled_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN reported_at TIMESTAMP WITH TIME ZONE
""",
    # Which sample an earlier one had answered was not kept: of that, nothing is corrected.
    """\
UPDATE taken_results AS t SET test_id = d.id, sampled_at = d.sampled_at,
    reported_at = coalesce(d.reported_at, t.received_at)
FROM diagnostic_tests AS d WHERE d.id = t.id AND d.discarded_at IS NULL
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE taken_results DROP COLUMN test_id, DROP COLUMN sampled_at, DROP COLUMN reported_at
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
