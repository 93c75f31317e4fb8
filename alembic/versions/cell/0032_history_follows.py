"""What a record said before lies where the record lies, also when only that record moves."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION history_follows(kind text, records uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    -- What was put on record never changes, and where it lies only its record says: the one that
    -- it is about has been moved before, within reach.
    EXECUTE format(
        'UPDATE %1$I.revisions AS r SET reach = t.reach FROM %1$I.%%I AS t '
        'WHERE r.kind = $1 AND r.record_id = t.id AND t.id = ANY ($2) AND r.reach <> t.reach '
        'AND t.reach >= nullif(current_setting(''onegrid.reach_from'', true), '''') COLLATE "C" '
        'AND t.reach < nullif(current_setting(''onegrid.reach_to'', true), '''') COLLATE "C"', kind
    ) USING kind, records;
END
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION history_follows(text, uuid[])",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
