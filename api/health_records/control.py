"""Whom a test concerns beside who was tested: the room of quarantines, a later one, knows.

It registers at import, so that nothing here knows of it:

    @knows_periods
    async def periods(session: AsyncSession, residents: Collection[UUID]) -> Sequence[Period]: ...

    @hears_of_positives
    async def followed(
        session: AsyncSession, caller: Actor, tests: Sequence[DiagnosticTest]
    ) -> None: ...
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor
from api.health_records.models import DiagnosticTest


class Period(NamedTuple):
    """The days for which somebody is under control, both included; `ended_on` None runs on."""

    resident_id: UUID
    quarantine_id: UUID
    started_on: date
    ended_on: date | None

    def __contains__(self, day: object) -> bool:
        return (
            isinstance(day, date)
            and self.started_on <= day
            and (self.ended_on is None or day <= self.ended_on)
        )


Periods = Callable[[AsyncSession, Collection[UUID]], Awaitable[Sequence[Period]]]
"""The periods of these residents, as far as the caller sees them."""

Hearing = Callable[[AsyncSession, Actor, Sequence[DiagnosticTest]], Awaitable[None]]
"""What follows from positive tests, in the transaction in which they are told."""

_periods: list[Periods] = []
_hearings: list[Hearing] = []


def knows_periods(knowing: Periods) -> Periods:
    """Register what knows who is under control and when."""
    _periods.append(knowing)
    return knowing


def hears_of_positives(hearing: Hearing) -> Hearing:
    """Register what follows from positive tests."""
    _hearings.append(hearing)
    return hearing


async def periods_of(session: AsyncSession, residents: Collection[UUID]) -> list[Period]:
    """When these residents are under control, the latest period last."""
    if not residents:
        return []
    found = [each for knowing in _periods for each in await knowing(session, residents)]
    return sorted(found, key=lambda each: (each.started_on, each.quarantine_id))


async def spread(session: AsyncSession, caller: Actor, tests: Sequence[DiagnosticTest]) -> None:
    """Let every room that positive tests concern do what follows from them."""
    for hearing in _hearings if tests else ():
        await hearing(session, caller, tests)
