"""Temperatures in their windows, and why one was not taken."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE readings (
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
    quarantine_id UUID NOT NULL,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    day DATE NOT NULL,
    "window" VARCHAR(20) NOT NULL,
    timing VARCHAR(40) NOT NULL,
    value_c NUMERIC(3, 1) NOT NULL,
    method VARCHAR(40) NOT NULL,
    site VARCHAR(40) NOT NULL,
    symptoms VARCHAR(40)[] NOT NULL,
    note_sealed BYTEA,
    measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
    abnormal BOOLEAN NOT NULL,
    low BOOLEAN NOT NULL,
    CONSTRAINT pk_readings PRIMARY KEY (id),
    CONSTRAINT ck_readings_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_readings_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_readings_timing CHECK (timing IN ('on_time', 'early', 'late')),
    CONSTRAINT ck_readings_method CHECK (method IN ('mercury', 'electronic', 'infrared')),
    CONSTRAINT ck_readings_site CHECK (site IN ('axillary', 'forehead', 'ear', 'oral', 'wrist'))
)
""",
    """\
CREATE INDEX ix_readings_changed_xid ON readings (changed_xid)
""",
    """\
CREATE INDEX ix_readings_grid_id_measured_at ON readings (grid_id, measured_at, id) WHERE discarded_at IS NULL
""",
    """\
CREATE INDEX ix_readings_reach_day ON readings (reach, day)
""",
    """\
CREATE UNIQUE INDEX uq_readings_one_per_window ON readings (quarantine_id, day, "window") WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE readings_not_taken (
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
    quarantine_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    day DATE NOT NULL,
    "window" VARCHAR(20) NOT NULL,
    reason VARCHAR(40) NOT NULL,
    CONSTRAINT pk_readings_not_taken PRIMARY KEY (id),
    CONSTRAINT ck_readings_not_taken_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_readings_not_taken_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_readings_not_taken_reason CHECK (reason IN ('absent', 'refused', 'in_hospital', 'other'))
)
""",
    """\
CREATE INDEX ix_readings_not_taken_changed_xid ON readings_not_taken (changed_xid)
""",
    """\
CREATE INDEX ix_readings_not_taken_quarantine_id_day ON readings_not_taken (quarantine_id, day)
""",
    """\
CREATE INDEX ix_readings_not_taken_reach ON readings_not_taken (reach)
""",
    "ALTER TABLE readings ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON readings USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE readings_not_taken ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON readings_not_taken USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
)

DOWN = (
    "DROP TABLE readings_not_taken",
    "DROP TABLE readings",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
