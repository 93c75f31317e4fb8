"""How many of each role a place needs, and for which hours the roster has fewer.

Each room that has places says here whom they need, as it says in `places` which they are:

    @needing(DutyPlace.checkpoint)
    async def needs_of_checkpoints(session: AsyncSession, wanted: Wanted) -> list[Need]: ...
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from api.rosters.hours import Span
from api.rosters.models import DutyPlace, DutyShift
from api.rosters.schemas import PlaceShort, Shortage


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which time the needs are wanted; of which place or grids, where that is told."""

    whole: Span
    place_id: UUID | None = None
    grids: Collection[UUID] | None = None

    def narrow(self, place: Mapped[UUID], grid: Mapped[UUID]) -> list[ColumnElement[bool]]:
        """What the columns of a place must be."""
        here = [place == self.place_id] if self.place_id is not None else []
        return here + ([grid.in_(self.grids)] if self.grids is not None else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A place, the time for which it needs people, and how many of each role.

    `codes` are other names by which its roster may call a role.
    """

    place_id: UUID
    place_name: str
    span: Span
    staffing: Mapping[str, int]
    codes: Mapping[str, str] = field(default_factory=dict[str, str])

    def within(self, whole: Span) -> Span:
        """The part of its time that lies in another."""
        starts_at = max(self.span.starts_at, whole.starts_at)
        return Span(starts_at, min(self.span.ends_at, whole.ends_at))

    def role(self, said: str | None) -> str | None:
        """The role that a shift is meant for."""
        return said if said is None else self.codes.get(said, said)


Needing = Callable[[AsyncSession, Wanted], Awaitable[Iterable[Need]]]
"""Says what places of its kind need, as far as the caller sees them."""

_needing: dict[DutyPlace, Needing] = {}


def needing(kind: DutyPlace) -> Callable[[Needing], Needing]:
    """Register what says whom the places of a kind need."""

    def register(says: Needing) -> Needing:
        _needing[kind] = says
        return says

    return register


async def short_places(session: AsyncSession, wanted: Wanted) -> list[PlaceShort]:
    """The places that are short of somebody in this time, by name, each with its shortages."""
    places: list[PlaceShort] = []
    for kind, says in _needing.items():
        needs = list(await says(session, wanted))
        shifts = await _shifts(session, {need.place_id for need in needs}, wanted.whole)
        for place_id, those in _by_place(needs).items():
            short = [s for need in those for s in shortages(need, shifts[place_id], wanted.whole)]
            if short:
                short.sort(key=lambda each: (each.starts_at, each.role))
                name = those[0].place_name
                place = {"place_kind": kind, "place_id": place_id, "place_name": name}
                places.append(PlaceShort.model_validate({**place, "short": short}))
    return sorted(places, key=lambda each: (each.place_name, each.place_id))


def _by_place(needs: Iterable[Need]) -> Mapping[UUID, list[Need]]:
    by_place: dict[UUID, list[Need]] = defaultdict(list)
    for need in needs:
        by_place[need.place_id].append(need)
    return by_place


async def _shifts(
    session: AsyncSession, places: Iterable[UUID], whole: Span
) -> Mapping[UUID, Sequence[DutyShift]]:
    """What stands on the roster of these places and meets this time."""
    held = await session.scalars(
        select(DutyShift).where(
            col(DutyShift.place_id).in_(places),
            col(DutyShift.discarded_at).is_(None),
            col(DutyShift.starts_at) < whole.ends_at,
            col(DutyShift.ends_at) > whole.starts_at,
        )
    )
    by_place: dict[UUID, list[DutyShift]] = defaultdict(list)
    for shift in held:
        by_place[shift.place_id].append(shift)
    return by_place


def shortages(need: Need, shifts: Sequence[DutyShift], whole: Span) -> Iterator[Shortage]:
    """For which hours a role is short, from one change of those who have it to the next."""
    span = need.within(whole)
    if span.minutes <= 0:
        return
    for role, needed in need.staffing.items():
        held = [shift for shift in shifts if need.role(shift.role) == role]
        changes = {at for shift in held for at in (shift.starts_at, shift.ends_at)}
        inside = {at for at in changes if span.starts_at < at < span.ends_at}
        for hours in pairwise(sorted({span.starts_at, span.ends_at} | inside)):
            there = [each for each in held if each.starts_at <= hours[0] < each.ends_at]
            if len(there) < needed:
                yield _shortage(Span(*hours), role, needed, there)


def _shortage(hours: Span, role: str, needed: int, there: Sequence[DutyShift]) -> Shortage:
    return Shortage(
        starts_at=hours.starts_at,
        ends_at=hours.ends_at,
        minutes=hours.minutes,
        role=role,
        needed=needed,
        there=len(there),
        missing=needed - len(there),
        shift_ids=sorted(each.id for each in there),
    )
