"""Entering: the database says where, whatever the token says."""

import pytest
from sqlmodel import col, select

from api.access.caller import entry_of
from api.foundation.database import Entry
from api.foundation.problems import PostingChanged
from api.grids.models import Grid
from tests.cast import TOWNSHIP, Town, grid_id


async def _paths(town: Town, entry: Entry) -> list[str]:
    async with town.database.session(entry) as session:
        return list((await session.scalars(select(Grid.path).order_by(col(Grid.path)))).all())


async def test_without_a_post_nothing_within_reach_is_seen(town: Town):
    assert await _paths(town, Entry.without_reach(TOWNSHIP)) == []


async def test_a_village_secretary_sees_the_village_and_what_lies_below(town: Town):
    lin = town.app.state.keys.tokens.read(await town.token_of("lin"))
    assert await _paths(town, entry_of(lin, writing=False)) == [
        "t.01.01",
        "t.01.01.01",
        "t.01.01.02",
    ]


async def test_a_claim_that_no_longer_holds_is_told_as_posting_changed(town: Town):
    ming = town.app.state.keys.tokens.read(await town.token_of("ming"))
    higher = ming.model_copy(update={"grid": grid_id("t.01.01"), "level": 3})
    with pytest.raises(PostingChanged):
        await _paths(town, entry_of(higher, writing=False))
