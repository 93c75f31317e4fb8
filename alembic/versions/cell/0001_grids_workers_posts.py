"""The tree, the people in it, and the record of what they did, each within reach."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE grids (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    code VARCHAR(40) NOT NULL,
    name VARCHAR(50) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    level INTEGER NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    parent_id UUID,
    next_segment INTEGER NOT NULL,
    opened_on DATE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    merged_into_id UUID,
    moved_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_grids PRIMARY KEY (id),
    CONSTRAINT ck_grids_level CHECK (level >= 1),
    CONSTRAINT uq_grids_code UNIQUE (code),
    CONSTRAINT ck_grids_kind CHECK (kind IN ('township', 'area', 'village', 'basic', 'micro', 'dedicated')),
    CONSTRAINT uq_grids_path UNIQUE (path),
    CONSTRAINT fk_grids_parent_id FOREIGN KEY(parent_id) REFERENCES grids (id),
    CONSTRAINT fk_grids_merged_into_id FOREIGN KEY(merged_into_id) REFERENCES grids (id)
)
""",
    """\
CREATE INDEX ix_grids_changed_xid ON grids (changed_xid)
""",
    """\
CREATE INDEX ix_grids_parent_id ON grids (parent_id)
""",
    """\
CREATE TABLE retired_codes (
    code VARCHAR(40) NOT NULL,
    grid_id UUID NOT NULL,
    CONSTRAINT pk_retired_codes PRIMARY KEY (code),
    CONSTRAINT fk_retired_codes_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id)
)
""",
    """\
CREATE TABLE workers (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    grid_id UUID NOT NULL,
    name VARCHAR(50) NOT NULL,
    phone_sealed BYTEA,
    phone_lookup BYTEA,
    is_party_member BOOLEAN NOT NULL,
    resident_id UUID,
    left_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_workers PRIMARY KEY (id),
    CONSTRAINT fk_workers_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id)
)
""",
    """\
CREATE INDEX ix_workers_changed_xid ON workers (changed_xid)
""",
    """\
CREATE INDEX ix_workers_reach_name ON workers (reach, name)
""",
    """\
CREATE UNIQUE INDEX uq_workers_phone_lookup ON workers (phone_lookup) WHERE phone_lookup IS NOT NULL
""",
    """\
CREATE TABLE posts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    worker_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    household_id UUID,
    role VARCHAR(40) NOT NULL,
    title TEXT,
    began_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_by UUID,
    ended_reason TEXT,
    CONSTRAINT pk_posts PRIMARY KEY (id),
    CONSTRAINT ck_posts_household CHECK ((role = 'household_representative') = (household_id IS NOT NULL)),
    CONSTRAINT fk_posts_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id),
    CONSTRAINT fk_posts_grid_id FOREIGN KEY(grid_id) REFERENCES grids (id),
    CONSTRAINT ck_posts_role CHECK (role IN ('administrator', 'grid_leader', 'grid_worker', 'cadre', 'party_member', 'village_doctor', 'medic', 'police_officer', 'auxiliary_police', 'volunteer', 'household_representative'))
)
""",
    """\
CREATE INDEX ix_posts_changed_xid ON posts (changed_xid)
""",
    """\
CREATE INDEX ix_posts_grid_id ON posts (grid_id)
""",
    """\
CREATE INDEX ix_posts_reach ON posts (reach)
""",
    """\
CREATE INDEX ix_posts_worker_id ON posts (worker_id)
""",
    """\
CREATE UNIQUE INDEX uq_posts_held ON posts (worker_id, grid_id, role, household_id) NULLS NOT DISTINCT WHERE ended_at IS NULL
""",
    """\
CREATE TABLE audit_entries (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    action VARCHAR(60) NOT NULL,
    subject_id UUID NOT NULL,
    worker_id UUID NOT NULL,
    post_id UUID NOT NULL,
    session_id UUID NOT NULL,
    request_id VARCHAR(64),
    details JSONB NOT NULL,
    CONSTRAINT pk_audit_entries PRIMARY KEY (id)
)
""",
    """\
CREATE INDEX ix_audit_entries_at_id ON audit_entries (at, id)
""",
    """\
CREATE INDEX ix_audit_entries_subject_id ON audit_entries (subject_id, at)
""",
    """\
CREATE TABLE revisions (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    record_id UUID NOT NULL,
    version INTEGER NOT NULL,
    body JSONB NOT NULL,
    replaced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    replaced_by UUID NOT NULL,
    duty_id UUID,
    reason TEXT,
    CONSTRAINT pk_revisions PRIMARY KEY (id)
)
""",
    """\
CREATE UNIQUE INDEX uq_revisions_one_of_each ON revisions (record_id, kind, version)
""",
    "ALTER TABLE grids ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON grids USING (
    path >= nullif(current_setting('onegrid.reach_from', true), '')
    AND path < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE workers ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON workers USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE posts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON posts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON audit_entries FOR SELECT USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE revisions ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON revisions FOR SELECT USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR duty_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
CREATE POLICY append ON audit_entries FOR INSERT WITH CHECK (
    nullif(current_setting('onegrid.reach_from', true), '') IS NOT NULL
)
""",
    """\
CREATE POLICY append ON revisions FOR INSERT WITH CHECK (
    nullif(current_setting('onegrid.reach_from', true), '') IS NOT NULL
)
""",
    """\
DO $$
BEGIN
    -- It runs at every request: its tables are named whole, since a search path of its own would
    -- cost a third of it, and one of the caller's must not decide what an owner's function reads.
    EXECUTE format($function$
CREATE FUNCTION enter(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, writing boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $enter$
DECLARE
    held record;
    duties text;
BEGIN
    IF writing THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()));
    END IF;
    SELECT p.worker_id, p.reach INTO held
    FROM public.sessions s
    JOIN public.accounts a ON a.id = s.account_id AND a.disabled_at IS NULL
    JOIN %1$I.posts p ON p.id = s.post_id AND p.worker_id = a.id
    JOIN %1$I.grids g ON g.id = p.grid_id
    WHERE s.id = session_id AND s.post_id = held_post
        AND s.ended_at IS NULL AND s.expires_at > at
        AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
        AND g.id = claimed_grid AND g.level = claimed_level AND p.role = claimed_role
        AND (g.moved_at IS NULL OR date_trunc('second', g.moved_at) <= issued_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the post or session has ended, or the grid has moved'
            USING ERRCODE = 'OG401';
    END IF;
    SELECT string_agg(concat_ws(',', quarantine_id, household_id, resident_id), ',') INTO duties
    FROM %1$I.care_seats WHERE worker_id = held.worker_id AND ended_at IS NULL;
    EXECUTE format(
        'SET LOCAL onegrid.reach_from = %%L; SET LOCAL onegrid.reach_to = %%L; '
        'SET LOCAL onegrid.duties = %%L; SET LOCAL onegrid.worker = %%L',
        held.reach, held.reach || '/', coalesce(duties, ''), held.worker_id
    );
END
$enter$
    $function$, current_schema());
END
$$
""",
    """\
CREATE FUNCTION posts_of(worker uuid, at timestamptz) RETURNS TABLE (
    post_id uuid, role text, title text, grid_id uuid, grid_code text, grid_name text, level integer,
    worker_name text
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT p.id, p.role, p.title, g.id, g.code, g.name, g.level, w.name
    FROM posts p JOIN grids g ON g.id = p.grid_id JOIN workers w ON w.id = p.worker_id
    WHERE p.worker_id = worker AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
    ORDER BY g.level, p.began_at, p.id
$$
""",
    """\
CREATE FUNCTION line_above(grid uuid, at timestamptz) RETURNS TABLE (
    id uuid, code text, name text, kind text, level integer, leaders jsonb
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT above.id, above.code, above.name, above.kind, above.level, (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object(
                'worker_id', w.id, 'name', w.name, 'role', p.role, 'title', p.title
            ) ORDER BY p.role, p.began_at, p.id
        ), '[]')
        FROM posts p JOIN workers w ON w.id = p.worker_id
        WHERE p.grid_id = above.id AND p.role IN ('grid_leader', 'grid_worker')
            AND p.began_at <= at AND (p.ended_at IS NULL OR p.ended_at > at)
    )
    FROM grids AS below JOIN grids AS above ON starts_with(below.path, above.path || '.')
    WHERE below.id = grid
        AND below.path >= nullif(current_setting('onegrid.reach_from', true), '')
        AND below.path < nullif(current_setting('onegrid.reach_to', true), '')
    ORDER BY above.level
$$
""",
    """\
CREATE FUNCTION holders(held uuid[]) RETURNS TABLE (
    post_id uuid, name text
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    -- Somebody registered elsewhere who serves here is known here by name.
    SELECT p.id, w.name FROM posts p JOIN workers w ON w.id = p.worker_id
    WHERE p.id = ANY (held)
        AND p.reach >= nullif(current_setting('onegrid.reach_from', true), '')
        AND p.reach < nullif(current_setting('onegrid.reach_to', true), '')
$$
""",
    """\
CREATE FUNCTION move_history(former text[], latter text[], below boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    kept text;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(former || latter) AS place
        WHERE (place >= nullif(current_setting('onegrid.reach_from', true), '') COLLATE "C"
            AND place < nullif(current_setting('onegrid.reach_to', true), '') COLLATE "C")
            IS NOT TRUE
    ) THEN
        RAISE EXCEPTION 'history moves within reach only' USING ERRCODE = '42501';
    END IF;
    -- What was put on record never changes; only where it lies follows its grid.
    FOREACH kept IN ARRAY ARRAY['audit_entries', 'revisions'] LOOP
        EXECUTE format(
            'UPDATE %I AS t SET reach = m.latter || substr(t.reach, length(m.former) + 1) '
            'FROM unnest($1, $2) AS m (former, latter) WHERE %s', kept,
            CASE WHEN below THEN 't.reach >= m.former AND t.reach < m.former || ''/'''
                ELSE 't.reach = m.former' END
        ) USING former, latter;
    END LOOP;
END
$$
""",
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format(
        'ALTER FUNCTION posts_of SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION line_above SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION holders SET search_path = %1$I, pg_temp; '
        'ALTER FUNCTION move_history SET search_path = %1$I, pg_temp', current_schema()
    );
END
$$
""",
)

DOWN = (
    "DROP FUNCTION enter(uuid, uuid, uuid, integer, text, timestamptz, timestamptz, boolean)",
    "DROP FUNCTION posts_of(uuid, timestamptz)",
    "DROP FUNCTION line_above(uuid, timestamptz)",
    "DROP FUNCTION holders(uuid[])",
    "DROP FUNCTION move_history(text[], text[], boolean)",
    "DROP TABLE revisions",
    "DROP TABLE audit_entries",
    "DROP TABLE posts",
    "DROP TABLE workers",
    "DROP TABLE retired_codes",
    "DROP TABLE grids",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
