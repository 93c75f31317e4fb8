"""Matching a lead that is kept already by the rules of entry; what people decided stays (M2.6).

One that was corrected, or that another township handed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.records import insert_new, new_id
from api.leads.assigning import take_along
from api.leads.doubles import doubled, first_before
from api.leads.ground import survey_again
from api.leads.masked import plain_of
from api.leads.matching import Candidate, Identified, identify
from api.leads.models import (
    AssignedBy,
    Doubled,
    Lead,
    LeadAssignment,
    LeadBatch,
    LeadCandidate,
    LeadStatus,
    MatchedBy,
)
from api.leads.receiving import Placed, path_of, whereto

_BY_PEOPLE = (AssignedBy.hand, AssignedBy.told)


@dataclass(slots=True)
class Anew:
    """What matching anew changes of a lead, and whom it may mean now; None as it was."""

    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    candidates: Sequence[Candidate] | None = None
    placed: Placed | None = None


async def match_anew(session: AsyncSession, batch: LeadBatch, lead: Lead, says: Lead) -> Anew:
    """Whom a corrected lead tells of, whether it is a double, and who is to verify it.

    `says` is the lead as corrected. A match and a grid that somebody chose stay, and any grid stays
    once somebody there has begun.
    """
    ground = await survey_again(session, batch, says)
    earlier = await first_before(session, says)
    anew = Anew()
    if lead.duplicate in (None, Doubled.proposed):
        anew.changes |= doubled(earlier)
    elif lead.duplicate_of_id is not None:
        earlier = await session.get(Lead, lead.duplicate_of_id)
    if lead.matched_how is MatchedBy.hand:
        return anew
    named = ground.places.named_in(plain_of(ground.keyring, says).address)
    found = identify(says, ground.alike(says), named=named, today=clock.today())
    if found.resident is not None and found.resident.id in await _ruled_out(session, lead):
        found = Identified(None, None, ())
    anew.candidates = found.candidates
    anew.changes |= _matched(lead, found)
    if lead.status is LeadStatus.contacting or lead.assigned_how in _BY_PEOPLE:
        anew.changes |= _stays(lead, found)
    else:
        anew.placed = whereto(ground, says, found, earlier, named)
        anew.changes |= _moves(lead, batch, anew.placed)
    return anew


async def _ruled_out(session: AsyncSession, lead: Lead) -> set[UUID]:
    """The residents of whom somebody said that the lead does not mean them."""
    statement = select(col(LeadCandidate.candidate_id)).where(
        col(LeadCandidate.lead_id) == lead.id, col(LeadCandidate.confirmed).is_(False)
    )
    return set(await session.scalars(statement))


def _matched(lead: Lead, found: Identified) -> dict[str, Any]:
    who = found.resident and found.resident.id
    if (lead.resident_id, lead.matched_how) == (who, found.how):
        return {}
    at = None if who is None else clock.now()
    return {"resident_id": who, "matched_how": found.how, "matched_at": at, "matched_by": None}


def _stays(lead: Lead, found: Identified) -> dict[str, Any]:
    """Who verifies it goes on; the household is that of somebody else, if the match is another."""
    who = found.resident
    if lead.household_id is None or lead.resident_id == (who and who.id):
        return {}
    if who is not None and who.household_id == lead.household_id:
        return {}
    return {"household_id": None, "reach": path_of(lead)}


def _moves(lead: Lead, batch: LeadBatch, placed: Placed | None) -> dict[str, Any]:
    """Where it is given now; where nothing says so, back to the desk that received the batch."""
    if placed is None:
        given = dict.fromkeys(("household_id", "assigned_how", "assigned_at", "assigned_by"))
        return {
            **given,
            "grid_id": batch.grid_id,
            "reach": batch.reach,
            "status": LeadStatus.imported,
        }
    where = {
        "grid_id": placed.grid,
        "reach": placed.reach,
        "household_id": placed.household,
        "assigned_how": placed.how,
    }
    if not goes(lead, placed):
        return where
    now = {"assigned_at": clock.now(), "assigned_by": None, "status": LeadStatus.assigned}
    return where | now


def goes(lead: Lead, placed: Placed) -> bool:
    """Whether a lead, as it was, is given to another grid, or to one for the first time."""
    return lead.assigned_at is None or lead.grid_id != placed.grid


def assignment(former: Lead, anew: Anew, reason: str | None) -> LeadAssignment | None:
    """That a lead was given to another grid; nobody in particular gave it."""
    placed = anew.placed
    if placed is None or not goes(former, placed):
        return None
    return LeadAssignment(
        id=new_id(),
        reach=placed.reach,
        lead_id=former.id,
        from_grid_id=former.grid_id,
        to_grid_id=placed.grid,
        how=placed.how,
        at=clock.now(),
        reason=reason,
    )


async def keep_beside(
    session: AsyncSession, lead: Lead, anew: Anew, given: LeadAssignment | None
) -> None:
    """Keep what is kept beside a lead as it is now: whom it may mean, and where it was given."""
    if anew.candidates is not None:
        await _propose(session, lead, anew.candidates)
    if given is not None:
        await insert_new(session, [given])
    if "reach" in anew.changes:
        await take_along(session, [lead.id])


async def _propose(session: AsyncSession, lead: Lead, candidates: Sequence[Candidate]) -> None:
    """Show these residents instead of the former ones; whom somebody decided on stays decided."""
    of_lead = col(LeadCandidate.lead_id) == lead.id
    undecided = delete(LeadCandidate).where(of_lead, col(LeadCandidate.confirmed).is_(None))
    await session.execute(undecided, execution_options={"synchronize_session": False})
    decided = set(await session.scalars(select(col(LeadCandidate.candidate_id)).where(of_lead)))
    rows = [
        LeadCandidate(
            id=new_id(),
            reach=lead.reach,
            lead_id=lead.id,
            candidate_id=each.resident.id,
            score=each.score,
            why=each.why,
        )
        for each in candidates
        if each.resident.id not in decided
    ]
    await insert_new(session, rows)
