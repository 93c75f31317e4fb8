"""Leads that another township has received are told of in a feedback, like any other outcome."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE lead_feedbacks ADD COLUMN handed_on INTEGER DEFAULT 0 NOT NULL",
    """\
-- Of those whose batch was closed its issuer was told with the rest.
UPDATE leads AS l SET feedback_id = f.id FROM lead_feedbacks AS f, lead_batches AS b
WHERE l.status = 'transferred' AND b.id = l.batch_id AND f.batch_id = b.id AND f.at = b.closed_at
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_leads_handed_on ON leads (id) WHERE status = 'transferred' AND feedback_id IS NULL AND discarded_at IS NULL
""",
)

DOWN = (
    "DROP INDEX ix_leads_handed_on",
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE lead_feedbacks DROP COLUMN handed_on
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
