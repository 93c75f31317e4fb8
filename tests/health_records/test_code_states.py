"""Code states as systems tell them: kept in any order, current by their order at the source."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.records import Outcome, new_id
from api.health_records.code_states import CodeStateTold, keep_code_states
from api.health_records.models import CodeState
from api.health_records.standing import standing_of
from tests.builders import a_household
from tests.cast import TOWNSHIP, Town, id_of

HOUSE = Entry.for_the_house(TOWNSHIP)


@dataclass(frozen=True)
class Machine:
    """Another system, as the record of who did what names it."""

    worker: UUID
    post: UUID
    session: UUID


GUI = Machine(id_of("gui"), id_of("gui"), id_of("gui's key"))


@pytest.fixture
async def person(town: Town) -> UUID:
    home = await a_household(await town.as_("lin"), grid="t.01.01.01")
    return UUID(home["residents"][0]["id"])


def told(person: UUID, state: CodeState, *, hours: float = 0, **more: object) -> CodeStateTold:
    """A state that holds since so many hours ago, fetched just now."""
    since = clock.now() - timedelta(hours=hours)
    said = CodeStateTold(
        id=new_id(),
        resident_id=person,
        system="guikangma",
        state=state,
        changed_at=since,
        fetched_at=clock.now(),
    )
    return replace(said, **more)  # pyright: ignore[reportArgumentType]


async def keep(town: Town, *said: CodeStateTold) -> list[Outcome]:
    async with town.database.connection(HOUSE) as door:
        outcomes = await keep_code_states(door, GUI, said)
    return [each.outcome for each in outcomes]


async def current(town: Town, person: UUID, at: datetime | None = None) -> CodeState | None:
    async with town.database.session(HOUSE) as session:
        standing = (await standing_of(session, [person], at or clock.now()))[person]
    return standing.code and standing.code.state


async def alerts(town: Town, person: UUID) -> list[str]:
    lin = await town.as_("lin")
    found = (await lin.get("/v1/alerts", params={"resident_id": str(person)})).json()["items"]
    return [each["cause"] for each in found]


async def test_an_older_state_that_comes_late_overwrites_nothing(town: Town, person: UUID):
    newer, older = told(person, CodeState.yellow, hours=1), told(person, CodeState.green, hours=5)
    assert await keep(town, newer) == [Outcome.created]
    assert await keep(town, older) == [Outcome.created]
    assert await current(town, person) is CodeState.yellow


async def test_a_red_state_opens_one_alert_and_green_again_closes_none(town: Town, person: UUID):
    red = told(person, CodeState.red, hours=2)
    assert await keep(town, red) == [Outcome.created]
    assert await alerts(town, person) == ["red_code"]
    assert await keep(town, red, replace(red, id=new_id())) == [Outcome.unchanged, Outcome.created]
    assert await keep(town, told(person, CodeState.green)) == [Outcome.created]
    assert await alerts(town, person) == ["red_code"]
    assert await current(town, person) is CodeState.green


async def test_a_red_state_that_was_over_before_it_was_told_alarms_nobody(town: Town, person: UUID):
    green, red = told(person, CodeState.green, hours=1), told(person, CodeState.red, hours=9)
    assert await keep(town, red, green) == [Outcome.created] * 2
    assert await alerts(town, person) == []


async def test_what_is_unavailable_takes_the_place_of_nothing_that_holds(town: Town, person: UUID):
    asked = told(person, CodeState.yellow, hours=1)
    await keep(town, asked, told(person, CodeState.unavailable))
    assert await current(town, person) is CodeState.yellow
    later = clock.now() + timedelta(hours=30)
    assert await current(town, person, later) is CodeState.unavailable
