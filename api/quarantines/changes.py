"""Lengthening, shortening, ending early, another plan: one asks with a basis, another decides."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.field_records import fill_in
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Correction, Proposal, Source, correct, create_once
from api.protocols.proposing import Rulebook
from api.quarantines.change_schemas import ChangeRequest, Decision
from api.quarantines.courses import course_after, present, take_course
from api.quarantines.models import Quarantine
from api.quarantines.problems import ChangeDecided, QuarantineEnded
from api.quarantines.queries import RUNNING, in_charge
from api.quarantines.stage_models import ChangeKind, ChangeStatus, QuarantineStage, StageChange
from api.quarantines.stages import stage_shown, stages_of


async def request_change(
    book: Rulebook, caller: Claims, quarantine_id: UUID, said: ChangeRequest
) -> tuple[StageChange, bool]:
    """Ask for a change; nothing changes before somebody else approves (M3.8, domain 3.9).

    Raises `QuarantineEnded`, `InvalidInput` with what cannot be, `RecordDiffers`,
    `ChangeUnderWay` where another one waits, `OutsideYourGrid`, `NotFound`.
    """
    quarantine = await _running(book.session, quarantine_id)
    fields = fill_in(said, entered_by=caller.worker, source=Source.paper)
    told = said.model_dump(include=_TOLD)
    stages = await stages_of(book.session, quarantine.id)
    if said.kind in (ChangeKind.extension, ChangeKind.shortening) and told["stage_id"] is None:
        told["stage_id"] = present(stage_shown(stages, clock.today())).id
    if said.kind is ChangeKind.early_end:
        told["ends_on"] = told["ends_on"] or clock.today()
    row = StageChange(
        **fields,
        **told,
        quarantine_id=quarantine.id,
        reach=quarantine.reach,
        status=ChangeStatus.requested,
    )
    kept = await book.session.get(StageChange, said.id)
    if kept is None:
        await course_after(book, quarantine, stages, row)
    kept, created = await create_once(book.session, Proposal(said, row))
    if created:
        await _note(book.session, caller, "changes.request", quarantine, kept)
    return kept, created


_TOLD = {"kind", "stage_id", "ends_on", "protocol_id", "plan_code", "reason", "legal_basis"}


async def approve_change(
    book: Rulebook, caller: Claims, change_id: UUID, said: Decision
) -> StageChange:
    """Let the stages be as asked from now on; past days stay as they were. Twice is once.

    Raises `NeedsAnotherPerson` for whoever asked, `ChangeDecided`, and what asking may raise.
    """
    change = await change_of(book.session, change_id)
    quarantine = await _running(book.session, change.quarantine_id)
    if not _to_decide(caller, change, ChangeStatus.approved):
        return change
    stages = await stages_of(book.session, quarantine.id)
    after = await course_after(book, quarantine, stages, change)
    before = [_told(stage) for stage in stages]
    await take_course(book, caller, quarantine, stages, after, change)
    decided = {**_decided(caller, ChangeStatus.approved, said), "stages_before": before}
    await correct(book.session, change, decided, Correction(change.version, by=caller.worker))
    await _note(book.session, caller, "changes.approve", quarantine, change)
    return change


async def decline_change(
    session: AsyncSession, caller: Claims, change_id: UUID, said: Decision, *, as_: ChangeStatus
) -> StageChange:
    """Reject a change, or withdraw one's own; nothing changes. Twice is once.

    Raises `NeedsAnotherPerson` for who rejects their own, `ChangeDecided`, `NotFound`.
    """
    change = await change_of(session, change_id)
    quarantine = await in_charge(session, change.quarantine_id)
    if _to_decide(caller, change, as_):
        decided = _decided(caller, as_, said)
        if as_ is ChangeStatus.withdrawn:
            decided["decided_by"] = None  # nobody but the one who asked has decided anything
        await correct(session, change, decided, Correction(change.version, by=caller.worker))
        await _note(session, caller, f"changes.{as_.value}", quarantine, change)
    return change


async def change_of(session: AsyncSession, change_id: UUID) -> StageChange:
    """A change in sight, locked; raises `NotFound`."""
    statement = select(StageChange).where(col(StageChange.id) == change_id).with_for_update()
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    change = found.one_or_none()
    if change is None:
        raise NotFound("没有找到该变更申请,或不在您的网格范围内。")
    return change


def _to_decide(caller: Claims, change: StageChange, as_: ChangeStatus) -> bool:
    """Whether it still waits; raises where this caller may not decide it so."""
    if change.status is as_:
        return False
    if change.status is not ChangeStatus.requested:
        raise ChangeDecided(decided=change.status.value)
    own = change.entered_by == caller.worker
    if own is not (as_ is ChangeStatus.withdrawn):
        raise NeedsAnotherPerson if own else InvalidInput("只有申请人可以撤回申请。")
    return True


def _decided(caller: Claims, status: ChangeStatus, said: Decision) -> dict[str, Any]:
    return {
        "status": status,
        "decided_at": clock.now(),
        "decided_by": caller.worker,
        "decision_note": said.note,
    }


def _told(stage: QuarantineStage) -> dict[str, Any]:
    return stage.model_dump(
        mode="json", include={"id", "category", "starts_on", "ends_on", "counted_from"}
    )


async def _running(session: AsyncSession, quarantine_id: UUID) -> Quarantine:
    quarantine = await in_charge(session, quarantine_id)
    if quarantine.status not in RUNNING:
        raise QuarantineEnded
    return quarantine


async def _note(
    session: AsyncSession, caller: Claims, action: str, quarantine: Quarantine, change: StageChange
) -> None:
    details = {"change": str(change.id), "kind": change.kind.value}
    subject, reach = quarantine.id, quarantine.reach
    audit(session, caller, action, subject=subject, reach=reach, details=details)
    await tell(
        session,
        "duties.changed",
        subject=subject,
        reach=reach,
        grid=quarantine.grid_id,
        quarantine=quarantine.id,
    )
