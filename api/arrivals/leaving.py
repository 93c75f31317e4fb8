"""Whoever is signed out of the register has departed: their arrival waits for nobody any more."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.arrivals.models import Arrival
from api.arrivals.queries import locked
from api.arrivals.steps import HERE, close_departed, note, refuse_day
from api.registry.leaving import Leaving, before_leaving


@before_leaving
async def end_arrivals(session: AsyncSession, leaving: Leaving) -> None:
    """End, as departed, the arrivals by which these residents are here (M2.4).

    Who is only expected may still come. Raises `InvalidInput` for who came after they are said to
    have left.
    """
    here = select(Arrival.id).where(
        col(Arrival.resident_id).in_(leaving.residents),
        col(Arrival.status).in_(HERE),
        col(Arrival.discarded_at).is_(None),
    )
    for each in (await session.scalars(here.order_by(col(Arrival.id)))).all():
        arrival = await locked(session, each)
        if arrival.status in HERE:
            refuse_day(arrival, leaving.said.left_on, pointer="/body/left_on")
            await close_departed(session, leaving.caller, arrival, leaving.said)
            await note(session, leaving.caller, "arrivals.depart", arrival)
