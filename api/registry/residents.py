"""One resident at a time: registered, corrected, and revealed for a reason."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in
from api.foundation.identity import Sex, birth_date_of, document_lookup, sex_of
from api.foundation.problems import InvalidInput, RecordDiffers
from api.foundation.records import Proposal, Source, create_once, kept_before
from api.foundation.sealed import Keyring
from api.registry.departures import departure_put_right
from api.registry.drafts import resident_values, sealed
from api.registry.ground import holders, refuse_held
from api.registry.leaving import PutRight, follow_putting_right
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.problems import HouseholdLeft
from api.registry.queries import household_of, resident_of
from api.registry.resident_schemas import (
    ResidentCorrect,
    ResidentRecord,
    ResidentRevealed,
    RevealAsk,
    RevealField,
    telling_number,
)

_PLAIN = {"name", "relation", "registration", "is_party_member", "mobility_limited", "lives_alone"}


async def register_resident(
    session: AsyncSession, caller: Claims, household_id: UUID, said: ResidentRecord
) -> tuple[Resident, bool]:
    """Register somebody in a household that is there. Returns the resident and whether new.

    Raises `NotFound`, `HouseholdLeft`, `ResidentAlreadyRegistered` and `RecordDiffers`.
    """
    household = await household_of(session, household_id, locked=True)
    if await strangers(session, [said.performed_by] if said.performed_by else []):
        raise NotAColleague
    filled = fill_in(said, entered_by=caller.worker, source=Source.visit)
    keyring = keyring_of(session)
    of_household = household.model_dump(include={"id", "reach", "grid_id"})
    values = resident_values(of_household, said, filled=filled, keyring=keyring)
    row = Resident(**values)
    if await session.get(Resident, said.id) is not None:
        return await _sent_before(session, said, row), False
    if household.left_on is not None:
        raise HouseholdLeft
    await _refuse_held(session, row.document_lookup, row.id)
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        audit(session, caller, "residents.register", subject=kept.id, reach=kept.reach)
    return kept, created


async def _sent_before(session: AsyncSession, said: ResidentRecord, row: Resident) -> Resident:
    kept = await kept_before(session, Proposal(said, row))
    if kept.version == 1 and kept.household_id != row.household_id:
        raise RecordDiffers(fields=["household_id"])
    return kept


async def _refuse_held(session: AsyncSession, lookup: bytes | None, resident: UUID) -> None:
    if lookup is not None:
        held = await holders(session, {lookup})
        refuse_held(held, document_lookup=lookup, resident=resident, within="/body")


async def correct_resident(
    session: AsyncSession, caller: Claims, resident_id: UUID, said: ResidentCorrect, version: int
) -> Resident:
    """Put a resident's record right; the former version is kept (M2.1).

    Raises `VersionMismatch`, and `InvalidInput` where birth date or sex contradict the document,
    or nothing is put right.
    """
    resident = await resident_of(session, resident_id)
    changes = _changes(resident, said, keyring_of(session))
    await _refuse_held(session, changes.get("document_lookup"), resident.id)
    changes |= departure_put_right(keyring_of(session), resident, said)
    if "left_on" in changes:
        await _refuse_return_into_nothing(session, resident, said.left_on)
    told = resident.left_on
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, resident, changes, correction)
    if told is not None and "left_on" in changes:
        put_right = PutRight(caller, [resident.id], told, resident.left_on)
        await follow_putting_right(session, put_right)
    audit(
        session,
        caller,
        "residents.correct",
        subject=resident.id,
        reach=resident.reach,
        details={"fields": sorted(said.model_fields_set - {"reason"})},
    )
    return resident


async def _refuse_return_into_nothing(
    session: AsyncSession, resident: Resident, left_on: date | None
) -> None:
    """Nobody is back in a household that is gone."""
    if left_on is None and resident.left_on is not None:
        household = await household_of(session, resident.household_id)
        if household.left_on is not None:
            raise HouseholdLeft


def _changes(resident: Resident, said: ResidentCorrect, keyring: Keyring) -> dict[str, Any]:
    """The columns that a correction changes."""
    given = told_in(said)
    changes: dict[str, Any] = {name: getattr(said, name) for name in given & _PLAIN}
    if given & {"document", "document_kind"}:
        changes |= _document_changes(said, keyring)
    elif given & {"sex", "birth_date"}:
        _refuse_contradiction(resident, said, keyring)
    if said.sex is not None or "sex" in given:
        changes["sex"] = said.sex or Sex.not_stated
    if said.birth_date is not None or "birth_date" in given:
        changes["birth_date"] = said.birth_date
    if "phone" in given:
        changes["phone_sealed"] = sealed(keyring, said.phone, context="residents.phone")
        changes["phone_lookup"] = said.phone and keyring.lookup(said.phone, context="phone")
    if "note" in given:
        changes["note_sealed"] = sealed(keyring, said.note, context="residents.note")
    return changes


def _document_changes(said: ResidentCorrect, keyring: Keyring) -> dict[str, Any]:
    number = said.document
    return {
        "document_kind": said.document_kind,
        "document_sealed": sealed(keyring, number, context="residents.document"),
        "document_lookup": document_lookup(keyring, said.document_kind, number),
    }


def _refuse_contradiction(resident: Resident, said: ResidentCorrect, keyring: Keyring) -> None:
    """A birth date or sex alone must agree with the identity number that is kept."""
    document = opened(keyring, resident.document_sealed, context="residents.document")
    number = telling_number(resident.document_kind, document)
    if number is None:
        return
    if "birth_date" in said.model_fields_set and said.birth_date != birth_date_of(number):
        raise InvalidInput("出生日期与已登记的身份证号不一致，请核对。", pointer="/body/birth_date")
    if "sex" in said.model_fields_set and said.sex is not sex_of(number):
        raise InvalidInput("性别与已登记的身份证号不一致，请核对。", pointer="/body/sex")


async def reveal_resident(
    session: AsyncSession, caller: Claims, resident_id: UUID, ask: RevealAsk
) -> ResidentRevealed:
    """Show what is masked otherwise; who asked, for what and why, is put on record (M6.6)."""
    resident = await resident_of(session, resident_id)
    household = await household_of(session, resident.household_id)
    keyring = keyring_of(session)
    document = opened(keyring, resident.document_sealed, context="residents.document")
    plain = {
        RevealField.document: document,
        RevealField.birth_date: resident.birth_date,
        RevealField.phone: opened(keyring, resident.phone_sealed, context="residents.phone"),
        RevealField.address: opened(
            keyring, household.address_sealed, context="households.address"
        ),
        RevealField.note: opened(keyring, resident.note_sealed, context="residents.note"),
        RevealField.destination: opened(
            keyring, resident.destination_sealed, context="residents.destination"
        ),
    }
    asked = sorted(set(ask.fields))
    audit(
        session,
        caller,
        "residents.reveal",
        subject=resident.id,
        reach=resident.reach,
        details={"reason": ask.reason, "fields": asked},
    )
    shown = {field.value: plain[field] if field in asked else None for field in RevealField}
    return ResidentRevealed.model_validate(
        {"id": resident.id, "document_kind": resident.document_kind, **shown}
    )
