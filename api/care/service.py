"""Calls to quarantined and released persons: kept once, symptoms told upward at once (M3.6)."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alert
from api.care.models import CallKind, CallOutcome, CareCall
from api.care.problems import CallOutOfPeriod
from api.care.queries import NOTE, call_of
from api.care.schemas import CallNoteAsk, CareCallRecord
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in
from api.foundation.live import tell
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, RecordDiffers, Source, create_once
from api.quarantines.models import EndReason, Quarantine, QuarantineStatus
from api.quarantines.queries import quarantine_of, sealed
from api.registry.masked import opened

_ONLY_WHEN_REACHED = ("mood", "symptoms", "needs")


async def record_call(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: CareCallRecord
) -> tuple[CareCall, bool]:
    """Keep one call; returns it and whether it is new.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`, `CallOutOfPeriod`,
    `RecordDiffers`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.phone, instants=("called_at",))
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    refuse_hearsay(said.model_dump(include={"outcome", *_ONLY_WHEN_REACHED}))
    quarantine = await quarantine_of(session, quarantine_id)
    row = _row(session, quarantine, said, fields)
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        await sound(session, caller, quarantine, kept)
        await _send_somebody(session, quarantine, kept)
        details = {"kind": kept.kind, "outcome": kept.outcome, "symptoms": len(kept.symptoms)}
        audit(session, caller, "calls.record", subject=kept.id, reach=kept.reach, details=details)
    return kept, created


async def _send_somebody(session: AsyncSession, quarantine: Quarantine, call: CareCall) -> None:
    """Whoever was not reached is to be visited today: their team hears of it now, on its way."""
    if call.outcome is CallOutcome.unreachable:
        about, reach, grid = quarantine.id, quarantine.reach, quarantine.grid_id
        await tell(
            session, "duties.changed", subject=about, reach=reach, grid=grid, quarantine=about
        )


def refuse_hearsay(told: Mapping[str, Any]) -> None:
    """What a person says is known only from one who was reached; raises `InvalidInput`."""
    if told["outcome"] is CallOutcome.reached:
        return
    for name in _ONLY_WHEN_REACHED:
        if told[name]:
            raise InvalidInput("接通才能填写情绪、症状和需求。", pointer=f"/body/{name}")


def _row(
    session: AsyncSession, quarantine: Quarantine, said: CareCallRecord, fields: dict[str, Any]
) -> CareCall:
    called_at = said.called_at or fields["received_at"]
    day = clock.local_day(called_at)
    return CareCall(
        **fields,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        kind=kind_of(quarantine, day, said.kind),
        day=day,
        called_at=called_at,
        outcome=said.outcome,
        mood=said.mood,
        symptoms=[*said.symptoms],
        needs=[*said.needs],
        note_sealed=sealed(session, said.note, context=NOTE),
    )


def kind_of(quarantine: Quarantine, day: date, told: CallKind | None) -> CallKind:
    """What the call is for, as told or as the day says; raises `CallOutOfPeriod`.

    On the day of release both may be: the greeting before it, and a follow-up after it.
    """
    released = quarantine.status is QuarantineStatus.released
    ended_on = quarantine.ended_on
    during = quarantine.started_on <= day and (ended_on is None or day <= ended_on)
    after = released and ended_on is not None and day >= ended_on
    fitting = {CallKind.daily: during, CallKind.follow_up: after}
    kind = told or (CallKind.daily if during else CallKind.follow_up)
    if not fitting[kind] or quarantine.end_reason is EndReason.entered_in_error:
        raise CallOutOfPeriod
    return kind


async def sound(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, call: CareCall
) -> None:
    """Symptoms that a person tells of are told upward in the same transaction."""
    if not call.symptoms:
        return
    await open_alert(
        session,
        Finding(
            cause=Cause.symptom,
            subject_id=call.resident_id,
            grid_id=call.grid_id,
            reach=call.reach,
            kind=EvidenceKind.call,
            record_id=call.id,
            found_at=call.called_at,
            household_id=quarantine.household_id,
            resident_id=call.resident_id,
            quarantine_id=call.quarantine_id,
            told_by=caller.worker,
        ),
    )


async def reveal_note(
    session: AsyncSession, caller: Claims, call_id: UUID, said: CallNoteAsk
) -> str | None:
    """The plain note of a call; who looked, and why, is put on record (M6.6)."""
    call = await call_of(session, call_id)
    details = {"reason": said.reason}
    audit(session, caller, "calls.reveal", subject=call.id, reach=call.reach, details=details)
    return opened(keyring_of(session), call.note_sealed, context=NOTE)
