"""The ride of a transfer: vehicle, pick-up, handover at both ends, disinfection (domain 3.8)."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.alerts.models import Alert, AlertStatus, Cause
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput
from api.movements.alarms import open_for_rider
from api.movements.models import Transfer, TransferKind, TransferStatus, VehicleKind
from api.movements.problems import VehicleNotFit
from api.movements.transfer_schemas import (
    TransferClose,
    TransferDispatch,
    TransferHandOver,
    TransferPickUp,
)
from api.movements.transfers import Step, in_charge_of, is_done, on_duty_at, step_at, take
from api.protocols.models import WhereaboutsKind
from api.protocols.policies import MonitoringRule, feverish, plausible
from api.protocols.queries import PolicyShelf
from api.protocols.symptoms import Symptom
from api.quarantines.models import PlaceKind, Quarantine
from api.quarantines.moves import Move, move_to
from api.quarantines.queries import RUNNING, sealed
from api.quarantines.steps import refuse_stranger

_DISPATCH = Step(
    action="transfers.dispatch",
    after=(TransferStatus.approved,),
    status=TransferStatus.dispatched,
    stamp="dispatched_at",
)
_PICK_UP = Step(
    action="transfers.pick-up",
    after=(TransferStatus.dispatched,),
    status=TransferStatus.picked_up,
    stamp="picked_up_at",
)
_HAND_OVER = Step(
    action="transfers.hand-over",
    after=(TransferStatus.picked_up,),
    status=TransferStatus.handed_over,
    stamp="handed_over_at",
    running=False,
)
_CLOSE = Step(
    action="transfers.close",
    after=(TransferStatus.handed_over, TransferStatus.turned_back),
    status=TransferStatus.closed,
    stamp="closed_at",
    running=False,
)
_ON_THE_ROAD = (TransferStatus.dispatched, TransferStatus.picked_up)
_RIDES_ALONE = (Cause.fever, Cause.positive_test)
_ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended('plate ' || :plate, 0))")
_PLACE = text(
    "SELECT place_after_transfer(:quarantine, :kind, CAST(:place AS bytea), :by, :why, :at)"
)


async def dispatch_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferDispatch
) -> Transfer:
    """Send a vehicle; until somebody has been picked up, another one may be sent instead.

    Raises `VehicleNotFit`, `OutOfOrder`, `QuarantineEnded`, `RecordDiffers`, `OutsideYourGrid`,
    `RecordedInTheFuture`, `NotFound`.
    """
    transfer, quarantine = await in_charge_of(session, transfer_id)
    ride = said.model_dump(include={"vehicle", "plate", "driver", "escort"})
    instead = transfer.status is TransferStatus.dispatched and any(
        getattr(transfer, name) != value for name, value in ride.items()
    )
    if not instead and is_done(transfer, _DISPATCH, said.model_dump()):
        return transfer
    ill = await _may_be_positive(session, transfer)
    await _refuse_vehicle(session, transfer, said.vehicle, said.plate, ill=ill)
    at = step_at(said.dispatched_at, pointer="/body/dispatched_at")
    changes = {**ride, "dispatched_at": at, "dispatched_by": caller.worker}
    await take(session, caller, transfer, quarantine, (_DISPATCH, changes))
    return transfer


async def _may_be_positive(session: AsyncSession, transfer: Transfer) -> bool:
    """Whether an alert of fever or of a positive test about the person is not closed yet."""
    alerts = select(Alert.id).where(
        col(Alert.subject_id) == transfer.resident_id,
        col(Alert.cause).in_(_RIDES_ALONE),
        col(Alert.status) != AlertStatus.verified,
    )
    return (await session.scalars(alerts.limit(1))).first() is not None


async def _refuse_vehicle(
    session: AsyncSession, transfer: Transfer, vehicle: VehicleKind, plate: str, *, ill: bool
) -> None:
    if ill and vehicle is not VehicleKind.ambulance:
        raise VehicleNotFit
    # Two who send the same vehicle at the same moment follow one another.
    await session.execute(_ONE_BY_ONE, {"plate": plate})
    others = select(Transfer.vehicle).where(
        col(Transfer.plate) == plate,
        col(Transfer.status).in_(_ON_THE_ROAD),
        col(Transfer.id) != transfer.id,
    )
    sharing = (await session.scalars(others)).all()
    if sharing and VehicleKind.ambulance in {vehicle, *sharing}:
        detail = "负压救护车一次只转运一人，该车正在执行其他转运。"
        raise VehicleNotFit(detail, pointer="/body/plate")


async def pick_up_transfer(
    session: AsyncSession,
    caller: Claims,
    transfer_id: UUID,
    said: TransferPickUp,
    *,
    policies: PolicyShelf,
) -> Transfer:
    """Check the person and let them get in; what the check shows is told upward at once (M3.5).

    Raises `VehicleNotFit` for fever in another vehicle than an ambulance, `OutOfOrder`,
    `QuarantineEnded`, `RecordDiffers`, `InvalidInput`, `NotAColleague`, `RecordedInTheFuture`,
    `WhereaboutsOutOfOrder`, `NotFound`.
    """
    transfer, quarantine = await on_duty_at(session, transfer_id)
    if is_done(transfer, _PICK_UP, said.model_dump()):
        return transfer
    await refuse_stranger(session, said.picked_up_by, pointer="/body/picked_up_by")
    rules = await policies.monitoring(session, caller.cell, {quarantine.monitoring_policy_id})
    rule = rules[quarantine.monitoring_policy_id]
    await _refuse_rider(session, transfer, rule, said)
    at = step_at(said.picked_up_at, pointer="/body/picked_up_at", not_before=transfer.dispatched_at)
    changes: dict[str, Any] = said.model_dump(include={"check_c", "check_symptoms"})
    changes |= {"picked_up_at": at, "picked_up_by": said.picked_up_by or caller.worker}
    await take(session, caller, transfer, quarantine, (_PICK_UP, changes))
    to_hospital = transfer.kind is TransferKind.to_hospital
    kind = WhereaboutsKind.in_hospital if to_hospital else WhereaboutsKind.transferred
    where = _destination(session, transfer)
    move = Move(kind=kind, at=at, pointer="/body/picked_up_at", destination=where)
    await move_to(session, caller, quarantine, move)
    await open_for_rider(session, transfer, quarantine, rule)
    return transfer


async def _refuse_rider(
    session: AsyncSession, transfer: Transfer, rule: MonitoringRule, said: TransferPickUp
) -> None:
    if not plausible(rule, said.check_c):
        raise InvalidInput("体温不在合理范围内，请重新测量后填写。", pointer="/body/check_c")
    ill = feverish(rule, said.check_c) or Symptom.fever in said.check_symptoms
    if transfer.vehicle is VehicleKind.ambulance:
        return
    if ill:  # what is refused is not kept, and nobody would be told of it
        detail = "发热的须由负压救护车单人转运：请先登记这次体温，以便立即上报，再改派车辆。"
        raise VehicleNotFit(detail, pointer="/body/check_c")
    if await _may_be_positive(session, transfer):
        raise VehicleNotFit(pointer="/body/check_c")


async def hand_over_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferHandOver
) -> Transfer:
    """Hand the person over, signed for at both ends; the place of the quarantine follows openly.

    Raises `OutOfOrder`, `RecordDiffers`, `InvalidInput`, `NotAColleague`, `RecordedInTheFuture`,
    `WhereaboutsOutOfOrder`, `NotFound`.
    """
    transfer, quarantine = await on_duty_at(session, transfer_id)
    if is_done(transfer, _HAND_OVER, said.model_dump()):
        return transfer
    await refuse_stranger(session, said.handed_over_by, pointer="/body/handed_over_by")
    given = step_at(
        said.handed_over_at, pointer="/body/handed_over_at", not_before=transfer.picked_up_at
    )
    taken = step_at(said.taken_over_at or given, pointer="/body/taken_over_at", not_before=given)
    changes: dict[str, Any] = {
        "handed_over_at": given,
        "handed_over_by": said.handed_over_by or caller.worker,
        "taken_over_at": taken,
        "taken_over_by": said.taken_over_by,
    }
    await take(session, caller, transfer, quarantine, (_HAND_OVER, changes))
    if quarantine.status in RUNNING:
        await _arrive(session, caller, transfer, quarantine)
    return transfer


async def _arrive(
    session: AsyncSession, caller: Claims, transfer: Transfer, quarantine: Quarantine
) -> None:
    """A site and a home become the place of the quarantine; a hospital and elsewhere do not."""
    places = {TransferKind.to_site: PlaceKind.site, TransferKind.to_home: PlaceKind.home}
    place = places.get(transfer.kind)
    if place is None or transfer.taken_over_at is None:
        return
    if place is PlaceKind.home:
        at, pointer = transfer.taken_over_at, "/body/taken_over_at"
        home = Move(kind=WhereaboutsKind.at_home, at=at, pointer=pointer)
        await move_to(session, caller, quarantine, home)
    where = _destination(session, transfer)
    told = {
        "quarantine": quarantine.id,
        "kind": place.value,
        "place": sealed(session, where, context="quarantines.place"),
        "by": caller.worker,
        "why": transfer.kind.label,
        "at": clock.now(),
    }
    await session.execute(_PLACE, told)


def _destination(session: AsyncSession, transfer: Transfer) -> str:
    return keyring_of(session).open(transfer.destination_sealed, context="transfers.destination")


async def close_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferClose
) -> Transfer:
    """Close it when the vehicle has been disinfected.

    Raises `OutOfOrder`, `RecordDiffers`, `InvalidInput`, `RecordedInTheFuture`, `NotFound`.
    """
    transfer, quarantine = await on_duty_at(session, transfer_id)
    if not is_done(transfer, _CLOSE, said.model_dump()):
        there = transfer.handed_over_at or transfer.turned_back_at
        at = step_at(said.disinfected_at, pointer="/body/disinfected_at", not_before=there)
        changes = {"disinfected_at": at, "closed_at": clock.now()}
        await take(session, caller, transfer, quarantine, (_CLOSE, changes))
    return transfer
