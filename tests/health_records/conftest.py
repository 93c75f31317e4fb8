"""Somebody of 柳村一组 of whose health nothing is known yet, and when it was that something was."""

from datetime import timedelta

import pytest

from api.foundation import clock
from tests.builders import a_household
from tests.cast import Town


@pytest.fixture
async def person(town: Town) -> str:
    home = await a_household(await town.as_("lin"), grid="t.01.01.01")
    return home["residents"][0]["id"]


def ago(**how_long: float) -> str:
    return (clock.now() - timedelta(**how_long)).isoformat()
