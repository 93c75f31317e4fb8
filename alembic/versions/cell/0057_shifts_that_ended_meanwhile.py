"""A shift that ended with its place while its holder handed over is nobody's to stand."""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION pass_shifts(
    passed uuid[], successor uuid, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$
    -- In a statement of its own, so that the next ones see what whoever closed the place has done.
    SELECT FROM %1$I.duty_shifts d WHERE d.id = ANY (passed) ORDER BY d.id FOR UPDATE;
    INSERT INTO %1$I.revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach
    )
    SELECT gen_random_uuid(), 'duty_shifts', d.id, d.version, to_jsonb(d) - 'changed_xid', at,
        passed_by, why, d.reach
    FROM %1$I.duty_shifts d
    WHERE d.id = ANY (passed) AND d.discarded_at IS NULL AND d.ends_at > at;
    INSERT INTO %1$I.duty_shifts (
        id, version, reach, place_kind, place_id, place_name, grid_id, worker_id, worker_name,
        role, starts_at, ends_at, note, arranged_at, arranged_by
    )
    SELECT gen_random_uuid(), 1, d.reach, d.place_kind, d.place_id, d.place_name, d.grid_id, w.id,
        w.name, d.role, at, d.ends_at, d.note, at, passed_by
    FROM %1$I.duty_shifts d JOIN %1$I.workers w ON w.id = successor
    WHERE d.id = ANY (passed) AND d.discarded_at IS NULL AND d.ends_at > at AND d.starts_at < at;
    UPDATE %1$I.duty_shifts d SET ends_at = at, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    WHERE d.id = ANY (passed) AND d.discarded_at IS NULL AND d.ends_at > at AND d.starts_at < at;
    UPDATE %1$I.duty_shifts d SET worker_id = w.id, worker_name = w.name, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    FROM %1$I.workers w
    WHERE d.id = ANY (passed) AND d.discarded_at IS NULL AND d.starts_at >= at AND w.id = successor
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE OR REPLACE FUNCTION pass_shifts(
    passed uuid[], successor uuid, passed_by uuid, why text, at timestamptz
) RETURNS void LANGUAGE sql SECURITY DEFINER AS $body$
    INSERT INTO %1$I.revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach
    )
    SELECT gen_random_uuid(), 'duty_shifts', d.id, d.version, to_jsonb(d) - 'changed_xid', at,
        passed_by, why, d.reach
    FROM %1$I.duty_shifts d WHERE d.id = ANY (passed);
    INSERT INTO %1$I.duty_shifts (
        id, version, reach, place_kind, place_id, place_name, grid_id, worker_id, worker_name,
        role, starts_at, ends_at, note, arranged_at, arranged_by
    )
    SELECT gen_random_uuid(), 1, d.reach, d.place_kind, d.place_id, d.place_name, d.grid_id, w.id,
        w.name, d.role, at, d.ends_at, d.note, at, passed_by
    FROM %1$I.duty_shifts d JOIN %1$I.workers w ON w.id = successor
    WHERE d.id = ANY (passed) AND d.starts_at < at;
    UPDATE %1$I.duty_shifts d SET ends_at = at, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    WHERE d.id = ANY (passed) AND d.starts_at < at;
    UPDATE %1$I.duty_shifts d SET worker_id = w.id, worker_name = w.name, version = d.version + 1,
        changed_xid = pg_current_xact_id()
    FROM %1$I.workers w WHERE d.id = ANY (passed) AND d.starts_at >= at AND w.id = successor
$body$
    $function$, current_schema());
END
$$
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
