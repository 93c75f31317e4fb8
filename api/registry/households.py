"""A household put right: what is changed, and what must still hold."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.registry.departures import check_left_on
from api.registry.drafts import sealed
from api.registry.models import Household
from api.registry.queries import household_of
from api.registry.schemas import HouseholdCorrect


async def correct_household(
    session: AsyncSession, caller: Claims, household_id: UUID, said: HouseholdCorrect, version: int
) -> Household:
    """Put a household's record right; the former version is kept (M2.1).

    Raises `NotFound`, `VersionMismatch`, and `OutsideYourGrid` for a household on duty only.
    """
    household = await household_of(session, household_id)
    given = said.model_fields_set
    changes: dict[str, Any] = {name: getattr(said, name) for name in given & {"name", "left_on"}}
    for name in given & {"address", "note"}:
        plain: str | None = getattr(said, name)
        context = f"households.{name}"
        changes[f"{name}_sealed"] = sealed(keyring_of(session), plain, context=context)
    if "left_on" in changes:
        check_left_on(household, said.left_on)
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, household, changes, correction)
    audit(
        session,
        caller,
        "households.correct",
        subject=household.id,
        reach=household.reach,
        details={"fields": sorted(given - {"reason"})},
    )
    return household
