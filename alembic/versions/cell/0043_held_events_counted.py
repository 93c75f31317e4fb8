"""How many held events met their person, or were forgotten, day by day: counts, and nobody's."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE held_days (
    reach TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    client_id UUID NOT NULL,
    grid_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    day DATE NOT NULL,
    matched INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    CONSTRAINT pk_held_days PRIMARY KEY (id),
    CONSTRAINT ck_held_days_kind CHECK (kind IN ('code_change', 'test_result'))
)
""",
    """\
CREATE INDEX ix_held_days_changed_xid ON held_days (changed_xid)
""",
    """\
CREATE UNIQUE INDEX uq_held_days_one_a_day ON held_days (day, client_id, kind)
""",
    """\
CREATE INDEX ix_held_days_reach ON held_days (reach)
""",
    "ALTER TABLE held_days ENABLE ROW LEVEL SECURITY",
    """\
CREATE POLICY reach ON held_days USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)

DOWN = ("DROP TABLE held_days",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
