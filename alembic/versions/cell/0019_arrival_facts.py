"""What else is asked of an arrival: occupation and vaccination."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP: tuple[str, ...] = (
    "ALTER TABLE arrivals ADD COLUMN occupations VARCHAR(40)[]",
    """\
ALTER TABLE arrivals ADD COLUMN vaccination VARCHAR(40)
    CONSTRAINT ck_arrivals_vaccination CHECK (vaccination IN ('unvaccinated', 'partial', 'full', 'booster', 'contraindicated'))
""",
)

DOWN: tuple[str, ...] = (
    "ALTER TABLE arrivals DROP COLUMN vaccination",
    "ALTER TABLE arrivals DROP COLUMN occupations",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
