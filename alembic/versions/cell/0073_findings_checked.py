"""What may be found, and shown by what, is checked as it is told, not again by each row kept of it."""

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None

UP = (
    # PostgreSQL reads the CHECKs of a table anew for each INSERT, those of a domain once.
    """\
CREATE DOMAIN alert_cause AS text
    -- squawk-ignore ban-create-domain-with-constraint
    CHECK (VALUE IN ('fever', 'symptom', 'positive_test', 'red_code', 'breach', 'absence', 'refusal', 'missed_reading', 'incomplete_team', 'overdue_directive', 'overdue_transfer', 'overdue_lead', 'site_problem', 'reported'))
""",
    """\
CREATE DOMAIN evidence_kind AS text
    -- squawk-ignore ban-create-domain-with-constraint
    CHECK (VALUE IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'sample_tube', 'team', 'directive', 'transfer', 'lead', 'code_state', 'passing', 'site_problem', 'report'))
""",
    """\
-- Functions alone take it; no client sees it.
ALTER TYPE finding
    -- squawk-ignore changing-column-type
    ALTER ATTRIBUTE cause TYPE alert_cause,
    -- squawk-ignore changing-column-type
    ALTER ATTRIBUTE kind TYPE evidence_kind
""",
    """\
-- squawk-ignore ban-drop-constraint
ALTER TABLE alerts DROP CONSTRAINT ck_alerts_cause
""",
    """\
-- squawk-ignore ban-drop-constraint
ALTER TABLE alert_evidence DROP CONSTRAINT ck_alert_evidence_kind
""",
)

DOWN = (
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert_evidence ADD CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'sample_tube', 'team', 'directive', 'transfer', 'lead', 'code_state', 'passing', 'site_problem', 'report'))
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alerts ADD CONSTRAINT ck_alerts_cause CHECK (cause IN ('fever', 'symptom', 'positive_test', 'red_code', 'breach', 'absence', 'refusal', 'missed_reading', 'incomplete_team', 'overdue_directive', 'overdue_transfer', 'overdue_lead', 'site_problem', 'reported'))
""",
    """\
ALTER TYPE finding
    ALTER ATTRIBUTE cause TYPE text,
    ALTER ATTRIBUTE kind TYPE text
""",
    "DROP DOMAIN evidence_kind",
    "DROP DOMAIN alert_cause",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
