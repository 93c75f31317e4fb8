"""Keyset pages: every row once, whatever the page size; a foreign cursor is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlmodel import col, select

from api.access.caller import entry_of
from api.foundation.pages import PageRequest, decode_cursor, encode_cursor, read_page
from api.foundation.problems import InvalidInput
from api.grids.models import Grid
from tests.cast import GRIDS, Town


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("descending", [False, True])
async def test_the_pages_together_hold_every_row_once(town: Town, limit: int, descending: bool):
    zhou = town.app.state.keys.tokens.read(await town.token_of("zhou"))
    seen: list[str] = []
    cursor = None
    async with town.database.session(entry_of(zhou, writing=False)) as session:
        while True:
            page = await read_page(
                session,
                select(Grid),
                [col(Grid.level), col(Grid.id)],
                PageRequest(limit=limit, cursor=cursor),
                present=lambda grid: grid.path,
                descending=descending,
            )
            seen += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
    assert sorted(seen) == [path for path, *_ in sorted(GRIDS)]
    assert [path.count(".") for path in seen] == sorted(
        (path.count(".") for path in seen), reverse=descending
    )


@given(some.text(max_size=60))
def test_a_cursor_of_another_make_is_told_as_invalid_input(cursor: str):
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, [int, str, str, int])


def test_a_cursor_survives_rare_characters():
    assert decode_cursor(encode_cursor(["𠮷", 3]), [str, int]) == ["𠮷", 3]
