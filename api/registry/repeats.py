"""Households that are sent again: no news when the same is said, a problem when it differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.problems import RecordDiffers
from api.foundation.records import Proposal, compare
from api.registry.drafts import Values, household_values, nested_values
from api.registry.ground import Ground, Sent
from api.registry.models import Bond, BondKind, Household, Resident
from api.registry.schemas import HouseholdRecord


@dataclass(frozen=True, slots=True)
class Before:
    """What is kept under the ids of households that are sent again, and of their residents."""

    households: dict[UUID, Household]
    residents: dict[UUID, Resident]
    people: dict[tuple[UUID, BondKind], UUID | None]


async def read_before(session: AsyncSession, said: Sequence[HouseholdRecord]) -> Before:
    """Look up all that is kept of these households, in three statements."""
    ids = {each.id for each in said}
    named = {resident.id for each in said for resident in each.residents}
    fresh = {"populate_existing": True}
    homes = await session.scalars(
        select(Household).where(col(Household.id).in_(ids)), execution_options=fresh
    )
    households = {home.id: home for home in homes}
    residents = await session.scalars(
        select(Resident).where(col(Resident.id).in_(named)), execution_options=fresh
    )
    bonds = await session.scalars(select(Bond).where(col(Bond.household_id).in_(households)))
    return Before(
        households,
        {resident.id: resident for resident in residents},
        {
            (bond.household_id, bond.kind): bond.worker_id or bond.resident_id
            for bond in bonds
            if bond.began_at == households[bond.household_id].received_at
        },
    )


async def same_as_before(
    session: AsyncSession, ground: Ground, before: Before, sent: Sent
) -> Household:
    """The household kept under this id; raises `RecordDiffers` unless the same was said of it."""
    said = sent.said
    values = household_values(ground, sent, reach="", number=0)
    again = Proposal(said, Household(**values))
    household = await compare(session, again, before.households.get(said.id))
    differing = await _differing_residents(session, ground, before, (sent, values))
    differing += [
        f"{kind}_id"
        for kind in BondKind
        if said.people.get(kind) != before.people.get((said.id, kind))
    ]
    if differing:
        raise RecordDiffers(fields=differing)
    return household


async def _differing_residents(
    session: AsyncSession, ground: Ground, before: Before, again: tuple[Sent, Values]
) -> list[str]:
    sent, household = again
    differing: list[str] = []
    for place, resident in enumerate(sent.said.residents):
        row = Resident(**nested_values(ground, household, sent, place))
        kept = before.residents.get(resident.id)
        try:
            await compare(session, Proposal(resident, row), kept)
        except RecordDiffers as refusal:
            fields: list[str] = refusal.members["fields"]
            differing += [f"residents/{place}/{field}" for field in fields or ["id"]]
    return differing
