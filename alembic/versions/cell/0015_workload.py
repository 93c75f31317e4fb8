"""How heavy each kind of duty weighs, and when somebody was at the door of those served."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE workload_policies (
    code VARCHAR(40) NOT NULL,
    revision INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    legal_basis TEXT NOT NULL,
    effective_from DATE NOT NULL,
    effective_to DATE,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    weights JSONB NOT NULL,
    uneven_ratio NUMERIC(3, 1) NOT NULL,
    CONSTRAINT pk_workload_policies PRIMARY KEY (id),
    CONSTRAINT ck_workload_policies_uneven_ratio CHECK (uneven_ratio > 1)
)
""",
    """\
CREATE INDEX ix_workload_policies_changed_xid ON workload_policies (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_workload_policies_code_revision ON workload_policies (code, revision)
""",
    """\
INSERT INTO workload_policies (
    id, version, code, revision, name, legal_basis, effective_from, weights, uneven_ratio
) VALUES (
    '01900000-0000-7000-8000-000000001501', 1, 'workload', 1, '工作量折算',
    '一项任务折算为多少份工作量,由乡镇按当地路程和难度调整;高于本村平均1.5倍提示不均',
    '2020-01-01',
    '{"reading": 1, "visit": 1.5, "call": 0.5, "test": 1, "alert": 2, "directive": 1, "transfer": 3,
      "site_check": 2, "follow_up": 0.5, "release": 1, "decision": 1, "arrival": 1}', 1.5
)
""",
    # Of all who were ever in quarantine few are now, and what is due today is asked of them alone.
    # (These four indexes are made in a moment: what they hold is little.)
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_quarantines_running ON quarantines (reach) WHERE status IN ('planned', 'active')
""",
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_quarantine_stages_ends_on ON quarantine_stages (ends_on, starts_on) WHERE discarded_at IS NULL
""",
    # Whose a duty was in the past: seats that ended are asked for too.
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_care_seats_quarantine_id_began_at ON care_seats (quarantine_id, began_at)
""",
    # A worker's day asks which doors found nobody: few of all that were knocked at.
    """\
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ix_visits_unmet ON visits (grid_id, household_id) WHERE outcome IN ('absent', 'refused') AND discarded_at IS NULL
""",
    # Whoever serves a person from elsewhere must know when the door was knocked at, and no more.
    """\
CREATE FUNCTION knocks(homes uuid[], since timestamptz, until timestamptz) RETURNS TABLE (
    household_id uuid, at timestamptz, by uuid
) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT v.household_id, v.visited_at, v.performed_by FROM visits v
    WHERE v.household_id = ANY (homes) AND v.visited_at >= since AND v.visited_at < until
        AND v.mode = 'visit' AND v.outcome = 'met' AND v.discarded_at IS NULL
        AND (
            v.reach >= nullif(current_setting('onegrid.reach_from', true), '')
            AND v.reach < nullif(current_setting('onegrid.reach_to', true), '')
            OR v.household_id = ANY (
                string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[]
            )
        )
$$
""",
    # `api.health_records.answers.answered`, where the records lie: in passes for what was taken in
    # time and for what makes up, each sample goes to the first test that still wants it. Tests come
    # by their deadline, samples by their time; told is the sample that made each test complete.
    """\
CREATE FUNCTION answering(
    opens timestamptz[], closes timestamptz[], wanted integer[], taken timestamptz[],
    amounts integer[]
) RETURNS integer[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    held integer[] := array_fill(0, ARRAY[cardinality(opens)]);
    complete integer[] := array_fill(NULL::integer, ARRAY[cardinality(opens)]);
    used boolean[] := array_fill(false, ARRAY[coalesce(cardinality(taken), 0)]);
BEGIN
    FOR making_up IN 0..1 LOOP
        FOR sample IN 1..coalesce(cardinality(taken), 0) LOOP
            CONTINUE WHEN used[sample];
            FOR test IN 1..cardinality(opens) LOOP
                IF held[test] < wanted[test] AND (
                    making_up = 0 AND taken[sample] BETWEEN opens[test] AND closes[test]
                    OR making_up = 1 AND taken[sample] > closes[test]
                ) THEN
                    used[sample] := true;
                    held[test] := held[test] + amounts[sample];
                    IF held[test] >= wanted[test] THEN
                        complete[test] := sample;
                    END IF;
                    EXIT;
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    RETURN complete;
END
$$
""",
    """\
DO $$
BEGIN
    -- A function with its owner's rights must not find tables through its caller's search path.
    EXECUTE format('ALTER FUNCTION knocks SET search_path = %1$I, pg_temp', current_schema());
END
$$
""",
)

DOWN = (
    "DROP FUNCTION answering(timestamptz[], timestamptz[], integer[], timestamptz[], integer[])",
    "DROP FUNCTION knocks(uuid[], timestamptz, timestamptz)",
    "DROP TABLE workload_policies",
    "DROP INDEX ix_visits_unmet",
    "DROP INDEX ix_quarantine_stages_ends_on",
    "DROP INDEX ix_quarantines_running",
    "DROP INDEX ix_care_seats_quarantine_id_began_at",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
