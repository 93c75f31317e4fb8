"""What the keys of this database make of one known text, so that other keys are refused."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = (
    """\
CREATE TABLE public.keyring_marks (
    id INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    looked_up BYTEA NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_keyring_marks PRIMARY KEY (id),
    CONSTRAINT ck_keyring_marks_one CHECK (id = 1)
)
""",
)

DOWN = ("DROP TABLE public.keyring_marks",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
