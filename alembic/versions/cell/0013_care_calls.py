"""Calls of the care line."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE care_calls (
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
    kind VARCHAR(40) NOT NULL,
    day DATE NOT NULL,
    called_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    mood VARCHAR(40),
    symptoms VARCHAR(40)[] NOT NULL,
    needs VARCHAR(40)[] NOT NULL,
    note_sealed BYTEA,
    CONSTRAINT pk_care_calls PRIMARY KEY (id),
    CONSTRAINT ck_care_calls_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_care_calls_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_care_calls_kind CHECK (kind IN ('daily', 'follow_up')),
    CONSTRAINT ck_care_calls_outcome CHECK (outcome IN ('reached', 'unreachable', 'refused')),
    CONSTRAINT ck_care_calls_mood CHECK (mood IN ('calm', 'low', 'anxious', 'agitated'))
)
""",
    """\
CREATE INDEX ix_care_calls_changed_xid ON care_calls (changed_xid)
""",
    """\
CREATE INDEX ix_care_calls_quarantine_id_day ON care_calls (quarantine_id, day)
""",
    """\
CREATE INDEX ix_care_calls_reach ON care_calls (reach)
""",
    "ALTER TABLE care_calls ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON care_calls USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
)

DOWN = (
    "DROP TABLE care_calls",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
