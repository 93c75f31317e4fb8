"""Alerts, what shows them, the hops by which they climb, and what was done."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE alert_policies (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    causes VARCHAR(40)[] NOT NULL,
    steps JSONB NOT NULL,
    grace_minutes INTEGER NOT NULL,
    CONSTRAINT pk_alert_policies PRIMARY KEY (id),
    CONSTRAINT ck_alert_policies_grace_minutes CHECK (grace_minutes BETWEEN 0 AND 1440)
)
""",
    """\
CREATE INDEX ix_alert_policies_changed_xid ON alert_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_alert_policies_code_revision ON alert_policies (code, revision)
""",
    """\
CREATE TABLE alerts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    household_id UUID,
    resident_id UUID,
    quarantine_id UUID,
    cause VARCHAR(40) NOT NULL,
    subject_id UUID NOT NULL,
    policy_id UUID NOT NULL,
    status VARCHAR(40) NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_by UUID,
    hop INTEGER NOT NULL,
    step INTEGER NOT NULL,
    climbs_at TIMESTAMP WITH TIME ZONE,
    answer_by TIMESTAMP WITH TIME ZONE NOT NULL,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    acknowledged_by UUID,
    handled_at TIMESTAMP WITH TIME ZONE,
    handled_by UUID,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by UUID,
    verified_at TIMESTAMP WITH TIME ZONE,
    verified_by UUID,
    CONSTRAINT pk_alerts PRIMARY KEY (id),
    CONSTRAINT ck_alerts_climbs_while_open CHECK (climbs_at IS NULL OR status = 'open'),
    CONSTRAINT ck_alerts_verified CHECK ((status = 'verified') = (verified_at IS NOT NULL)),
    CONSTRAINT ck_alerts_two_people CHECK (verified_by IS NULL OR verified_by <> resolved_by AND verified_by <> handled_by),
    CONSTRAINT ck_alerts_cause CHECK (cause IN ('fever', 'symptom', 'positive_test', 'red_code', 'breach', 'absence', 'refusal', 'missed_reading', 'incomplete_team', 'overdue_directive', 'reported')),
    CONSTRAINT fk_alerts_policy_id FOREIGN KEY(policy_id) REFERENCES alert_policies (id),
    CONSTRAINT ck_alerts_status CHECK (status IN ('open', 'acknowledged', 'handling', 'resolved', 'verified'))
)
""",
    """\
CREATE INDEX ix_alerts_changed_xid ON alerts (changed_xid)
""",
    """\
CREATE INDEX ix_alerts_open_reach ON alerts (reach) WHERE status <> 'verified'
""",
    """\
CREATE INDEX ix_alerts_opened_at ON alerts (opened_at, id)
""",
    """\
CREATE INDEX ix_alerts_quarantine_id ON alerts (quarantine_id)
""",
    """\
CREATE INDEX ix_alerts_resident_id ON alerts (resident_id)
""",
    """\
CREATE UNIQUE INDEX uq_alerts_one_open ON alerts (cause, subject_id) WHERE status <> 'verified'
""",
    """\
CREATE TABLE alert_evidence (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    alert_id UUID NOT NULL,
    quarantine_id UUID,
    kind VARCHAR(40) NOT NULL,
    record_id UUID NOT NULL,
    key VARCHAR(60) NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    told_by UUID,
    note_sealed BYTEA,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_alert_evidence PRIMARY KEY (id),
    CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'team', 'directive', 'report'))
)
""",
    """\
CREATE INDEX ix_alert_evidence_alert_id ON alert_evidence (alert_id)
""",
    """\
CREATE INDEX ix_alert_evidence_changed_xid ON alert_evidence (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_alert_evidence_once ON alert_evidence (record_id, kind, key)
""",
    """\
CREATE TABLE alert_hops (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    alert_id UUID NOT NULL,
    quarantine_id UUID,
    number INTEGER NOT NULL,
    step INTEGER NOT NULL,
    told_grid_id UUID,
    roles VARCHAR(40)[] NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    vacant BOOLEAN NOT NULL,
    CONSTRAINT pk_alert_hops PRIMARY KEY (id)
)
""",
    """\
CREATE INDEX ix_alert_hops_changed_xid ON alert_hops (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_alert_hops_number ON alert_hops (alert_id, number)
""",
    """\
CREATE TABLE alert_tellings (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    alert_id UUID NOT NULL,
    quarantine_id UUID,
    hop INTEGER NOT NULL,
    post_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    worker_name VARCHAR(50) NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_alert_tellings PRIMARY KEY (id)
)
""",
    """\
CREATE INDEX ix_alert_tellings_changed_xid ON alert_tellings (changed_xid)
""",
    """\
CREATE INDEX ix_alert_tellings_worker_id ON alert_tellings (worker_id, alert_id)
""",
    """\
CREATE UNIQUE INDEX uq_alert_tellings_once ON alert_tellings (alert_id, hop, post_id)
""",
    """\
CREATE TABLE alert_actions (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    alert_id UUID NOT NULL,
    quarantine_id UUID,
    verb VARCHAR(40) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    worker_id UUID,
    post_id UUID,
    note_sealed BYTEA,
    CONSTRAINT pk_alert_actions PRIMARY KEY (id),
    CONSTRAINT fk_alert_actions_alert_id FOREIGN KEY(alert_id) REFERENCES alerts (id),
    CONSTRAINT ck_alert_actions_verb CHECK (verb IN ('acknowledge', 'handle', 'resolve', 'verify', 'reopen'))
)
""",
    """\
CREATE INDEX ix_alert_actions_alert_id ON alert_actions (alert_id, at)
""",
    """\
CREATE INDEX ix_alert_actions_changed_xid ON alert_actions (changed_xid)
""",
    """\
CREATE TABLE sweeps (
    name VARCHAR(40) NOT NULL,
    swept_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sweeps PRIMARY KEY (name)
)
""",
    "ALTER TABLE alerts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON alerts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE alert_evidence ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON alert_evidence USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE alert_hops ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON alert_hops USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE alert_tellings ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON alert_tellings USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE alert_actions ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON alert_actions USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
INSERT INTO alert_policies (
    id, version, code, revision, name, legal_basis, effective_from, causes, steps, grace_minutes
) VALUES (
    '01900000-0000-7000-8000-000000000901', 1, 'urgent', 1, '紧急异常逐级上报',
    '发现异常立即上报的通行做法:村级15分钟内响应,逾时报乡镇,30分钟内响应,再逾时报卫生院;自发现起2小时内必须有人响应',
    '2020-01-01', '{fever,symptom,positive_test,red_code,breach}',
    '[{"grid_kind": "village", "roles": ["grid_leader"], "minutes": 15},
      {"grid_kind": "township", "roles": ["grid_leader", "grid_worker"], "minutes": 30},
      {"grid_kind": "township", "roles": ["medic"], "minutes": 75}]', 0
), (
    '01900000-0000-7000-8000-000000000902', 1, 'routine', 1, '一般异常逐级上报',
    '未见到本人、不配合、漏测体温、包保人员不齐等情况的通行做法:村级60分钟内响应,逾时报乡镇;漏测在时段结束60分钟后上报',
    '2020-01-01', '{absence,refusal,missed_reading,incomplete_team,overdue_directive,reported}',
    '[{"grid_kind": "village", "roles": ["grid_leader"], "minutes": 60},
      {"grid_kind": "township", "roles": ["grid_leader", "grid_worker"], "minutes": 120}]', 60
)
""",
)

DOWN = (
    "DROP TABLE sweeps",
    "DROP TABLE alert_actions",
    "DROP TABLE alert_tellings",
    "DROP TABLE alert_hops",
    "DROP TABLE alert_evidence",
    "DROP TABLE alerts",
    "DROP TABLE alert_policies",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
