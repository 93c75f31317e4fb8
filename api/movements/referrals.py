"""Sending somebody to a hospital, and what comes of it: back to quarantine, or its end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.alerts.models import Alert
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in, refuse_the_future
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.movements.models import HospitalReferral, ReferralOutcome
from api.movements.referral_schemas import ReferralRecord, ReferralReturn
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import Quarantine, TerminationReason
from api.quarantines.moves import Move, bring_back, move_to
from api.quarantines.queries import RUNNING, in_charge, locked, sealed
from api.quarantines.schemas import Termination
from api.quarantines.service import terminate
from api.quarantines.steps import note_step, refuse_ended, refuse_stranger
from api.registry.masked import opened

_FINDING = "hospital_referrals.finding"


async def referral_of(session: AsyncSession, referral_id: UUID) -> HospitalReferral:
    """A referral in sight, as it is kept now; raises `NotFound`."""
    referral = await session.get(HospitalReferral, referral_id, populate_existing=True)
    if referral is None:
        raise NotFound("没有找到该送医记录，或不在您的网格范围内。")
    return referral


async def refer_to_hospital(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: ReferralRecord
) -> tuple[HospitalReferral, bool]:
    """Note that a person was sent to a hospital, where they are from then on (M3.4).

    Raises `NotFound`, `QuarantineEnded`, `ReferralUnderWay`, `WhereaboutsOutOfOrder`,
    `NotAColleague`, `RecordDiffers`, `RecordedInTheFuture`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit, instants=("left_at",))
    await refuse_stranger(session, said.performed_by, pointer="/body/performed_by")
    quarantine = await locked(session, quarantine_id)
    row = HospitalReferral(
        **fields,
        **said.model_dump(include={"hospital", "escort", "alert_id"}),
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        reason_sealed=keyring_of(session).seal(said.reason, context="hospital_referrals.reason"),
        left_at=said.left_at or fields["recorded_at"],
    )
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        refuse_ended(quarantine)
        await _refuse_alert(session, quarantine, said.alert_id)
        await _leave_for(session, caller, quarantine, kept)
    return kept, created


async def _refuse_alert(
    session: AsyncSession, quarantine: Quarantine, alert_id: UUID | None
) -> None:
    if alert_id is None:
        return
    theirs = select(Alert.id).where(
        col(Alert.id) == alert_id,
        (col(Alert.subject_id) == quarantine.resident_id)
        | (col(Alert.quarantine_id) == quarantine.id),
    )
    if (await session.scalars(theirs)).first() is None:
        raise NotFound("没有找到该人员的这条异常。", pointer="/body/alert_id")


async def _leave_for(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, referral: HospitalReferral
) -> None:
    move = Move(
        kind=WhereaboutsKind.in_hospital,
        at=referral.left_at,
        pointer="/body/left_at",
        destination=referral.hospital,
    )
    await move_to(session, caller, quarantine, move)
    details = {"referral": str(referral.id)}
    await note_step(session, caller, "referrals.record", quarantine, details)


async def end_referral(
    session: AsyncSession, caller: Claims, referral_id: UUID, said: ReferralReturn
) -> HospitalReferral:
    """Note what the hospital decided: back to the place, or the quarantine ends (domain 3.7).

    Whoever is on duty notes that somebody is back; ending is for who manages quarantines. Raises
    `NotPermitted`, `OutsideYourGrid`, `RecordDiffers`, `InvalidInput`, `RecordedInTheFuture`,
    `WhereaboutsOutOfOrder`, `QuarantineEnded`, `NotFound`.
    """
    quarantine_id = (await referral_of(session, referral_id)).quarantine_id
    quarantine = await _answerable(session, caller, quarantine_id, said.outcome)
    referral = await referral_of(session, referral_id)
    if referral.outcome is not None:
        _refuse_otherwise(session, referral, said)
        return referral
    at = _ended_at(referral, said.ended_at)
    changes = {
        "outcome": said.outcome,
        "ended_at": at,
        "finding_sealed": sealed(session, said.finding, context=_FINDING),
    }
    await correct(session, referral, changes, Correction(referral.version, by=caller.worker))
    details = {"referral": str(referral.id), "outcome": said.outcome.value}
    await note_step(session, caller, "referrals.end", quarantine, details)
    if quarantine.status in RUNNING:
        await _go_on(session, caller, quarantine, referral)
    return referral


async def _answerable(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, outcome: ReferralOutcome
) -> Quarantine:
    if outcome is ReferralOutcome.returned:
        return await locked(session, quarantine_id)
    if Permission.quarantines_manage not in permitted(caller.role, caller.level):
        detail = "收治、确诊即终止隔离，须由有权管理隔离的人员登记。"
        raise NotPermitted(detail, permission=Permission.quarantines_manage)
    return await in_charge(session, quarantine_id)


def _refuse_otherwise(
    session: AsyncSession, referral: HospitalReferral, said: ReferralReturn
) -> None:
    finding = opened(keyring_of(session), referral.finding_sealed, context=_FINDING)
    kept = {"outcome": referral.outcome, "ended_at": referral.ended_at, "finding": finding}
    told = {name: value for name, value in said.model_dump().items() if value is not None}
    fields = [name for name, value in told.items() if kept[name] != value]
    if fields:
        raise RecordDiffers("该送医记录此前已按不同的结果结束。", fields=fields)


def _ended_at(referral: HospitalReferral, told: datetime | None) -> datetime:
    if told is None:
        return max(clock.now(), referral.left_at)
    refuse_the_future(told, pointer="/body/ended_at")
    if told < referral.left_at:
        raise InvalidInput("不能早于离开的时间。", pointer="/body/ended_at")
    return told


async def _go_on(
    session: AsyncSession, caller: Claims, quarantine: Quarantine, referral: HospitalReferral
) -> None:
    at = referral.ended_at or clock.now()
    if referral.outcome is ReferralOutcome.returned:
        pointer, fetched = "/body/ended_at", {WhereaboutsKind.transferred}
        await bring_back(session, caller, quarantine, at=at, pointer=pointer, unless=fetched)
        return
    outcome = referral.outcome or ReferralOutcome.admitted
    said = Termination(
        ended_on=clock.local_day(at),
        end_reason=TerminationReason.hospitalised,
        note=f"{referral.hospital}:{outcome.label}",
    )
    await terminate(session, caller, quarantine.id, said)
