"""Whatever a room tells of has a name that the contract knows, with a Chinese label."""

import re
from pathlib import Path

import pytest

from api.live.schemas import EventKind

HOUSE = Path(__file__).parents[2]
TOLD = re.compile(r"""(?<![\w.])tell(?:_all)?\(\s*(?:[\w.]+,\s*)?["']([a-z_]+\.[a-z_]+)["']""")
SOURCES = [
    path
    for folder in ("api", "alembic/versions/cell")
    for path in sorted((HOUSE / folder).rglob("*.py"))
]


@pytest.mark.parametrize("kind", EventKind)
def test_a_kind_fits_its_column_and_has_a_label(kind: EventKind):
    assert len(kind.value) <= 40
    assert any("一" <= character <= "鿿" for character in kind.label)


def test_every_kind_that_is_told_is_one_that_the_contract_knows():
    told = {
        (kind, path.relative_to(HOUSE).as_posix())
        for path in SOURCES
        for kind in TOLD.findall(path.read_text("utf-8"))
    }
    assert told, "some room tells something"
    assert [each for each in sorted(told) if each[0] not in EventKind.labels()] == []
