"""Transfer orders: asked for, approved, cancelled, and how each step is taken once (domain 3.8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import InvalidInput, NotFound, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.movements.lateness import no_longer_late
from api.movements.models import Transfer, TransferStatus
from api.movements.problems import OutOfOrder
from api.movements.transfer_schemas import TransferCancel, TransferRequest
from api.quarantines.models import Quarantine
from api.quarantines.queries import in_charge, locked, sealed
from api.quarantines.steps import note_step, refuse_ended, refuse_stranger

DUE = timedelta(hours=8)
"""A close contact is brought away within eight hours of notice, where nothing else is told."""
LATEST = timedelta(days=31)
"""An order that is to be late only after that is late for nobody: a month or a year mistyped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an order: what it is called on record, and by which column it is known as done.

    `running` says that it is only for a quarantine that is not over.
    """

    action: str
    after: tuple[TransferStatus, ...]
    status: TransferStatus
    stamp: str
    running: bool = True


_APPROVE = Step(
    action="transfers.approve",
    after=(TransferStatus.requested,),
    status=TransferStatus.approved,
    stamp="approved_at",
)
_CANCEL = Step(
    action="transfers.cancel",
    after=(TransferStatus.requested, TransferStatus.approved, TransferStatus.dispatched),
    status=TransferStatus.cancelled,
    stamp="cancelled_at",
    running=False,
)
_RIDES = "该人员已上车，不能取消；送不到的，请登记折返，办结后可再申请一次转运。"


async def transfer_of(session: AsyncSession, transfer_id: UUID) -> Transfer:
    """A transfer in sight, as it is kept now; raises `NotFound`."""
    transfer = await session.get(Transfer, transfer_id, populate_existing=True)
    if transfer is None:
        raise NotFound("没有找到该转运，或不在您的网格范围内。")
    return transfer


async def request_transfer(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: TransferRequest
) -> tuple[Transfer, bool]:
    """Ask for somebody to be brought elsewhere; returns the order and whether it is new.

    Raises `NotFound`, `QuarantineEnded`, `TransferUnderWay`, `NotAColleague`, `RecordDiffers`,
    `RecordedInTheFuture`, and `InvalidInput` for a time before it is asked for, or far off.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit)
    await refuse_stranger(session, said.performed_by, pointer="/body/performed_by")
    quarantine = await locked(session, quarantine_id)
    kept, created = await create_once(
        session, Proposal(said, _row(session, quarantine, said, fields))
    )
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        refuse_ended(quarantine)
        if not timedelta() < kept.due_at - kept.recorded_at <= LATEST:
            raise InvalidInput("应送到的时间须在申请后一个月内。", pointer="/body/due_at")
        details = {"transfer": str(kept.id), "kind": kept.kind.value}
        await note_step(session, caller, "transfers.request", quarantine, details)
    return kept, created


def _row(
    session: AsyncSession,
    quarantine: Quarantine,
    said: TransferRequest,
    fields: Mapping[str, Any],
) -> Transfer:
    seal = keyring_of(session).seal
    return Transfer(
        **fields,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        kind=said.kind,
        status=TransferStatus.requested,
        reason_sealed=seal(said.reason, context="transfers.reason"),
        pickup_sealed=sealed(session, said.pickup, context="transfers.pickup"),
        destination_sealed=seal(said.destination, context="transfers.destination"),
        due_at=said.due_at or fields["recorded_at"] + DUE,
        check_symptoms=[],
    )


async def approve_transfer(session: AsyncSession, caller: Claims, transfer_id: UUID) -> Transfer:
    """Approve it; for whoever is in charge of the place, not for a seat of the team.

    Raises `OutOfOrder`, `QuarantineEnded`, `OutsideYourGrid`, `NotFound`.
    """
    transfer, quarantine = await in_charge_of(session, transfer_id)
    if not is_done(transfer, _APPROVE, {}):
        changes = {"approved_at": clock.now(), "approved_by": caller.worker}
        await take(session, caller, transfer, quarantine, (_APPROVE, changes))
    return transfer


async def cancel_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferCancel
) -> Transfer:
    """Call it off before anybody has been picked up; who rides already is handed over or back.

    Raises `OutOfOrder`, `RecordDiffers`, `OutsideYourGrid`, `NotFound`.
    """
    transfer, quarantine = await in_charge_of(session, transfer_id)
    if transfer.status is TransferStatus.picked_up:
        raise OutOfOrder(_RIDES, state=transfer.status.value)
    if not is_done(transfer, _CANCEL, {"cancelled_reason": said.reason}):
        changes = {"cancelled_at": clock.now(), "cancelled_reason": said.reason}
        await take(session, caller, transfer, quarantine, (_CANCEL, changes))
    return transfer


async def in_charge_of(session: AsyncSession, transfer_id: UUID) -> tuple[Transfer, Quarantine]:
    """A transfer with its locked quarantine, for whoever decides; raises `OutsideYourGrid`."""
    quarantine = await in_charge(session, (await transfer_of(session, transfer_id)).quarantine_id)
    return await transfer_of(session, transfer_id), quarantine


async def on_duty_at(session: AsyncSession, transfer_id: UUID) -> tuple[Transfer, Quarantine]:
    """The same for whoever is there, a seat of the team included; raises `NotFound`."""
    quarantine = await locked(session, (await transfer_of(session, transfer_id)).quarantine_id)
    return await transfer_of(session, transfer_id), quarantine


def is_done(transfer: Transfer, step: Step, said: Mapping[str, Any]) -> bool:
    """Whether the step was taken before; raises `RecordDiffers` if it was told otherwise then.

    What is not told now is not compared. Raises `OutOfOrder` where it is not this step's turn.
    """
    if getattr(transfer, step.stamp) is None:
        if transfer.status not in step.after:
            raise OutOfOrder.at(transfer.status)
        return False
    told = {name: value for name, value in said.items() if value is not None}
    fields = [name for name, value in told.items() if getattr(transfer, name) != value]
    if fields:
        raise RecordDiffers("这一步此前已按不同的内容办理。", fields=fields)
    return True


def step_at(told: datetime | None, *, pointer: str, not_before: datetime | None = None) -> datetime:
    """The instant of a step. Raises `RecordedInTheFuture`, and `InvalidInput` for one too early."""
    if told is None:
        return max(clock.now(), not_before or clock.now())
    refuse_the_future(told, pointer=pointer)
    if not_before is not None and told < not_before:
        raise InvalidInput("不能早于上一步的时间。", pointer=pointer)
    return told


async def take(
    session: AsyncSession,
    caller: Claims,
    transfer: Transfer,
    quarantine: Quarantine,
    taken: tuple[Step, Mapping[str, Any]],
) -> None:
    """Take a step openly, with who did it on record; raises `QuarantineEnded`."""
    step, changes = taken
    if step.running:
        refuse_ended(quarantine)
    told = {**changes, "status": step.status}
    await correct(session, transfer, told, Correction(transfer.version, by=caller.worker))
    await no_longer_late(session, transfer)
    await note_step(session, caller, step.action, quarantine, {"transfer": str(transfer.id)})
