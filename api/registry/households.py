"""A household put right: what is changed, and what must still hold."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.grids.queries import open_grid_in_reach
from api.registry.departures import departure_put_right
from api.registry.drafts import sealed
from api.registry.leaving import PutRight, follow_putting_right
from api.registry.models import Household, Resident
from api.registry.queries import household_of
from api.registry.schemas import HouseholdCorrect


async def correct_household(
    session: AsyncSession, caller: Claims, household_id: UUID, said: HouseholdCorrect, version: int
) -> Household:
    """Put a household's record right; the former version is kept (M2.1).

    Raises `NotFound`, `VersionMismatch`, `InvalidInput` where nothing is put right, and
    `OutsideYourGrid` for a household on duty only.
    """
    household = await household_of(session, household_id)
    given = told_in(said)
    changes: dict[str, Any] = {name: getattr(said, name) for name in given & {"name"}}
    for name in given & {"address", "note"}:
        plain: str | None = getattr(said, name)
        context = f"households.{name}"
        changes[f"{name}_sealed"] = sealed(keyring_of(session), plain, context=context)
    changes |= departure_put_right(keyring_of(session), household, said)
    if "left_on" in changes:
        await _refuse_return_into_nothing(session, household, changes["left_on"])
        await _put_right_together(session, caller, household, changes["left_on"])
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, household, changes, correction)
    audit(
        session,
        caller,
        "households.correct",
        subject=household.id,
        reach=household.reach,
        details={"fields": sorted(given)},
    )
    return household


async def _refuse_return_into_nothing(
    session: AsyncSession, household: Household, left_on: date | None
) -> None:
    """No household is back in a grid that was closed; it is registered where it lives now."""
    if left_on is None and household.left_on is not None:
        await open_grid_in_reach(session, household.grid_id, pointer="/body/left_on")


async def _put_right_together(
    session: AsyncSession, caller: Claims, household: Household, left_on: date | None
) -> None:
    """Who left on the day of the household left with it; so they did on the right one, or not."""
    together = select(Resident).where(
        col(Resident.household_id) == household.id,
        col(Resident.left_on) == household.left_on,
        col(Resident.discarded_at).is_(None),
    )
    changes: dict[str, Any] = {"left_on": left_on}
    if left_on is None:
        changes["destination_sealed"] = None
    told = household.left_on
    people = (await session.scalars(together.order_by(col(Resident.id)))).all()
    for resident in people:
        await correct(session, resident, changes, Correction(resident.version, by=caller.worker))
    if told is not None:
        put_right = PutRight(caller, [each.id for each in people], told, left_on)
        await follow_putting_right(session, put_right)
