"""Whose stages change along with those of the person whom they live with."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

UP = ("ALTER TABLE stage_changes ADD COLUMN follows_change_id UUID",)

DOWN = ("ALTER TABLE stage_changes DROP COLUMN follows_change_id",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
