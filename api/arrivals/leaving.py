"""Whoever is signed out of the register has departed: their arrival waits for nobody any more."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.arrivals.models import PRESENT, Arrival, ArrivalStatus
from api.arrivals.queries import locked
from api.arrivals.steps import HERE, close_departed, note, refuse_day
from api.foundation.corrections import Correction, correct
from api.registry.leaving import Leaving, PutRight, after_putting_right, before_leaving


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


@after_putting_right
async def put_departures_right(session: AsyncSession, put_right: PutRight) -> None:
    """Let who departed on a wrong day have done so on the right one, or be here as they were.

    Raises `InvalidInput` for a day before they came.
    """
    ended = select(Arrival.id).where(
        col(Arrival.resident_id).in_(put_right.residents),
        col(Arrival.status) == ArrivalStatus.departed,
        col(Arrival.departed_on) == put_right.told,
        col(Arrival.discarded_at).is_(None),
    )
    for each in (await session.scalars(ended.order_by(col(Arrival.id).desc()))).all():
        arrival = await locked(session, each)
        changes: dict[str, Any] = {"departed_on": put_right.right}
        if put_right.right is not None:
            refuse_day(arrival, put_right.right, pointer="/body/left_on")
        elif await _comes_again(session, arrival.resident_id):
            continue
        else:
            changes |= {"status": _as_it_was(arrival), "destination_sealed": None}
        correction = Correction(arrival.version, by=put_right.caller.worker)
        await correct(session, arrival, changes, correction)
        await note(session, put_right.caller, "arrivals.correct", arrival)


async def _comes_again(session: AsyncSession, resident: UUID | None) -> bool:
    """Whether a later arrival stands for them by now."""
    present = select(Arrival.id).where(
        col(Arrival.resident_id) == resident,
        col(Arrival.status).in_(PRESENT),
        col(Arrival.discarded_at).is_(None),
    )
    return (await session.scalars(present)).first() is not None


def _as_it_was(arrival: Arrival) -> ArrivalStatus:
    return ArrivalStatus.arrived if arrival.verified_at is None else ArrivalStatus.verified
