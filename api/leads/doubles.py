"""Which leads tell of one person, looked at again once an earlier one is corrected or discarded."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from api.access.audit import Actor
from api.leads.assigning import remember
from api.leads.ground import numbers_of, sharing
from api.leads.matching import first_of
from api.leads.models import ANSWERED, Doubled, Lead
from api.leads.queries import among, leads_locked

_WHY = "所指的线索已更正或作废"


async def undecided_doubles(
    session: AsyncSession, earlier: Collection[UUID], numbers: Collection[bytes]
) -> set[UUID]:
    """The leads proposed as doubles of these, or that may be by these numbers."""
    statement = select(col(Lead.id)).where(
        or_(
            among(col(Lead.duplicate_of_id), earlier),
            among(col(Lead.document_lookup), numbers),
            among(col(Lead.phone_lookup), numbers),
        ),
        or_(col(Lead.duplicate).is_(None), col(Lead.duplicate) == Doubled.proposed),
        col(Lead.status).not_in(ANSWERED),
        col(Lead.discarded_at).is_(None),
        ~among(col(Lead.id), earlier),
    )
    return set(await session.scalars(statement))


async def look_again(session: AsyncSession, caller: Actor, ids: Collection[UUID]) -> None:
    """Propose anew, or no more, of which earlier lead each of these is the double.

    In the order in which they came, so that all point to the first, and all at once: a batch that
    is taken back may have had thousands. Locked by the caller already.
    """
    again = sorted((await leads_locked(session, ids)).values(), key=_came)
    known = await _by_number(session, again)
    anew = [lead for lead in again if _points_anew(lead, known)]
    if anew:
        await remember(session, caller, [lead.id for lead in anew], reason=_WHY)
        await session.execute(_POINTED, _pointing(anew))


_POINTED = text("""
    UPDATE leads AS l SET duplicate_of_id = p.earlier, duplicate = p.duplicate,
        version = l.version + 1, changed_xid = pg_current_xact_id()
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:earlier AS uuid[]), CAST(:duplicates AS text[])
    ) AS p (id, earlier, duplicate)
    WHERE l.id = p.id
""")


def _pointing(leads: Sequence[Lead]) -> Mapping[str, Any]:
    return {
        "ids": [lead.id for lead in leads],
        "earlier": [lead.duplicate_of_id for lead in leads],
        "duplicates": [lead.duplicate for lead in leads],
    }


async def _by_number(session: AsyncSession, leads: Sequence[Lead]) -> Mapping[bytes, list[Lead]]:
    """All that share a number with one of these, by that number."""
    known: dict[bytes, list[Lead]] = defaultdict(list)
    for other in await sharing(session, {each for lead in leads for each in numbers_of(lead)}):
        for number in numbers_of(other):
            known[number].append(other)
    return known


def _points_anew(lead: Lead, known: Mapping[bytes, list[Lead]]) -> bool:
    """Let a lead point to the first that came before it; whether that is another one."""
    same = [other for number in numbers_of(lead) for other in known[number]]
    earlier = _first_before(lead, same)
    if lead.duplicate_of_id == (earlier and earlier.id):
        return False
    for name, value in {**doubled(earlier), "version": lead.version + 1}.items():
        set_committed_value(lead, name, value)  # one statement writes them all
    return True


async def first_before(session: AsyncSession, lead: Lead) -> Lead | None:
    """The first of the leads that came before this one and tell of the same person."""
    return _first_before(lead, await sharing(session, set(numbers_of(lead))))


def _first_before(lead: Lead, same: Sequence[Lead]) -> Lead | None:
    return first_of(lead, [each for each in same if _came(each) < _came(lead)])


def doubled(earlier: Lead | None) -> dict[str, object]:
    """What a lead says of its double, proposed or none."""
    if earlier is None:
        return {"duplicate_of_id": None, "duplicate": None}
    return {"duplicate_of_id": earlier.id, "duplicate": Doubled.proposed}


def _came(lead: Lead) -> tuple[datetime, UUID]:
    return lead.received_at, lead.id
