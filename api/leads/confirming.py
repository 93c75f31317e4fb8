"""What a person decides of a lead: which resident it tells of, and whether it came before."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import new_id
from api.leads.assigning import Giving, Move, give, refuse_outside
from api.leads.masked import only, plain_of
from api.leads.models import (
    ANSWERED,
    AssignedBy,
    Doubled,
    Lead,
    LeadCandidate,
    MatchedBy,
)
from api.leads.problems import LeadDiscarded, LeadNotSo
from api.leads.queries import batch_of, lead_locked, lead_of, leads_locked
from api.leads.receiving import ONE_AT_A_TIME, Placed
from api.leads.schemas import LeadDuplicate, LeadMatch
from api.leads.shown import LeadReveal, LeadRevealed
from api.registry.models import Resident
from api.registry.queries import resident_of


async def match_lead(session: AsyncSession, caller: Actor, lead_id: UUID, said: LeadMatch) -> Lead:
    """Somebody says which resident a lead tells of; it goes where that resident lives.

    Sent twice, done once. Raises `NotFound`, `LeadNotSo`, `GridOutsideBatch`, and
    `OutsideYourGrid` where the lead would leave the caller's grid.
    """
    lead = await lead_locked(session, lead_id)
    resident = await resident_of(session, said.resident_id, pointer="/body/resident_id")
    if lead.resident_id == resident.id:
        return lead
    refuse_answered(lead)
    batch = await batch_of(session, lead.batch_id)
    refuse_outside(batch, resident.reach, pointer="/body/resident_id")
    matched = {
        "resident_id": resident.id,
        "matched_how": MatchedBy.hand,
        "matched_at": clock.now(),
        "matched_by": caller.worker,
    }
    await correct(session, lead, matched, Correction(lead.version, by=caller.worker))
    await _decide(session, caller, lead, resident.id, confirmed=True)
    _note(session, caller, "leads.match", lead)
    if lead.household_id != resident.household_id:
        await give(session, Giving(caller, batch, None), [Move(lead, _home(resident))])
    return lead


def _home(resident: Resident) -> Placed:
    grid, home = resident.grid_id, resident.household_id
    return Placed(grid, resident.reach, AssignedBy.household, home)


async def unmatch_lead(
    session: AsyncSession, caller: Actor, lead_id: UUID, said: LeadMatch
) -> Lead:
    """Somebody says that a lead does not tell of this resident, who was proposed or matched.

    The lead stays where it was given. Sent twice, done once. Raises `NotFound`, `LeadNotSo`.
    """
    lead = await lead_locked(session, lead_id)
    if lead.resident_id == said.resident_id:
        refuse_answered(lead)
        unmatched: dict[str, Any] = dict.fromkeys(_MATCHED)
        await correct(session, lead, unmatched, Correction(lead.version, by=caller.worker))
    await _decide(session, caller, lead, said.resident_id, confirmed=False)
    _note(session, caller, "leads.unmatch", lead)
    return lead


async def _decide(
    session: AsyncSession, caller: Actor, lead: Lead, resident: UUID, *, confirmed: bool
) -> None:
    """Put on record that somebody is, or is not, whom the lead tells of."""
    statement = select(LeadCandidate).where(
        col(LeadCandidate.lead_id) == lead.id, col(LeadCandidate.candidate_id) == resident
    )
    candidate = (await session.scalars(statement)).one_or_none()
    if candidate is None:
        await resident_of(session, resident, pointer="/body/resident_id")
        told: dict[str, Any] = {"lead_id": lead.id, "candidate_id": resident, "score": 0}
        candidate = LeadCandidate(id=new_id(), reach=lead.reach, why=_NAMED, **told)
        session.add(candidate)
    if candidate.confirmed is not confirmed:
        candidate.confirmed = confirmed
        candidate.decided_at, candidate.decided_by = clock.now(), caller.worker
    await session.flush()


_MATCHED = ("resident_id", "matched_how", "matched_at", "matched_by")
_NAMED = "核查人员指明"


async def decide_duplicate(
    session: AsyncSession, caller: Actor, lead_id: UUID, said: LeadDuplicate
) -> Lead:
    """Somebody says whether a lead tells of the person of an earlier one; both stay owed.

    Sent twice, done once. Raises `NotFound`, `LeadDiscarded`, `LeadNotSo`, and `InvalidInput` where
    no earlier lead is known, it is the lead itself, or is answered by this one.
    """
    lead, earlier = await _both(session, lead_id, said.duplicate_of_id)
    decided = Doubled.confirmed if said.is_duplicate else Doubled.refuted
    if (earlier, decided) == (lead.duplicate_of_id, lead.duplicate):
        return lead
    refuse_answered(lead)
    if said.is_duplicate:
        await _refuse_circle(session, lead, earlier)
    changes = {"duplicate_of_id": earlier, "duplicate": decided}
    await correct(session, lead, changes, Correction(lead.version, by=caller.worker))
    _note(session, caller, "leads.duplicate", lead)
    return lead


async def _both(session: AsyncSession, lead_id: UUID, named: UUID | None) -> tuple[Lead, UUID]:
    """A lead, and the earlier one that is named or was proposed, both locked.

    What a duplicate rests on is not discarded meanwhile.
    """
    pointer = "/body/duplicate_of_id"
    proposed = (await lead_of(session, lead_id)).duplicate_of_id
    both = await leads_locked(session, {lead_id, named or proposed or lead_id})
    lead = await lead_locked(session, lead_id)
    earlier = named or lead.duplicate_of_id
    if earlier is None:
        raise InvalidInput("请指明与哪一条线索重复。", pointer=pointer)
    if earlier == lead.id:
        raise InvalidInput("线索不能与自身重复。", pointer=pointer)
    if earlier != lead.duplicate_of_id and earlier not in both:
        raise NotFound("没有找到该线索，或不在您的网格范围内。", pointer=pointer)
    if earlier in both and both[earlier].discarded_at is not None:
        raise LeadDiscarded(pointer=pointer)
    return lead, earlier


_RESTS_ON = text("SELECT lead_rests_on(:earlier, :lead)")


async def _refuse_circle(session: AsyncSession, lead: Lead, earlier: UUID) -> None:
    """Raise `InvalidInput` where the earlier lead is this one's duplicate: nobody would verify any.

    By the owner's right: where the line goes on, perhaps another grid verifies.
    """
    await session.execute(ONE_AT_A_TIME)
    if await session.scalar(_RESTS_ON, {"earlier": earlier, "lead": lead.id}):
        detail = "那一条线索已确认为本条的重复，不能互为重复；请先对那一条作出否定。"
        raise InvalidInput(detail, pointer="/body/duplicate_of_id")


async def reveal_lead(
    session: AsyncSession, caller: Actor, lead_id: UUID, ask: LeadReveal
) -> LeadRevealed:
    """Show what is masked otherwise; who asked, for what and why, is put on record (M6.6)."""
    lead = await lead_of(session, lead_id)
    asked = sorted(set(ask.fields))
    details = {"reason": ask.reason, "fields": asked}
    audit(session, caller, "leads.reveal", subject=lead.id, reach=lead.reach, details=details)
    return only(plain_of(keyring_of(session), lead), asked)


def refuse_answered(lead: Lead) -> None:
    """Raise `LeadNotSo` for a lead that the issuer has its answer to."""
    if lead.status in ANSWERED:
        raise LeadNotSo(lead_status=lead.status)


def _note(session: AsyncSession, caller: Actor, action: str, lead: Lead) -> None:
    audit(session, caller, action, subject=lead.id, reach=lead.reach)
