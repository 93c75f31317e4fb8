"""Households, residents, and the bonds of 1+1+1+N."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    "CREATE SEQUENCE household_number",
    """\
CREATE TABLE households (
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
    number INTEGER NOT NULL,
    name VARCHAR(50) NOT NULL,
    address_sealed BYTEA,
    note_sealed BYTEA,
    left_on DATE,
    destination_sealed BYTEA,
    CONSTRAINT pk_households PRIMARY KEY (id),
    CONSTRAINT ck_households_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_households_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT uq_households_number UNIQUE (number)
)
""",
    """\
CREATE INDEX ix_households_changed_xid ON households (changed_xid)
""",
    """\
CREATE INDEX ix_households_grid_id_number ON households (grid_id, number)
""",
    """\
CREATE INDEX ix_households_reach ON households (reach)
""",
    """\
CREATE TABLE residents (
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
    grid_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    sex VARCHAR(40) NOT NULL,
    birth_date DATE,
    document_kind VARCHAR(40),
    document_sealed BYTEA,
    document_lookup BYTEA,
    phone_sealed BYTEA,
    phone_lookup BYTEA,
    relation VARCHAR(40) NOT NULL,
    registration VARCHAR(40) NOT NULL,
    is_party_member BOOLEAN NOT NULL,
    mobility_limited BOOLEAN NOT NULL,
    lives_alone BOOLEAN NOT NULL,
    note_sealed BYTEA,
    left_on DATE,
    destination_sealed BYTEA,
    CONSTRAINT pk_residents PRIMARY KEY (id),
    CONSTRAINT ck_residents_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL)),
    CONSTRAINT ck_residents_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_residents_household_id FOREIGN KEY(household_id) REFERENCES households (id),
    CONSTRAINT ck_residents_sex CHECK (sex IN ('male', 'female', 'unknown', 'not_stated')),
    CONSTRAINT ck_residents_document_kind CHECK (document_kind IN ('resident_identity', 'household_book', 'passport', 'hk_macao_permit', 'taiwan_permit', 'foreign_permanent_resident', 'hmt_residence_permit', 'other')),
    CONSTRAINT ck_residents_relation CHECK (relation IN ('head', 'spouse', 'child', 'parent', 'grandparent', 'grandchild', 'sibling', 'other')),
    CONSTRAINT ck_residents_registration CHECK (registration IN ('registered', 'usual', 'migrant'))
)
""",
    """\
CREATE INDEX ix_residents_changed_xid ON residents (changed_xid)
""",
    """\
CREATE INDEX ix_residents_household_id ON residents (household_id)
""",
    """\
CREATE INDEX ix_residents_name ON residents (name)
""",
    """\
CREATE INDEX ix_residents_phone_lookup ON residents (phone_lookup)
""",
    """\
CREATE INDEX ix_residents_reach ON residents (reach)
""",
    """\
CREATE UNIQUE INDEX uq_residents_document ON residents (document_lookup) WHERE discarded_at IS NULL
""",
    """\
CREATE TABLE bonds (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    household_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    worker_id UUID,
    resident_id UUID,
    name VARCHAR(50) NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_reason TEXT,
    CONSTRAINT pk_bonds PRIMARY KEY (id),
    CONSTRAINT ck_bonds_one_person CHECK ((kind = 'representative') = (resident_id IS NOT NULL) AND (kind = 'representative') = (worker_id IS NULL)),
    CONSTRAINT fk_bonds_household_id FOREIGN KEY(household_id) REFERENCES households (id),
    CONSTRAINT ck_bonds_kind CHECK (kind IN ('party_member', 'grid_worker', 'representative'))
)
""",
    """\
CREATE INDEX ix_bonds_changed_xid ON bonds (changed_xid)
""",
    """\
CREATE INDEX ix_bonds_worker_id ON bonds (worker_id) WHERE ended_at IS NULL
""",
    """\
CREATE UNIQUE INDEX uq_bonds_one_of_each ON bonds (household_id, kind) WHERE ended_at IS NULL
""",
    "ALTER TABLE households ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON households USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE residents ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON residents USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE bonds ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON bonds USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR household_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = (
    "DROP TABLE bonds",
    "DROP TABLE residents",
    "DROP TABLE households",
    "DROP SEQUENCE household_number",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
