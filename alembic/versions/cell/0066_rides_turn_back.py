"""A ride that does not get there turns back."""

from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

_SIGNED = "handed_over_at IS NOT NULL AND taken_over_at IS NOT NULL"

UP = (
    "ALTER TABLE transfers ADD COLUMN turned_back_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE transfers ADD COLUMN turned_back_by UUID",
    "ALTER TABLE transfers ADD COLUMN turned_back_reason TEXT",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE transfers DROP CONSTRAINT ck_transfers_both_ends
""",
    f"""\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE transfers ADD CONSTRAINT ck_transfers_both_ends CHECK (status NOT IN ('handed_over', 'closed') OR ({_SIGNED}) OR turned_back_at IS NOT NULL)
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE transfers DROP CONSTRAINT ck_transfers_status
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE transfers ADD CONSTRAINT ck_transfers_status CHECK (status IN ('requested', 'approved', 'dispatched', 'picked_up', 'handed_over', 'turned_back', 'closed', 'cancelled'))
""",
)

# Where a ride has turned back by then, this fails rather than tell that somebody arrived.
DOWN = (
    "ALTER TABLE transfers DROP CONSTRAINT ck_transfers_status",
    """\
ALTER TABLE transfers ADD CONSTRAINT ck_transfers_status CHECK (status IN ('requested', 'approved', 'dispatched', 'picked_up', 'handed_over', 'closed', 'cancelled'))
""",
    "ALTER TABLE transfers DROP CONSTRAINT ck_transfers_both_ends",
    f"""\
ALTER TABLE transfers ADD CONSTRAINT ck_transfers_both_ends CHECK (status NOT IN ('handed_over', 'closed') OR ({_SIGNED}))
""",
    "ALTER TABLE transfers DROP COLUMN turned_back_reason",
    "ALTER TABLE transfers DROP COLUMN turned_back_by",
    "ALTER TABLE transfers DROP COLUMN turned_back_at",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
