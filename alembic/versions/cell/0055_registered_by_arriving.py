"""Whether somebody became a resident by the verification of an arrival, and by nothing else."""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

UP = (
    # Each verification says so itself from now on; the default lets the service of before go on.
    """\
ALTER TABLE arrivals ADD COLUMN registered_anew BOOLEAN DEFAULT false NOT NULL
""",
    # Those of before were registered in the request that verified them.
    """\
UPDATE arrivals AS a SET registered_anew = true
FROM residents AS r
WHERE r.id = a.resident_id AND r.entered_by = a.verified_by
    AND r.received_at BETWEEN a.verified_at - interval '1 second' AND a.verified_at
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE arrivals DROP COLUMN registered_anew
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
