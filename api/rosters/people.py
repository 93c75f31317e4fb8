"""Who may be rostered, and for which hours they are taken already, wherever that is."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.rosters.hours import Booked, Span

_LOCK_AND_READ = text("SELECT * FROM roster_people(CAST(:named AS uuid[]), :at)")
_TAKEN = text("SELECT * FROM shifts_of(CAST(:named AS uuid[]), :since, :until)")


@dataclass(frozen=True, slots=True)
class People:
    """Colleagues by id with their names, and what each is booked for."""

    names: Mapping[UUID, str]
    booked: Mapping[UUID, list[Booked]]

    def clash(self, worker: UUID, span: Span, *, but: Collection[UUID]) -> Booked | None:
        """The shift of a worker, other than `but`, that meets this span."""
        others = (each for each in self.booked[worker] if each.shift not in but)
        return next((each for each in others if each.meets(span)), None)


async def people(session: AsyncSession, named: Collection[UUID], spans: Sequence[Span]) -> People:
    """These people, locked until the transaction ends; who left or never was is left out.

    The lock comes in a statement of its own: only the next one sees what others have just done.
    """
    if not named:
        return People({}, {})
    told = {"named": list(named), "at": clock.now()}
    names = {row.worker_id: row.name for row in await session.execute(_LOCK_AND_READ, told)}
    since = min(span.starts_at for span in spans)
    until = max(span.ends_at for span in spans)
    booked: dict[UUID, list[Booked]] = defaultdict(list)
    for shift in await held(session, named, since=since, until=until):
        booked[shift.worker].append(Booked(shift.starts_at, shift.ends_at, shift.id))
    return People(names, booked)


@dataclass(frozen=True, slots=True)
class Held:
    """A shift of somebody, and where it lies."""

    id: UUID
    worker: UUID
    starts_at: datetime
    ends_at: datetime
    reach: str


async def held(
    session: AsyncSession, named: Collection[UUID], *, since: datetime, until: datetime
) -> list[Held]:
    """The shifts of these people that meet a time, also beyond the caller's reach."""
    told = {"named": list(named), "since": since, "until": until}
    return [Held(*row) for row in await session.execute(_TAKEN, told)]
