"""Arrivals, how they were classed, and the risk areas that class them."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE risk_areas (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    code_prefix VARCHAR(12) NOT NULL,
    name VARCHAR(100) NOT NULL,
    level VARCHAR(40) NOT NULL,
    from_on DATE NOT NULL,
    to_on DATE,
    announcement TEXT NOT NULL,
    entered_by UUID NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    discarded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_risk_areas PRIMARY KEY (id),
    CONSTRAINT ck_risk_areas_days CHECK (to_on IS NULL OR to_on >= from_on),
    CONSTRAINT ck_risk_areas_code_prefix CHECK (code_prefix ~ '^[0-9]{2,12}$'),
    CONSTRAINT ck_risk_areas_level CHECK (level IN ('high', 'medium', 'low', 'affected_county', 'affected_prefecture', 'none', 'entry'))
)
""",
    """\
CREATE INDEX ix_risk_areas_changed_xid ON risk_areas (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_risk_areas_once ON risk_areas (code_prefix, level, from_on) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE arrivals (
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
    household_id UUID NOT NULL,
    resident_id UUID,
    grid_id UUID NOT NULL,
    party_id UUID,
    name VARCHAR(50) NOT NULL,
    sex VARCHAR(40),
    birth_date DATE,
    document_kind VARCHAR(40),
    document_sealed BYTEA,
    document_lookup BYTEA,
    phone_sealed BYTEA,
    phone_lookup BYTEA,
    contact_name VARCHAR(50),
    contact_phone_sealed BYTEA,
    status VARCHAR(40) NOT NULL,
    expected_on DATE,
    arrived_at TIMESTAMP WITH TIME ZONE,
    arrival_told_at TIMESTAMP WITH TIME ZONE,
    verified_at TIMESTAMP WITH TIME ZONE,
    verified_by UUID,
    transport VARCHAR(40),
    transport_number VARCHAR(100),
    origin_code VARCHAR(12),
    exposure_class VARCHAR(40) NOT NULL,
    last_exposure_on DATE,
    stays JSONB NOT NULL,
    risk_level VARCHAR(40) NOT NULL,
    risk_area_id UUID,
    left_risk_area_on DATE,
    classification_id UUID NOT NULL,
    classified_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_classification_id UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by UUID,
    quarantine_id UUID,
    departed_on DATE,
    destination_sealed BYTEA,
    ended_reason TEXT,
    note_sealed BYTEA,
    CONSTRAINT pk_arrivals PRIMARY KEY (id),
    CONSTRAINT ck_arrivals_comes CHECK (expected_on IS NOT NULL OR arrived_at IS NOT NULL),
    CONSTRAINT ck_arrivals_arrived CHECK (status NOT IN ('arrived', 'verified') OR arrived_at IS NOT NULL),
    CONSTRAINT ck_arrivals_known CHECK (status <> 'verified' OR resident_id IS NOT NULL),
    CONSTRAINT ck_arrivals_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL)),
    CONSTRAINT ck_arrivals_decided CHECK ((decided_classification_id IS NULL) = (decided_at IS NULL)),
    CONSTRAINT ck_arrivals_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_arrivals_household_id FOREIGN KEY(household_id) REFERENCES households (id),
    CONSTRAINT fk_arrivals_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_arrivals_sex CHECK (sex IN ('male', 'female', 'unknown', 'not_stated')),
    CONSTRAINT ck_arrivals_document_kind CHECK (document_kind IN ('resident_identity', 'household_book', 'passport', 'hk_macao_permit', 'taiwan_permit', 'foreign_permanent_resident', 'hmt_residence_permit', 'other')),
    CONSTRAINT ck_arrivals_status CHECK (status IN ('expected', 'arrived', 'verified', 'departed', 'transferred', 'invalid')),
    CONSTRAINT ck_arrivals_transport CHECK (transport IN ('train', 'air', 'coach', 'private_car', 'ship', 'on_foot', 'other')),
    CONSTRAINT ck_arrivals_exposure_class CHECK (exposure_class IN ('close_contact', 'secondary_contact', 'general_contact', 'spatiotemporal_companion', 'returnee', 'entrant', 'recovered', 'case', 'other')),
    CONSTRAINT ck_arrivals_risk_level CHECK (risk_level IN ('high', 'medium', 'low', 'affected_county', 'affected_prefecture', 'none', 'entry'))
)
""",
    """\
CREATE INDEX ix_arrivals_changed_xid ON arrivals (changed_xid)
""",
    """\
CREATE INDEX ix_arrivals_classified_at ON arrivals (classified_at) WHERE status IN ('expected', 'arrived', 'verified') AND discarded_at IS NULL
""",
    """\
CREATE INDEX ix_arrivals_expected_on ON arrivals (expected_on, id)
""",
    """\
CREATE INDEX ix_arrivals_household_id ON arrivals (household_id)
""",
    """\
CREATE INDEX ix_arrivals_reach ON arrivals (reach)
""",
    """\
CREATE INDEX ix_arrivals_resident_id ON arrivals (resident_id)
""",
    """\
CREATE UNIQUE INDEX uq_arrivals_one_of_a_document ON arrivals (document_lookup) WHERE status IN ('expected', 'arrived', 'verified') AND discarded_at IS NULL
""",
    """\
CREATE UNIQUE INDEX uq_arrivals_one_present ON arrivals (resident_id) WHERE status IN ('expected', 'arrived', 'verified') AND discarded_at IS NULL
""",
    """\
CREATE TABLE arrival_classifications (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    arrival_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    by UUID,
    because VARCHAR(40) NOT NULL,
    risk_level VARCHAR(40) NOT NULL,
    risk_area_id UUID,
    stay_code VARCHAR(12),
    left_risk_area_on DATE,
    exposure_class VARCHAR(40) NOT NULL,
    last_exposure_on DATE,
    explanation TEXT NOT NULL,
    CONSTRAINT pk_arrival_classifications PRIMARY KEY (id),
    CONSTRAINT fk_arrival_classifications_arrival_id FOREIGN KEY(arrival_id) REFERENCES arrivals (id),
    CONSTRAINT ck_arrival_classifications_because CHECK (because IN ('recorded', 'arrived', 'corrected', 'list_changed', 'rules_changed')),
    CONSTRAINT ck_arrival_classifications_risk_level CHECK (risk_level IN ('high', 'medium', 'low', 'affected_county', 'affected_prefecture', 'none', 'entry')),
    CONSTRAINT ck_arrival_classifications_exposure_class CHECK (exposure_class IN ('close_contact', 'secondary_contact', 'general_contact', 'spatiotemporal_companion', 'returnee', 'entrant', 'recovered', 'case', 'other'))
)
""",
    """\
CREATE INDEX ix_arrival_classifications_arrival_id ON arrival_classifications (arrival_id, at)
""",
    """\
CREATE INDEX ix_arrival_classifications_changed_xid ON arrival_classifications (changed_xid)
""",
    """\
CREATE INDEX ix_arrival_classifications_reach ON arrival_classifications (reach)
""",
    "ALTER TABLE arrivals ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON arrivals USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE arrival_classifications ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON arrival_classifications USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE arrival_classifications",
    "DROP TABLE arrivals",
    "DROP TABLE risk_areas",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
