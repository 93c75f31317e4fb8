"""Whether somebody who lives here no more has died: `left_on` is the day."""

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

UP = (
    "ALTER TABLE residents ADD COLUMN died BOOLEAN DEFAULT false NOT NULL",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE residents ADD CONSTRAINT ck_residents_died_on_a_day CHECK (left_on IS NOT NULL OR NOT died)
""",
)

DOWN = (
    """\
-- squawk-ignore ban-drop-column
ALTER TABLE residents DROP COLUMN died
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
