"""Who is told over the network of what happened, and what became of each telling."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE event_cursors (
    name VARCHAR(40) NOT NULL,
    told VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    CONSTRAINT pk_event_cursors PRIMARY KEY (name)
)
""",
    """\
CREATE TABLE webhook_subscriptions (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    client_id UUID NOT NULL,
    url VARCHAR(2000) NOT NULL,
    event_types VARCHAR(40)[] NOT NULL,
    after_seq BIGINT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    former_secret_sealed BYTEA,
    former_secret_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    paused_at TIMESTAMP WITH TIME ZONE,
    paused_because VARCHAR(40),
    ended_at TIMESTAMP WITH TIME ZONE,
    failures INTEGER NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    rest_until TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhook_subscriptions PRIMARY KEY (id),
    CONSTRAINT ck_webhook_subscriptions_paused CHECK ((paused_at IS NULL) = (paused_because IS NULL)),
    CONSTRAINT ck_webhook_subscriptions_paused_because CHECK (paused_because IN ('client', 'township', 'failing', 'gone'))
)
""",
    """\
CREATE INDEX ix_webhook_subscriptions_changed_xid ON webhook_subscriptions (changed_xid)
""",
    """\
CREATE INDEX ix_webhook_subscriptions_client_id ON webhook_subscriptions (client_id, id)
""",
    """\
CREATE INDEX ix_webhook_subscriptions_reach ON webhook_subscriptions (reach)
""",
    """\
CREATE TABLE webhook_deliveries (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    subscription_id UUID NOT NULL,
    seq BIGINT,
    type VARCHAR(40) NOT NULL,
    subject_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    status VARCHAR(40) NOT NULL,
    reason VARCHAR(40),
    attempts INTEGER NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lease UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT ck_webhook_deliveries_status CHECK (status IN ('pending', 'delivered', 'skipped', 'parked')),
    CONSTRAINT ck_webhook_deliveries_reason CHECK (reason IN ('out_of_sight'))
)
""",
    """\
CREATE INDEX ix_webhook_deliveries_created_at ON webhook_deliveries (created_at)
""",
    """\
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (subscription_id, next_at, seq) WHERE status = 'pending'
""",
    """\
CREATE INDEX ix_webhook_deliveries_list ON webhook_deliveries (subscription_id, created_at, id)
""",
    """\
CREATE INDEX ix_webhook_deliveries_order ON webhook_deliveries (subscription_id, subject_id, seq) WHERE status = 'pending'
""",
    """\
CREATE UNIQUE INDEX uq_webhook_deliveries_once ON webhook_deliveries (subscription_id, seq)
""",
    """\
CREATE TABLE webhook_attempts (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    subscription_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    status_code INTEGER,
    took_ms INTEGER NOT NULL,
    failure VARCHAR(40),
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (id),
    CONSTRAINT ck_webhook_attempts_failure CHECK (failure IN ('status', 'timeout', 'unresolved', 'address_refused', 'unreachable', 'insecure'))
)
""",
    """\
CREATE INDEX ix_webhook_attempts_delivery_id_at ON webhook_attempts (delivery_id, at, id)
""",
    "ALTER TABLE webhook_subscriptions ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON webhook_subscriptions USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON webhook_deliveries USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    "ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON webhook_attempts USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
    """\
DO $$
BEGIN
    -- As before, and nothing that a reader of the events was not told of yet.
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION purge_events(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $purge$
    WITH forgotten AS (
        DELETE FROM %1$I.events old
        WHERE old.xid < (
            SELECT e.xid FROM %1$I.events e WHERE e.at < before ORDER BY e.xid DESC LIMIT 1
        ) AND NOT EXISTS (
            SELECT FROM %1$I.event_cursors c WHERE NOT
                pg_catalog.pg_visible_in_snapshot(old.xid, c.told::pg_catalog.pg_snapshot)
        )
        RETURNING old.seq
    )
    SELECT pg_catalog.count(*) FROM forgotten
$purge$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    """\
CREATE OR REPLACE FUNCTION purge_events(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
    -- The last transaction of those to be forgotten stays: whoever comes from before it is told
    -- that something is missing.
    WITH forgotten AS (
        DELETE FROM events
        WHERE xid < (SELECT e.xid FROM events e WHERE e.at < before ORDER BY e.xid DESC LIMIT 1)
        RETURNING seq
    )
    SELECT count(*) FROM forgotten
$$
""",
    """\
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION purge_events SET search_path = %1$I, pg_temp', current_schema());
END
$$
""",
    "DROP TABLE webhook_attempts",
    "DROP TABLE webhook_deliveries",
    "DROP TABLE webhook_subscriptions",
    "DROP TABLE event_cursors",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
