"""Putting right what a lead said as it came; what it said before is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.identity import birth_date_of, document_lookup, sex_of
from api.foundation.live import About, tell_all
from api.foundation.problems import InvalidInput, VersionMismatch
from api.foundation.sealed import Keyring
from api.leads.correction_schemas import LeadCorrect
from api.leads.deadlines import refuse_odd_deadline
from api.leads.doubles import look_again, undecided_doubles
from api.leads.ground import numbers_of
from api.leads.lateness import no_longer_late
from api.leads.masked import plain_of
from api.leads.models import ANSWERED, OPEN, Lead, LeadStatus
from api.leads.problems import LeadDiscarded, LeadNotSo
from api.leads.queries import batch_of_entry, lead_of, leads_locked
from api.leads.receiving import AS_TOLD, NOBODY, ONE_AT_A_TIME, path_of
from api.leads.rematching import Anew, assignment, keep_beside, match_anew
from api.registry.drafts import sealed
from api.registry.resident_schemas import telling_number

_PLAIN = AS_TOLD - {"row_number", "document_kind"}
"""What is kept just as it is told, and may be told anew by itself."""

_WHO = {"name", "sex", "birth_date", "age", "document_kind", "document", "phone", "address"}
"""What a lead is matched by."""


async def correct_lead(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadCorrect, *, version: int
) -> Lead:
    """Put a lead right; who it tells of is matched anew while it is still being verified.

    Raises `NotFound`, `OutsideYourGrid`, `LeadDiscarded`, `LeadNotSo` for one that was reviewed,
    `VersionMismatch`, and `InvalidInput` where nothing is put right or nobody is told of any more.
    """
    batch = await batch_of_entry(session, await lead_of(session, lead_id))
    await session.execute(ONE_AT_A_TIME)
    changes = _changes(keyring_of(session), said)
    doubles = await undecided_doubles(session, [lead_id], numbers_of(Lead(**changes)))
    lead = (await leads_locked(session, {lead_id} | doubles))[lead_id]
    _refuse(session, lead, said, version=version)
    if "deadline_at" in changes:
        refuse_odd_deadline(changes["deadline_at"], batch.issued_at, pointer="/body/deadline_at")
    former, says = Lead(**lead.model_dump()), Lead(**lead.model_dump() | changes)
    if says.name is None and not numbers_of(says):
        raise InvalidInput(NOBODY, pointer="/body/name")
    anew = Anew()
    if lead.status in OPEN and said.model_fields_set & _WHO:
        anew = await match_anew(session, batch, former, says)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, lead, changes | anew.changes, correction)
    await keep_beside(session, lead, anew, assignment(former, anew, said.reason))
    await look_again(session, caller, doubles)
    await _follow(session, caller, former, lead, said)
    return lead


def _refuse(session: AsyncSession, lead: Lead, said: LeadCorrect, *, version: int) -> None:
    if lead.discarded_at is not None:
        raise LeadDiscarded
    if lead.status in (LeadStatus.reviewed, *ANSWERED):
        detail = "该线索的结论已经审核，不能再更正。"
        raise LeadNotSo(detail, lead_status=lead.status)
    if lead.version != version:
        raise VersionMismatch(version=lead.version)
    told_in(said)
    _refuse_contradiction(session, lead, said)


def _changes(keyring: Keyring, said: LeadCorrect) -> dict[str, Any]:
    """The columns that a correction changes."""
    told = said.model_fields_set
    changes: dict[str, Any] = {name: getattr(said, name) for name in told & _PLAIN}
    if told & {"document", "document_kind"}:
        number = said.document
        changes["document_kind"] = said.document_kind
        changes["document_sealed"] = sealed(keyring, number, context="leads.document")
        changes["document_lookup"] = document_lookup(keyring, said.document_kind, number)
        tells = {"sex": said.sex, "birth_date": said.birth_date}
        changes |= {name: value for name, value in tells.items() if value is not None}
    if "phone" in told:
        changes["phone_sealed"] = sealed(keyring, said.phone, context="leads.phone")
        changes["phone_lookup"] = said.phone and keyring.lookup(said.phone, context="phone")
    for name in told & {"address", "claim"}:
        changes[f"{name}_sealed"] = sealed(keyring, getattr(said, name), context=f"leads.{name}")
    if "deadline_at" in told:
        changes |= {"deadline_at": said.deadline_at, "late_told_at": None}
    return changes


def _refuse_contradiction(session: AsyncSession, lead: Lead, said: LeadCorrect) -> None:
    """A birth date or sex alone must agree with the identity number that is kept."""
    told = said.model_fields_set
    document = plain_of(keyring_of(session), lead).document
    number = telling_number(lead.document_kind, document)
    if number is None or told & {"document", "document_kind"}:
        return
    if "birth_date" in told and said.birth_date != birth_date_of(number):
        raise InvalidInput("出生日期与线索的身份证号不一致，请核对。", pointer="/body/birth_date")
    if "sex" in told and said.sex is not sex_of(number):
        raise InvalidInput("性别与线索的身份证号不一致，请核对。", pointer="/body/sex")


async def _follow(
    session: AsyncSession, caller: Claims, former: Lead, lead: Lead, said: LeadCorrect
) -> None:
    """What is put on record of a correction, and who is told of it."""
    fields = sorted(said.model_fields_set - {"reason"})
    details = {"fields": fields}
    audit(session, caller, "leads.correct", subject=lead.id, reach=lead.reach, details=details)
    if "deadline_at" in fields:
        await no_longer_late(session, lead.deadline_at, [lead.id])
    grids = {each.grid_id: path_of(each) for each in (former, lead)}
    about = [About(lead.batch_id, path, grid=grid) for grid, path in grids.items()]
    await tell_all(session, "duties.changed", about)
