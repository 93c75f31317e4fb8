"""What becomes of errands in hand when a post ends: the successor brings them (M1.7).

A worker may serve on teams of other grids, beyond the reach of whoever ends the post: what they
hold is read and passed on through functions of the cell's owner. Where somebody only gives up a
seat, or a quarantine ends, an errand stays with whoever has it: what was bought must still be
brought or called off, and a late one is shown to whoever leads there (`duties.errand_matters`).
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.grids.handover import Handover, Leaving, counts_duties, on_handover

ERRANDS = "errands"

_HELD = text("SELECT id, reach FROM errands_held_by(:holder)")
_PASS = text("SELECT pass_errands(CAST(:errands AS uuid[]), :successor, :by, :why, :at)")


async def _in_hand(session: AsyncSession, leaving: Leaving) -> list[UUID]:
    """The same choice as `Leaving.covers`, of errands that a query in reach would not show."""
    within = (leaving.reach, f"{leaving.reach}/")
    return [
        row.id
        for row in await session.execute(_HELD, {"holder": leaving.worker})
        if leaving.last or within[0] <= row.reach < within[1]
    ]


@counts_duties(ERRANDS)
async def errands_in_hand(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """How many errands the holder of an ending post has taken on and not brought."""
    return {ERRANDS: len(await _in_hand(session, leaving))}


@on_handover(ERRANDS)
async def pass_errands(session: AsyncSession, caller: Claims, handover: Handover) -> dict[str, int]:
    """Let the successor bring every errand in hand."""
    errands = await _in_hand(session, handover)
    if not errands:
        return {}
    told = {"errands": errands, "successor": handover.successor, "by": caller.worker}
    await session.execute(_PASS, {**told, "why": handover.reason, "at": handover.at})
    return {ERRANDS: len(errands)}
