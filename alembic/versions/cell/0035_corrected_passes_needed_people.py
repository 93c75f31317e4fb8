"""A pass that was put right; how many people a shift at a checkpoint needs."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE checkpoints ADD COLUMN staffing JSONB DEFAULT '{}'::jsonb NOT NULL",
    """\
DO $$
BEGIN
    -- Whoever discards a pass may stand at its gate only, while its alert lies where the person
    -- lives: what is said there is no more than that the pass says nothing.
    EXECUTE format($function$
CREATE FUNCTION pass_shows_nothing(pass uuid, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $body$
    UPDATE %1$I.alert_evidence AS e SET discarded_at = at, version = e.version + 1,
        changed_xid = pg_current_xact_id()
    WHERE e.record_id = pass AND e.kind = 'passing' AND e.discarded_at IS NULL
        AND EXISTS (SELECT FROM %1$I.passes p WHERE p.id = pass AND p.discarded_at IS NOT NULL)
$body$
    $function$, current_schema());
    -- What was put on record never changes; of a pass it is kept no longer than the pass itself.
    EXECUTE format($function$
CREATE FUNCTION forget_history_of_passes(gone uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $body$
    DELETE FROM %1$I.revisions AS r WHERE r.kind = 'passes' AND r.record_id = ANY (gone)
        AND NOT EXISTS (SELECT FROM %1$I.passes p WHERE p.id = r.record_id)
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = (
    "DROP FUNCTION forget_history_of_passes(uuid[])",
    "DROP FUNCTION pass_shows_nothing(uuid, timestamptz)",
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE checkpoints DROP COLUMN staffing
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
