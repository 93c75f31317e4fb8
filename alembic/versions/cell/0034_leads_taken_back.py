"""Leads and batches entered by mistake are taken back: by whom, and why; two steps nobody took."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE lead_batches ADD COLUMN discarded_by UUID",
    "ALTER TABLE lead_batches ADD COLUMN discard_reason TEXT",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE lead_batches ADD CONSTRAINT ck_lead_batches_discarded_by_somebody CHECK ((discarded_at IS NULL) = (discarded_by IS NULL))
""",
    "ALTER TABLE leads ADD COLUMN discarded_by UUID",
    "ALTER TABLE leads ADD COLUMN discard_reason TEXT",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE leads ADD CONSTRAINT ck_leads_discarded_by_somebody CHECK ((discarded_at IS NULL) = (discarded_by IS NULL))
""",
    """\
-- Nothing ever stood at a step that is left out; what follows holds the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE leads DROP CONSTRAINT ck_leads_status
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE leads ADD CONSTRAINT ck_leads_status CHECK (status IN ('imported', 'assigned', 'contacting', 'under_review', 'reviewed', 'fed_back', 'transferred'))
""",
)

DOWN = (
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE leads DROP CONSTRAINT ck_leads_status
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE leads ADD CONSTRAINT ck_leads_status CHECK (status IN ('imported', 'assigned', 'contacting', 'recorded', 'under_review', 'reviewed', 'fed_back', 'closed', 'transferred'))
""",
    "ALTER TABLE leads DROP COLUMN discard_reason",
    "ALTER TABLE leads DROP COLUMN discarded_by",
    "ALTER TABLE lead_batches DROP COLUMN discard_reason",
    "ALTER TABLE lead_batches DROP COLUMN discarded_by",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
