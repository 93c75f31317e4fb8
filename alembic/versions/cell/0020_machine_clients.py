"""How a machine client enters a township."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UP = (
    """\
DO $$
BEGIN
    -- As `enter`: its tables are named whole, and whatever changed since the token refuses it.
    EXECUTE format($function$
CREATE FUNCTION enter_client(
    client uuid, credential uuid, claimed_grid uuid, claimed_scopes text, address inet,
    issued_at timestamptz, at timestamptz, writing boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $enter$
DECLARE
    held record;
BEGIN
    IF writing THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()));
    END IF;
    SELECT g.path, c.allowed_addresses INTO held
    FROM public.machine_clients c
    JOIN public.client_credentials k ON k.client_id = c.id AND k.id = credential
        AND (k.ends_at IS NULL OR k.ends_at > at)
    JOIN %1$I.grids g ON g.id = c.grid_id AND g.closed_at IS NULL
    WHERE c.id = client AND c.cell = %2$L AND c.grid_id = claimed_grid
        AND c.disabled_at IS NULL AND c.expires_at > at
        AND c.scopes @> string_to_array(claimed_scopes, ' ')::varchar[]
        AND (g.moved_at IS NULL OR date_trunc('second', g.moved_at) <= issued_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the client or its credential has ended, or its grid has moved'
            USING ERRCODE = 'OG401', CONSTRAINT = 'client_holds';
    END IF;
    IF cardinality(held.allowed_addresses) > 0
        AND (address <<= ANY (held.allowed_addresses::inet[])) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the call comes from outside the address list'
            USING ERRCODE = 'OG403', CONSTRAINT = 'client_address';
    END IF;
    EXECUTE format(
        'SET LOCAL onegrid.reach_from = %%L; SET LOCAL onegrid.reach_to = %%L; '
        'SET LOCAL onegrid.duties = ''''; SET LOCAL onegrid.worker = %%L',
        held.path, held.path || '/', client
    );
END
$enter$
    $function$, current_schema(), substr(current_schema(), 6));
END
$$
""",
)

DOWN = (
    "DROP FUNCTION enter_client(uuid, uuid, uuid, text, inet, timestamptz, timestamptz, boolean)",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
