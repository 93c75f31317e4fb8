"""Leads from above: their batches, whom they match, who works them, what came of it."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE lead_batches (
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
    issuer VARCHAR(100) NOT NULL,
    batch_number VARCHAR(100) NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deadline_at TIMESTAMP WITH TIME ZONE NOT NULL,
    instructions TEXT,
    from_cell VARCHAR(12),
    attempts_needed INTEGER DEFAULT '3' NOT NULL,
    visit_needed BOOLEAN DEFAULT true NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_lead_batches PRIMARY KEY (id),
    CONSTRAINT ck_lead_batches_order CHECK (deadline_at > issued_at),
    CONSTRAINT ck_lead_batches_attempts_needed CHECK (attempts_needed BETWEEN 1 AND 20),
    CONSTRAINT ck_lead_batches_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_lead_batches_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id)
)
""",
    """\
CREATE INDEX ix_lead_batches_changed_xid ON lead_batches (changed_xid)
""",
    """\
CREATE INDEX ix_lead_batches_deadline_at ON lead_batches (deadline_at, id)
""",
    """\
CREATE INDEX ix_lead_batches_reach ON lead_batches (reach)
""",
    """\
CREATE UNIQUE INDEX uq_lead_batches_number ON lead_batches (issuer, batch_number) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE leads (
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
    batch_id UUID NOT NULL,
    row_number INTEGER,
    transfer_id UUID,
    grid_id UUID NOT NULL,
    household_id UUID,
    resident_id UUID,
    name VARCHAR(50),
    sex VARCHAR(40),
    birth_date DATE,
    age INTEGER,
    document_kind VARCHAR(40),
    document_sealed BYTEA,
    document_lookup BYTEA,
    phone_sealed BYTEA,
    phone_lookup BYTEA,
    address_sealed BYTEA,
    lead_source VARCHAR(40) NOT NULL,
    origin_place VARCHAR(100),
    origin_code VARCHAR(12),
    claimed VARCHAR(40) NOT NULL,
    claim_sealed BYTEA,
    claimed_on DATE,
    arrived_on DATE,
    transport VARCHAR(40),
    transport_number VARCHAR(100),
    deadline_at TIMESTAMP WITH TIME ZONE NOT NULL,
    matched_how VARCHAR(40),
    matched_at TIMESTAMP WITH TIME ZONE,
    matched_by UUID,
    assigned_how VARCHAR(40),
    assigned_at TIMESTAMP WITH TIME ZONE,
    assigned_by UUID,
    duplicate_of_id UUID,
    duplicate VARCHAR(40),
    status VARCHAR(40) NOT NULL,
    outcome VARCHAR(40),
    outcome_at TIMESTAMP WITH TIME ZONE,
    outcome_by UUID,
    outcome_note_sealed BYTEA,
    reviewed_at TIMESTAMP WITH TIME ZONE,
    reviewed_by UUID,
    sent_back_at TIMESTAMP WITH TIME ZONE,
    sent_back_by UUID,
    sent_back_reason TEXT,
    fed_back_at TIMESTAMP WITH TIME ZONE,
    feedback_id UUID,
    late_told_at TIMESTAMP WITH TIME ZONE,
    arrival_id UUID,
    quarantine_id UUID,
    CONSTRAINT pk_leads PRIMARY KEY (id),
    CONSTRAINT ck_leads_tells_of_somebody CHECK (name IS NOT NULL OR phone_lookup IS NOT NULL OR document_lookup IS NOT NULL),
    CONSTRAINT ck_leads_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL)),
    CONSTRAINT ck_leads_phone_whole CHECK ((phone_sealed IS NULL) = (phone_lookup IS NULL)),
    CONSTRAINT ck_leads_matched_somehow CHECK ((resident_id IS NULL) = (matched_how IS NULL)),
    CONSTRAINT ck_leads_assigned_somehow CHECK ((assigned_at IS NULL) = (assigned_how IS NULL)),
    CONSTRAINT ck_leads_duplicate_whole CHECK ((duplicate_of_id IS NULL) = (duplicate IS NULL)),
    CONSTRAINT ck_leads_duplicate_of_another CHECK (duplicate_of_id <> id),
    CONSTRAINT ck_leads_outcome_dated CHECK ((outcome IS NULL) = (outcome_at IS NULL)),
    CONSTRAINT ck_leads_two_people CHECK (reviewed_by <> outcome_by),
    CONSTRAINT ck_leads_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_leads_batch_id FOREIGN KEY(batch_id) REFERENCES lead_batches (id),
    CONSTRAINT fk_leads_household_id FOREIGN KEY(household_id) REFERENCES households (id),
    CONSTRAINT fk_leads_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_leads_sex CHECK (sex IN ('male', 'female', 'unknown', 'not_stated')),
    CONSTRAINT ck_leads_document_kind CHECK (document_kind IN ('resident_identity', 'household_book', 'passport', 'hk_macao_permit', 'taiwan_permit', 'foreign_permanent_resident', 'hmt_residence_permit', 'other')),
    CONSTRAINT ck_leads_lead_source CHECK (lead_source IN ('big_data', 'police', 'telecom', 'transport', 'coordination', 'health_code', 'checkpoint', 'report', 'other')),
    CONSTRAINT ck_leads_claimed CHECK (claimed IN ('close_contact', 'secondary_contact', 'general_contact', 'spatiotemporal_companion', 'returnee', 'entrant', 'recovered', 'case', 'other')),
    CONSTRAINT ck_leads_transport CHECK (transport IN ('train', 'air', 'coach', 'private_car', 'ship', 'on_foot', 'other')),
    CONSTRAINT ck_leads_matched_how CHECK (matched_how IN ('document', 'phone', 'hand')),
    CONSTRAINT ck_leads_assigned_how CHECK (assigned_how IN ('household', 'phone', 'earlier', 'address', 'told', 'hand')),
    CONSTRAINT fk_leads_duplicate_of_id FOREIGN KEY(duplicate_of_id) REFERENCES leads (id),
    CONSTRAINT ck_leads_duplicate CHECK (duplicate IN ('proposed', 'confirmed', 'refuted')),
    CONSTRAINT ck_leads_status CHECK (status IN ('imported', 'assigned', 'contacting', 'recorded', 'under_review', 'reviewed', 'fed_back', 'closed', 'transferred')),
    CONSTRAINT ck_leads_outcome CHECK (outcome IN ('already_registered', 'controlled_here', 'no_risk', 'missed_now_registered', 'not_in_jurisdiction', 'info_error', 'unreachable', 'beyond_window', 'transit_only', 'refused', 'duplicate'))
)
""",
    """\
CREATE INDEX ix_leads_arrival_id ON leads (arrival_id)
""",
    """\
CREATE INDEX ix_leads_batch_id ON leads (batch_id, status)
""",
    """\
CREATE INDEX ix_leads_changed_xid ON leads (changed_xid)
""",
    """\
CREATE INDEX ix_leads_deadline_at ON leads (deadline_at, id)
""",
    """\
CREATE INDEX ix_leads_document_lookup ON leads (document_lookup)
""",
    """\
CREATE INDEX ix_leads_duplicate_of_id ON leads (duplicate_of_id)
""",
    """\
CREATE INDEX ix_leads_phone_lookup ON leads (phone_lookup)
""",
    """\
CREATE INDEX ix_leads_quarantine_id ON leads (quarantine_id)
""",
    """\
CREATE INDEX ix_leads_reach ON leads (reach)
""",
    """\
CREATE INDEX ix_leads_resident_id ON leads (resident_id)
""",
    """\
CREATE INDEX ix_leads_waiting ON leads (reach)
WHERE status IN ('imported', 'assigned', 'contacting', 'under_review', 'reviewed')
    AND discarded_at IS NULL
""",
    """\
CREATE UNIQUE INDEX uq_leads_transfer_id ON leads (transfer_id)
""",
    """\
CREATE TABLE lead_candidates (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    lead_id UUID NOT NULL,
    candidate_id UUID NOT NULL,
    score INTEGER NOT NULL,
    why VARCHAR(100) NOT NULL,
    confirmed BOOLEAN,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by UUID,
    CONSTRAINT pk_lead_candidates PRIMARY KEY (id),
    CONSTRAINT ck_lead_candidates_score CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT ck_lead_candidates_decided CHECK ((decided_at IS NULL) = (confirmed IS NULL)),
    CONSTRAINT fk_lead_candidates_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id),
    CONSTRAINT fk_lead_candidates_candidate_id FOREIGN KEY(candidate_id) REFERENCES residents (id)
)
""",
    """\
CREATE INDEX ix_lead_candidates_changed_xid ON lead_candidates (changed_xid)
""",
    """\
CREATE INDEX ix_lead_candidates_reach ON lead_candidates (reach)
""",
    """\
CREATE UNIQUE INDEX uq_lead_candidates_once ON lead_candidates (lead_id, candidate_id)
""",
    """\
CREATE TABLE lead_assignments (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    lead_id UUID NOT NULL,
    from_grid_id UUID NOT NULL,
    to_grid_id UUID NOT NULL,
    how VARCHAR(40) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    by UUID,
    reason TEXT,
    CONSTRAINT pk_lead_assignments PRIMARY KEY (id),
    CONSTRAINT fk_lead_assignments_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id),
    CONSTRAINT ck_lead_assignments_how CHECK (how IN ('household', 'phone', 'earlier', 'address', 'told', 'hand'))
)
""",
    """\
CREATE INDEX ix_lead_assignments_changed_xid ON lead_assignments (changed_xid)
""",
    """\
CREATE INDEX ix_lead_assignments_lead_id ON lead_assignments (lead_id, at)
""",
    """\
CREATE INDEX ix_lead_assignments_reach ON lead_assignments (reach)
""",
    """\
CREATE TABLE lead_attempts (
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
    lead_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    reached BOOLEAN NOT NULL,
    note_sealed BYTEA,
    CONSTRAINT pk_lead_attempts PRIMARY KEY (id),
    CONSTRAINT ck_lead_attempts_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_lead_attempts_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id),
    CONSTRAINT ck_lead_attempts_kind CHECK (kind IN ('phone', 'visit'))
)
""",
    """\
CREATE INDEX ix_lead_attempts_changed_xid ON lead_attempts (changed_xid)
""",
    """\
CREATE INDEX ix_lead_attempts_lead_id ON lead_attempts (lead_id, recorded_at)
""",
    """\
CREATE INDEX ix_lead_attempts_reach ON lead_attempts (reach)
""",
    """\
CREATE TABLE lead_answers (
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
    lead_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    question VARCHAR(40) NOT NULL,
    shown VARCHAR(40) NOT NULL,
    said JSONB NOT NULL,
    record_id UUID,
    CONSTRAINT pk_lead_answers PRIMARY KEY (id),
    CONSTRAINT ck_lead_answers_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_lead_answers_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id),
    CONSTRAINT ck_lead_answers_question CHECK (question IN ('travel_card', 'health_code', 'diagnostic_test', 'vaccination')),
    CONSTRAINT ck_lead_answers_shown CHECK (shown IN ('shown', 'told', 'not_shown', 'not_asked'))
)
""",
    """\
CREATE INDEX ix_lead_answers_changed_xid ON lead_answers (changed_xid)
""",
    """\
CREATE INDEX ix_lead_answers_lead_id ON lead_answers (lead_id, question, recorded_at)
""",
    """\
CREATE INDEX ix_lead_answers_reach ON lead_answers (reach)
""",
    """\
CREATE TABLE lead_transfers (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    lead_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    to_code VARCHAR(12) NOT NULL,
    to_name VARCHAR(100) NOT NULL,
    to_cell VARCHAR(12),
    reason TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requested_by UUID NOT NULL,
    status VARCHAR(40) NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by UUID,
    receipt VARCHAR(100),
    CONSTRAINT pk_lead_transfers PRIMARY KEY (id),
    CONSTRAINT ck_lead_transfers_answered CHECK ((status = 'requested') = (answered_at IS NULL)),
    CONSTRAINT fk_lead_transfers_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id),
    CONSTRAINT ck_lead_transfers_status CHECK (status IN ('requested', 'received', 'declined'))
)
""",
    """\
CREATE INDEX ix_lead_transfers_changed_xid ON lead_transfers (changed_xid)
""",
    """\
CREATE INDEX ix_lead_transfers_lead_id ON lead_transfers (lead_id)
""",
    """\
CREATE INDEX ix_lead_transfers_reach ON lead_transfers (reach)
""",
    """\
CREATE TABLE lead_feedbacks (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    batch_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    by UUID NOT NULL,
    counts JSONB NOT NULL,
    late BOOLEAN NOT NULL,
    CONSTRAINT pk_lead_feedbacks PRIMARY KEY (id),
    CONSTRAINT fk_lead_feedbacks_batch_id FOREIGN KEY(batch_id) REFERENCES lead_batches (id)
)
""",
    """\
CREATE INDEX ix_lead_feedbacks_changed_xid ON lead_feedbacks (changed_xid)
""",
    """\
CREATE INDEX ix_lead_feedbacks_reach ON lead_feedbacks (reach)
""",
    """\
CREATE UNIQUE INDEX uq_lead_feedbacks_number ON lead_feedbacks (batch_id, number)
""",
    "ALTER TABLE lead_batches ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_batches USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    """\
-- Who works on a lead reads by when, and what for, wherever the batch was received.
CREATE POLICY below ON lead_batches FOR SELECT USING (
    nullif(current_setting('onegrid.reach_from', true), '') >= reach
    AND nullif(current_setting('onegrid.reach_from', true), '') < reach || '/'
)
""",
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON leads USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_candidates ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_candidates USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_assignments ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_assignments USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_attempts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_attempts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_answers ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_answers USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_transfers ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_transfers USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE lead_feedbacks ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON lead_feedbacks USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE lead_feedbacks",
    "DROP TABLE lead_transfers",
    "DROP TABLE lead_answers",
    "DROP TABLE lead_attempts",
    "DROP TABLE lead_assignments",
    "DROP TABLE lead_candidates",
    "DROP TABLE leads",
    "DROP TABLE lead_batches",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
