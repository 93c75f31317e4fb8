"""What becomes of shifts when a post ends: the successor stands them (M1.7).

Of one that is under way they stand what is left: who stood there until then stays on record. A
worker may stand at places beyond the reach of whoever ends the post: their shifts are read and
passed on through functions of the cell's owner.
"""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.grids.handover import Handover, Leaving, counts_duties, on_handover
from api.rosters.hours import Span
from api.rosters.people import Held, held, people
from api.rosters.problems import ShiftsNotPassedOn

SHIFTS = "duty_shifts"
_EVER = datetime(9999, 1, 1, tzinfo=UTC)

_PASS = text("SELECT pass_shifts(CAST(:shifts AS uuid[]), :successor, :by, :why, :at)")


async def _ahead(session: AsyncSession, leaving: Leaving) -> list[Held]:
    """The shifts that have not ended yet and that end with this post."""
    shifts = await held(session, [leaving.worker], since=leaving.at, until=_EVER)
    below = f"{leaving.reach}/"
    return [each for each in shifts if leaving.last or leaving.reach <= each.reach < below]


@counts_duties(SHIFTS)
async def shifts_ahead(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """How many shifts the holder of an ending post still has to stand."""
    return {SHIFTS: len(await _ahead(session, leaving))}


@on_handover(SHIFTS)
async def pass_shifts(session: AsyncSession, caller: Claims, handover: Handover) -> dict[str, int]:
    """Let the successor stand every shift that has not ended, or refuse them all.

    Raises `ShiftsNotPassedOn` naming those for which the successor is on duty elsewhere.
    """
    shifts = await _ahead(session, handover)
    if not shifts:
        return {}
    spans = [Span(max(each.starts_at, handover.at), each.ends_at) for each in shifts]
    known = await people(session, {handover.successor}, spans)
    clashes = [
        str(shift.id)
        for shift, span in zip(shifts, spans, strict=True)
        if known.clash(handover.successor, span, but={shift.id})
    ]
    if clashes:
        raise ShiftsNotPassedOn(shifts=clashes)
    told = {"shifts": [each.id for each in shifts], "successor": handover.successor}
    told |= {"by": caller.worker, "why": handover.reason, "at": handover.at}
    await session.execute(_PASS, told)
    return {SHIFTS: len(shifts)}
