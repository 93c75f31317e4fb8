"""A person of whom everything is kept, and a system that may read it."""

from typing import Any

import httpx
import pytest

from tests.builders import a_household, synthetic_resident
from tests.cast import Town, grid_id
from tests.machines import a_machine
from tests.place import Hands, a_home, a_place, township_rules


@pytest.fixture(scope="module")
async def first(town: Town) -> dict[str, Any]:
    """A person of the first group of Liu village of whom everything is kept, and one next door."""
    await township_rules(await town.as_("zhou"))
    lin = await town.as_("lin")
    home = await a_home(lin, grid=grid_id("t.01.01.01"))
    known = await a_place(await Hands.of(town), home, team=("ming", "pang", "lin", "shan"))
    person = home["residents"][0]
    wei = await town.as_("wei")
    await a_household(wei, grid=grid_id("t.01.02.01"), residents=[synthetic_resident()])
    return {"person": person, **known}


@pytest.fixture
async def machine(town: Town, first: dict[str, Any]) -> httpx.AsyncClient:
    return await a_machine(town, "fhir:read", "persons:identify")
