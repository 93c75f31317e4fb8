"""Reading arrivals: who is expected, who has come, who waits for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.arrivals.models import PRESENT, Arrival, ArrivalStatus, Classification
from api.arrivals.rules import driver_of, keep_list
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.queries import below_grid
from api.protocols.models import ExposureClass, RiskLevel
from api.registry.models import Resident

UNCONCERNED = (ExposureClass.returnee, ExposureClass.other)
"""Who is of no concern unless they come from a risk area; everybody else is for what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which arrivals are listed; None does not narrow."""

    status: ArrivalStatus | None
    expected_on: date | None
    risk_level: RiskLevel | None
    grid_id: UUID | None
    household_id: UUID | None
    resident_id: UUID | None
    party_id: UUID | None
    overdue: bool | None
    awaits_decision: bool | None


async def arrival_of(session: AsyncSession, arrival_id: UUID) -> Arrival:
    """An arrival in sight; raises `NotFound`."""
    arrival = await session.get(Arrival, arrival_id)
    if arrival is None:
        raise NotFound(_UNSEEN)
    return arrival


_UNSEEN = "没有找到该返（来）乡登记，或不在您的网格范围内。"


async def locked(session: AsyncSession, arrival_id: UUID) -> Arrival:
    """The same, locked until the transaction ends: steps of one arrival follow one another."""
    await keep_list(await driver_of(session))
    # Whoever is signed out is locked before what ends with that: so are they here.
    whose = select(Resident.id).join(Arrival, col(Arrival.resident_id) == Resident.id)
    by_id = whose.where(col(Arrival.id) == arrival_id)
    await session.execute(by_id.with_for_update(of=Resident, key_share=True))
    statement = select(Arrival).where(col(Arrival.id) == arrival_id).with_for_update()
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    arrival = found.one_or_none()
    if arrival is None:
        raise NotFound(_UNSEEN)
    return arrival


def is_overdue(arrival: Arrival, today: date) -> bool:
    """Expected on a day that is over, and not reported as come."""
    expected = arrival.status is ArrivalStatus.expected
    return expected and arrival.expected_on is not None and arrival.expected_on < today


def _overdue(today: date) -> ColumnElement[bool]:
    return and_(
        col(Arrival.status) == ArrivalStatus.expected, col(Arrival.expected_on) < today
    ).is_(True)


def awaits_decision(arrival: Arrival) -> bool:
    """Known for who it is, of concern, and nobody has decided of how it is classed now.

    Who was decided of and is of no concern any more waits as well: nothing changes silently.
    """
    concerns = (
        arrival.risk_level is not RiskLevel.none
        or arrival.exposure_class not in UNCONCERNED
        or arrival.decided_classification_id is not None
    )
    decided = arrival.decided_classification_id == arrival.classification_id
    return arrival.status is ArrivalStatus.verified and concerns and not decided


def awaiting() -> ColumnElement[bool]:
    """The same as a condition."""
    return and_(
        col(Arrival.status) == ArrivalStatus.verified,
        or_(
            col(Arrival.risk_level) != RiskLevel.none,
            col(Arrival.exposure_class).not_in(UNCONCERNED),
            col(Arrival.decided_classification_id).is_not(None),
        ),
        col(Arrival.decided_classification_id).is_distinct_from(col(Arrival.classification_id)),
    )


def differs_from_plan(arrival: Arrival) -> bool:
    """Under a plan that was confirmed of another classification than the one that stands now."""
    decided = arrival.decided_classification_id == arrival.classification_id
    return arrival.status in PRESENT and arrival.quarantine_id is not None and not decided


async def page_of_arrivals(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[Arrival]:
    """Arrivals in reach, the latest recorded first; raises `NotFound` for a grid unseen."""
    below = await below_grid(session, wanted.grid_id, col(Arrival.reach), pointer="/query/grid_id")
    statement = select(Arrival).where(*below)
    for name in ("status", "expected_on", "risk_level", "household_id", "resident_id", "party_id"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(Arrival, name) == value)
    if wanted.overdue is not None:
        statement = statement.where(_overdue(clock.today()).is_(wanted.overdue))
    if wanted.awaits_decision is not None:
        statement = statement.where(awaiting().is_(wanted.awaits_decision))
    return await read_page(
        session, statement, [col(Arrival.id)], page, present=_itself, descending=True
    )


def _itself(arrival: Arrival) -> Arrival:
    return arrival


async def classifications_of(session: AsyncSession, arrival_id: UUID) -> Sequence[Classification]:
    """How an arrival was classed, the latest first."""
    statement = (
        select(Classification)
        .where(col(Classification.arrival_id) == arrival_id)
        .order_by(col(Classification.at).desc(), col(Classification.id).desc())
    )
    return (await session.scalars(statement)).all()


async def companions_of(session: AsyncSession, arrival: Arrival) -> Sequence[Arrival]:
    """Who travels with somebody, as far as they are in reach."""
    if arrival.party_id is None:
        return []
    statement = select(Arrival).where(
        col(Arrival.party_id) == arrival.party_id, col(Arrival.id) != arrival.id
    )
    return (await session.scalars(statement.order_by(col(Arrival.id)))).all()
