"""How heavy each kind of duty weighs."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE workload_policies (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    weights JSONB NOT NULL,
    uneven_ratio NUMERIC(3, 1) NOT NULL,
    CONSTRAINT pk_workload_policies PRIMARY KEY (id),
    CONSTRAINT ck_workload_policies_uneven_ratio CHECK (uneven_ratio > 1)
)
""",
    """\
CREATE INDEX ix_workload_policies_changed_xid ON workload_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_workload_policies_code_revision ON workload_policies (code, revision)
""",
    """\
INSERT INTO workload_policies (
    id, version, code, revision, name, legal_basis, effective_from, weights, uneven_ratio
) VALUES (
    '01900000-0000-7000-8000-000000001501', 1, 'workload', 1, '工作量折算',
    '一项任务折算为多少份工作量,由乡镇按当地路程和难度调整;高于本村平均1.5倍提示不均',
    '2020-01-01',
    '{"reading": 1, "visit": 1.5, "call": 0.5, "test": 1, "alert": 2, "directive": 1, "transfer": 3,
      "site_check": 2, "follow_up": 0.5, "release": 1, "decision": 1, "arrival": 1}', 1.5
)
""",
)

DOWN = (
    "DROP TABLE workload_policies",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
