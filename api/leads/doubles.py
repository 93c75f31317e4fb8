"""Which leads tell of one person, looked at again once an earlier one is corrected or discarded."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor
from api.foundation.corrections import Correction, correct
from api.leads.ground import numbers_of, sharing
from api.leads.matching import first_of
from api.leads.models import ANSWERED, Doubled, Lead
from api.leads.queries import leads_locked

_WHY = "所指的线索已更正或作废"


async def undecided_doubles(
    session: AsyncSession, earlier: Collection[UUID], numbers: Collection[bytes]
) -> set[UUID]:
    """The leads proposed as doubles of these, or that may be by these numbers."""
    statement = select(col(Lead.id)).where(
        or_(
            col(Lead.duplicate_of_id).in_(earlier),
            col(Lead.document_lookup).in_(numbers),
            col(Lead.phone_lookup).in_(numbers),
        ),
        or_(col(Lead.duplicate).is_(None), col(Lead.duplicate) == Doubled.proposed),
        col(Lead.status).not_in(ANSWERED),
        col(Lead.discarded_at).is_(None),
        col(Lead.id).not_in(earlier),
    )
    return set(await session.scalars(statement))


async def look_again(session: AsyncSession, caller: Actor, ids: Collection[UUID]) -> None:
    """Propose anew, or no more, of which earlier lead each of these is the double.

    In the order in which they came, so that all point to the first. Locked by the caller already.
    """
    again = (await leads_locked(session, ids)).values()
    for lead in sorted(again, key=_came):
        earlier = await first_before(session, lead)
        if lead.duplicate_of_id != (earlier and earlier.id):
            correction = Correction(lead.version, by=caller.worker, reason=_WHY)
            await correct(session, lead, doubled(earlier), correction)


async def first_before(session: AsyncSession, lead: Lead) -> Lead | None:
    """The first of the leads that came before this one and tell of the same person."""
    found = await sharing(session, set(numbers_of(lead)))
    return first_of(lead, [each for each in found if _came(each) < _came(lead)])


def doubled(earlier: Lead | None) -> dict[str, object]:
    """What a lead says of its double, proposed or none."""
    if earlier is None:
        return {"duplicate_of_id": None, "duplicate": None}
    return {"duplicate_of_id": earlier.id, "duplicate": Doubled.proposed}


def _came(lead: Lead) -> tuple[datetime, UUID]:
    return lead.received_at, lead.id
