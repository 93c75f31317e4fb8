"""Care-team and monitoring policies, as versioned data."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE care_team_policies (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    size INTEGER NOT NULL,
    min_party_members INTEGER NOT NULL,
    role_minima JSONB NOT NULL,
    max_persons_per_worker INTEGER,
    CONSTRAINT pk_care_team_policies PRIMARY KEY (id),
    CONSTRAINT ck_care_team_policies_possible CHECK (size >= 1 AND min_party_members BETWEEN 0 AND size)
)
""",
    """\
CREATE INDEX ix_care_team_policies_changed_xid ON care_team_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_care_team_policies_code_revision ON care_team_policies (code, revision)
""",
    """\
CREATE TABLE monitoring_policies (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    windows JSONB NOT NULL,
    fever_threshold_c NUMERIC(3, 1) NOT NULL,
    comparator VARCHAR(40) NOT NULL,
    low_threshold_c NUMERIC(3, 1) NOT NULL,
    plausible_min_c NUMERIC(3, 1) NOT NULL,
    plausible_max_c NUMERIC(3, 1) NOT NULL,
    exempt_whereabouts VARCHAR(40)[] NOT NULL,
    CONSTRAINT pk_monitoring_policies PRIMARY KEY (id),
    CONSTRAINT ck_monitoring_policies_plausible CHECK (plausible_min_c < plausible_max_c),
    CONSTRAINT ck_monitoring_policies_comparator CHECK (comparator IN ('gte', 'gt'))
)
""",
    """\
CREATE INDEX ix_monitoring_policies_changed_xid ON monitoring_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_monitoring_policies_code_revision ON monitoring_policies (code, revision)
""",
    """\
INSERT INTO care_team_policies (
    id, version, code, revision, name, legal_basis, effective_from,
    size, min_party_members, role_minima, max_persons_per_worker
) VALUES (
    '01900000-0000-7000-8000-000000000401', 1, 'four_to_one', 1, '四包一',
    '2020年镇级疫情防控做法:每名居家隔离人员由四名工作人员包保,其中至少一名党员', '2020-01-01',
    4, 1, '{}', 10
)
""",
    """\
INSERT INTO monitoring_policies (
    id, version, code, revision, name, legal_basis, effective_from, windows,
    fever_threshold_c, comparator, low_threshold_c, plausible_min_c, plausible_max_c,
    exempt_whereabouts
) VALUES (
    '01900000-0000-7000-8000-000000000402', 1, 'twice_daily', 1, '每日早晚测温',
    '2020年镇级疫情防控做法:居家隔离人员每日早晚各测一次体温;腋温37.3℃及以上按发热处理的通行做法',
    '2020-01-01',
    '[{"name": "morning", "label": "早", "opens": "06:00", "closes": "11:00"},
      {"name": "evening", "label": "晚", "opens": "15:00", "closes": "21:00"}]',
    37.3, 'gte', 35.0, 34.0, 43.0, '{in_hospital,transferred}'
)
""",
)

DOWN = (
    "DROP TABLE monitoring_policies",
    "DROP TABLE care_team_policies",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
