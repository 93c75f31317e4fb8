"""What becomes of samplings at home when a post ends: the successor goes there (M1.7)."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct
from api.grids.handover import Handover, Leaving, counts_duties, on_handover
from api.registry.models import Resident
from api.sites.home import present
from api.sites.models import HomeSampling

HOME_SAMPLINGS = "home_samplings"


async def _to_do(session: AsyncSession, leaving: Leaving) -> Sequence[HomeSampling]:
    statement = (
        select(HomeSampling)
        .join(Resident, col(Resident.id) == col(HomeSampling.resident_id))
        .where(
            leaving.covers(col(HomeSampling.assigned_to), col(HomeSampling.reach)),
            col(HomeSampling.cancelled_at).is_(None),
            col(HomeSampling.discarded_at).is_(None),
            col(Resident.left_on).is_(None),
        )
    )
    given = (await session.scalars(statement)).all()
    open_ones = {each.id for each in await present(session, given) if each.test_id is None}
    return [each for each in given if each.id in open_ones]


@counts_duties(HOME_SAMPLINGS)
async def home_samplings_to_do(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """How many people the holder of an ending post was to sample at home."""
    return {HOME_SAMPLINGS: len(await _to_do(session, leaving))}


@on_handover(HOME_SAMPLINGS)
async def pass_home_samplings(
    session: AsyncSession, caller: Claims, handover: Handover
) -> dict[str, int]:
    """Give every sampling at home that is still to be done to the successor."""
    given = await _to_do(session, handover)
    changes = {"assigned_to": handover.successor, "assigned_at": handover.at}
    for sampling in given:
        correction = Correction(sampling.version, by=caller.worker, reason=handover.reason)
        await correct(session, sampling, changes, correction)
    return {HOME_SAMPLINGS: len(given)} if given else {}
