"""Changing and ending quarantines, and looking closer at them with a reason."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import InvalidInput, VersionMismatch
from api.quarantines.ending import end, ended_so, refuse_future_end
from api.quarantines.ground import refuse_far_start
from api.quarantines.models import (
    EndReason,
    Quarantine,
    QuarantineStatus,
    TerminationReason,
    Whereabouts,
)
from api.quarantines.problems import PeriodWithoutBasis, QuarantineEnded, RunsByPlan
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
from api.quarantines.stage_models import QuarantineStage
from api.quarantines.stages import plan_of, stages_of
from api.quarantines.telling import tell_changed
from api.registry.departures import leave_resident
from api.registry.queries import resident_of
from api.registry.resident_schemas import ResidentDeparture


async def correct_quarantine(
    session: AsyncSession,
    caller: Claims,
    quarantine_id: UUID,
    said: QuarantineCorrect,
    *,
    version: int,
) -> Quarantine:
    """Change what was said of a running quarantine; the former version is kept.

    When it began and its measure are put right where it was begun by hand in one stage, which
    follows; else they change by a request (九不准 no. 5, M3.8): raises `RunsByPlan`. Raises
    `PeriodWithoutBasis`, `VersionMismatch`, `QuarantineEnded`, `InvalidInput`, `OutsideYourGrid`,
    `NotFound`.
    """
    quarantine = await in_charge(session, quarantine_id)
    if quarantine.status not in RUNNING:
        raise QuarantineEnded
    if quarantine.version != version:
        raise VersionMismatch(version=quarantine.version)
    changes = _changes(session, said)
    correction = Correction(version, by=caller.worker, reason=said.change_reason)
    await _correct_stage(session, quarantine, changes, correction)
    await correct(session, quarantine, changes, correction)
    fields = sorted(said.model_fields_set)
    _note(session, caller, "quarantines.correct", quarantine, fields=fields)
    await tell_changed(session, quarantine)
    return quarantine


def _changes(session: AsyncSession, said: QuarantineCorrect) -> dict[str, Any]:
    changes = said.model_dump(include=said.model_fields_set - {"change_reason", "place"})
    if "place" in said.model_fields_set:
        changes["place_sealed"] = sealed(session, said.place, context="quarantines.place")
    return changes


async def _correct_stage(
    session: AsyncSession, quarantine: Quarantine, changes: dict[str, Any], correction: Correction
) -> None:
    """Let the one stage follow, and the standing that comes of the first day."""
    moved = {
        name: changes[name]
        for name in ("started_on", "category")
        if name in changes and changes[name] != getattr(quarantine, name)
    }
    if not moved:
        return
    stage = await _only_stage(session, quarantine)
    begins: date = moved.get("started_on", quarantine.started_on)
    if begins != quarantine.started_on and "legal_basis" not in changes:
        raise PeriodWithoutBasis
    refuse_far_start(begins, pointer="/body/started_on")
    if begins > stage.ends_on:
        raise InvalidInput("开始日期不能晚于计划解除日期。", pointer="/body/started_on")
    begun = begins <= clock.today()
    changes["status"] = QuarantineStatus.active if begun else QuarantineStatus.planned
    followed = {"starts_on": begins, "counted_from": begins}
    followed["category"] = moved.get("category", stage.category)
    reason = correction.reason
    await correct(session, stage, followed, Correction(stage.version, correction.by, reason))


async def _only_stage(session: AsyncSession, quarantine: Quarantine) -> QuarantineStage:
    """The one stage of a quarantine that was begun by hand; raises `RunsByPlan`."""
    stages = await stages_of(session, quarantine.id)
    if len(stages) != 1 or await plan_of(session, quarantine.id) is not None:
        raise RunsByPlan
    return stages[0]


async def terminate(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: Termination
) -> Quarantine:
    """End a quarantine otherwise than by its period (domain 3.7), and its seats with it.

    Who died in it is signed out of the register. Sent twice, done once. Raises `QuarantineEnded`,
    `InvalidInput`, `OutsideYourGrid`, `NotFound`.
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
    if said.end_reason is TerminationReason.died:
        await _sign_out(session, caller, quarantine.resident_id, said.ended_on)
    return quarantine


async def _sign_out(session: AsyncSession, caller: Claims, resident_id: UUID, on: date) -> None:
    """Nobody asks after the dead: neither campaigns nor coverage nor a lead's household."""
    resident = await resident_of(session, resident_id)
    if resident.left_on is None:
        died = ResidentDeparture(left_on=on, died=True)
        await leave_resident(session, caller, resident_id, died)


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
