"""How a quarantine ends, released or terminated: its seats with it, once, never in the future.

What later rooms had under way for it ends with it; they say how, at import:

    @when_ended
    async def drop(session: AsyncSession, caller: Claims, quarantine: Quarantine) -> None: ...
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.alerts.closing import close_groundless
from api.alerts.models import Cause
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.live import tell
from api.foundation.problems import InvalidInput
from api.quarantines.changes import drop_open_change
from api.quarantines.models import Quarantine
from api.quarantines.problems import QuarantineEnded
from api.quarantines.queries import RUNNING, seats_of
from api.quarantines.team import end_seats
from api.quarantines.whereabouts import close_entry

Ending = Callable[[AsyncSession, Claims, Quarantine], Awaitable[None]]
"""What becomes of something of a quarantine that has just ended, in the same transaction."""

_endings: list[Ending] = []

_OWED_NO_MORE = (Cause.missed_reading, Cause.incomplete_team)
"""What those who serve left undone stays on record, and sends nobody there any more."""


def when_ended(ending: Ending) -> Ending:
    """Register what ends along with a quarantine."""
    _endings.append(ending)
    return ending


def ended_so(quarantine: Quarantine, ending: dict[str, Any]) -> bool:
    """Whether it has ended just so already; raises `QuarantineEnded` if otherwise."""
    if quarantine.status in RUNNING:
        return False
    if any(getattr(quarantine, name) != value for name, value in ending.items()):
        raise QuarantineEnded
    return True


def refuse_future_end(ended_on: date) -> None:
    """Raise `InvalidInput` for an end that is yet to come."""
    if ended_on > clock.today():
        raise InvalidInput("结束日期不能晚于今天。", pointer="/body/ended_on")


async def end(
    session: AsyncSession,
    caller: Claims,
    quarantine: Quarantine,
    ending: dict[str, Any],
    *,
    reason: str,
) -> None:
    """End it as `ending` says, with its seats, its last whereabouts and what was asked to change.

    Whoever served is told. Raises `VersionMismatch`.
    """
    correction = Correction(quarantine.version, by=caller.worker, reason=reason)
    await correct(session, quarantine, ending, correction)
    seats = await seats_of(session, quarantine.id)
    end_seats(seats, by=caller.worker, reason=reason)
    await close_entry(session, quarantine.id, at=clock.now())
    await drop_open_change(session, caller, quarantine)
    for ending_along in _endings:
        await ending_along(session, caller, quarantine)
    for cause in _OWED_NO_MORE:
        await close_groundless(session, cause, [quarantine.resident_id], why="隔离已结束")
    await session.flush()
    place, grid = quarantine.reach, quarantine.grid_id
    await tell(session, "quarantine.released", subject=quarantine.id, reach=place, grid=grid)
    for worker in [None, *(seat.worker_id for seat in seats)]:
        await tell(
            session,
            "duties.changed",
            subject=quarantine.id,
            reach=quarantine.reach,
            grid=quarantine.grid_id,
            worker=worker,
        )
