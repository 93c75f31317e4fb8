"""Approved leave: asked for, decided by somebody else, out and back (domain 3.8)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import InvalidInput, NotFound, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.movements.leave_hours import refuse_elsewhere, refuse_hours, refuse_never_left
from api.movements.leave_schemas import LeaveBack, LeaveCancel, LeaveOut, LeaveRequest
from api.movements.models import NOT_OUT, Leave, LeaveStatus
from api.movements.overstays import take_back
from api.movements.problems import LeaveNoLongerFits, LeaveNotAllowed, OutOfOrder
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import Quarantine
from api.quarantines.moves import Move, bring_back, move_to
from api.quarantines.queries import RUNNING, in_charge, locked
from api.quarantines.stages import stages_of
from api.quarantines.steps import note_step, refuse_ended, refuse_stranger

_ELSEWHERE = (WhereaboutsKind.in_hospital, WhereaboutsKind.transferred)
"""Who is there by now has not come back by being back from leave."""


async def leave_of(session: AsyncSession, leave_id: UUID) -> Leave:
    """Leave in sight, as it is kept now; raises `NotFound`."""
    leave = await session.get(Leave, leave_id, populate_existing=True)
    if leave is None:
        raise NotFound("没有找到该外出申请，或不在您的网格范围内。")
    return leave


async def ask_for_leave(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: LeaveRequest
) -> tuple[Leave, bool]:
    """Ask for leave; whether the stages of those hours may be left at all is looked at first.

    Raises `NotFound`, `QuarantineEnded`, `LeaveNotAllowed`, `LeaveUnderWay`, `InvalidInput`,
    `NotAColleague`, `RecordDiffers`, `RecordedInTheFuture`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit)
    await refuse_stranger(session, said.performed_by, pointer="/body/performed_by")
    if said.until_at <= said.from_at:
        raise InvalidInput("返回时间须晚于外出时间。", pointer="/body/until_at")
    quarantine = await locked(session, quarantine_id)
    await _let_lapse(session, caller, quarantine, but=said.id)
    row = _row(session, quarantine, said, fields)
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        await _refuse_leave(session, quarantine, said)
        details = {"leave": str(kept.id)}
        await note_step(session, caller, "leaves.request", quarantine, details)
    return kept, created


async def _let_lapse(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, *, but: UUID
) -> None:
    """Call off leave whose hours went by without anybody going out: it is in nobody's way.

    Not before it is: a phone without signal may yet tell that somebody went, and came back.
    """
    lapsed = select(Leave).where(
        col(Leave.quarantine_id) == quarantine.id,
        col(Leave.status).in_(NOT_OUT),
        col(Leave.until_at) <= clock.now(),
        col(Leave.id) != but,
    )
    for leave in (await session.scalars(lapsed)).all():
        changes = {"cancelled_at": clock.now(), "cancelled_reason": "时间已过，未外出"}
        status = {"status": LeaveStatus.cancelled}
        await _take(session, caller, leave, quarantine, status | changes)


def _row(
    session: AsyncSession, quarantine: Quarantine, said: LeaveRequest, fields: Mapping[str, Any]
) -> Leave:
    return Leave(
        **fields,
        **said.model_dump(include={"vehicle", "escort", "from_at", "until_at"}),
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        status=LeaveStatus.requested,
        reason_sealed=keyring_of(session).seal(said.reason, context="leaves.reason"),
        route_sealed=keyring_of(session).seal(said.route, context="leaves.route"),
    )


async def _refuse_leave(session: AsyncSession, quarantine: Quarantine, said: LeaveRequest) -> None:
    refuse_ended(quarantine)
    refuse_hours(await stages_of(session, quarantine.id), said.from_at, said.until_at)


async def decide_on_leave(
    session: AsyncSession,
    caller: Claims,
    leave_id: UUID,
    *,
    status: LeaveStatus,
    note: str | None,
) -> Leave:
    """Approve or reject it, as somebody else than who asked for it or entered that.

    Raises `NeedsAnotherPerson`, `OutOfOrder`, `RecordDiffers`, `QuarantineEnded`,
    `OutsideYourGrid`, `NotFound`, and `LeaveNoLongerFits` for approving what cannot be any more.
    """
    quarantine = await in_charge(session, (await leave_of(session, leave_id)).quarantine_id)
    leave = await leave_of(session, leave_id)
    if leave.decided_at is not None:
        return _as_decided(leave, status=status, note=note)
    if leave.status is not LeaveStatus.requested:
        raise OutOfOrder.at(leave.status)
    if caller.worker in {leave.entered_by, leave.performed_by}:
        raise NeedsAnotherPerson
    refuse_ended(quarantine)
    if status is LeaveStatus.approved:
        await _refuse_overtaken(session, leave)
    changes = {"status": status, "decided_at": clock.now(), "decided_by": caller.worker}
    await _take(session, caller, leave, quarantine, {**changes, "decision_note": note})
    return leave


async def _refuse_overtaken(session: AsyncSession, leave: Leave) -> None:
    """Raise `LeaveNoLongerFits` for hours that have gone by, or a stage that is never left now."""
    stages = await stages_of(session, leave.quarantine_id)
    try:
        refuse_hours(stages, leave.from_at, leave.until_at)
    except (InvalidInput, LeaveNotAllowed) as overtaken:
        raise LeaveNoLongerFits(f"该外出申请已不能批准：{overtaken.said}") from overtaken


def _as_decided(leave: Leave, *, status: LeaveStatus, note: str | None) -> Leave:
    """Decided so already; raises `OutOfOrder` and `RecordDiffers` if it was decided otherwise."""
    rejected = leave.status is LeaveStatus.rejected
    if rejected is not (status is LeaveStatus.rejected):
        raise OutOfOrder.at(leave.status)
    _done(leave.decision_note, note, name="note")
    return leave


async def go_out(session: AsyncSession, caller: Claims, leave_id: UUID, said: LeaveOut) -> Leave:
    """Note that they left, within the hours that were approved.

    Raises `OutOfOrder`, `InvalidInput`, `LeaveNotAllowed`, also for who is in a hospital or rides,
    `QuarantineEnded`, `RecordedInTheFuture`, `WhereaboutsOutOfOrder`, `RecordDiffers`, `NotFound`.
    """
    quarantine = await locked(session, (await leave_of(session, leave_id)).quarantine_id)
    leave = await leave_of(session, leave_id)
    if _done(leave.left_at, said.left_at, name="left_at"):
        return leave
    if leave.status is not LeaveStatus.approved:
        raise OutOfOrder.at(leave.status)
    refuse_ended(quarantine)
    at = _told_at(said.left_at, pointer="/body/left_at")
    if not leave.from_at <= at < leave.until_at:
        raise InvalidInput("不在批准的外出时间内。", pointer="/body/left_at")
    # What was approved at home does not open the site that an unfit home sent them to since.
    stages = await stages_of(session, quarantine.id)
    refuse_never_left(stages, clock.local_day(at), pointer="/body/left_at")
    await refuse_elsewhere(session, quarantine)
    await _take(session, caller, leave, quarantine, {"status": LeaveStatus.out, "left_at": at})
    move = Move(kind=WhereaboutsKind.away_approved, at=at, pointer="/body/left_at")
    await move_to(session, caller, quarantine, move)
    return leave


async def come_back(
    session: AsyncSession, caller: Claims, leave_id: UUID, said: LeaveBack
) -> Leave:
    """Note that they are back; told late of who was back in time, no breach stays on record.

    Raises `OutOfOrder`, `InvalidInput`, `RecordedInTheFuture`, `WhereaboutsOutOfOrder`,
    `RecordDiffers`, `NotFound`.
    """
    quarantine = await locked(session, (await leave_of(session, leave_id)).quarantine_id)
    leave = await leave_of(session, leave_id)
    if _done(leave.returned_at, said.returned_at, name="returned_at"):
        return leave
    if leave.status is not LeaveStatus.out or leave.left_at is None:
        raise OutOfOrder.at(leave.status)
    at = max(_told_at(said.returned_at, pointer="/body/returned_at"), leave.left_at)
    if said.returned_at is not None and at != said.returned_at:
        raise InvalidInput("不能早于离开的时间。", pointer="/body/returned_at")
    changes = {"status": LeaveStatus.back, "returned_at": at}
    await _take(session, caller, leave, quarantine, changes)
    if quarantine.status in RUNNING:
        if at <= leave.until_at:
            await take_back(session, caller, leave)
        pointer = "/body/returned_at"
        await bring_back(session, caller, quarantine, at=at, pointer=pointer, unless=_ELSEWHERE)
    return leave


async def cancel_leave(
    session: AsyncSession, caller: Claims, leave_id: UUID, said: LeaveCancel
) -> Leave:
    """Call it off before anybody has left; raises `OutOfOrder`, `RecordDiffers`, `NotFound`."""
    quarantine = await locked(session, (await leave_of(session, leave_id)).quarantine_id)
    leave = await leave_of(session, leave_id)
    if _done(leave.cancelled_reason, said.reason, name="reason"):
        return leave
    if leave.status not in NOT_OUT:
        raise OutOfOrder.at(leave.status)
    changes = {"cancelled_at": clock.now(), "cancelled_reason": said.reason}
    await _take(session, caller, leave, quarantine, {"status": LeaveStatus.cancelled, **changes})
    return leave


def _done(kept: datetime | str | None, told: datetime | str | None, *, name: str) -> bool:
    """Whether a step was taken before; raises `RecordDiffers` if it was told otherwise then."""
    if kept is not None and told is not None and kept != told:
        raise RecordDiffers("这一步此前已按不同的内容办理。", fields=[name])
    return kept is not None


def _told_at(told: datetime | None, *, pointer: str) -> datetime:
    if told is None:
        return clock.now()
    refuse_the_future(told, pointer=pointer)
    return told


async def _take(
    session: AsyncSession,
    caller: Claims,
    leave: Leave,
    quarantine: Quarantine,
    changes: Mapping[str, Any],
) -> None:
    await correct(session, leave, changes, Correction(leave.version, by=caller.worker))
    details = {"leave": str(leave.id), "status": leave.status.value}
    await note_step(session, caller, "leaves.step", quarantine, details)
