"""Names are kept as they are compared: 张  三 is 张三, and every dot of a Uyghur name is one.

A name that is sent again as it was kept before is then the same.
"""

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_HAN = "[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_SPACES = "[\\s\u00a0\u2000-\u200a\u3000]"
_DOTS = "[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65.\uff0e]"
_SPREAD = f"({_HAN}){_SPACES}+(?={_HAN})"
_DOTTED = f"({_HAN}){_SPACES}*{_DOTS}{_SPACES}*(?={_HAN})"
_TOGETHER = f"""\
UPDATE {{}}
SET name = regexp_replace(
    regexp_replace(name, '{_SPREAD}', '\\1', 'g'), '{_DOTTED}', '\\1\u00b7', 'g'
)
WHERE name ~ '{_SPREAD}' OR name ~ '{_DOTTED}'
"""

UP = tuple(_TOGETHER.format(table) for table in ("residents", "arrivals", "leads"))

# What was between the characters was never part of the name.
DOWN = ()


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
