"""Samples that are told later than their results, and those whose results are awaited."""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE taken_results ADD COLUMN tube_code VARCHAR(100)",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_diagnostic_tests_pending ON diagnostic_tests (resident_id) WHERE outcome = 'pending' AND discarded_at IS NULL
""",
)

DOWN = (
    "DROP INDEX ix_diagnostic_tests_pending",
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE taken_results DROP COLUMN tube_code
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
