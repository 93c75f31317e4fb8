"""Door-to-door visits."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE visits (
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
    mode VARCHAR(40) NOT NULL,
    outcome VARCHAR(40) NOT NULL,
    purposes VARCHAR(40)[] NOT NULL,
    needs VARCHAR(40)[] NOT NULL,
    findings_sealed BYTEA,
    visited_at TIMESTAMP WITH TIME ZONE NOT NULL,
    latitude FLOAT,
    longitude FLOAT,
    accuracy_m FLOAT,
    datum VARCHAR(40),
    CONSTRAINT pk_visits PRIMARY KEY (id),
    CONSTRAINT ck_visits_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_visits_household_id FOREIGN KEY(household_id) REFERENCES households (id),
    CONSTRAINT ck_visits_mode CHECK (mode IN ('visit', 'phone', 'wechat')),
    CONSTRAINT ck_visits_outcome CHECK (outcome IN ('met', 'absent', 'refused', 'moved_away')),
    CONSTRAINT ck_visits_datum CHECK (datum IN ('wgs84', 'gcj02'))
)
""",
    """\
CREATE INDEX ix_visits_changed_xid ON visits (changed_xid)
""",
    """\
CREATE INDEX ix_visits_grid_id_visited_at ON visits (grid_id, visited_at, id)
""",
    """\
CREATE INDEX ix_visits_household_id_visited_at ON visits (household_id, visited_at, id)
""",
    """\
CREATE INDEX ix_visits_reach ON visits (reach)
""",
    """\
CREATE INDEX ix_visits_visited_at ON visits (visited_at, id)
""",
    "ALTER TABLE visits ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON visits USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    # Who serves in the township is known by id alone, beyond the caller's reach and without a name.
    """\
CREATE FUNCTION colleagues(named uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT id FROM workers
    WHERE id = ANY (named) AND nullif(current_setting('onegrid.reach_from', true), '') IS NOT NULL
$$
""",
    """\
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION colleagues SET search_path = %I, pg_temp', current_schema());
END
$$
""",
)

DOWN = (
    "DROP FUNCTION colleagues(uuid[])",
    "DROP TABLE visits",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
