"""What other systems told of people: kept once, in order, and matched later."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE held_events (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    client_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    event_id VARCHAR(64) NOT NULL,
    content BYTEA NOT NULL,
    document_lookup BYTEA,
    phone_lookup BYTEA,
    name_digest BYTEA,
    told JSONB NOT NULL,
    reason_sealed BYTEA,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_held_events PRIMARY KEY (id),
    CONSTRAINT ck_held_events_somebody CHECK (document_lookup IS NOT NULL OR phone_lookup IS NOT NULL),
    CONSTRAINT ck_held_events_kind CHECK (kind IN ('code_change', 'test_result'))
)
""",
    """\
CREATE INDEX ix_held_events_changed_xid ON held_events (changed_xid)
""",
    """\
CREATE INDEX ix_held_events_document_lookup ON held_events (document_lookup)
""",
    """\
CREATE INDEX ix_held_events_expires_at ON held_events (expires_at)
""",
    """\
CREATE INDEX ix_held_events_phone_lookup ON held_events (phone_lookup)
""",
    """\
CREATE INDEX ix_held_events_reach ON held_events (reach)
""",
    """\
CREATE TABLE taken_results (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    client_id UUID NOT NULL,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    content BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_taken_results PRIMARY KEY (id),
    CONSTRAINT fk_taken_results_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id)
)
""",
    """\
CREATE INDEX ix_taken_results_changed_xid ON taken_results (changed_xid)
""",
    """\
CREATE INDEX ix_taken_results_reach ON taken_results (reach)
""",
    """\
CREATE INDEX ix_taken_results_resident_id ON taken_results (resident_id)
""",
    "ALTER TABLE held_events ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON held_events USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE taken_results ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON taken_results USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE taken_results",
    "DROP TABLE held_events",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
