"""Registering a household with its people and bonds: whole or not at all."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.problems import RecordDiffers
from api.foundation.records import Proposal, insert_new, kept_before
from api.registry.drafts import Draft, draft, household_row, nested_row
from api.registry.ground import Ground, Sent, next_numbers, survey
from api.registry.models import Bond, BondKind, Household
from api.registry.schemas import HouseholdRecord


async def register_household(
    session: AsyncSession, caller: Claims, said: HouseholdRecord
) -> tuple[Household, bool]:
    """Register a household in one transaction (M2.1). Returns it and whether it is new.

    Raises `RecordDiffers` where the id was sent with other content, and what `draft` refuses.
    """
    household, created = await keep_household(session, caller, Sent(said))
    if created:
        audit(
            session,
            caller,
            "households.register",
            subject=household.id,
            reach=household.reach,
            details={"residents": len(said.residents)},
        )
    return household, created


async def keep_household(
    session: AsyncSession, caller: Claims, sent: Sent
) -> tuple[Household, bool]:
    """Keep one household, or find that it is kept already; without an audit entry."""
    ground = await survey(session, caller, [sent])
    if sent.said.id in ground.known:
        return await _sent_before(session, ground, sent), False
    [number] = await next_numbers(session, 1)
    new = draft(ground, sent, number=number)
    if not await keep_drafts(session, [new]):
        return await _sent_before(session, ground, sent), False
    return new.household, True


async def keep_drafts(session: AsyncSession, drafts: Sequence[Draft]) -> set[UUID]:
    """Insert households with all that belongs to them, three statements for any number.

    Returns the ids of the households that were not there before: of another, sent twice at the same
    moment, nothing is written. Raises `RecordDiffers` where a resident's id is used already.
    """
    created = await insert_new(session, [each.household for each in drafts])
    new = [each for each in drafts if each.household.id in created]
    residents = [resident for each in new for resident in each.residents]
    if len(await insert_new(session, residents)) < len(residents):
        raise RecordDiffers(fields=["residents"])
    await insert_new(session, [bond for each in new for bond in each.bonds])
    return created


async def _sent_before(session: AsyncSession, ground: Ground, sent: Sent) -> Household:
    """The household kept under this id; raises `RecordDiffers` unless the same was said of it."""
    row = household_row(ground, sent, reach="", number=0)
    household = await kept_before(session, Proposal(sent.said, row))
    differing = await _differing_residents(session, ground, row, sent)
    differing += await _differing_bonds(session, household, sent.said)
    if differing:
        raise RecordDiffers(fields=differing)
    return household


async def _differing_residents(
    session: AsyncSession, ground: Ground, row: Household, sent: Sent
) -> list[str]:
    differing: list[str] = []
    for place, resident in enumerate(sent.said.residents):
        again = nested_row(ground, row, sent, place)
        try:
            await kept_before(session, Proposal(resident, again))
        except RecordDiffers as refusal:
            fields: list[str] = refusal.members["fields"]
            differing += [f"residents/{place}/{field}" for field in fields or ["id"]]
    return differing


async def _differing_bonds(
    session: AsyncSession, household: Household, said: HouseholdRecord
) -> list[str]:
    """Compare with the bonds that began when the household was received."""
    first = await session.scalars(
        select(Bond).where(
            col(Bond.household_id) == household.id,
            col(Bond.began_at) == household.received_at,
        )
    )
    kept = {bond.kind: bond.worker_id or bond.resident_id for bond in first}
    return [f"{kind}_id" for kind in BondKind if said.people.get(kind) != kept.get(kind)]
