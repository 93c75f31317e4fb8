"""What was written down wrong is put right openly, or counts no more; both leave history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_corrected, evidence_discarded, open_alerts
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import NotFound
from api.protocols.queries import PolicyShelf
from api.quarantines.models import EndReason, Quarantine
from api.quarantines.stages import judging_policy, stages_of
from api.readings.alarms import shown_by_reading, tell_abnormal
from api.readings.judging import Sent, judged_by, refuse_unless_running
from api.readings.missed_again import tell_missed
from api.readings.models import Reading
from api.readings.problems import ReadingDiscarded, WindowAlreadyMeasured
from api.readings.schemas import NOTE, ReadingCorrect, ReadingRecord
from api.registry.masked import opened


async def correct_reading(
    session: AsyncSession,
    corrector: Claims,
    reading_id: UUID,
    said: ReadingCorrect,
    *,
    version: int,
    policies: PolicyShelf,
) -> Reading:
    """Change what was written down wrong, and judge the reading anew: it may show more than before.

    Raises `NotFound`, `ReadingDiscarded`, `VersionMismatch`, and what recording one may raise.
    """
    reading = await _reading(session, reading_id)
    if reading.discarded_at is not None:
        raise ReadingDiscarded
    changes = said.model_dump(exclude={"reason", "note"}, exclude_unset=True)
    if "note" in said.model_fields_set:
        seal = keyring_of(session).seal
        changes["note_sealed"] = None if said.note is None else seal(said.note, context=NOTE)
    judged = await _judged_anew(session, corrector.cell, reading, said, policies=policies)
    changes |= {name: judged[name] for name in judged.keys() & Reading.model_fields}
    await _refuse_taken(session, reading, changes)
    slot, was_abnormal = (reading.day, reading.window), reading.abnormal
    correction = Correction(version=version, by=corrector.worker, reason=said.reason)
    await correct(session, reading, changes, correction)
    if slot != (reading.day, reading.window):
        await tell_missed(session, reading.quarantine_id, *slot)
    audit(session, corrector, "readings.correct", subject=reading.id, reach=reading.reach)
    shown = reading.model_dump() | judged
    findings = list(shown_by_reading(shown))
    keys = {finding.key for finding in findings}
    await evidence_corrected(session, EvidenceKind.reading, reading.id, shows=keys)
    await open_alerts(session, findings)
    await tell_abnormal(session, [shown] if reading.abnormal or was_abnormal else [])
    return reading


async def discard_reading(
    session: AsyncSession, discarder: Claims, reading_id: UUID, *, reason: str
) -> Reading:
    """Let a reading count no more: its window is missing again, and missed if over. Twice is once.

    Raises `NotFound`.
    """
    reading = await _reading(session, reading_id)
    if reading.discarded_at is None:
        correction = Correction(version=reading.version, by=discarder.worker, reason=reason)
        await correct(session, reading, {"discarded_at": clock.now()}, correction)
        await evidence_discarded(session, EvidenceKind.reading, reading.id)
        await tell_abnormal(session, [reading.model_dump()] if reading.abnormal else [])
        await tell_missed(session, reading.quarantine_id, reading.day, reading.window)
        audit(session, discarder, "readings.discard", subject=reading.id, reach=reading.reach)
    return reading


async def reveal_note(
    session: AsyncSession, reader: Claims, reading_id: UUID, *, reason: str
) -> str | None:
    """The plain note of a reading; who looked, and why, is put on record (M6.6)."""
    reading = await _reading(session, reading_id)
    details = {"reason": reason}
    audit(
        session,
        reader,
        "readings.reveal",
        subject=reading.id,
        reach=reading.reach,
        details=details,
    )
    return opened(keyring_of(session), reading.note_sealed, context=NOTE)


async def _reading(session: AsyncSession, reading_id: UUID) -> Reading:
    reading = await session.get(Reading, reading_id, with_for_update=True)
    if reading is None:
        raise NotFound("没有找到该体温记录，或不在您的网格范围内。")
    return reading


async def _judged_anew(
    session: AsyncSession,
    cell: str,
    reading: Reading,
    said: ReadingCorrect,
    *,
    policies: PolicyShelf,
) -> dict[str, Any]:
    """The slot and the judgement of the reading as corrected; its window stays if its time does."""
    if said.measured_at is not None:  # pyright: ignore[reportUnnecessaryComparison] - unsaid
        refuse_the_future(said.measured_at, pointer="/body/measured_at")
    told = said.model_dump(exclude_unset=True)
    window = told.get("window", None if "measured_at" in told else reading.window)
    sent = Sent(
        ReadingRecord.model_construct(
            value_c=told.get("value_c", reading.value_c),
            symptoms=told.get("symptoms", reading.symptoms),
            window=window,
        )
    )
    quarantine = await session.get_one(Quarantine, reading.quarantine_id)
    measured_at: datetime = told.get("measured_at", reading.measured_at)
    stages = await stages_of(session, quarantine.id)
    policy = judging_policy(stages, quarantine, clock.local_day(measured_at))
    rules = await policies.monitoring(session, cell, {policy})
    judged = judged_by(rules[policy], sent, measured_at)
    refuse_unless_running(_facts(quarantine), judged.day, pointer="/body/measured_at")
    return judged._asdict()


def _facts(quarantine: Quarantine) -> dict[str, Any]:
    in_error = quarantine.end_reason is EndReason.entered_in_error
    return {
        "counts": quarantine.discarded_at is None and not in_error,
        "started_on": quarantine.started_on,
        "ended_on": quarantine.ended_on,
    }


async def _refuse_taken(session: AsyncSession, reading: Reading, changes: dict[str, Any]) -> None:
    statement = select(Reading.id).where(
        col(Reading.quarantine_id) == reading.quarantine_id,
        col(Reading.day) == changes["day"],
        col(Reading.window) == changes["window"],
        col(Reading.discarded_at).is_(None),
        col(Reading.id) != reading.id,
    )
    taken = (await session.scalars(statement)).first()
    if taken is not None:
        raise WindowAlreadyMeasured(reading_id=str(taken))
