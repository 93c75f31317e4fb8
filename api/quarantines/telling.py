"""Telling live that a quarantine stands otherwise, and whose duties that changes (M5.7)."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.live import tell
from api.quarantines.models import Quarantine


async def tell_changed(session: AsyncSession, quarantine: Quarantine) -> None:
    """Tell that it stands otherwise, and whom it concerns that their duties have changed."""
    place, grid = quarantine.reach, quarantine.grid_id
    await tell(session, "quarantine.changed", subject=quarantine.id, reach=place, grid=grid)
    await tell_duties(session, quarantine)


async def tell_duties(session: AsyncSession, quarantine: Quarantine) -> None:
    """Tell whom the quarantine concerns that what they have to do has changed."""
    await tell(
        session,
        "duties.changed",
        subject=quarantine.id,
        reach=quarantine.reach,
        grid=quarantine.grid_id,
        quarantine=quarantine.id,
    )
