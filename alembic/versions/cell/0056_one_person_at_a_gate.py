"""A pass names one person: the document beside a resident is not somebody else's."""

from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

KEPT_BEFORE = """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION pass_gate(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, gate uuid, person uuid, document bytea, phone bytea,
    called text, performer uuid, day date, passed_at timestamptz, bounds timestamptz[], said jsonb,
    judged jsonb, note_id uuid, request text,
    OUT kept boolean, OUT standing text, OUT gate_grid_id uuid, OUT gate_reach text, OUT stands boolean,
    OUT rule_id uuid, OUT by_colleague boolean, OUT person_id uuid, OUT household_id uuid,
    OUT home_grid_id uuid, OUT home_reach text, OUT name text, OUT quarantine_id uuid,
    OUT codes text, OUT card text, OUT sample text, OUT doses integer, OUT exempt boolean
) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('search_path', '%1$I, public', true);
    PERFORM %1$I.enter(
        session_id, held_post, claimed_grid, claimed_level, claimed_role, issued_at, at, true
    );
    SELECT c.grid_id, c.reach,
        c.opened_at <= passed_at AND (c.closed_at IS NULL OR c.closed_at > passed_at), (
            SELECT r.id FROM %1$I.checkpoint_rules r
            WHERE r.code = c.rule_code AND r.effective_from <= day
            ORDER BY r.revision DESC LIMIT 1
        )
    INTO gate_grid_id, gate_reach, stands, rule_id
    FROM %1$I.checkpoints c WHERE c.id = gate;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    by_colleague := performer IS NULL
        OR EXISTS (SELECT FROM %1$I.colleagues(ARRAY[performer]));
    SELECT w.person_id, w.household_id, w.home_grid_id, w.home_reach, w.name, w.quarantine_id,
        w.codes::text, w.card::text, w.sample::text, w.doses, w.exempt, w.standing
    INTO person_id, household_id, home_grid_id, home_reach, name, quarantine_id, codes, card,
        sample, doses, exempt, standing
    FROM %1$I.person_at_gate(person, document, phone, called, day, passed_at, bounds) AS w;
    standing := coalesce(standing, 'nobody');
    kept := false;
    -- Judged beforehand for whoever stands as is usual here; never for who should be at home.
    IF stands AND by_colleague AND quarantine_id IS NULL AND judged ? standing
        AND rule_id = (said ->> 'rule_id')::uuid
    THEN
        kept := %1$I.write_pass(
            said, judged -> standing, person_id, gate_grid_id, gate_reach, at, held_post,
            session_id, note_id, request
        );
    END IF;
END
$body$
    $function$, current_schema());
END
$$
"""

ANOTHER = """\
DO $$
BEGIN
    -- Whose document it is the guard does not see: only that it is another's.
    EXECUTE format($function$
CREATE FUNCTION shows_another(person uuid, kind text, document bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER AS $body$
    SELECT EXISTS (
        -- A book that finds anybody was read for their identity number.
        SELECT FROM %1$I.residents r WHERE r.id = person AND r.document_lookup <> document
            AND replace(r.document_kind, 'household_book', 'resident_identity')
                = replace(kind, 'household_book', 'resident_identity')
    ) OR EXISTS (
        SELECT FROM %1$I.residents r
        WHERE r.document_lookup = document AND r.discarded_at IS NULL AND r.id <> person
    )
$body$
    $function$, current_schema());
END
$$
"""

KEPT = """\
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION pass_gate(
    session_id uuid, held_post uuid, claimed_grid uuid, claimed_level integer, claimed_role text,
    issued_at timestamptz, at timestamptz, gate uuid, person uuid, document_kind text,
    document bytea, phone bytea, called text, performer uuid, day date,
    passed_at timestamptz, bounds timestamptz[], said jsonb, judged jsonb, note_id uuid,
    request text,
    OUT kept boolean, OUT standing text, OUT gate_grid_id uuid, OUT gate_reach text, OUT stands boolean,
    OUT rule_id uuid, OUT by_colleague boolean, OUT person_id uuid, OUT household_id uuid,
    OUT home_grid_id uuid, OUT home_reach text, OUT name text, OUT quarantine_id uuid,
    OUT codes text, OUT card text, OUT sample text, OUT doses integer, OUT exempt boolean,
    OUT another boolean
) LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM set_config('search_path', '%1$I, public', true);
    PERFORM %1$I.enter(
        session_id, held_post, claimed_grid, claimed_level, claimed_role, issued_at, at, true
    );
    SELECT c.grid_id, c.reach,
        c.opened_at <= passed_at AND (c.closed_at IS NULL OR c.closed_at > passed_at), (
            SELECT r.id FROM %1$I.checkpoint_rules r
            WHERE r.code = c.rule_code AND r.effective_from <= day
            ORDER BY r.revision DESC LIMIT 1
        )
    INTO gate_grid_id, gate_reach, stands, rule_id
    FROM %1$I.checkpoints c WHERE c.id = gate;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    by_colleague := performer IS NULL
        OR EXISTS (SELECT FROM %1$I.colleagues(ARRAY[performer]));
    SELECT w.person_id, w.household_id, w.home_grid_id, w.home_reach, w.name, w.quarantine_id,
        w.codes::text, w.card::text, w.sample::text, w.doses, w.exempt, w.standing
    INTO person_id, household_id, home_grid_id, home_reach, name, quarantine_id, codes, card,
        sample, doses, exempt, standing
    FROM %1$I.person_at_gate(person, document, phone, called, day, passed_at, bounds) AS w;
    standing := coalesce(standing, 'nobody');
    kept := false;
    -- Who is named and nobody here is not whoever the document finds instead.
    another := person IS NOT NULL AND (
        person_id IS DISTINCT FROM person
        OR document IS NOT NULL AND %1$I.shows_another(person, document_kind, document)
    );
    -- Judged beforehand for whoever stands as is usual here; never for who should be at home.
    IF stands AND by_colleague AND NOT another AND quarantine_id IS NULL AND judged ? standing
        AND rule_id = (said ->> 'rule_id')::uuid
    THEN
        kept := %1$I.write_pass(
            said, judged -> standing, person_id, gate_grid_id, gate_reach, at, held_post,
            session_id, note_id, request
        );
    END IF;
END
$body$
    $function$, current_schema());
END
$$
"""

# No service calls what goes: each refuses to serve a database that is not at its own version.
DROPPED = """\
-- squawk-ignore ban-drop-function
DROP FUNCTION pass_gate
"""

UP = (DROPPED, ANOTHER, KEPT)
DOWN = (DROPPED, "DROP FUNCTION shows_another(uuid, text, bytea)", KEPT_BEFORE)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
