"""Putting an arrival right, and looking closer at it with a reason; what was said is kept."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.audit import audit
from api.access.tokens import Claims
from api.arrivals.coming_schemas import ArrivalCorrect, ArrivalReveal
from api.arrivals.masked import revealed
from api.arrivals.models import PRESENT, Arrival, ArrivalStatus, Classification, ClassifiedBecause
from api.arrivals.odd_days import refuse_odd_days, refuse_odd_exposure, refuse_odd_stays
from api.arrivals.queries import arrival_of, locked
from api.arrivals.reclassification import comes_on
from api.arrivals.same_person import refuse_another
from api.arrivals.schemas import ArrivalRevealed
from api.arrivals.steps import class_again, note, refuse_standing
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.field_records import refuse_the_future
from api.foundation.identity import birth_date_of, document_lookup, sex_of
from api.foundation.problems import InvalidInput, VersionMismatch
from api.foundation.records import table_of
from api.foundation.sealed import Keyring
from api.grids.relocation import take_history_along
from api.registry.drafts import sealed
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.problems import HouseholdLeft
from api.registry.queries import household_of
from api.registry.resident_schemas import telling_number

_SEALED = {"phone", "contact_phone", "note"}
_TELLING_EACH_OTHER = {"document", "document_kind"}
_OF_A_NUMBER = {"sex", "birth_date"}
_NOT_PLAIN = _SEALED | _TELLING_EACH_OTHER | {"household_id", "reason"}


async def correct_arrival(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalCorrect, *, version: int
) -> Arrival:
    """Put right what was told; the former version is kept, and the arrival is classed again.

    Raises `NotFound`, `ArrivalNotSo`, `VersionMismatch`, `InvalidInput`, `RecordedInTheFuture`,
    `HouseholdLeft`, `DocumentsDiffer`, `AlreadyAnArrival`.
    """
    arrival = await locked(session, arrival_id)
    refuse_standing(arrival, *PRESENT)
    if arrival.version != version:
        raise VersionMismatch(version=arrival.version)
    _refuse(arrival, said)
    _refuse_contradiction(arrival, said, keyring_of(session))
    changes = _changes(said, keyring_of(session)) | await _place(session, arrival, said)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, arrival, changes, correction)
    await _follow(session, arrival, changes)
    await class_again(session, caller, arrival, ClassifiedBecause.corrected)
    await note(session, caller, "arrivals.correct", arrival, {"fields": sorted(changes)})
    return arrival


def _refuse(arrival: Arrival, said: ArrivalCorrect) -> None:
    given = told_in(said)
    come = arrival.status is not ArrivalStatus.expected
    if "arrived_at" in given:
        if not come:
            raise InvalidInput("尚未登记抵达，请用“登记抵达”办理。", pointer="/body/arrived_at")
        refuse_the_future(said.arrived_at, pointer="/body/arrived_at")
    if "expected_on" in given and said.expected_on is None and not come:
        raise InvalidInput("请填写预计到达日期。", pointer="/body/expected_on")
    refuse_odd_days(said, "expected_on", "arrived_at")
    refuse_odd_exposure(said)
    if "stays" in given:
        refuse_odd_stays(said.stays, _day(arrival, said))


def _day(arrival: Arrival, said: ArrivalCorrect) -> date:
    """The day of arrival, as it is put right."""
    if "arrived_at" in said.model_fields_set:
        return clock.local_day(said.arrived_at)
    if arrival.arrived_at is None and said.expected_on is not None:
        return said.expected_on
    return comes_on(arrival)


def _refuse_contradiction(arrival: Arrival, said: ArrivalCorrect, keyring: Keyring) -> None:
    """A birth date or sex alone must agree with the identity number that is kept."""
    given = said.model_fields_set
    document = opened(keyring, arrival.document_sealed, context="arrivals.document")
    number = telling_number(arrival.document_kind, document)
    if number is None or given & _TELLING_EACH_OTHER:
        return
    told = {"birth_date": birth_date_of(number), "sex": sex_of(number)}
    for name in given & told.keys():
        if getattr(said, name) != told[name]:
            detail = "与已登记的身份证号不一致，请核对。"
            raise InvalidInput(detail, pointer=f"/body/{name}")


def _changes(said: ArrivalCorrect, keyring: Keyring) -> dict[str, Any]:
    """The columns that a correction changes."""
    given = said.model_fields_set
    changes: dict[str, Any] = said.model_dump(include=given - _NOT_PLAIN)
    for name in given & _SEALED:
        plain: str | None = getattr(said, name)
        changes[f"{name}_sealed"] = sealed(keyring, plain, context=f"arrivals.{name}")
    if "phone" in given:
        changes["phone_lookup"] = said.phone and keyring.lookup(said.phone, context="phone")
    if given & _TELLING_EACH_OTHER:
        changes |= _document(said, keyring)
    return changes


def _document(said: ArrivalCorrect, keyring: Keyring) -> dict[str, Any]:
    """A document, with what its number tells of sex and birth."""
    number = said.document
    told = {name: getattr(said, name) for name in _OF_A_NUMBER}
    return {
        "document_kind": said.document_kind,
        "document_sealed": sealed(keyring, number, context="arrivals.document"),
        "document_lookup": document_lookup(keyring, said.document_kind, number),
        **{name: value for name, value in told.items() if value is not None},
    }


async def _place(session: AsyncSession, arrival: Arrival, said: ArrivalCorrect) -> dict[str, Any]:
    """Another household, for somebody of whom it is not known yet who they are."""
    if "household_id" not in said.model_fields_set or said.household_id == arrival.household_id:
        return {}
    if arrival.resident_id is not None:
        detail = "已核实为居民，如住到另一户，请办理迁入。"
        raise InvalidInput(detail, pointer="/body/household_id")
    household = await household_of(session, said.household_id, pointer="/body/household_id")
    if household.left_on is not None:
        raise HouseholdLeft(pointer="/body/household_id")
    place = household.model_dump(include={"reach", "grid_id"})
    return {**place, "household_id": household.id}


async def _follow(session: AsyncSession, arrival: Arrival, changes: dict[str, Any]) -> None:
    """What depends on what was changed: who it may be, and where the history is kept."""
    if "document_lookup" in changes and arrival.resident_id is not None:
        resident = await session.get_one(Resident, arrival.resident_id)
        refuse_another(arrival, resident, pointer="/body/document")
    if "reach" in changes:
        await _take_history_along(session, arrival)


async def _take_history_along(session: AsyncSession, arrival: Arrival) -> None:
    statement = update(Classification).values(reach=arrival.reach)
    await session.execute(statement.where(col(Classification.arrival_id) == arrival.id))
    await take_history_along(session, table_of(Arrival), [arrival.id])


async def reveal_arrival(
    session: AsyncSession, caller: Claims, arrival_id: UUID, ask: ArrivalReveal
) -> ArrivalRevealed:
    """Show what is masked otherwise; who asked and why is put on record (M6.6)."""
    arrival = await arrival_of(session, arrival_id)
    subject, reach, details = arrival.id, arrival.reach, {"reason": ask.reason}
    audit(session, caller, "arrivals.reveal", subject=subject, reach=reach, details=details)
    return revealed(keyring_of(session), arrival)
