"""Stages of quarantines, transfers, referrals, leave, and releases with their notices."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE quarantine_plans (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    quarantine_id UUID NOT NULL,
    protocol_id UUID NOT NULL,
    plan_code VARCHAR(40) NOT NULL,
    clause TEXT NOT NULL,
    facts JSONB NOT NULL,
    alert_policies JSONB NOT NULL,
    arrival_id UUID,
    linked_quarantine_id UUID,
    link VARCHAR(40),
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_quarantine_plans PRIMARY KEY (id),
    CONSTRAINT ck_quarantine_plans_linked CHECK ((link IS NULL) = (linked_quarantine_id IS NULL)),
    CONSTRAINT fk_quarantine_plans_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT fk_quarantine_plans_protocol_id FOREIGN KEY(protocol_id) REFERENCES protocols (id),
    CONSTRAINT fk_quarantine_plans_linked_quarantine_id FOREIGN KEY(linked_quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_quarantine_plans_link CHECK (link IN ('cohabitant', 'secondary_contact'))
)
""",
    """\
CREATE INDEX ix_quarantine_plans_changed_xid ON quarantine_plans (changed_xid)
""",
    """\
CREATE INDEX ix_quarantine_plans_linked_quarantine_id ON quarantine_plans (linked_quarantine_id)
""",
    """\
CREATE INDEX ix_quarantine_plans_reach ON quarantine_plans (reach)
""",
    """\
CREATE UNIQUE INDEX uq_quarantine_plans_one ON quarantine_plans (quarantine_id) WHERE ended_at IS NULL
""",
    """\
CREATE TABLE quarantine_stages (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    quarantine_id UUID NOT NULL,
    ordinal INTEGER NOT NULL,
    category VARCHAR(40) NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    counted_from DATE NOT NULL,
    day_index_base INTEGER NOT NULL,
    credited_days INTEGER NOT NULL,
    monitoring_policy_id UUID,
    care_policy_id UUID,
    tests JSONB NOT NULL,
    test_window_hours INTEGER NOT NULL,
    on_missed_test VARCHAR(40) NOT NULL,
    visits_per_day INTEGER NOT NULL,
    calls_per_day INTEGER NOT NULL,
    cohabitant_rule VARCHAR(40) NOT NULL,
    leave_home VARCHAR(40) NOT NULL,
    site_checklist JSONB NOT NULL,
    fallback_category VARCHAR(40),
    discarded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_quarantine_stages PRIMARY KEY (id),
    CONSTRAINT ck_quarantine_stages_days CHECK (ends_on >= starts_on AND counted_from <= starts_on),
    CONSTRAINT ck_quarantine_stages_day_index_base CHECK (day_index_base IN (0, 1)),
    CONSTRAINT fk_quarantine_stages_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_quarantine_stages_category CHECK (category IN ('centralized_quarantine', 'home_quarantine', 'strict_home_monitoring', 'home_health_monitoring', 'health_monitoring', 'self_health_monitoring')),
    CONSTRAINT fk_quarantine_stages_monitoring_policy_id FOREIGN KEY(monitoring_policy_id) REFERENCES monitoring_policies (id),
    CONSTRAINT fk_quarantine_stages_care_policy_id FOREIGN KEY(care_policy_id) REFERENCES care_team_policies (id),
    CONSTRAINT ck_quarantine_stages_on_missed_test CHECK (on_missed_test IN ('reschedule', 'block_release')),
    CONSTRAINT ck_quarantine_stages_cohabitant_rule CHECK (cohabitant_rule IN ('none', 'quarantine_together', 'same_test_days')),
    CONSTRAINT ck_quarantine_stages_leave_home CHECK (leave_home IN ('never', 'approved_medical', 'free_protected')),
    CONSTRAINT ck_quarantine_stages_fallback_category CHECK (fallback_category IN ('centralized_quarantine', 'home_quarantine', 'strict_home_monitoring', 'home_health_monitoring', 'health_monitoring', 'self_health_monitoring'))
)
""",
    """\
CREATE INDEX ix_quarantine_stages_changed_xid ON quarantine_stages (changed_xid)
""",
    """\
CREATE INDEX ix_quarantine_stages_reach ON quarantine_stages (reach)
""",
    """\
CREATE UNIQUE INDEX uq_quarantine_stages_starts_on ON quarantine_stages (quarantine_id, starts_on) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE stage_changes (
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
    kind VARCHAR(40) NOT NULL,
    stage_id UUID,
    ends_on DATE,
    protocol_id UUID,
    plan_code VARCHAR(40),
    reason TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by UUID,
    decision_note TEXT,
    stages_before JSONB,
    CONSTRAINT pk_stage_changes PRIMARY KEY (id),
    CONSTRAINT ck_stage_changes_two_people CHECK (decided_by IS NULL OR decided_by NOT IN (entered_by, performed_by)),
    CONSTRAINT ck_stage_changes_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_stage_changes_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_stage_changes_kind CHECK (kind IN ('extension', 'shortening', 'early_end', 'new_plan')),
    CONSTRAINT ck_stage_changes_status CHECK (status IN ('requested', 'approved', 'rejected', 'withdrawn'))
)
""",
    """\
CREATE INDEX ix_stage_changes_changed_xid ON stage_changes (changed_xid)
""",
    """\
CREATE INDEX ix_stage_changes_quarantine_id ON stage_changes (quarantine_id)
""",
    """\
CREATE INDEX ix_stage_changes_reach ON stage_changes (reach)
""",
    """\
CREATE UNIQUE INDEX uq_stage_changes_one_open ON stage_changes (quarantine_id) WHERE status = 'requested'
""",
    """\
CREATE TABLE site_checks (
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
    items JSONB NOT NULL,
    fit BOOLEAN NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    medic_id UUID,
    note_sealed BYTEA,
    CONSTRAINT pk_site_checks PRIMARY KEY (id),
    CONSTRAINT ck_site_checks_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_site_checks_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id)
)
""",
    """\
CREATE INDEX ix_site_checks_changed_xid ON site_checks (changed_xid)
""",
    """\
CREATE INDEX ix_site_checks_quarantine_id ON site_checks (quarantine_id, checked_at)
""",
    """\
CREATE INDEX ix_site_checks_reach ON site_checks (reach)
""",
    """\
CREATE TABLE transfers (
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
    status VARCHAR(40) NOT NULL,
    reason_sealed BYTEA NOT NULL,
    pickup_sealed BYTEA,
    destination_sealed BYTEA NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_at TIMESTAMP WITH TIME ZONE,
    approved_by UUID,
    dispatched_at TIMESTAMP WITH TIME ZONE,
    dispatched_by UUID,
    vehicle VARCHAR(40),
    plate VARCHAR(100),
    driver VARCHAR(50),
    escort VARCHAR(50),
    picked_up_at TIMESTAMP WITH TIME ZONE,
    picked_up_by UUID,
    check_c NUMERIC(3, 1),
    check_symptoms VARCHAR(40)[] NOT NULL,
    handed_over_at TIMESTAMP WITH TIME ZONE,
    handed_over_by UUID,
    taken_over_at TIMESTAMP WITH TIME ZONE,
    taken_over_by VARCHAR(50),
    disinfected_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_reason TEXT,
    CONSTRAINT pk_transfers PRIMARY KEY (id),
    CONSTRAINT ck_transfers_both_ends CHECK (status NOT IN ('handed_over', 'closed') OR (handed_over_at IS NOT NULL AND taken_over_at IS NOT NULL)),
    CONSTRAINT ck_transfers_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_transfers_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_transfers_kind CHECK (kind IN ('to_site', 'to_hospital', 'to_home', 'elsewhere')),
    CONSTRAINT ck_transfers_status CHECK (status IN ('requested', 'approved', 'dispatched', 'picked_up', 'handed_over', 'closed', 'cancelled')),
    CONSTRAINT ck_transfers_vehicle CHECK (vehicle IN ('ambulance', 'dedicated', 'own'))
)
""",
    """\
CREATE INDEX ix_transfers_changed_xid ON transfers (changed_xid)
""",
    """\
CREATE INDEX ix_transfers_quarantine_id ON transfers (quarantine_id)
""",
    """\
CREATE INDEX ix_transfers_reach ON transfers (reach)
""",
    """\
CREATE UNIQUE INDEX uq_transfers_one_open ON transfers (quarantine_id) WHERE status NOT IN ('closed', 'cancelled')
""",
    """\
CREATE TABLE hospital_referrals (
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
    alert_id UUID,
    hospital VARCHAR(100) NOT NULL,
    escort VARCHAR(50),
    reason_sealed BYTEA NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    outcome VARCHAR(40),
    finding_sealed BYTEA,
    CONSTRAINT pk_hospital_referrals PRIMARY KEY (id),
    CONSTRAINT ck_hospital_referrals_ended CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CONSTRAINT ck_hospital_referrals_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_hospital_referrals_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_hospital_referrals_outcome CHECK (outcome IN ('returned', 'admitted', 'confirmed'))
)
""",
    """\
CREATE INDEX ix_hospital_referrals_changed_xid ON hospital_referrals (changed_xid)
""",
    """\
CREATE INDEX ix_hospital_referrals_quarantine_id ON hospital_referrals (quarantine_id)
""",
    """\
CREATE INDEX ix_hospital_referrals_reach ON hospital_referrals (reach)
""",
    """\
CREATE UNIQUE INDEX uq_hospital_referrals_one_open ON hospital_referrals (quarantine_id) WHERE outcome IS NULL
""",
    """\
CREATE TABLE leaves (
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
    status VARCHAR(40) NOT NULL,
    reason_sealed BYTEA NOT NULL,
    route_sealed BYTEA NOT NULL,
    vehicle VARCHAR(100),
    escort VARCHAR(50),
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by UUID,
    decision_note TEXT,
    left_at TIMESTAMP WITH TIME ZONE,
    overdue_at TIMESTAMP WITH TIME ZONE,
    returned_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_reason TEXT,
    CONSTRAINT pk_leaves PRIMARY KEY (id),
    CONSTRAINT ck_leaves_period CHECK (until_at > from_at),
    CONSTRAINT ck_leaves_two_people CHECK (decided_by IS NULL OR decided_by NOT IN (entered_by, performed_by)),
    CONSTRAINT ck_leaves_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_leaves_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_leaves_status CHECK (status IN ('requested', 'approved', 'rejected', 'out', 'back', 'cancelled'))
)
""",
    """\
CREATE INDEX ix_leaves_changed_xid ON leaves (changed_xid)
""",
    """\
CREATE INDEX ix_leaves_quarantine_id ON leaves (quarantine_id)
""",
    """\
CREATE INDEX ix_leaves_reach ON leaves (reach)
""",
    """\
CREATE INDEX ix_leaves_until_at ON leaves (until_at) WHERE status = 'out'
""",
    """\
CREATE UNIQUE INDEX uq_leaves_one_open ON leaves (quarantine_id) WHERE status IN ('requested', 'approved', 'out')
""",
    """\
CREATE TABLE releases (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    quarantine_id UUID NOT NULL,
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    number VARCHAR(40) NOT NULL,
    released_on DATE NOT NULL,
    approved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_by UUID NOT NULL,
    approver_post UUID NOT NULL,
    conditions JSONB NOT NULL,
    follow_up_days INTEGER[] NOT NULL,
    notice_sealed BYTEA NOT NULL,
    CONSTRAINT pk_releases PRIMARY KEY (id),
    CONSTRAINT fk_releases_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id)
)
""",
    """\
CREATE INDEX ix_releases_changed_xid ON releases (changed_xid)
""",
    """\
CREATE INDEX ix_releases_reach ON releases (reach)
""",
    """\
CREATE INDEX ix_releases_released_on ON releases (released_on)
""",
    """\
CREATE UNIQUE INDEX uq_releases_quarantine_id ON releases (quarantine_id)
""",
    "ALTER TABLE quarantine_plans ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON quarantine_plans USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE quarantine_stages ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON quarantine_stages USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE stage_changes ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON stage_changes USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE site_checks ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON site_checks USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE transfers ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON transfers USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE hospital_referrals ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON hospital_referrals USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE leaves ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON leaves USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE releases ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON releases USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    """\
INSERT INTO quarantine_stages (
    id, version, reach, quarantine_id, ordinal, category, starts_on, ends_on, counted_from,
    day_index_base, credited_days, monitoring_policy_id, care_policy_id, tests, test_window_hours,
    on_missed_test, visits_per_day, calls_per_day, cohabitant_rule, leave_home, site_checklist
)
SELECT gen_random_uuid(), 1, reach, id, 1, category, started_on, planned_end_on, started_on,
    1, 0, monitoring_policy_id, care_policy_id, '[]', 24, 'reschedule', 0, 0, 'none',
    'approved_medical', '[]'
FROM quarantines
""",
    """\
CREATE FUNCTION place_after_transfer(
    moved uuid, new_kind text, new_place bytea, told_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    -- Whoever hands a person over may be on duty from elsewhere; the place follows all the same.
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach
    )
    SELECT gen_random_uuid(), 'quarantines', q.id, q.version, to_jsonb(q) - 'changed_xid',
        at, told_by, why, q.reach
    FROM quarantines q WHERE q.id = moved AND EXISTS (
        SELECT FROM transfers t WHERE t.quarantine_id = moved AND t.status = 'handed_over'
    );
    UPDATE quarantines SET place_kind = new_kind, place_sealed = new_place,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = moved AND EXISTS (
        SELECT FROM transfers t WHERE t.quarantine_id = moved AND t.status = 'handed_over'
    )
$$
""",
    """\
CREATE FUNCTION fall_back_after_check(
    checked uuid, stage uuid, told_by uuid, why text, at timestamptz, today date
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    kept quarantine_stages;
BEGIN
    -- Whoever checks a home may be on duty from elsewhere; the stage follows all the same.
    SELECT s.* INTO kept FROM quarantine_stages s
    JOIN site_checks c ON c.quarantine_id = s.quarantine_id AND c.id = checked AND NOT c.fit
    WHERE s.id = stage AND s.discarded_at IS NULL AND s.ends_on >= today
        AND s.fallback_category <> s.category
    FOR UPDATE OF s;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
    ) VALUES (
        gen_random_uuid(), 'quarantine_stages', kept.id, kept.version,
        to_jsonb(kept) - 'changed_xid', at, told_by, why, kept.quarantine_id, kept.reach
    );
    IF kept.starts_on >= today THEN
        UPDATE quarantine_stages SET category = fallback_category,
            version = version + 1, changed_xid = pg_current_xact_id()
        WHERE id = kept.id;
        RETURN;
    END IF;
    -- Days that are past were served as they were: the other measure begins today.
    UPDATE quarantine_stages SET ends_on = today - 1,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = kept.id;
    kept.id := checked;
    kept.version := 1;
    kept.starts_on := today;
    kept.category := kept.fallback_category;
    kept.changed_xid := pg_current_xact_id();
    INSERT INTO quarantine_stages SELECT (kept).*;
END
$$
""",
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format(
        'ALTER FUNCTION place_after_transfer SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION fall_back_after_check SET search_path = %1$I, pg_temp', current_schema()
    );
END
$$
""",
)

DOWN = (
    "DROP FUNCTION fall_back_after_check(uuid, uuid, uuid, text, timestamptz, date)",
    "DROP FUNCTION place_after_transfer(uuid, text, bytea, uuid, text, timestamptz)",
    "DROP TABLE releases",
    "DROP TABLE leaves",
    "DROP TABLE hospital_referrals",
    "DROP TABLE transfers",
    "DROP TABLE site_checks",
    "DROP TABLE stage_changes",
    "DROP TABLE quarantine_stages",
    "DROP TABLE quarantine_plans",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
