"""When a lead was handed on: after its deadline it was late."""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE leads ADD COLUMN handed_on_at TIMESTAMP WITH TIME ZONE",
    """\
UPDATE leads AS l SET handed_on_at = t.requested_at
FROM lead_transfers AS t
WHERE l.status = 'transferred' AND t.lead_id = l.id AND t.status <> 'declined'
""",
)

DOWN = ("ALTER TABLE leads DROP COLUMN handed_on_at",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
