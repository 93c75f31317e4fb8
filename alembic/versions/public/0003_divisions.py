"""Administrative divisions, imported by the operator and shared by all townships."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE public.divisions (
    code VARCHAR(12) NOT NULL,
    name VARCHAR(100) NOT NULL,
    full_name VARCHAR(200) NOT NULL,
    parent_code VARCHAR(12),
    CONSTRAINT pk_divisions PRIMARY KEY (code),
    CONSTRAINT ck_divisions_code CHECK (code ~ '^[0-9]{6,12}$')
)
""",
    """\
CREATE INDEX ix_divisions_parent_code ON public.divisions (parent_code)
""",
)

DOWN = ("DROP TABLE public.divisions",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
