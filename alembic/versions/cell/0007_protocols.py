"""Protocols, as versioned documents."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE protocols (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    disease VARCHAR(60) NOT NULL,
    issuing_body VARCHAR(100) NOT NULL,
    source TEXT NOT NULL,
    region_code VARCHAR(12),
    status VARCHAR(40) NOT NULL,
    supersedes_id UUID,
    document JSONB NOT NULL,
    activated_at TIMESTAMP WITH TIME ZONE,
    activated_by UUID,
    retired_at TIMESTAMP WITH TIME ZONE,
    retired_by UUID,
    retired_reason TEXT,
    CONSTRAINT pk_protocols PRIMARY KEY (id),
    CONSTRAINT ck_protocols_days CHECK (effective_to IS NULL OR effective_to >= effective_from - 1),
    CONSTRAINT ck_protocols_activated CHECK (status <> 'active' OR activated_at IS NOT NULL),
    CONSTRAINT ck_protocols_retired CHECK ((status = 'retired') = (retired_at IS NOT NULL)),
    CONSTRAINT ck_protocols_status CHECK (status IN ('draft', 'active', 'retired')),
    CONSTRAINT fk_protocols_supersedes_id FOREIGN KEY(supersedes_id) REFERENCES protocols (id)
)
""",
    """\
CREATE INDEX ix_protocols_changed_xid ON protocols (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_protocols_code_revision ON protocols (code, revision)
""",
    """\
CREATE UNIQUE INDEX uq_protocols_one_draft ON protocols (code) WHERE status = 'draft'
""",
    """\
INSERT INTO monitoring_policies (
    id, version, code, revision, name, legal_basis, effective_from, windows,
    fever_threshold_c, comparator, low_threshold_c, plausible_min_c, plausible_max_c,
    exempt_whereabouts
) VALUES (
    '01900000-0000-7000-8000-000000000701', 1, 'site_twice_daily', 1, '集中隔离点每日早晚测温',
    '集中隔离医学观察期间由隔离点医护人员每日早晚各测一次体温的通行做法;腋温37.3℃及以上按发热处理',
    '2020-01-01',
    '[{"name": "morning", "label": "早", "opens": "06:00", "closes": "11:00"},
      {"name": "evening", "label": "晚", "opens": "15:00", "closes": "21:00"}]',
    37.3, 'gte', 35.0, 34.0, 43.0, '{in_hospital}'
)
""",
)

DOWN = (
    "DELETE FROM monitoring_policies WHERE code = 'site_twice_daily'",
    "DROP TABLE protocols",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
