"""What becomes of a roster when its place is taken down: nobody is sent where nothing stands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.rosters.models import DutyShift
from api.rosters.service import tell_shift


async def end_shifts(
    session: AsyncSession, caller: Claims, place_id: UUID, *, closed_at: datetime, reason: str
) -> None:
    """End the shifts of a place with it: one that is under way then, all later ones for good.

    Whoever was to stand them is told, and free for other places. What was stood is left alone.
    """
    now = clock.now()
    over = max(closed_at, now)
    statement = select(DutyShift).where(
        col(DutyShift.place_id) == place_id,
        col(DutyShift.discarded_at).is_(None),
        col(DutyShift.ends_at) > over,
    )
    for shift in (await session.scalars(statement.order_by(col(DutyShift.id)))).all():
        changes = {"ends_at": over} if shift.starts_at < over else {"discarded_at": now}
        correction = Correction(shift.version, by=caller.worker, reason=reason)
        await correct(session, shift, changes, correction)
        await tell_shift(session, shift)
