"""Whoever serves somebody from elsewhere tells of their visits: my day asked, and was refused."""

from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

# They see what they told themselves; what others found at that home is not of their duty.
UP = (
    """\
ALTER POLICY reach ON visits USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
    OR household_id = ANY (string_to_array(nullif(current_setting('onegrid.duties', true), ''), ',')::uuid[])
    AND entered_by = nullif(current_setting('onegrid.worker', true), '')::uuid
)
""",
)

DOWN = (
    """\
ALTER POLICY reach ON visits USING (
    reach >= nullif(current_setting('onegrid.reach_from', true), '')
    AND reach < nullif(current_setting('onegrid.reach_to', true), '')
)
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
