"""A household as it is about to be kept: rows of what was said, checked against the ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation.database import keyring_of
from api.foundation.field_records import fill_in
from api.foundation.identity import Sex
from api.foundation.problems import NotFound
from api.foundation.records import Source
from api.foundation.sealed import Keyring
from api.grids.models import Grid, Worker
from api.registry.models import HOUSEHOLD_NUMBER, Bond, BondKind, Household, Resident
from api.registry.problems import NotOfThisHousehold, ResidentAlreadyRegistered
from api.registry.resident_schemas import ResidentRecord
from api.registry.schemas import HouseholdRecord
from api.registry.standing import Candidates, Door, bond_row, candidates


@dataclass(frozen=True, slots=True)
class Ground:
    """What a registration stands on, looked up once for all households of a request."""

    grids: dict[UUID, Grid]
    standing: Candidates
    holders: dict[bytes, UUID]
    known: set[UUID]


@dataclass(frozen=True, slots=True)
class Draft:
    """A household with its people and bonds: kept whole or not at all."""

    said: HouseholdRecord
    household: Household
    residents: list[Resident]
    bonds: list[Bond]


async def survey(session: AsyncSession, said: Sequence[HouseholdRecord]) -> Ground:
    """Look up everything that these households refer to, in a handful of statements."""
    keyring = keyring_of(session)
    grids = select(Grid).where(
        col(Grid.id).in_({each.grid_id for each in said}), col(Grid.closed_at).is_(None)
    )
    known = select(col(Household.id)).where(col(Household.id).in_({each.id for each in said}))
    workers = {
        person
        for each in said
        for kind, person in each.people.items()
        if kind is not BondKind.representative
    }
    residents = [resident for each in said for resident in each.residents]
    return Ground(
        grids={grid.id: grid for grid in await session.scalars(grids)},
        standing=await candidates(session, workers),
        holders=await holders(session, document_lookups(keyring, residents)),
        known=set(await session.scalars(known)),
    )


def document_lookups(keyring: Keyring, residents: Sequence[ResidentRecord]) -> set[bytes]:
    """The look-ups of all documents that are told."""
    numbers = (resident.document for resident in residents)
    return {keyring.lookup(number, context="document") for number in numbers if number}


async def holders(session: AsyncSession, lookups: set[bytes]) -> dict[bytes, UUID]:
    """Who within the caller's reach holds these documents."""
    if not lookups:
        return {}
    held = select(col(Resident.document_lookup), col(Resident.id)).where(
        col(Resident.document_lookup).in_(lookups), col(Resident.discarded_at).is_(None)
    )
    return {lookup: resident for lookup, resident in await session.execute(held) if lookup}


async def next_numbers(session: AsyncSession, count: int) -> list[int]:
    """Numbers for new households; one that is not used in the end is not used again."""
    series = f"SELECT nextval('{HOUSEHOLD_NUMBER.name}') FROM generate_series(1, :count)"
    return list(await session.scalars(text(series), {"count": count}))


def draft(
    ground: Ground, caller: Claims, keyring: Keyring, said: HouseholdRecord, *, number: int
) -> Draft:
    """The rows of a new household; pointers as if it were sent alone.

    Raises `NotFound` for a grid or worker out of reach and whatever else the register refuses.
    """
    grid = ground.grids.get(said.grid_id)
    if grid is None:
        raise NotFound("没有找到该网格,或不在您的网格范围内。", pointer="/body/grid_id")
    household = Household(
        **fill_in(said, entered_by=caller.worker, source=Source.visit),
        reach=f"{grid.path}.h{number}",
        grid_id=grid.id,
        number=number,
        name=said.name,
        address_sealed=sealed(keyring, said.address, context="households.address"),
        note_sealed=sealed(keyring, said.note, context="households.note"),
    )
    residents = [
        resident_row(
            household, resident, filled=nested(resident, household, place), keyring=keyring
        )
        for place, resident in enumerate(said.residents)
    ]
    refuse_held(ground.holders, residents)
    return Draft(said, household, residents, _bonds(ground.standing, said, household, residents))


def resident_row(
    household: Household, said: ResidentRecord, *, filled: dict[str, Any], keyring: Keyring
) -> Resident:
    """The row of a new resident of this household; `filled` is what `fill_in` made of it."""
    document = said.document
    return Resident(
        **filled,
        reach=household.reach,
        household_id=household.id,
        grid_id=household.grid_id,
        name=said.name,
        sex=said.sex or Sex.not_stated,
        birth_date=said.birth_date,
        document_kind=said.document_kind,
        document_sealed=sealed(keyring, document, context="residents.document"),
        document_lookup=keyring.lookup(document, context="document") if document else None,
        phone_sealed=sealed(keyring, said.phone, context="residents.phone"),
        phone_lookup=keyring.lookup(said.phone, context="phone") if said.phone else None,
        relation=said.relation,
        registration=said.registration,
        is_party_member=said.is_party_member,
        mobility_limited=said.mobility_limited,
        lives_alone=said.lives_alone,
        note_sealed=sealed(keyring, said.note, context="residents.note"),
    )


def sealed(keyring: Keyring, plain: str | None, *, context: str) -> bytes | None:
    """The sealed form of a value that may be absent."""
    return None if plain is None else keyring.seal(plain, context=context)


def refuse_held(
    holders: dict[bytes, UUID], residents: Sequence[Resident], *, within: str | None = None
) -> None:
    """Raise `ResidentAlreadyRegistered` for a document that somebody else holds already.

    `within` points at the resident where it is sent alone.
    """
    for place, resident in enumerate(residents):
        holder = holders.get(resident.document_lookup or b"", resident.id)
        if holder != resident.id:
            raise ResidentAlreadyRegistered(
                "该证件号的居民已登记,请核对;如已搬家,请办理迁入。",
                pointer=f"{within or f'/body/residents/{place}'}/document",
                resident_id=str(holder),
            )


def nested(said: ResidentRecord, household: Household, place: int) -> dict[str, Any]:
    """A resident told with the household was recorded with it, unless it says otherwise."""
    filled = fill_in(
        said,
        entered_by=household.entered_by,
        source=household.source,
        within=f"/body/residents/{place}",
    )
    return {
        **filled,
        "performed_by": said.performed_by or household.performed_by,
        "recorded_at": said.recorded_at or household.recorded_at,
    }


def _bonds(
    standing: Candidates, said: HouseholdRecord, household: Household, residents: list[Resident]
) -> list[Bond]:
    """The bonds told with a household; they begin when it is received."""
    living = {resident.id: resident for resident in residents}
    bonds: list[Bond] = []
    for kind, person in said.people.items():
        pointer = f"/body/{kind}_id"
        if kind is BondKind.representative:
            if person not in living:
                raise NotOfThisHousehold(pointer=pointer)
            chosen: Worker | Resident = living[person]
        else:
            chosen = standing.choose(person, kind, reach=household.reach, pointer=pointer)
        door = Door(household.id, household.reach, kind)
        bonds.append(bond_row(door, chosen, began_at=household.received_at))
    return bonds
