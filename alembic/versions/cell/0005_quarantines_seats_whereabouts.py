"""Quarantines, the seats of their care teams, and whereabouts."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE quarantines (
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
    household_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    reason VARCHAR(40) NOT NULL,
    category VARCHAR(40) NOT NULL,
    place_kind VARCHAR(40) NOT NULL,
    place_sealed BYTEA,
    started_on DATE NOT NULL,
    planned_end_on DATE NOT NULL,
    ended_on DATE,
    end_reason VARCHAR(40),
    end_note_sealed BYTEA,
    status VARCHAR(40) NOT NULL,
    legal_basis TEXT,
    care_policy_id UUID NOT NULL,
    monitoring_policy_id UUID NOT NULL,
    team_complete BOOLEAN NOT NULL,
    CONSTRAINT pk_quarantines PRIMARY KEY (id),
    CONSTRAINT ck_quarantines_days CHECK (planned_end_on >= started_on),
    CONSTRAINT ck_quarantines_ended CHECK ((status IN ('released', 'terminated')) = (ended_on IS NOT NULL)),
    CONSTRAINT ck_quarantines_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_quarantines_resident_id FOREIGN KEY(resident_id) REFERENCES residents (id),
    CONSTRAINT ck_quarantines_reason CHECK (reason IN ('close_contact', 'secondary_contact', 'high_risk_area', 'medium_risk_area', 'affected_area', 'entry', 'recovered', 'other')),
    CONSTRAINT ck_quarantines_category CHECK (category IN ('centralized_quarantine', 'home_quarantine', 'strict_home_monitoring', 'home_health_monitoring', 'health_monitoring', 'self_health_monitoring')),
    CONSTRAINT ck_quarantines_place_kind CHECK (place_kind IN ('home', 'other_home', 'site')),
    CONSTRAINT ck_quarantines_end_reason CHECK (end_reason IN ('completed', 'transferred', 'hospitalised', 'moved_away', 'died', 'entered_in_error')),
    CONSTRAINT ck_quarantines_status CHECK (status IN ('planned', 'active', 'released', 'terminated')),
    CONSTRAINT fk_quarantines_care_policy_id FOREIGN KEY(care_policy_id) REFERENCES care_team_policies (id),
    CONSTRAINT fk_quarantines_monitoring_policy_id FOREIGN KEY(monitoring_policy_id) REFERENCES monitoring_policies (id)
)
""",
    """\
CREATE INDEX ix_quarantines_changed_xid ON quarantines (changed_xid)
""",
    """\
CREATE INDEX ix_quarantines_grid_id_status ON quarantines (grid_id, status)
""",
    """\
CREATE INDEX ix_quarantines_reach ON quarantines (reach)
""",
    """\
CREATE UNIQUE INDEX uq_quarantines_one_active ON quarantines (resident_id) WHERE status IN ('planned', 'active')
""",
    """\
CREATE TABLE care_seats (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    quarantine_id UUID NOT NULL,
    household_id UUID NOT NULL,
    resident_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    worker_name VARCHAR(50) NOT NULL,
    role VARCHAR(40) NOT NULL,
    is_party_member BOOLEAN NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    ended_reason TEXT,
    CONSTRAINT pk_care_seats PRIMARY KEY (id),
    CONSTRAINT fk_care_seats_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT fk_care_seats_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id),
    CONSTRAINT ck_care_seats_role CHECK (role IN ('administrator', 'grid_leader', 'grid_worker', 'cadre', 'party_member', 'village_doctor', 'medic', 'police_officer', 'auxiliary_police', 'volunteer', 'household_representative'))
)
""",
    """\
CREATE INDEX ix_care_seats_changed_xid ON care_seats (changed_xid)
""",
    """\
CREATE INDEX ix_care_seats_reach ON care_seats (reach)
""",
    """\
CREATE INDEX ix_care_seats_worker_id ON care_seats (worker_id) WHERE ended_at IS NULL
""",
    """\
CREATE UNIQUE INDEX uq_care_seats_once ON care_seats (quarantine_id, worker_id) WHERE ended_at IS NULL
""",
    """\
CREATE TABLE whereabouts (
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
    since_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE,
    destination_sealed BYTEA,
    note_sealed BYTEA,
    CONSTRAINT pk_whereabouts PRIMARY KEY (id),
    CONSTRAINT ck_whereabouts_period CHECK (until_at IS NULL OR until_at >= since_at),
    CONSTRAINT ck_whereabouts_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_whereabouts_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_whereabouts_kind CHECK (kind IN ('at_home', 'in_hospital', 'away_approved', 'away_breach', 'transferred'))
)
""",
    """\
CREATE INDEX ix_whereabouts_changed_xid ON whereabouts (changed_xid)
""",
    """\
CREATE INDEX ix_whereabouts_quarantine_id_since_at ON whereabouts (quarantine_id, since_at)
""",
    """\
CREATE INDEX ix_whereabouts_reach ON whereabouts (reach)
""",
    """\
CREATE UNIQUE INDEX uq_whereabouts_one_now ON whereabouts (quarantine_id) WHERE until_at IS NULL
""",
    "ALTER TABLE quarantines ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON quarantines USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE care_seats ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON care_seats USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
) WITH CHECK (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE whereabouts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON whereabouts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
CREATE FUNCTION care_candidates(wanted uuid[], at timestamptz) RETURNS TABLE (
    worker_id uuid, name text, is_party_member boolean, roles text[], persons integer
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT w.id, w.name, w.is_party_member,
        ARRAY(
            SELECT p.role FROM posts p
            WHERE p.worker_id = w.id AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
            ORDER BY p.began_at, p.id
        ),
        (SELECT count(*) FROM care_seats s WHERE s.worker_id = w.id AND s.ended_at IS NULL)::integer
    FROM workers w WHERE w.id = ANY (wanted) AND (w.left_at IS NULL OR w.left_at > at)
$$
""",
    """\
CREATE FUNCTION teams_of(member uuid) RETURNS TABLE (
    quarantine_id uuid, care_policy_id uuid, seat_id uuid, seat_reach text, worker_id uuid, role text,
    is_party_member boolean
) LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    -- Locked in a statement of its own, so that the next one sees the seats as the lock found them.
    PERFORM 1 FROM quarantines q WHERE q.id IN (
        SELECT s.quarantine_id FROM care_seats s WHERE s.worker_id = member AND s.ended_at IS NULL
    ) ORDER BY q.id FOR UPDATE;
    RETURN QUERY
    SELECT q.id, q.care_policy_id, s.id, s.reach, s.worker_id, s.role::text, s.is_party_member
    FROM care_seats own
    JOIN quarantines q ON q.id = own.quarantine_id
    JOIN care_seats s ON s.quarantine_id = q.id AND s.ended_at IS NULL
    WHERE own.worker_id = member AND own.ended_at IS NULL
    ORDER BY q.id, s.began_at, s.id;
END
$$
""",
    """\
CREATE FUNCTION pass_seat(
    seat uuid, new_seat uuid, successor uuid, new_role text, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE care_seats SET ended_at = at, ended_by = passed_by, ended_reason = why,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = seat AND ended_at IS NULL;
    INSERT INTO care_seats (
        id, version, reach, quarantine_id, household_id, resident_id, worker_id, worker_name, role,
        is_party_member, began_at
    )
    SELECT new_seat, 1, s.reach, s.quarantine_id, s.household_id, s.resident_id, w.id, w.name,
        new_role, w.is_party_member, at
    FROM care_seats s, workers w WHERE s.id = seat AND w.id = successor
$$
""",
    """\
CREATE FUNCTION seats_leave_party(member uuid) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE care_seats SET is_party_member = false, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE worker_id = member AND ended_at IS NULL AND is_party_member
$$
""",
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format(
        'ALTER FUNCTION care_candidates SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION teams_of SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION pass_seat SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION seats_leave_party SET search_path = %1$I, pg_temp', current_schema()
    );
END
$$
""",
)

DOWN = (
    "DROP FUNCTION seats_leave_party(uuid)",
    "DROP FUNCTION pass_seat(uuid, uuid, uuid, text, uuid, text, timestamptz)",
    "DROP FUNCTION teams_of(uuid)",
    "DROP FUNCTION care_candidates(uuid[], timestamptz)",
    "DROP TABLE whereabouts",
    "DROP TABLE care_seats",
    "DROP TABLE quarantines",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
