"""Sampling and vaccination sites, their sessions, counts, troubles and home visits; campaigns."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE sites (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    address VARCHAR(100),
    hours VARCHAR(100),
    capacity_per_hour INTEGER,
    latitude FLOAT,
    longitude FLOAT,
    datum VARCHAR(40),
    accuracy_m FLOAT,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sites PRIMARY KEY (id),
    CONSTRAINT ck_sites_coordinates CHECK ((latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (datum IS NULL)),
    CONSTRAINT ck_sites_open CHECK (closed_at IS NULL OR closed_at >= opened_at),
    CONSTRAINT fk_sites_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT ck_sites_kind CHECK (kind IN ('sampling', 'vaccination')),
    CONSTRAINT ck_sites_datum CHECK (datum IN ('wgs84', 'gcj02'))
)
""",
    """\
CREATE INDEX ix_sites_changed_xid ON sites (changed_xid)
""",
    """\
CREATE INDEX ix_sites_reach ON sites (reach)
""",
    """\
CREATE TABLE sampling_campaigns (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    from_on DATE NOT NULL,
    to_on DATE NOT NULL,
    target JSONB NOT NULL,
    announced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    announced_by UUID NOT NULL,
    CONSTRAINT pk_sampling_campaigns PRIMARY KEY (id),
    CONSTRAINT ck_sampling_campaigns_days CHECK (to_on >= from_on),
    CONSTRAINT fk_sampling_campaigns_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT ck_sampling_campaigns_kind CHECK (kind IN ('sampling', 'vaccination'))
)
""",
    """\
CREATE INDEX ix_sampling_campaigns_changed_xid ON sampling_campaigns (changed_xid)
""",
    """\
CREATE INDEX ix_sampling_campaigns_from_on ON sampling_campaigns (from_on, id)
""",
    """\
CREATE INDEX ix_sampling_campaigns_reach ON sampling_campaigns (reach)
""",
    """\
CREATE TABLE site_sessions (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    site_id UUID NOT NULL,
    campaign_id UUID,
    grid_id UUID NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    staffing JSONB NOT NULL,
    status VARCHAR(40) NOT NULL,
    planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    planned_by UUID NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    results_in_at TIMESTAMP WITH TIME ZONE,
    cancelled_reason TEXT,
    CONSTRAINT pk_site_sessions PRIMARY KEY (id),
    CONSTRAINT ck_site_sessions_period CHECK (ends_at > starts_at),
    CONSTRAINT ck_site_sessions_opened CHECK ((status IN ('planned', 'cancelled')) = (opened_at IS NULL)),
    CONSTRAINT ck_site_sessions_closed CHECK ((status IN ('closed', 'results_in')) = (closed_at IS NOT NULL)),
    CONSTRAINT ck_site_sessions_results_in CHECK ((status = 'results_in') = (results_in_at IS NOT NULL)),
    CONSTRAINT fk_site_sessions_site_id FOREIGN KEY(site_id) REFERENCES sites (id),
    CONSTRAINT fk_site_sessions_campaign_id FOREIGN KEY(campaign_id) REFERENCES sampling_campaigns (id),
    CONSTRAINT ck_site_sessions_status CHECK (status IN ('planned', 'open', 'closed', 'results_in', 'cancelled'))
)
""",
    """\
CREATE INDEX ix_site_sessions_changed_xid ON site_sessions (changed_xid)
""",
    """\
CREATE INDEX ix_site_sessions_reach ON site_sessions (reach)
""",
    """\
CREATE INDEX ix_site_sessions_site_id_starts_at ON site_sessions (site_id, starts_at)
""",
    """\
CREATE INDEX ix_site_sessions_starts_at ON site_sessions (starts_at, id)
""",
    """\
CREATE TABLE session_tallies (
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
    site_session_id UUID NOT NULL,
    site_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    hour_at TIMESTAMP WITH TIME ZONE NOT NULL,
    people INTEGER NOT NULL,
    doses INTEGER NOT NULL,
    tubes INTEGER NOT NULL,
    turned_away INTEGER NOT NULL,
    CONSTRAINT pk_session_tallies PRIMARY KEY (id),
    CONSTRAINT ck_session_tallies_numbers CHECK (people BETWEEN 0 AND 100000 AND doses BETWEEN 0 AND 100000 AND tubes BETWEEN 0 AND 100000 AND turned_away BETWEEN 0 AND 100000),
    CONSTRAINT ck_session_tallies_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_session_tallies_site_session_id FOREIGN KEY(site_session_id) REFERENCES site_sessions (id)
)
""",
    """\
CREATE INDEX ix_session_tallies_changed_xid ON session_tallies (changed_xid)
""",
    """\
CREATE INDEX ix_session_tallies_reach ON session_tallies (reach)
""",
    """\
CREATE UNIQUE INDEX uq_session_tallies_one_an_hour ON session_tallies (site_session_id, hour_at, performed_by) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE site_problems (
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
    site_session_id UUID NOT NULL,
    site_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    urgent BOOLEAN NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    note_sealed BYTEA NOT NULL,
    solved_at TIMESTAMP WITH TIME ZONE,
    solved_by UUID,
    solution_sealed BYTEA,
    CONSTRAINT pk_site_problems PRIMARY KEY (id),
    CONSTRAINT ck_site_problems_solved CHECK ((solved_at IS NULL) = (solved_by IS NULL) AND (solved_at IS NULL) = (solution_sealed IS NULL)),
    CONSTRAINT ck_site_problems_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_site_problems_site_session_id FOREIGN KEY(site_session_id) REFERENCES site_sessions (id),
    CONSTRAINT ck_site_problems_kind CHECK (kind IN ('crowding', 'supplies', 'equipment', 'staff', 'adverse_reaction', 'exposure', 'conflict', 'other'))
)
""",
    """\
CREATE INDEX ix_site_problems_changed_xid ON site_problems (changed_xid)
""",
    """\
CREATE INDEX ix_site_problems_found_at ON site_problems (found_at, id)
""",
    """\
CREATE INDEX ix_site_problems_reach ON site_problems (reach)
""",
    """\
CREATE INDEX ix_site_problems_site_session_id ON site_problems (site_session_id, found_at)
""",
    """\
CREATE TABLE home_samplings (
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
    campaign_id UUID,
    reason VARCHAR(40) NOT NULL,
    wanted_on DATE NOT NULL,
    assigned_to UUID,
    assigned_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_reason TEXT,
    CONSTRAINT pk_home_samplings PRIMARY KEY (id),
    CONSTRAINT ck_home_samplings_cancelled CHECK ((cancelled_at IS NULL) = (cancelled_reason IS NULL)),
    CONSTRAINT ck_home_samplings_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_home_samplings_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT fk_home_samplings_campaign_id FOREIGN KEY(campaign_id) REFERENCES sampling_campaigns (id),
    CONSTRAINT ck_home_samplings_reason CHECK (reason IN ('mobility', 'quarantine', 'illness', 'age', 'other'))
)
""",
    """\
CREATE INDEX ix_home_samplings_assigned_to ON home_samplings (assigned_to)
""",
    """\
CREATE INDEX ix_home_samplings_changed_xid ON home_samplings (changed_xid)
""",
    """\
CREATE INDEX ix_home_samplings_reach ON home_samplings (reach)
""",
    """\
CREATE INDEX ix_home_samplings_wanted_on ON home_samplings (wanted_on, id)
""",
    """\
CREATE UNIQUE INDEX uq_home_samplings_one_open ON home_samplings (resident_id, wanted_on) WHERE cancelled_at IS NULL AND discarded_at IS NULL
""",
    "ALTER TABLE sites ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON sites USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE sampling_campaigns ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON sampling_campaigns USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    """\
CREATE POLICY below ON sampling_campaigns FOR SELECT USING (
    nullif(current_setting('onegrid.reach_from', true), '') >= reach
    AND nullif(current_setting('onegrid.reach_from', true), '') < reach || '/'
)
""",
    "ALTER TABLE site_sessions ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON site_sessions USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR site_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE session_tallies ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON session_tallies USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR site_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE site_problems ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON site_problems USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR site_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    "ALTER TABLE home_samplings ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON home_samplings USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE home_samplings",
    "DROP TABLE site_problems",
    "DROP TABLE session_tallies",
    "DROP TABLE site_sessions",
    "DROP TABLE sampling_campaigns",
    "DROP TABLE sites",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
