"""Who answers for late orders answers for late leads; trouble at a site is urgent."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UP = (
    """\
UPDATE alert_policies SET causes = array_append(causes, 'overdue_lead')
WHERE 'overdue_directive' = ANY (causes) AND NOT 'overdue_lead' = ANY (causes)
""",
    # A trouble opens an alert only where whoever told of it calls it urgent.
    """\
UPDATE alert_policies SET causes = array_append(causes, 'site_problem')
WHERE 'breach' = ANY (causes) AND NOT 'site_problem' = ANY (causes)
""",
)

DOWN = (
    "UPDATE alert_policies SET causes = array_remove(causes, 'site_problem')",
    "UPDATE alert_policies SET causes = array_remove(causes, 'overdue_lead')",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
