"""What the register said before it was put right, oldest first: also of what was discarded."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.records import former
from api.registry.history_schemas import (
    HouseholdHistory,
    HouseholdRevision,
    ResidentHistory,
    ResidentRevision,
)
from api.registry.masked import former_household, masked_resident
from api.registry.models import Household, Resident
from api.registry.queries import household_of, resident_of


async def of_resident(session: AsyncSession, resident_id: UUID) -> ResidentHistory:
    """The former versions of a resident; raises `NotFound`."""
    resident = await resident_of(session, resident_id, discarded=True)
    return ResidentHistory(
        items=[
            ResidentRevision(resident=masked_resident(session, Resident(**said)), **replaced)
            for said, replaced in await former(session, resident)
        ]
    )


async def of_household(session: AsyncSession, household_id: UUID) -> HouseholdHistory:
    """The former versions of a household; raises `NotFound`."""
    household = await household_of(session, household_id, discarded=True)
    return HouseholdHistory(
        items=[
            HouseholdRevision(household=former_household(session, Household(**said)), **replaced)
            for said, replaced in await former(session, household)
        ]
    )
