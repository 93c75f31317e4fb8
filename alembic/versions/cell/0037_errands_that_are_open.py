"""Errands that are open, found without those that were brought."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# Both are made and dropped in a moment: the table is new.
UP = (
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_errands_open ON errands (due_at) WHERE status IN ('requested', 'accepted', 'purchasing') AND discarded_at IS NULL
""",
    """\
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX ix_errands_due_at
""",
)

DOWN = (
    "CREATE INDEX ix_errands_due_at ON errands (due_at)",
    "DROP INDEX ix_errands_open",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
