"""What else opens an alert: an overdue transfer or lead, a red code, trouble at a site."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP: tuple[str, ...] = (
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE alerts DROP CONSTRAINT ck_alerts_cause
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alerts ADD CONSTRAINT ck_alerts_cause CHECK (cause IN ('fever', 'symptom', 'positive_test', 'red_code', 'breach', 'absence', 'refusal', 'missed_reading', 'incomplete_team', 'overdue_directive', 'overdue_transfer', 'overdue_lead', 'site_problem', 'reported'))
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE alert_evidence DROP CONSTRAINT ck_alert_evidence_kind
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert_evidence ADD CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'team', 'directive', 'transfer', 'lead', 'code_state', 'passing', 'site_problem', 'report'))
""",
)

DOWN: tuple[str, ...] = (
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE alerts DROP CONSTRAINT ck_alerts_cause
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alerts ADD CONSTRAINT ck_alerts_cause CHECK (cause IN ('fever', 'symptom', 'positive_test', 'red_code', 'breach', 'absence', 'refusal', 'missed_reading', 'incomplete_team', 'overdue_directive', 'reported'))
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE alert_evidence DROP CONSTRAINT ck_alert_evidence_kind
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert_evidence ADD CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'team', 'directive', 'report'))
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
