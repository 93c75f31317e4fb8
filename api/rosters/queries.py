"""Reading rosters: who is on duty, and when nobody is."""

from datetime import date, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import former
from api.grids.queries import ids_within, lying_in
from api.rosters.hours import Span, uncovered
from api.rosters.models import DutyShift
from api.rosters.places import place_of
from api.rosters.schemas import (
    Gap,
    Gaps,
    RosterShortages,
    ShiftHistory,
    ShiftRead,
    ShiftRevision,
)
from api.rosters.staffing import Wanted, short_places


class ShiftFilter(BaseModel):
    """Which shifts are wanted; what is left out does not narrow."""

    place_id: UUID | None = None
    worker_id: UUID | None = None
    grid_id: UUID | None = None
    day: date | None = None
    discarded: bool = False


async def shift_of(
    session: AsyncSession, shift_id: UUID, *, pointer: str | None = None
) -> DutyShift:
    """The shift; raises `NotFound`."""
    shift = await session.get(DutyShift, shift_id)
    if shift is None:
        raise NotFound("没有找到该班次，或不在您的网格范围内。", pointer=pointer)
    return shift


async def shifts(session: AsyncSession, wanted: ShiftFilter, page: PageRequest) -> Page[ShiftRead]:
    """Shifts in the order in which they begin; one over midnight belongs to both its days."""
    taken_off = col(DutyShift.discarded_at)
    statement = select(DutyShift).where(
        taken_off.is_not(None) if wanted.discarded else taken_off.is_(None),
        *await lying_in(session, col(DutyShift.grid_id), wanted.grid_id),
    )
    for name in ("place_id", "worker_id"):
        value: UUID | None = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(DutyShift, name)) == value)
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        statement = statement.where(
            col(DutyShift.starts_at) < ends, col(DutyShift.ends_at) > begins
        )
    keys = [col(DutyShift.starts_at), col(DutyShift.id)]
    return await read_page(session, statement, keys, page, present=ShiftRead.model_validate)


async def shift_history(session: AsyncSession, shift_id: UUID) -> ShiftHistory:
    """What was said of a shift before each change, oldest first; raises `NotFound`."""
    shift = await shift_of(session, shift_id)
    return ShiftHistory(
        items=[
            ShiftRevision(shift=ShiftRead.model_validate(said), **replaced)
            for said, replaced in await former(session, shift)
        ]
    )


async def gaps(session: AsyncSession, place_id: UUID, *, since: datetime, until: datetime) -> Gaps:
    """When nobody is on duty at a place while it is open, or too few; raises `NotFound`."""
    place = (await place_of(session, place_id)).place
    whole = Span(max(since, place.opened_at), min(until, place.closed_at or until))
    held = await session.execute(
        select(col(DutyShift.starts_at), col(DutyShift.ends_at)).where(
            col(DutyShift.place_id) == place_id,
            col(DutyShift.discarded_at).is_(None),
            col(DutyShift.starts_at) < until,
            col(DutyShift.ends_at) > since,
        )
    )
    left = uncovered([Span(*row) for row in held], whole) if whole.minutes > 0 else []
    told = [Gap(starts_at=g.starts_at, ends_at=g.ends_at, minutes=g.minutes) for g in left]
    short = await short_places(session, Wanted(Span(since, until), place_id=place_id))
    return Gaps(
        items=told,
        minutes=sum(each.minutes for each in told),
        short=[each for place in short for each in place.short],
    )


async def shortages(
    session: AsyncSession, first: date, days: int, grid_id: UUID | None
) -> RosterShortages:
    """Which places in reach are short of whom on so many days from the first."""
    last = first + timedelta(days=days - 1)
    whole = Span(clock.day_bounds(first)[0], clock.day_bounds(last)[1])
    grids = None if grid_id is None else await ids_within(session, grid_id)
    items = await short_places(session, Wanted(whole, grids=grids))
    return RosterShortages(from_on=first, to_on=last, items=items)
