"""Who answers for late orders answers for late transfers."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

UP = (
    """\
UPDATE alert_policies SET causes = array_append(causes, 'overdue_transfer')
WHERE 'overdue_directive' = ANY (causes) AND NOT 'overdue_transfer' = ANY (causes)
""",
)

DOWN = ("UPDATE alert_policies SET causes = array_remove(causes, 'overdue_transfer')",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
