"""Attempts to reach the person of a lead count apart when hours lie between them.

Batches that came in before go on by what their issuer was promised: any attempts count.
"""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

UP = (
    """\
ALTER TABLE lead_batches ADD COLUMN attempts_hours_apart INTEGER DEFAULT '0' NOT NULL
""",
    """\
ALTER TABLE lead_batches ALTER COLUMN attempts_hours_apart SET DEFAULT '2'
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE lead_batches ADD CONSTRAINT ck_lead_batches_attempts_hours_apart CHECK (attempts_hours_apart BETWEEN 0 AND 24)
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE lead_batches DROP COLUMN attempts_hours_apart
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
