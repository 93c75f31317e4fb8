"""Lengthening, shortening, ending early, another plan: one asks with a basis, another decides."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.field_records import fill_in
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.protocols.proposing import Rulebook
from api.quarantines.change_schemas import ChangeRequest
from api.quarantines.courses import course_after, present, stages_told, take_course
from api.quarantines.following import lock_together, pass_on, stood
from api.quarantines.models import Quarantine
from api.quarantines.problems import AlreadyServed, ChangeDecided, ChangeNoLongerFits
from api.quarantines.queries import in_charge
from api.quarantines.stage_models import ChangeKind, ChangeStatus, QuarantineStage, StageChange
from api.quarantines.stages import stage_shown, stages_of
from api.quarantines.steps import note_step, refuse_ended, refuse_stranger


async def request_change(
    book: Rulebook, caller: Claims, quarantine_id: UUID, said: ChangeRequest
) -> tuple[StageChange, bool]:
    """Ask for a change; nothing changes before somebody else approves (M3.8, domain 3.9).

    Raises `NotFound`, `OutsideYourGrid`, `QuarantineEnded`, `InvalidInput` with what cannot be,
    `ChangeUnderWay` where another one waits, `RecordDiffers`, `NotAColleague`, `AlreadyServed`.
    """
    session = book.session
    fields = fill_in(said, entered_by=caller.worker, source=Source.paper)
    await refuse_stranger(session, said.performed_by, pointer="/body/performed_by")
    quarantine = await in_charge(session, quarantine_id)
    stages = await stages_of(session, quarantine.id)
    row = StageChange(
        **fields,
        **_asked(said, stages),
        quarantine_id=quarantine.id,
        reach=quarantine.reach,
        status=ChangeStatus.requested,
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        refuse_ended(quarantine)
        _refuse_strays(said)
        await course_after(book, quarantine, stages, kept)
        await _note(session, caller, "changes.request", quarantine, kept)
    return kept, created


_TOLD = {"kind", "stage_id", "ends_on", "protocol_id", "plan_code", "reason", "legal_basis"}
_DAYS_MOVED = (ChangeKind.extension, ChangeKind.shortening)
_MEANT = {
    ChangeKind.extension: {"stage_id", "ends_on"},
    ChangeKind.shortening: {"stage_id", "ends_on"},
    ChangeKind.early_end: {"ends_on"},
    ChangeKind.new_plan: {"protocol_id", "plan_code"},
}
"""What a change of each kind speaks of."""


def _asked(said: ChangeRequest, stages: Sequence[QuarantineStage]) -> dict[str, Any]:
    """What is asked for, with what was meant where it was not told."""
    told = said.model_dump(include=_TOLD)
    if said.kind in _DAYS_MOVED and said.stage_id is None:
        told["stage_id"] = present(stage_shown(stages, clock.today())).id
    if said.kind is ChangeKind.early_end and said.ends_on is None:
        told["ends_on"] = clock.today()
    return told


def _refuse_strays(said: ChangeRequest) -> None:
    """Raise `InvalidInput` for what this kind of change does not speak of, and for past days."""
    for name in ("stage_id", "ends_on", "protocol_id", "plan_code"):
        if getattr(said, name) is not None and name not in _MEANT[said.kind]:
            raise InvalidInput(f"{said.kind.label}的申请不填此项。", pointer=f"/body/{name}")
    if said.ends_on is not None and said.ends_on < clock.today():
        raise InvalidInput("新的末日不能早于今天。", pointer="/body/ends_on")


async def approve_change(
    book: Rulebook, caller: Claims, change_id: UUID, note: str | None
) -> StageChange:
    """Let the stages be as asked from now on; past days stay as they were. Twice is once.

    Who is quarantined along with the person follows in the same decision (`following`).

    Raises `NotFound`, `OutsideYourGrid`, `NeedsAnotherPerson` for whoever asked, `ChangeDecided`,
    `RecordDiffers`, `QuarantineEnded`, and `ChangeNoLongerFits` where time has overtaken it.
    """
    await lock_together(book.session, (await change_of(book.session, change_id)).quarantine_id)
    change, quarantine = await _to_decide(book.session, change_id)
    if _is_decided(caller, change, ChangeStatus.approved, note):
        return change
    refuse_ended(quarantine)
    stages = await stages_of(book.session, quarantine.id)
    try:
        after = await course_after(book, quarantine, stages, change)
    except (InvalidInput, NotFound, AlreadyServed) as overtaken:
        told = f"该变更按现在的情况已不能执行：{overtaken.said}"
        raise ChangeNoLongerFits(told) from overtaken
    before = stood(stages)
    decided = _decided(ChangeStatus.approved, note, by=caller.worker)
    decided["stages_before"] = stages_told(stages)
    await take_course(book, caller, quarantine, stages, after, change)
    await correct(book.session, change, decided, Correction(change.version, by=caller.worker))
    await _note(book.session, caller, "changes.approve", quarantine, change)
    await pass_on(book, caller, change, before)
    return change


async def reject_change(
    session: AsyncSession, caller: Claims, change_id: UUID, note: str
) -> StageChange:
    """Decide that all stays as it is. Twice is once.

    Raises `NotFound`, `OutsideYourGrid`, `NeedsAnotherPerson`, `ChangeDecided`, `RecordDiffers`.
    """
    change, quarantine = await _to_decide(session, change_id)
    if not _is_decided(caller, change, ChangeStatus.rejected, note):
        decided = _decided(ChangeStatus.rejected, note, by=caller.worker)
        await correct(session, change, decided, Correction(change.version, by=caller.worker))
        await _note(session, caller, "changes.reject", quarantine, change)
    return change


async def withdraw_change(
    session: AsyncSession, caller: Claims, change_id: UUID, note: str
) -> StageChange:
    """No longer ask for it, as one of those who did; nobody has decided anything. Twice is once.

    Raises `NotFound`, `OutsideYourGrid`, `NotPermitted`, `ChangeDecided`, `RecordDiffers`.
    """
    change, quarantine = await _to_decide(session, change_id)
    if not _is_decided(caller, change, ChangeStatus.withdrawn, note):
        decided = _decided(ChangeStatus.withdrawn, note, by=None)
        await correct(session, change, decided, Correction(change.version, by=caller.worker))
        await _note(session, caller, "changes.withdraw", quarantine, change)
    return change


async def drop_open_change(session: AsyncSession, caller: Claims, quarantine: Quarantine) -> None:
    """What was asked of a quarantine that ends is no longer asked; nobody has decided it."""
    statement = select(StageChange).where(
        col(StageChange.quarantine_id) == quarantine.id,
        col(StageChange.status) == ChangeStatus.requested,
    )
    change = (await session.scalars(statement)).one_or_none()
    if change is not None:
        decided = _decided(ChangeStatus.withdrawn, "隔离已结束", by=None)
        await correct(session, change, decided, Correction(change.version, by=caller.worker))


async def change_of(session: AsyncSession, change_id: UUID) -> StageChange:
    """A change in sight, as it is kept now; raises `NotFound`."""
    change = await session.get(StageChange, change_id, populate_existing=True)
    if change is None:
        raise NotFound("没有找到该变更申请，或不在您的网格范围内。")
    return change


async def _to_decide(session: AsyncSession, change_id: UUID) -> tuple[StageChange, Quarantine]:
    """A change with its locked quarantine, for whoever decides; raises `OutsideYourGrid`."""
    quarantine = await in_charge(session, (await change_of(session, change_id)).quarantine_id)
    return await change_of(session, change_id), quarantine


def _is_decided(caller: Claims, change: StageChange, as_: ChangeStatus, note: str | None) -> bool:
    """Whether it was decided so before; raises where it was otherwise, or not by this caller."""
    if change.status is as_:
        if change.decision_note != note:
            raise RecordDiffers("此前已按不同的意见办理。", fields=["note"])
        return True
    if change.status is not ChangeStatus.requested:
        raise ChangeDecided(decided=change.status.value)
    own = caller.worker in {change.entered_by, change.performed_by}
    if own and as_ is not ChangeStatus.withdrawn:
        raise NeedsAnotherPerson
    if not own and as_ is ChangeStatus.withdrawn:
        raise NotPermitted("只有申请人可以撤回申请。")
    return False


def _decided(status: ChangeStatus, note: str | None, *, by: UUID | None) -> dict[str, Any]:
    decided = {"status": status, "decided_at": clock.now(), "decided_by": by}
    return {**decided, "decision_note": note}


async def _note(
    session: AsyncSession, caller: Claims, action: str, quarantine: Quarantine, change: StageChange
) -> None:
    details = {"change": str(change.id), "kind": change.kind.value}
    await note_step(session, caller, action, quarantine, details)
