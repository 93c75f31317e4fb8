"""Reading the register; what is out of reach is not there."""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.problems import NotFound
from api.registry.models import Bond, Household, Resident


async def household_of(
    session: AsyncSession,
    household: UUID,
    *,
    pointer: str | None = None,
    locked: bool = False,
    discarded: bool = False,
) -> Household:
    """The household; raises `NotFound`, also for one discarded, unless `discarded`.

    `locked` keeps others from changing who belongs to it.
    """
    found = await session.get(Household, household, with_for_update=locked)
    if found is None or (found.discarded_at is not None and not discarded):
        raise NotFound("没有找到该户，或不在您的网格范围内。", pointer=pointer)
    return found


async def resident_of(
    session: AsyncSession,
    resident: UUID,
    *,
    pointer: str | None = None,
    locked: bool = False,
    discarded: bool = False,
) -> Resident:
    """The resident; raises `NotFound`, also for one discarded, unless `discarded`.

    `locked` keeps others from changing it meanwhile.
    """
    found = await session.get(Resident, resident, with_for_update=locked)
    if found is None or (found.discarded_at is not None and not discarded):
        raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer=pointer)
    return found


async def living_in(
    session: AsyncSession, household: UUID, *, locked: bool = False
) -> Sequence[Resident]:
    """Those who live in the household now, in the order they were registered."""
    statement = select(Resident).where(
        col(Resident.household_id) == household,
        col(Resident.left_on).is_(None),
        col(Resident.discarded_at).is_(None),
    )
    statement = statement.order_by(col(Resident.id))
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).all()


async def open_bonds(session: AsyncSession, households: Iterable[UUID]) -> dict[UUID, list[Bond]]:
    """Who stands for each of these households now."""
    statement = select(Bond).where(
        col(Bond.household_id).in_(set(households)), col(Bond.ended_at).is_(None)
    )
    standing: dict[UUID, list[Bond]] = {}
    for bond in await session.scalars(statement.order_by(col(Bond.kind))):
        standing.setdefault(bond.household_id, []).append(bond)
    return standing


def common_path(paths: Iterable[str]) -> str:
    """The path of the lowest grid that has all these places."""
    parts = [path.split(".") for path in paths]
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*parts, strict=False))
    return ".".join(level[0] for level in shared)
