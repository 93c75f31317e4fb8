"""What the register learnt of a resident by the verification of an arrival, to be taken back."""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE arrivals ADD COLUMN learnt_version INTEGER",
    # Those of before were put right in the request that verified them.
    """\
UPDATE arrivals AS a SET learnt_version = r.version + 1
FROM revisions AS r
WHERE r.kind = 'residents' AND r.record_id = a.resident_id AND r.replaced_by = a.verified_by
    AND r.reason = '返（来）乡核实'
    AND r.replaced_at BETWEEN a.verified_at AND a.verified_at + interval '1 second'
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE arrivals DROP COLUMN learnt_version
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
