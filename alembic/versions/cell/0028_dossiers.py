"""Copies of one person's file, made at their own request."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE dossier_exports (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    asked_by VARCHAR(40) NOT NULL,
    asker_sealed BYTEA,
    proof_sealed BYTEA NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    made_by UUID NOT NULL,
    had_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_dossier_exports PRIMARY KEY (id),
    CONSTRAINT fk_dossier_exports_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_dossier_exports_asked_by CHECK (asked_by IN ('self', 'guardian', 'relative', 'entrusted'))
)
""",
    """\
CREATE INDEX ix_dossier_exports_changed_xid ON dossier_exports (changed_xid)
""",
    """\
CREATE INDEX ix_dossier_exports_reach ON dossier_exports (reach)
""",
    """\
CREATE INDEX ix_dossier_exports_resident_id ON dossier_exports (resident_id, made_at)
""",
    "ALTER TABLE dossier_exports ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON dossier_exports USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = ("DROP TABLE dossier_exports",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
