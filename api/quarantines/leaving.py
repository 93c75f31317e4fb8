"""Who is in quarantine is not signed out of the town while it runs (M2.4, M3.4)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.quarantines.models import Quarantine
from api.quarantines.queries import running
from api.registry.leaving import Leaving, before_leaving
from api.registry.problems import StillUnderControl


@before_leaving
async def keep_who_is_in_quarantine(session: AsyncSession, leaving: Leaving) -> None:
    """Raise `StillUnderControl` where a quarantine of one of them runs, whoever began it."""
    await refuse_signing_out(session, leaving.residents)


async def refuse_signing_out(session: AsyncSession, residents: Collection[UUID]) -> None:
    """Raise `StillUnderControl`, naming the running quarantines of these residents."""
    statement = select(Quarantine.id).where(col(Quarantine.resident_id).in_(residents), running())
    found = [str(each) for each in await session.scalars(statement.order_by(col(Quarantine.id)))]
    if found:
        raise StillUnderControl(quarantine_id=found[0], quarantines=found)
