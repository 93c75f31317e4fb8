"""Whereabouts that follow from what was done: transfers, referrals and leave write them along."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.records import Source, new_id
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import PlaceKind, Quarantine, Whereabouts
from api.quarantines.problems import WhereaboutsOutOfOrder
from api.quarantines.queries import sealed
from api.quarantines.whereabouts import close_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where a person is from an instant on, and which field of the body told it."""

    kind: WhereaboutsKind
    at: datetime
    pointer: str
    destination: str | None = None


async def entry_now(session: AsyncSession, quarantine_id: UUID) -> Whereabouts | None:
    """The entry that lasts; None for a quarantine that is over."""
    statement = select(Whereabouts).where(
        Whereabouts.quarantine_id == quarantine_id, col(Whereabouts.until_at).is_(None)
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return found.one_or_none()


async def move_to(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, move: Move
) -> None:
    """Begin an entry of whereabouts in the same transaction; nothing where it says so already.

    The quarantine is locked. Raises `WhereaboutsOutOfOrder` at the field that told the time.
    """
    former = await entry_now(session, quarantine.id)
    if former is not None and former.kind is move.kind and move.destination is None:
        return
    if former is not None and move.at < former.since_at:
        since_at = former.since_at.isoformat()
        raise WhereaboutsOutOfOrder(pointer=move.pointer, since_at=since_at)
    await close_entry(session, quarantine.id, at=move.at)
    session.add(_entry(session, caller, quarantine, move))
    await session.flush()


def _entry(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, move: Move
) -> Whereabouts:
    now = clock.now()
    return Whereabouts(
        id=new_id(),
        quarantine_id=quarantine.id,
        reach=quarantine.reach,
        kind=move.kind,
        since_at=move.at,
        destination_sealed=sealed(session, move.destination, context="whereabouts.destination"),
        recorded_at=now,
        received_at=now,
        performed_by=caller.worker,
        entered_by=caller.worker,
        source=Source.visit,
    )


def back_at(quarantine: Quarantine) -> WhereaboutsKind:
    """Where a person is who is back in the place of their quarantine."""
    if quarantine.place_kind is PlaceKind.site:
        return WhereaboutsKind.transferred
    return WhereaboutsKind.at_home


async def bring_back(
    session: AsyncSession,
    caller: Claims,
    quarantine: Quarantine,
    *,
    at: datetime,
    pointer: str,
    unless: Collection[WhereaboutsKind],
) -> None:
    """Let them be in the place of their quarantine again, unless they are elsewhere by now.

    Whom the hospital kept while on leave, or a vehicle fetched, is not back where they left.
    """
    entry = await entry_now(session, quarantine.id)
    if entry is None or entry.kind not in unless:
        move = Move(kind=back_at(quarantine), at=at, pointer=pointer)
        await move_to(session, caller, quarantine, move)
