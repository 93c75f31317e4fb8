"""Registering a household with its people and bonds: whole or not at all."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.problems import RecordDiffers
from api.foundation.records import insert_values
from api.registry.drafts import Draft, draft
from api.registry.ground import Ground, Sent, next_numbers, survey
from api.registry.models import Bond, Household, Resident
from api.registry.repeats import read_before, same_as_before
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
        return await _said_again(session, ground, sent), False
    [number] = await next_numbers(session, 1)
    new = draft(ground, sent, number=number)
    if not await keep_drafts(session, [new]):
        return await _said_again(session, ground, sent), False
    return Household(**new.household), True


async def keep_drafts(session: AsyncSession, drafts: Sequence[Draft]) -> set[UUID]:
    """Insert households with all that belongs to them, three statements for any number.

    Returns the ids of the households that were not there before: of another, sent twice at the same
    moment, nothing is written. Raises `RecordDiffers` where a resident's id is used already.
    """
    created = await insert_values(session, Household, [each.household for each in drafts])
    new = [each for each in drafts if each.id in created]
    residents = [resident for each in new for resident in each.residents]
    if len(await insert_values(session, Resident, residents)) < len(residents):
        raise RecordDiffers(fields=["residents"])
    await insert_values(session, Bond, [bond for each in new for bond in each.bonds])
    return created


async def _said_again(session: AsyncSession, ground: Ground, sent: Sent) -> Household:
    before = await read_before(session, [sent.said])
    return await same_as_before(session, ground, before, sent)
