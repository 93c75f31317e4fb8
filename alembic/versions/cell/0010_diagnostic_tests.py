"""Tests of a person and their results."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE diagnostic_tests (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    performed_by UUID NOT NULL,
    entered_by UUID NOT NULL,
    source VARCHAR(40) NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    quarantine_id UUID,
    kind VARCHAR(40) NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    sampled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE,
    samples INTEGER NOT NULL,
    laboratory VARCHAR(100),
    CONSTRAINT pk_diagnostic_tests PRIMARY KEY (id),
    CONSTRAINT ck_diagnostic_tests_order CHECK (reported_at IS NULL OR reported_at >= sampled_at),
    CONSTRAINT ck_diagnostic_tests_reported CHECK ((outcome = 'pending') = (reported_at IS NULL)),
    CONSTRAINT ck_diagnostic_tests_samples CHECK (samples BETWEEN 1 AND 10),
    CONSTRAINT ck_diagnostic_tests_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_diagnostic_tests_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_diagnostic_tests_kind CHECK (kind IN ('nucleic_acid', 'antigen')),
    CONSTRAINT ck_diagnostic_tests_outcome CHECK (outcome IN ('pending', 'negative', 'positive', 'inconclusive', 'invalid'))
)
""",
    """\
CREATE INDEX ix_diagnostic_tests_changed_xid ON diagnostic_tests (changed_xid)
""",
    """\
CREATE INDEX ix_diagnostic_tests_quarantine_id ON diagnostic_tests (quarantine_id)
""",
    """\
CREATE INDEX ix_diagnostic_tests_reach ON diagnostic_tests (reach)
""",
    """\
CREATE INDEX ix_diagnostic_tests_resident_id_sampled_at ON diagnostic_tests (resident_id, sampled_at)
""",
    """\
CREATE INDEX ix_diagnostic_tests_sampled_at ON diagnostic_tests (sampled_at, id)
""",
    "ALTER TABLE diagnostic_tests ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON diagnostic_tests USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR resident_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
)

DOWN = ("DROP TABLE diagnostic_tests",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
