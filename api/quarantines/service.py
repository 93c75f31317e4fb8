"""Changing and ending quarantines, and looking closer at them with a reason."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.problems import InvalidInput, VersionMismatch
from api.foundation.records import Correction, correct
from api.quarantines.ending import end, ended_so, refuse_future_end
from api.quarantines.models import EndReason, Quarantine, QuarantineStatus, Whereabouts
from api.quarantines.problems import PeriodWithoutBasis, QuarantineEnded
from api.quarantines.queries import (
    RUNNING,
    in_charge,
    quarantine_of,
    sealed,
    whereabouts_of,
)
from api.quarantines.schemas import (
    QuarantineCorrect,
    QuarantineReveal,
    Termination,
)


async def correct_quarantine(
    session: AsyncSession,
    caller: Claims,
    quarantine_id: UUID,
    said: QuarantineCorrect,
    *,
    version: int,
) -> Quarantine:
    """Change what was said of a running quarantine; the former version is kept.

    The period changes only with a basis (九不准 no. 5, M3.8): raises `PeriodWithoutBasis`. Raises
    `VersionMismatch`, `QuarantineEnded`, `InvalidInput`, `OutsideYourGrid`, `NotFound`.
    """
    quarantine = await in_charge(session, quarantine_id)
    if quarantine.status not in RUNNING:
        raise QuarantineEnded
    if quarantine.version != version:
        raise VersionMismatch(version=quarantine.version)
    changes = _changes(session, said)
    _refuse_period(quarantine, changes)
    correction = Correction(version, by=caller.worker, reason=said.change_reason)
    await correct(session, quarantine, changes, correction)
    fields = sorted(said.model_fields_set)
    _note(session, caller, "quarantines.correct", quarantine, fields=fields)
    return quarantine


def _changes(session: AsyncSession, said: QuarantineCorrect) -> dict[str, Any]:
    changes = said.model_dump(include=said.model_fields_set - {"change_reason", "place"})
    if "place" in said.model_fields_set:
        changes["place_sealed"] = sealed(session, said.place, context="quarantines.place")
    return changes


def _refuse_period(quarantine: Quarantine, changes: dict[str, Any]) -> None:
    """See that a changed period has its basis, and add the standing that follows from it."""
    period = {day: getattr(quarantine, day) for day in ("started_on", "planned_end_on")}
    changed = {day: changes.get(day, former) for day, former in period.items()}
    if changed != period and "legal_basis" not in changes:
        raise PeriodWithoutBasis
    if changed["planned_end_on"] < changed["started_on"]:
        detail = "计划解除日期不能早于开始日期。"
        raise InvalidInput(detail, pointer="/body/planned_end_on")
    begun = changed["started_on"] <= clock.today()
    changes["status"] = QuarantineStatus.active if begun else QuarantineStatus.planned


async def terminate(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: Termination
) -> Quarantine:
    """End a quarantine otherwise than by its period (domain 3.7), and its seats with it.

    Raises `QuarantineEnded`, `InvalidInput`, `OutsideYourGrid`, `NotFound`; sent twice, done once.
    """
    quarantine = await in_charge(session, quarantine_id)
    ending = {
        "status": QuarantineStatus.terminated,
        "ended_on": said.ended_on,
        "end_reason": EndReason(said.end_reason.value),
    }
    if ended_so(quarantine, ending):
        return quarantine
    refuse_future_end(said.ended_on)
    if said.ended_on < min(quarantine.started_on, clock.today()):
        raise InvalidInput("终止日期不能早于开始日期。", pointer="/body/ended_on")
    note = sealed(session, said.note, context="quarantines.end_note")
    reason = said.end_reason.label
    await end(session, caller, quarantine, {**ending, "end_note_sealed": note}, reason=reason)
    _note(session, caller, "quarantines.terminate", quarantine, reason=said.end_reason.value)
    return quarantine


async def reveal(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: QuarantineReveal
) -> tuple[Quarantine, Sequence[Whereabouts]]:
    """A quarantine and its entries to be shown in plain; the reason is kept on record (M6.6)."""
    quarantine = await quarantine_of(session, quarantine_id)
    _note(session, caller, "quarantines.reveal", quarantine, reason=said.reason)
    return quarantine, await whereabouts_of(session, quarantine_id)


def _note(
    session: AsyncSession, caller: Claims, action: str, quarantine: Quarantine, **details: Any
) -> None:
    subject, reach = quarantine.id, quarantine.reach
    audit(session, caller, action, subject=subject, reach=reach, details=details)
