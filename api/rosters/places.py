"""The places that can be manned: each room that has some says here how they are found.

Rooms above the rosters register at import, so that nothing here knows of them:

    @manned(DutyPlace.checkpoint, by=Permission.checkpoints_manage)
    async def manned_checkpoints(session: AsyncSession, wanted: Wanting) -> list[Place]: ...
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.foundation.problems import NotFound, NotPermitted
from api.foundation.records import Versioned
from api.rosters.models import DutyPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody may be on duty: its grid, and the time for which it is open."""

    id: UUID
    name: str
    grid_id: UUID
    reach: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Manned:
    """A place, of what kind it is, and who may arrange duty there."""

    kind: DutyPlace
    place: Place
    by: Permission

    def refuse_unless_arranged_by(self, caller: Claims) -> None:
        """Raise `NotPermitted` for who may not arrange duty at this kind of place."""
        if self.by not in permitted(caller.role, caller.level):
            raise NotPermitted(permission=self.by.value)


T = TypeVar("T", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Wanting:
    """Which places are wanted, and whether they are held as they are for the transaction."""

    ids: Collection[UUID]
    held: bool

    def rows(self, kind: type[T]) -> SelectOfScalar[T]:
        """The rows of a kind of place. Held, whoever closes one waits, or is waited for.

        In one order always, as shifts at several places are told at once.
        """
        statement = select(kind).where(col(kind.id).in_(self.ids)).order_by(col(kind.id))
        return statement.with_for_update(read=True) if self.held else statement


Finder = Callable[[AsyncSession, Wanting], Awaitable[Iterable[Place]]]
"""Finds those of the wanted places that are of its kind and that the caller sees."""

_finders: dict[DutyPlace, tuple[Finder, Permission]] = {}


def manned(kind: DutyPlace, *, by: Permission) -> Callable[[Finder], Finder]:
    """Register what finds the places of a kind, and the permission to arrange duty there."""

    def register(finder: Finder) -> Finder:
        _finders[kind] = finder, by
        return finder

    return register


async def places(
    session: AsyncSession, wanted: Collection[UUID], *, held: bool = False
) -> dict[UUID, Manned]:
    """Those of the wanted places that the caller sees, in one statement for each kind.

    Whoever writes shifts there has them `held`: else one is closed meanwhile, and its roster ended
    without the shift that nobody saw yet.
    """
    found: dict[UUID, Manned] = {}
    for kind, (finder, by) in _finders.items():
        left = set(wanted) - found.keys()
        if left:
            those = await finder(session, Wanting(left, held))
            found |= {place.id: Manned(kind, place, by) for place in those}
    return found


async def place_of(session: AsyncSession, place_id: UUID) -> Manned:
    """One place; raises `NotFound` with a pointer to the query."""
    found = await places(session, [place_id])
    if place_id not in found:
        raise no_such_place("/query/place_id")
    return found[place_id]


def no_such_place(pointer: str) -> NotFound:
    """There is no such place, or the caller does not see it."""
    return NotFound("没有找到该卡点或站点，或不在您的网格范围内。", pointer=pointer)
