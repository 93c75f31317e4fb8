"""A phone number belongs to one worker who has not left: numbers are given to the next."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

UP = (
    """\
-- A township has some hundred workers.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX uq_workers_phone_lookup
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX uq_workers_phone_lookup ON workers (phone_lookup)
    WHERE phone_lookup IS NOT NULL AND left_at IS NULL
""",
)

DOWN = (
    "DROP INDEX uq_workers_phone_lookup",
    # Of who left and who has the number now, one can keep it: this fails rather than choose.
    """\
CREATE UNIQUE INDEX uq_workers_phone_lookup ON workers (phone_lookup)
    WHERE phone_lookup IS NOT NULL
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
