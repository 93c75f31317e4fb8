"""The health-code systems that are asked, and how."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE health_code_systems (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    code VARCHAR(40) NOT NULL,
    name VARCHAR(100) NOT NULL,
    base_url VARCHAR(300) NOT NULL,
    document JSONB NOT NULL,
    secrets_sealed BYTEA NOT NULL,
    enabled BOOLEAN NOT NULL,
    entered_by UUID NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_health_code_systems PRIMARY KEY (id)
)
""",
    """\
CREATE INDEX ix_health_code_systems_changed_xid ON health_code_systems (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_health_code_systems_code ON health_code_systems (code)
""",
)

DOWN = ("DROP TABLE health_code_systems",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
