"""Verifying a lead: attempts to reach the person, the four answers, the outcome (M2.6)."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alert
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import CLOCK_SKEW, fill_in
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotPermitted
from api.foundation.records import Proposal, RecordDiffers, Source, create_once, table_of
from api.leads.control import start_control
from api.leads.health import health_record_of, keep_health_record
from api.leads.models import OPEN, Doubled, Lead, LeadOutcome, LeadStatus
from api.leads.outcomes import Found, lacking
from api.leads.problems import LeadNotReady, LeadNotSo
from api.leads.queries import batch_of, lead_locked
from api.leads.verification_models import ContactKind, LeadAnswer, LeadAttempt, Question
from api.leads.verification_schemas import LeadAnswerRecord, LeadAttemptRecord, LeadConclusion

ATTEMPT_NOTE, OUTCOME_NOTE = "lead_attempts.note", "leads.outcome_note"
_BEFORE = "联系时间早于该批线索的下发时间，不能作为核查的依据，请检查手机的时间后重新提交。"
_SOURCES = {ContactKind.phone: Source.phone, ContactKind.visit: Source.visit}


async def record_attempt(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadAttemptRecord
) -> tuple[LeadAttempt, bool]:
    """Keep an attempt; returns it and whether it is new.

    Raises `NotFound`, `LeadNotSo`, `NotAColleague`, `RecordedInTheFuture`, `RecordDiffers`, and
    `InvalidInput` for what was before anybody asked for it.
    """
    lead = await lead_locked(session, lead_id)
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    issued_at = (await batch_of(session, lead.batch_id)).issued_at
    if said.recorded_at is not None and said.recorded_at < issued_at - CLOCK_SKEW:
        raise InvalidInput(_BEFORE, pointer="/body/recorded_at")
    keys = keyring_of(session)
    row = LeadAttempt(
        **fill_in(said, entered_by=caller.worker, source=_SOURCES[said.kind]),
        lead_id=lead.id,
        grid_id=lead.grid_id,
        reach=lead.reach,
        kind=said.kind,
        reached=said.reached,
        note_sealed=None if said.note is None else keys.seal(said.note, context=ATTEMPT_NOTE),
    )
    kept, created = await _keep(session, caller, lead, Proposal(said, row))
    return kept, created


async def record_answer(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadAnswerRecord
) -> tuple[LeadAnswer, bool]:
    """Keep one of the four answers; of a resident it becomes a health record with it.

    Raises `NotFound`, `LeadNotSo`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`,
    `RecordDiffers`.
    """
    lead = await lead_locked(session, lead_id)
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    known, seen = lead.resident_id, getattr(said, said.question.value)
    row = LeadAnswer(
        **fill_in(said, entered_by=caller.worker, source=Source.phone),
        lead_id=lead.id,
        grid_id=lead.grid_id,
        reach=lead.reach,
        question=said.question,
        shown=said.shown,
        said={} if seen is None else seen.model_dump(mode="json"),
        record_id=known and await health_record_of(session, known, said),
    )
    kept, created = await _keep(session, caller, lead, Proposal(said, row))
    if kept.said != row.said:
        raise RecordDiffers(fields=[said.question.value])
    if created and known and kept.record_id == said.id:
        await keep_health_record(session, caller, known, said)
    return kept, created


async def _keep(
    session: AsyncSession, caller: Claims, lead: Lead, proposal: Proposal[Any]
) -> tuple[Any, bool]:
    kept: LeadAttempt | LeadAnswer
    kept, created = await create_once(session, proposal)
    if kept.lead_id != lead.id:
        raise RecordDiffers(fields=["lead_id"])
    if created:
        if lead.status not in OPEN:
            raise LeadNotSo(lead_status=lead.status)
        if lead.status is not LeadStatus.contacting:
            changes = {"status": LeadStatus.contacting}
            await correct(session, lead, changes, Correction(lead.version, by=caller.worker))
        action = f"{table_of(type(kept)).name}.record"
        audit(session, caller, action, subject=lead.id, reach=lead.reach)
    return kept, created


async def conclude(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadConclusion
) -> Lead:
    """Say what the verification found, and start the control that follows, in one transaction.

    The same outcome said again is no news. Raises `NotFound`, `LeadNotSo`, `LeadNotReady` with
    what is lacking, `NotPermitted`, `InvalidInput`, and what starting control raises.
    """
    lead = await lead_locked(session, lead_id)
    if lead.status is LeadStatus.under_review and lead.outcome is said.outcome:
        return lead
    if lead.status not in OPEN:
        raise LeadNotSo(lead_status=lead.status)
    _refuse_contradiction(caller, lead, said)
    started = await start_control(session, caller, lead, said)
    lacks = lacking(said.outcome, await _found(session, lead, said, started))
    if lacks:
        raise LeadNotReady("".join(lacks), lacking=lacks)
    changes = {**_outcome(session, caller, said), **started}
    await correct(session, lead, changes, Correction(lead.version, by=caller.worker))
    details = {"outcome": lead.outcome}
    audit(session, caller, "leads.conclude", subject=lead.id, reach=lead.reach, details=details)
    await _sound(session, caller, lead)
    await tell(session, "duties.changed", subject=lead.id, reach=lead.reach, grid=lead.grid_id)
    return lead


_CONTROLLING = (LeadOutcome.controlled_here, LeadOutcome.missed_now_registered)


def _refuse_contradiction(caller: Claims, lead: Lead, said: LeadConclusion) -> None:
    for name in ("arrival", "quarantine"):
        if getattr(said, name) is not None and said.outcome not in _CONTROLLING:
            detail = "结论为在本地并落实管控、或漏排补登记的，才能随即登记。"
            raise InvalidInput(detail, pointer=f"/body/{name}")
    quarantine = said.quarantine
    if quarantine is None:
        return
    if Permission.quarantines_manage not in permitted(caller.role, caller.level):
        raise NotPermitted(permission=Permission.quarantines_manage)
    if lead.resident_id is not None and quarantine.resident_id != lead.resident_id:
        detail = "隔离的须是线索所指的居民。"
        raise InvalidInput(detail, pointer="/body/quarantine/resident_id")


def _outcome(session: AsyncSession, caller: Claims, said: LeadConclusion) -> dict[str, Any]:
    note, keys = said.note, keyring_of(session)
    return {
        "status": LeadStatus.under_review,
        "outcome": said.outcome,
        "outcome_at": clock.now(),
        "outcome_by": caller.worker,
        "outcome_note_sealed": None if note is None else keys.seal(note, context=OUTCOME_NOTE),
    }


_FOUND = text("""
    SELECT count(*) FILTER (WHERE a.reached) AS reached,
        coalesce(array_agg(a.recorded_at) FILTER (WHERE NOT a.reached), '{}') AS unreached,
        coalesce(bool_or(a.kind = 'visit'), false) AS visited,
        ARRAY(
            SELECT DISTINCT ON (w.question) CASE WHEN w.shown <> 'not_asked' THEN w.question END
            FROM lead_answers AS w WHERE w.lead_id = :lead AND w.discarded_at IS NULL
            ORDER BY w.question, w.recorded_at DESC, w.id DESC
        ) AS asked,
        (
            SELECT q.id FROM quarantines AS q
            WHERE q.resident_id = :resident AND q.status IN ('planned', 'active')
        ) AS quarantine,
        EXISTS (
            SELECT FROM arrivals AS r
            WHERE r.id = :arrival AND r.status <> 'invalid' AND r.discarded_at IS NULL
        ) AS arrival
    FROM lead_attempts AS a WHERE a.lead_id = :lead AND a.discarded_at IS NULL
""")


async def _found(
    session: AsyncSession, lead: Lead, said: LeadConclusion, started: dict[str, Any]
) -> Found:
    resident = started.get("resident_id") or lead.resident_id
    arrival = started.get("arrival_id") or lead.arrival_id
    sought = {"lead": lead.id, "resident": resident, "arrival": arrival}
    row = (await session.execute(_FOUND, sought)).one()
    batch = await batch_of(session, lead.batch_id)
    if said.outcome is LeadOutcome.controlled_here and row.quarantine is not None:
        started.setdefault("quarantine_id", row.quarantine)
    return Found(
        reached=row.reached,
        unreached=row.unreached,
        visited=row.visited,
        asked=frozenset(Question(each) for each in row.asked if each is not None),
        is_resident=resident is not None,
        has_arrival=row.arrival,
        in_quarantine=row.quarantine is not None,
        is_duplicate=lead.duplicate is Doubled.confirmed,
        has_note=said.note is not None,
        attempts_needed=batch.attempts_needed,
        hours_apart=batch.attempts_hours_apart,
        visit_needed=batch.visit_needed,
    )


async def _sound(session: AsyncSession, caller: Claims, lead: Lead) -> None:
    """Somebody who refuses is told upward at once (M3.5)."""
    if lead.outcome is not LeadOutcome.refused:
        return
    finding = Finding(
        cause=Cause.refusal,
        subject_id=lead.resident_id or lead.id,
        grid_id=lead.grid_id,
        reach=lead.reach,
        household_id=lead.household_id,
        resident_id=lead.resident_id,
        kind=EvidenceKind.lead,
        record_id=lead.id,
        # Whoever refuses again after the lead was sent back is told of again.
        key=f"refused {lead.version}",
        found_at=clock.now(),
        told_by=caller.worker,
    )
    await open_alert(session, finding)
