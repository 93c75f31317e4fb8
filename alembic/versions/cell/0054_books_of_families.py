"""A household book has one number for a whole family, by which nobody in it is told apart.

What was looked up by such a number before stays so: from the sealed number alone it cannot be told
here whether it was one person's identity number.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

UP = (
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE residents DROP CONSTRAINT ck_residents_document_whole
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE residents ADD CONSTRAINT ck_residents_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL) OR document_lookup IS NULL AND document_kind = 'household_book')
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE arrivals DROP CONSTRAINT ck_arrivals_document_whole
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE arrivals ADD CONSTRAINT ck_arrivals_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL) OR document_lookup IS NULL AND document_kind = 'household_book')
""",
    """\
-- A wider one follows in the same transaction.
-- squawk-ignore ban-drop-constraint
ALTER TABLE leads DROP CONSTRAINT ck_leads_document_whole
""",
    """\
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE leads ADD CONSTRAINT ck_leads_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL) OR document_lookup IS NULL AND document_kind = 'household_book')
""",
)

# Where there are such books by then, this fails rather than lose whose they are.
DOWN = (
    "ALTER TABLE leads DROP CONSTRAINT ck_leads_document_whole",
    """\
ALTER TABLE leads ADD CONSTRAINT ck_leads_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL))
""",
    "ALTER TABLE arrivals DROP CONSTRAINT ck_arrivals_document_whole",
    """\
ALTER TABLE arrivals ADD CONSTRAINT ck_arrivals_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL))
""",
    "ALTER TABLE residents DROP CONSTRAINT ck_residents_document_whole",
    """\
ALTER TABLE residents ADD CONSTRAINT ck_residents_document_whole CHECK ((document_sealed IS NULL) = (document_lookup IS NULL))
""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
