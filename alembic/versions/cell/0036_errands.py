"""Errands for those in quarantine, whom they are passed on to, and how heavy one weighs."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE errands (
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
    household_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    status VARCHAR(40) NOT NULL,
    wanted_sealed BYTEA,
    quantity VARCHAR(100),
    needed_by TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    accepted_by UUID,
    accepted_by_name VARCHAR(50),
    assigned_by UUID,
    purchasing_at TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    delivered_by UUID,
    contact_free BOOLEAN,
    amount_fen INTEGER,
    payer VARCHAR(40),
    receipt_number VARCHAR(100),
    confirmed_at TIMESTAMP WITH TIME ZONE,
    confirmed_by UUID,
    word VARCHAR(40),
    cancelled_at TIMESTAMP WITH TIME ZONE,
    cancelled_by UUID,
    cancelled_reason TEXT,
    CONSTRAINT pk_errands PRIMARY KEY (id),
    CONSTRAINT ck_errands_none_needed CHECK ((kind = 'none_needed') = (status = 'none_needed')),
    CONSTRAINT ck_errands_wanted CHECK ((kind = 'none_needed') = (wanted_sealed IS NULL)),
    CONSTRAINT ck_errands_accepted CHECK (status NOT IN ('accepted', 'purchasing', 'delivered', 'confirmed') OR accepted_by IS NOT NULL),
    CONSTRAINT ck_errands_delivered CHECK ((status IN ('delivered', 'confirmed')) = (delivered_at IS NOT NULL)),
    CONSTRAINT ck_errands_confirmed CHECK ((status = 'confirmed') = (confirmed_at IS NOT NULL)),
    CONSTRAINT ck_errands_cancelled CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CONSTRAINT ck_errands_amount CHECK (amount_fen >= 0),
    CONSTRAINT ck_errands_paid CHECK (payer IS NOT NULL OR coalesce(amount_fen, 0) = 0),
    CONSTRAINT ck_errands_source CHECK (source IN ('visit', 'phone', 'wechat', 'paper', 'excel', 'self_report', 'device')),
    CONSTRAINT fk_errands_quarantine_id FOREIGN KEY(quarantine_id) REFERENCES quarantines (id),
    CONSTRAINT ck_errands_kind CHECK (kind IN ('masks', 'daily_goods', 'medicine', 'delivery', 'trash', 'other', 'none_needed')),
    CONSTRAINT ck_errands_status CHECK (status IN ('requested', 'accepted', 'purchasing', 'delivered', 'confirmed', 'cancelled', 'none_needed')),
    CONSTRAINT ck_errands_payer CHECK (payer IN ('resident', 'household', 'village', 'township', 'other')),
    CONSTRAINT ck_errands_word CHECK (word IN ('resident', 'household', 'other'))
)
""",
    """\
CREATE INDEX ix_errands_accepted_by ON errands (accepted_by)
""",
    """\
CREATE INDEX ix_errands_changed_xid ON errands (changed_xid)
""",
    """\
CREATE INDEX ix_errands_due_at ON errands (due_at)
""",
    """\
CREATE INDEX ix_errands_quarantine_id ON errands (quarantine_id)
""",
    """\
CREATE INDEX ix_errands_reach ON errands (reach)
""",
    """\
CREATE INDEX ix_errands_recorded_at ON errands (recorded_at, id)
""",
    "ALTER TABLE errands ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON errands USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR quarantine_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
)
""",
    """\
DO $$
BEGIN
    -- Whoever serves on teams of other grids holds errands there, out of sight of whoever ends
    -- the post.
    EXECUTE format($function$
CREATE FUNCTION errands_held_by(holder uuid) RETURNS TABLE (id uuid, reach text)
LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT e.id, e.reach FROM %1$I.errands e
    WHERE e.accepted_by = holder AND e.status IN ('accepted', 'purchasing')
        AND e.discarded_at IS NULL
$body$
    $function$, current_schema());
    EXECUTE format($function$
CREATE FUNCTION pass_errands(
    passed uuid[], successor uuid, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$
    INSERT INTO %1$I.revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, duty_id, reason, reach
    )
    SELECT gen_random_uuid(), 'errands', e.id, e.version, to_jsonb(e) - 'changed_xid', at,
        passed_by, e.quarantine_id, why, e.reach
    FROM %1$I.errands e WHERE e.id = ANY (passed);
    UPDATE %1$I.errands e SET accepted_by = w.id, accepted_by_name = w.name,
        assigned_by = passed_by, version = e.version + 1, changed_xid = pg_current_xact_id()
    FROM %1$I.workers w WHERE e.id = ANY (passed) AND w.id = successor
$body$
    $function$, current_schema());
END
$$
""",
    # A rule of before says nothing of errands, and each has to weigh something.
    """\
UPDATE workload_policies SET weights = weights || '{"errand": 1}' WHERE NOT weights ? 'errand'
""",
)

DOWN = (
    "UPDATE workload_policies SET weights = weights - 'errand'",
    "DROP FUNCTION pass_errands(uuid[], uuid, uuid, text, timestamptz)",
    "DROP FUNCTION errands_held_by(uuid)",
    "DROP TABLE errands",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
