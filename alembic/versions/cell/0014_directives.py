"""Directives and what every post answers to them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE directives (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    title VARCHAR(100) NOT NULL,
    body TEXT NOT NULL,
    levels INTEGER[] NOT NULL,
    roles VARCHAR(40)[] NOT NULL,
    attachments JSONB NOT NULL,
    needs_report BOOLEAN NOT NULL,
    deadline_at TIMESTAMP WITH TIME ZONE NOT NULL,
    remind_minutes INTEGER NOT NULL,
    status VARCHAR(40) NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    issued_by UUID NOT NULL,
    issuer_name VARCHAR(50) NOT NULL,
    issued_post UUID NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    ended_reason TEXT,
    CONSTRAINT pk_directives PRIMARY KEY (id),
    CONSTRAINT fk_directives_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT ck_directives_status CHECK (status IN ('issued', 'closed', 'withdrawn'))
)
""",
    """\
CREATE INDEX ix_directives_changed_xid ON directives (changed_xid)
""",
    """\
CREATE INDEX ix_directives_deadline_at ON directives (deadline_at)
""",
    """\
CREATE INDEX ix_directives_issued_at ON directives (issued_at, id)
""",
    """\
CREATE INDEX ix_directives_reach ON directives (reach)
""",
    """\
CREATE TABLE directive_receipts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    directive_id UUID NOT NULL,
    post_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    worker_name VARCHAR(50) NOT NULL,
    role VARCHAR(40) NOT NULL,
    grid_id UUID NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by UUID,
    reported_at TIMESTAMP WITH TIME ZONE,
    reported_by UUID,
    report_sealed BYTEA,
    reminded_at TIMESTAMP WITH TIME ZONE,
    overdue_told_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_directive_receipts PRIMARY KEY (id),
    CONSTRAINT fk_directive_receipts_directive_id FOREIGN KEY(directive_id) REFERENCES directives (id),
    CONSTRAINT fk_directive_receipts_post_id FOREIGN KEY(post_id) REFERENCES posts (id),
    CONSTRAINT ck_directive_receipts_role CHECK (role IN ('administrator', 'grid_leader', 'grid_worker', 'cadre', 'party_member', 'village_doctor', 'medic', 'police_officer', 'auxiliary_police', 'volunteer', 'household_representative'))
)
""",
    """\
CREATE INDEX ix_directive_receipts_changed_xid ON directive_receipts (changed_xid)
""",
    """\
CREATE INDEX ix_directive_receipts_post_id ON directive_receipts (post_id)
""",
    """\
CREATE INDEX ix_directive_receipts_reach ON directive_receipts (reach)
""",
    """\
CREATE INDEX ix_directive_receipts_worker_id ON directive_receipts (worker_id)
""",
    """\
CREATE UNIQUE INDEX uq_directive_receipts_once ON directive_receipts (directive_id, post_id)
""",
    "ALTER TABLE directives ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON directives USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    """\
CREATE POLICY below ON directives FOR SELECT USING (
    nullif(current_setting('onegrid.reach_from', true), '') >= reach
    AND nullif(current_setting('onegrid.reach_from', true), '') < reach || '/'
)
""",
    "ALTER TABLE directive_receipts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON directive_receipts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE directive_receipts",
    "DROP TABLE directives",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
