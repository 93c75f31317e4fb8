"""The steps of an arrival after it was told: come, departed, handed over, found to be untrue."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.arrivals.coming_schemas import (
    ArrivalCame,
    ArrivalDeparture,
    ArrivalInvalidation,
    ArrivalTransfer,
)
from api.arrivals.ground import law_of
from api.arrivals.models import (
    PRESENT,
    Arrival,
    ArrivalStatus,
    Classification,
    ClassifiedBecause,
)
from api.arrivals.odd_days import refuse_odd_days, refuse_odd_stays
from api.arrivals.problems import ArrivalNotSo
from api.arrivals.queries import locked
from api.arrivals.reclassification import IN_WORDS, columns_of, comes_on
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.field_records import refuse_the_future
from api.foundation.live import tell
from api.foundation.problems import InvalidInput
from api.foundation.records import new_id
from api.quarantines.leaving import refuse_signing_out
from api.registry.departures import leave_resident
from api.registry.discarding import discard_resident
from api.registry.drafts import sealed
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.putting_back import Untrue, put_back
from api.registry.resident_schemas import Departure
from api.registry.schemas import RegistryDiscard


async def come(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalCame
) -> Arrival:
    """Somebody who was expected has come, and is classed by the day on which they did.

    Sent twice, done once, whatever has become of them since. Raises `NotFound`, `ArrivalNotSo`,
    `RecordedInTheFuture`, `InvalidInput`.
    """
    arrival = await locked(session, arrival_id)
    if arrival.status is not ArrivalStatus.expected and arrival.arrived_at == said.arrived_at:
        return arrival
    refuse_standing(arrival, ArrivalStatus.expected)
    refuse_odd_days(said, "arrived_at")
    for name in ("arrived_at", "told_at"):
        told = getattr(said, name)
        if told is not None:
            refuse_the_future(told, pointer=f"/body/{name}")
    if said.told_at is not None and said.told_at < said.arrived_at:
        raise InvalidInput("报告抵达的时间不能早于抵达时间。", pointer="/body/told_at")
    refuse_odd_stays(said.stays or (), clock.local_day(said.arrived_at))
    changes = {
        "status": ArrivalStatus.arrived,
        "arrived_at": said.arrived_at,
        "arrival_told_at": said.told_at or clock.now(),
        **said.model_dump(include={"stays"} if said.stays is not None else set()),
    }
    await correct(session, arrival, changes, Correction(arrival.version, by=caller.worker))
    await class_again(session, caller, arrival, ClassifiedBecause.arrived)
    await note(session, caller, "arrivals.arrive", arrival)
    return arrival


HERE = (ArrivalStatus.arrived, ArrivalStatus.verified)
"""Who has come and is not known to be gone."""


def refuse_standing(arrival: Arrival, *standings: ArrivalStatus) -> None:
    """Raise `ArrivalNotSo` unless the arrival stands at one of these."""
    if arrival.status not in standings:
        detail = f"该返（来）乡登记目前为“{arrival.status.label}”，不能办理此事项。"
        raise ArrivalNotSo(detail, arrival_status=arrival.status)


async def class_again(
    session: AsyncSession, caller: Claims, arrival: Arrival, because: ClassifiedBecause
) -> None:
    """Class an arrival by what is known now; what it was before stays in its history."""
    columns = columns_of((await law_of(session, caller)).classify(arrival))
    columns |= {name: getattr(arrival, name) for name in ("exposure_class", "last_exposure_on")}
    before = await session.get_one(Classification, arrival.classification_id)
    arrival.classified_at = clock.now()
    differs = {name for name, value in columns.items() if getattr(before, name) != value}
    if not differs:
        return
    after = Classification(
        id=new_id(),
        reach=arrival.reach,
        arrival_id=arrival.id,
        at=arrival.classified_at,
        by=caller.worker,
        because=because,
        **columns,
    )
    session.add(after)
    if differs == IN_WORDS and arrival.decided_classification_id == before.id:
        arrival.decided_classification_id = after.id
    arrival.classification_id = after.id
    for name in ("risk_level", "risk_area_id", "left_risk_area_on"):
        setattr(arrival, name, columns[name])
    await session.flush()


async def note(
    session: AsyncSession,
    caller: Claims,
    action: str,
    arrival: Arrival,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Put a step on record, and tell those whose duties it changes."""
    subject, reach = arrival.id, arrival.reach
    audit(session, caller, action, subject=subject, reach=reach, details=details)
    await tell(session, "duties.changed", subject=subject, reach=reach, grid=arrival.grid_id)


async def depart(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalDeparture
) -> Arrival:
    """Somebody who had come is gone again, and with that also from the register (离乡).

    Sent twice, done once. Raises `NotFound`, `ArrivalNotSo`, `StillUnderControl`, `InvalidInput`.
    """
    arrival = await locked(session, arrival_id)
    ending: dict[str, Any] = {"status": ArrivalStatus.departed, "departed_on": said.departed_on}
    if _ended_so(arrival, ending):
        return arrival
    refuse_standing(arrival, *HERE)
    await refuse_under_control(session, arrival)
    refuse_day(arrival, said.departed_on, pointer="/body/departed_on")
    gone = Departure(left_on=said.departed_on, destination=said.destination)
    await close_departed(session, caller, arrival, gone)
    await _sign_out(session, caller, arrival, gone)
    await note(session, caller, "arrivals.depart", arrival)
    return arrival


async def close_departed(
    session: AsyncSession, caller: Claims, arrival: Arrival, gone: Departure
) -> None:
    """Let an arrival be one of somebody who has gone again."""
    ending = {
        "status": ArrivalStatus.departed,
        "departed_on": gone.left_on,
        "destination_sealed": _destination(session, gone.destination),
    }
    await _end(session, caller, arrival, ending, reason=None)


async def _sign_out(
    session: AsyncSession, caller: Claims, arrival: Arrival, gone: Departure
) -> None:
    """Let the register say as well that somebody who was here is gone."""
    if arrival.resident_id is not None:
        resident = await session.get_one(Resident, arrival.resident_id)
        if resident.left_on is None:
            await leave_resident(session, caller, resident.id, gone)


async def transfer(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalTransfer
) -> Arrival:
    """Hand somebody who is elsewhere over to that place, against its receipt (domain 4.2).

    Who had come is gone from the register as well, as of today. Sent twice, done once. Raises
    `NotFound`, `ArrivalNotSo`, `StillUnderControl`.
    """
    arrival = await locked(session, arrival_id)
    ending: dict[str, Any] = {"status": ArrivalStatus.transferred, "ended_reason": said.receipt}
    sealed_to = arrival.destination_sealed
    to = opened(keyring_of(session), sealed_to, context="arrivals.destination")
    if to == said.to and _ended_so(arrival, ending):
        return arrival
    refuse_standing(arrival, *PRESENT)
    await refuse_under_control(session, arrival)
    had_come = arrival.status in HERE
    ending["destination_sealed"] = _destination(session, said.to)
    await _end(session, caller, arrival, ending, reason=None)
    if had_come:
        gone = Departure(left_on=clock.today(), destination=said.to)
        await _sign_out(session, caller, arrival, gone)
    await note(session, caller, "arrivals.transfer", arrival)
    return arrival


async def invalidate(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalInvalidation
) -> Arrival:
    """What was told is not true, or nobody comes. Sent twice, done once.

    Whom it brought into the register does not live here either, who had left before has left, and
    the register forgets what it learnt by it; nobody else writes in the cell meanwhile
    (`AloneSession`). Raises `NotFound`, `ArrivalNotSo`, `StillUnderControl`, and `NotAMistake`
    where more is known of them: they were real, or back.
    """
    arrival = await locked(session, arrival_id)
    ending: dict[str, Any] = {"status": ArrivalStatus.invalid, "ended_reason": said.reason}
    if _ended_so(arrival, ending):
        return arrival
    refuse_standing(arrival, *PRESENT)
    await refuse_under_control(session, arrival)
    registered = arrival.resident_id if arrival.registered_anew else None
    await _end(session, caller, arrival, ending | _nobody(arrival), reason=said.reason)
    if registered is not None:
        resident = await session.get_one(Resident, registered)
        why = RegistryDiscard(reason=said.reason)
        await discard_resident(session, caller, registered, why, resident.version)
    elif (learnt := _learnt_by(arrival, said.reason)) is not None:
        await put_back(session, caller, learnt)
    await note(session, caller, "arrivals.invalidate", arrival)
    return arrival


def _learnt_by(arrival: Arrival, reason: str) -> Untrue | None:
    """What the register learnt of a resident by the verification of an arrival that is untrue."""
    who, version, at = arrival.resident_id, arrival.learnt_version, arrival.verified_at
    if who is None or version is None or at is None:
        return None
    return Untrue(who, version, at, reason)


def _nobody(arrival: Arrival) -> dict[str, Any]:
    """That an arrival is of nobody, where it alone had made somebody a resident."""
    return {"resident_id": None, "registered_anew": False} if arrival.registered_anew else {}


def _ended_so(arrival: Arrival, ending: Mapping[str, Any]) -> bool:
    return all(getattr(arrival, name) == value for name, value in ending.items())


async def refuse_under_control(session: AsyncSession, arrival: Arrival) -> None:
    """Raise `StillUnderControl` for somebody whose quarantine runs, whoever began it."""
    if arrival.resident_id is None:
        return
    await refuse_signing_out(session, [arrival.resident_id])


def refuse_day(arrival: Arrival, departed_on: date, *, pointer: str) -> None:
    """Raise `InvalidInput` for a departure that is yet to come, or was before the arrival."""
    if departed_on > clock.today():
        raise InvalidInput("离开日期不能晚于今天。", pointer=pointer)
    if departed_on < comes_on(arrival):
        raise InvalidInput("离开日期不能早于返（来）乡的抵达日期。", pointer=pointer)


def _destination(session: AsyncSession, plain: str | None) -> bytes | None:
    return sealed(keyring_of(session), plain, context="arrivals.destination")


async def _end(
    session: AsyncSession,
    caller: Claims,
    arrival: Arrival,
    ending: Mapping[str, Any],
    *,
    reason: str | None,
) -> None:
    correction = Correction(arrival.version, by=caller.worker, reason=reason)
    await correct(session, arrival, ending, correction)
