"""Which sessions of sites there were, for whoever tells what was done at one."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    -- Somebody who was on duty there tells their tubes also when the shift is long over.
    EXECUTE format($function$
CREATE FUNCTION sessions_told_of(named uuid[]) RETURNS TABLE (
    id uuid, kind text, status text, starts_at timestamptz, ends_at timestamptz,
    opened_at timestamptz, closed_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT s.id, p.kind::text, s.status::text, s.starts_at, s.ends_at, s.opened_at, s.closed_at
    FROM %1$I.site_sessions s JOIN %1$I.sites p ON p.id = s.site_id WHERE s.id = ANY (named)
$body$
    $function$, current_schema());
END
$$
""",
)

DOWN = ("DROP FUNCTION sessions_told_of(uuid[])",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
