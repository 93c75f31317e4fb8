"""Code states, travel cards, pooled samples, vaccinations, and the rules by which they hold."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UP: tuple[str, ...] = (
    """\
CREATE TABLE sample_tubes (
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
    grid_id UUID NOT NULL,
    code VARCHAR(40) NOT NULL,
    day DATE NOT NULL,
    pool_size INTEGER NOT NULL,
    member_count INTEGER NOT NULL,
    swab_type VARCHAR(40) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    site_session_id UUID,
    laboratory VARCHAR(100),
    sampled_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sample_tubes PRIMARY KEY (id),
    CONSTRAINT ck_sample_tubes_pool_size CHECK (pool_size IN (1, 5, 10, 20)),
    CONSTRAINT ck_sample_tubes_member_count CHECK (member_count BETWEEN 1 AND pool_size),
    CONSTRAINT ck_sample_tubes_order CHECK (reported_at IS NULL OR reported_at >= sampled_at),
    CONSTRAINT ck_sample_tubes_reported CHECK ((outcome = 'pending') = (reported_at IS NULL)),
    CONSTRAINT ck_sample_tubes_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT ck_sample_tubes_swab_type CHECK (swab_type IN ('oropharyngeal', 'nasopharyngeal', 'nasal')),
    CONSTRAINT ck_sample_tubes_kind CHECK (kind IN ('nucleic_acid', 'antigen')),
    CONSTRAINT ck_sample_tubes_outcome CHECK (outcome IN ('pending', 'negative', 'positive', 'inconclusive', 'invalid'))
)
""",
    """\
CREATE INDEX ix_sample_tubes_changed_xid ON sample_tubes (changed_xid)
""",
    """\
CREATE INDEX ix_sample_tubes_reach ON sample_tubes (reach)
""",
    """\
CREATE INDEX ix_sample_tubes_sampled_at ON sample_tubes (sampled_at, id)
""",
    """\
CREATE UNIQUE INDEX uq_sample_tubes_code ON sample_tubes (code, day, coalesce(laboratory, '')) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE code_states (
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
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    system VARCHAR(40) NOT NULL,
    state VARCHAR(40) NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE,
    reason_sealed BYTEA,
    event_id VARCHAR(100),
    CONSTRAINT pk_code_states PRIMARY KEY (id),
    CONSTRAINT ck_code_states_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_code_states_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_code_states_state CHECK (state IN ('green', 'yellow', 'red', 'grey', 'popup', 'expired', 'not_found', 'unavailable'))
)
""",
    """\
CREATE INDEX ix_code_states_changed_xid ON code_states (changed_xid)
""",
    """\
CREATE INDEX ix_code_states_fetched_at ON code_states (fetched_at, id)
""",
    """\
CREATE INDEX ix_code_states_reach ON code_states (reach)
""",
    """\
CREATE INDEX ix_code_states_resident_id ON code_states (resident_id, system, changed_at, fetched_at)
""",
    """\
CREATE TABLE travel_cards (
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
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    colour VARCHAR(40) NOT NULL,
    cities JSONB NOT NULL,
    window_days INTEGER NOT NULL,
    CONSTRAINT pk_travel_cards PRIMARY KEY (id),
    CONSTRAINT ck_travel_cards_window_days CHECK (window_days BETWEEN 1 AND 28),
    CONSTRAINT ck_travel_cards_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_travel_cards_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_travel_cards_colour CHECK (colour IN ('green', 'yellow', 'orange', 'red'))
)
""",
    """\
CREATE INDEX ix_travel_cards_changed_xid ON travel_cards (changed_xid)
""",
    """\
CREATE INDEX ix_travel_cards_reach ON travel_cards (reach)
""",
    """\
CREATE INDEX ix_travel_cards_resident_id ON travel_cards (resident_id, updated_at)
""",
    """\
CREATE INDEX ix_travel_cards_seen_at ON travel_cards (seen_at, id)
""",
    """\
CREATE TABLE vaccinations (
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
    resident_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    given_on DATE NOT NULL,
    dose_number INTEGER,
    technology VARCHAR(40),
    product VARCHAR(100),
    manufacturer VARCHAR(100),
    batch_number VARCHAR(100),
    unit VARCHAR(100),
    body_site VARCHAR(100),
    CONSTRAINT pk_vaccinations PRIMARY KEY (id),
    CONSTRAINT ck_vaccinations_given CHECK ((outcome = 'given') = (dose_number IS NOT NULL) AND (outcome = 'given') = (technology IS NOT NULL)),
    CONSTRAINT ck_vaccinations_dose_number CHECK (dose_number BETWEEN 1 AND 9),
    CONSTRAINT ck_vaccinations_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_vaccinations_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_vaccinations_outcome CHECK (outcome IN ('given', 'contraindicated')),
    CONSTRAINT ck_vaccinations_technology CHECK (technology IN ('inactivated', 'adenovirus_vector', 'recombinant_protein', 'mrna', 'other'))
)
""",
    """\
CREATE INDEX ix_vaccinations_changed_xid ON vaccinations (changed_xid)
""",
    """\
CREATE INDEX ix_vaccinations_given_on ON vaccinations (given_on, id)
""",
    """\
CREATE INDEX ix_vaccinations_reach ON vaccinations (reach)
""",
    """\
CREATE INDEX ix_vaccinations_resident_id ON vaccinations (resident_id, given_on)
""",
    """\
CREATE UNIQUE INDEX uq_vaccinations_dose ON vaccinations (resident_id, dose_number) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE validity_policies (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    negative_test_hours INTEGER NOT NULL,
    negative_antigen_hours INTEGER,
    validity_anchor VARCHAR(40) NOT NULL,
    code_state_hours INTEGER NOT NULL,
    travel_card JSONB,
    courses JSONB NOT NULL,
    no_sampling_hours INTEGER NOT NULL,
    retest_hours INTEGER NOT NULL,
    CONSTRAINT pk_validity_policies PRIMARY KEY (id),
    CONSTRAINT ck_validity_policies_negative_test_hours CHECK (negative_test_hours BETWEEN 1 AND 720),
    CONSTRAINT ck_validity_policies_negative_antigen_hours CHECK (negative_antigen_hours BETWEEN 1 AND 720),
    CONSTRAINT ck_validity_policies_code_state_hours CHECK (code_state_hours BETWEEN 1 AND 720),
    CONSTRAINT ck_validity_policies_retest_hours CHECK (retest_hours BETWEEN 1 AND 168),
    CONSTRAINT ck_validity_policies_no_sampling_hours CHECK (no_sampling_hours BETWEEN 0 AND 336),
    CONSTRAINT ck_validity_policies_validity_anchor CHECK (validity_anchor IN ('sampled', 'reported'))
)
""",
    """\
CREATE INDEX ix_validity_policies_changed_xid ON validity_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_validity_policies_code_revision ON validity_policies (code, revision)
""",
    "ALTER TABLE sample_tubes ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON sample_tubes USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE code_states ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON code_states USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR resident_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE travel_cards ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON travel_cards USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR resident_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE vaccinations ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON vaccinations USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR resident_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE diagnostic_tests ADD COLUMN tube_id UUID",
    "ALTER TABLE diagnostic_tests ADD COLUMN pooled BOOLEAN DEFAULT false NOT NULL",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX uq_diagnostic_tests_one_in_a_tube ON diagnostic_tests (tube_id, resident_id) WHERE tube_id IS NOT NULL AND discarded_at IS NULL
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_diagnostic_tests_retest ON diagnostic_tests (grid_id) WHERE discarded_at IS NULL AND (pooled AND outcome = 'inconclusive' OR kind = 'antigen' AND outcome = 'positive')
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE alert_evidence DROP CONSTRAINT ck_alert_evidence_kind
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert_evidence ADD CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'sample_tube', 'team', 'directive', 'transfer', 'lead', 'code_state', 'passing', 'site_problem', 'report'))
""",
    """\
INSERT INTO validity_policies (
    id, version, code, revision, name, legal_basis, effective_from, effective_to,
    negative_test_hours, negative_antigen_hours, validity_anchor, code_state_hours, travel_card,
    courses, no_sampling_hours, retest_hours
)
SELECT told.id::uuid, 1, 'health_proofs', told.revision, '健康证明的有效期', told.basis, told.since::date,
    told.until::date, 48, NULL, 'sampled', 24, told.card::jsonb,
    '{"inactivated": {"full": 2, "boosted": 3}, "adenovirus_vector": {"full": 1, "boosted": 2},
      "recombinant_protein": {"full": 3, "boosted": 4}, "mrna": {"full": 2, "boosted": 3},
      "other": {"full": 2, "boosted": 3}}', 48, 24
FROM (VALUES
    ('01900000-0000-7000-8000-000000000c01', 1,
     '各地的通行做法,时限由当地防控指挥部确定;行程卡显示前14天到访地,有中高风险地区的城市标注星号',
     '2020-01-01', '2022-06-28', '{"window_days": 14, "hours": 24, "marks_risk": true}'),
    ('01900000-0000-7000-8000-000000000c02', 2, '2022年6月29日起行程卡取消星号标记',
     '2022-06-29', '2022-07-07', '{"window_days": 14, "hours": 24, "marks_risk": false}'),
    ('01900000-0000-7000-8000-000000000c03', 3, '2022年7月8日起行程卡的查询范围由14天改为7天',
     '2022-07-08', '2022-12-12', '{"window_days": 7, "hours": 24, "marks_risk": false}'),
    ('01900000-0000-7000-8000-000000000c04', 4, '2022年12月13日起行程卡停止服务,不再查验',
     '2022-12-13', NULL, NULL)
) AS told (id, revision, basis, since, until, card)
""",
)

DOWN: tuple[str, ...] = (
    """\
-- squawk-ignore ban-drop-constraint
ALTER TABLE alert_evidence DROP CONSTRAINT ck_alert_evidence_kind
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert_evidence ADD CONSTRAINT ck_alert_evidence_kind CHECK (kind IN ('reading', 'not_taken', 'missed_window', 'whereabouts', 'leave', 'visit', 'call', 'test_result', 'team', 'directive', 'transfer', 'lead', 'code_state', 'passing', 'site_problem', 'report'))
""",
    "DROP INDEX ix_diagnostic_tests_retest",
    "DROP INDEX uq_diagnostic_tests_one_in_a_tube",
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE diagnostic_tests DROP COLUMN tube_id, DROP COLUMN pooled
""",
    "DROP TABLE validity_policies",
    "DROP TABLE vaccinations",
    "DROP TABLE travel_cards",
    "DROP TABLE code_states",
    "DROP TABLE sample_tubes",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
