"""Putting a call right, or letting it count no more: openly, and the former version is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_corrected, evidence_discarded
from api.care.models import CareCall
from api.care.problems import CallDiscarded
from api.care.queries import NOTE, call_of
from api.care.schemas import CareCallCorrect, CareCallDiscard
from api.care.service import kind_of, refuse_hearsay, sound
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import refuse_the_future
from api.quarantines.models import Quarantine
from api.quarantines.queries import quarantine_of, sealed


async def correct_call(
    session: AsyncSession, caller: Claims, call_id: UUID, said: CareCallCorrect, *, version: int
) -> CareCall:
    """Put right what was told of a call; symptoms that it turns out to tell of go upward at once.

    Raises `NotFound`, `CallDiscarded`, `NotAColleague`, `RecordedInTheFuture`, `CallOutOfPeriod`,
    `VersionMismatch`, and `InvalidInput` where nothing is to be put right or it would not hold.
    """
    call = await _standing(session, call_id)
    quarantine = await quarantine_of(session, call.quarantine_id)
    changes = await _changes(session, quarantine, call, said)
    await correct(session, call, changes, Correction(version, by=caller.worker, reason=said.reason))
    shows = [""] if call.symptoms else []
    await evidence_corrected(session, EvidenceKind.call, call.id, shows=shows)
    await sound(session, caller, quarantine, call)
    fields = {"fields": sorted(said.model_fields_set - {"reason"})}
    audit(session, caller, "calls.correct", subject=call.id, reach=call.reach, details=fields)
    return call


async def discard_call(
    session: AsyncSession, caller: Claims, call_id: UUID, said: CareCallDiscard, *, version: int
) -> CareCall:
    """Let a call count no more; it and an alert that it opened stay on record.

    Raises `NotFound`, `CallDiscarded`, `VersionMismatch`.
    """
    call = await _standing(session, call_id)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, call, {"discarded_at": clock.now()}, correction)
    await evidence_discarded(session, EvidenceKind.call, call.id)
    audit(session, caller, "calls.discard", subject=call.id, reach=call.reach)
    return call


async def _standing(session: AsyncSession, call_id: UUID) -> CareCall:
    call = await call_of(session, call_id)
    if call.discarded_at is not None:
        raise CallDiscarded
    return call


async def _changes(
    session: AsyncSession, quarantine: Quarantine, call: CareCall, said: CareCallCorrect
) -> dict[str, Any]:
    """The columns that change, with their new values; what stays must still fit them."""
    told = told_in(said)
    if "performed_by" in told and await strangers(session, {said.performed_by}):
        raise NotAColleague
    changes = said.model_dump(include=told - {"note"})
    refuse_hearsay({**call.model_dump(), **changes})
    if told & {"kind", "called_at"}:
        called_at = changes.get("called_at", call.called_at)
        refuse_the_future(called_at, pointer="/body/called_at")
        changes["day"] = clock.local_day(called_at)
        changes["kind"] = kind_of(quarantine, changes["day"], changes.get("kind", call.kind))
    if "note" in told:
        changes["note_sealed"] = sealed(session, said.note, context=NOTE)
    return changes
