"""Putting right what somebody read wrong of a health code; what was said of it before is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_corrected
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import driver_of, keyring_of
from api.foundation.records import former
from api.health_records.birth_and_doses import refuse_impossible
from api.health_records.code_schemas import CodeStateCorrect, CodeStateHistory, CodeStateRevision
from api.health_records.code_states import sound, sound_standing
from api.health_records.keeping import standing_record_of
from api.health_records.lists import code_state_read
from api.health_records.models import MANUAL, CodeState, HealthCodeState
from api.health_records.problems import ToldByASystem
from api.health_records.seen_on_phones import refuse_changed_later


async def correct_code_state(
    session: AsyncSession, caller: Actor, state_id: UUID, said: CodeStateCorrect, *, version: int
) -> HealthCodeState:
    """Put right what was read of a code; a red one is told upward, and one that is not, no more.

    Raises `NotFound`, `HealthRecordDiscarded`, `ToldByASystem`, `VersionMismatch`,
    `RecordedInTheFuture`, `InvalidInput`.
    """
    row = await standing_record_of(session, HealthCodeState, state_id)
    if row.system != MANUAL:
        raise ToldByASystem
    told, since = told_in(said), row.changed_at
    changes = await _changes(session, row, said, told)
    correction = Correction(version, by=caller.worker, reason=said.reason, duty=row.resident_id)
    await correct(session, row, changes, correction)
    red = [row.id] if row.state is CodeState.red else []
    await evidence_corrected(session, EvidenceKind.code_state, row.id, shows=[""] if red else [])
    await sound(await driver_of(session), caller, red)
    await sound_standing(session, caller, row, until=since)
    subject, reach, details = row.id, row.reach, {"fields": sorted(told)}
    audit(session, caller, "code_states.correct", subject=subject, reach=reach, details=details)
    return row


async def _changes(
    session: AsyncSession, row: HealthCodeState, said: CodeStateCorrect, told: set[str]
) -> dict[str, Any]:
    """The columns that change; since when it held moves along where it was just what was seen."""
    instants = said.model_dump(include=told & {"changed_at", "fetched_at"})
    await refuse_impossible(session, row.resident_id, **instants)
    changes = said.model_dump(include=told)
    fetched_at = changes.get("fetched_at", row.fetched_at)
    if row.changed_at == row.fetched_at:
        changes.setdefault("changed_at", fetched_at)
    pointer = "/body/changed_at" if "changed_at" in told else "/body/fetched_at"
    refuse_changed_later(changes.get("changed_at", row.changed_at), fetched_at, pointer=pointer)
    return changes


async def code_state_history(session: AsyncSession, row: HealthCodeState) -> CodeStateHistory:
    """What was said of a code before each of its corrections, oldest first."""
    keyring = keyring_of(session)
    return CodeStateHistory(
        items=[
            CodeStateRevision(code_state=code_state_read(keyring, said), **replaced)
            for said, replaced in await former(session, row)
        ]
    )
