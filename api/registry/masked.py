"""Rows of the register as the wire shows them: names plain, what identifies a person masked."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address, mask_document, mask_phone
from api.foundation.sealed import Keyring
from api.registry.history_schemas import HouseholdFormer
from api.registry.models import Bond, Household, Resident
from api.registry.queries import living_in, open_bonds
from api.registry.resident_schemas import ResidentRead
from api.registry.schemas import BondRead, HouseholdListed, HouseholdRead

MAJORITY = 18
"""The age from which a person is no minor (未成年人保护法 art. 2)."""


def opened(keyring: Keyring, sealed: bytes | None, *, context: str) -> str | None:
    """The plain text of a sealed value that may be absent."""
    return None if sealed is None else keyring.open(sealed, context=context)


def age_on(day: date, born: date) -> int:
    """Completed years (周岁); who was born on 29 February has a birthday on 1 March otherwise."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def masked_resident(session: AsyncSession, resident: Resident) -> ResidentRead:
    """A resident with document and phone masked, and the age for the birth date."""
    keyring = keyring_of(session)
    document = opened(keyring, resident.document_sealed, context="residents.document")
    phone = opened(keyring, resident.phone_sealed, context="residents.phone")
    kind, born = resident.document_kind, resident.birth_date
    age = age_on(clock.today(), born) if born else None
    return ResidentRead.model_validate(
        {
            **resident.model_dump(include=_SHOWN_OF_RESIDENT),
            "died": bool(resident.died),  # what was said before anybody asked for it is null
            "age": age,
            "is_minor": None if age is None else age < MAJORITY,
            "document": mask_document(kind, document) if kind and document else None,
            "phone": mask_phone(phone) if phone else None,
        }
    )


def listed_household(
    session: AsyncSession, household: Household, bonds: Iterable[Bond]
) -> HouseholdListed:
    """A household in a list, its address masked."""
    return HouseholdListed.model_validate(_told(session, household, bonds))


def former_household(session: AsyncSession, household: Household) -> HouseholdFormer:
    """What a household's record said once, its address masked."""
    return HouseholdFormer.model_validate(
        {**_told(session, household, ()), "note": _note(session, household)}
    )


async def household_read(session: AsyncSession, household: Household) -> HouseholdRead:
    """A household with those who live in it, addresses and numbers masked."""
    residents = await living_in(session, household.id)
    bonds = await open_bonds(session, [household.id])
    return HouseholdRead.model_validate(
        {
            **_told(session, household, bonds.get(household.id, [])),
            "note": _note(session, household),
            "residents": [masked_resident(session, resident) for resident in residents],
        }
    )


def _note(session: AsyncSession, household: Household) -> str | None:
    return opened(keyring_of(session), household.note_sealed, context="households.note")


def shown_bond(bond: Bond) -> BondRead:
    return BondRead.model_validate(bond)


def _told(session: AsyncSession, household: Household, bonds: Iterable[Bond]) -> dict[str, object]:
    keyring = keyring_of(session)
    address = opened(keyring, household.address_sealed, context="households.address")
    return {
        **household.model_dump(include=_SHOWN_OF_HOUSEHOLD),
        "address": mask_address(address) if address else None,
        "bonds": [shown_bond(bond) for bond in bonds],
    }


_SHOWN_OF_RESIDENT = set(ResidentRead.model_fields)
_SHOWN_OF_HOUSEHOLD = set(HouseholdRead.model_fields)
