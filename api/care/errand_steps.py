"""Errands, step by step: taken on, brought, confirmed or called off; each step once (M3.7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.care.errand_models import HELD, OPEN, Errand, ErrandStatus, Word
from api.care.errand_problems import ErrandDiscarded, ErrandOutOfOrder, ErrandTaken, NotServing
from api.care.errand_queries import errand_of
from api.care.errand_requests import refuse_unpaid, tell_who_runs
from api.care.errand_schemas import ErrandConfirm, ErrandDeliver
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput, RecordDiffers
from api.quarantines.queries import in_charge

_BROUGHT = ("delivered_at", "delivered_by", "contact_free", "amount_fen", "payer", "receipt_number")


async def accept(session: AsyncSession, caller: Claims, errand_id: UUID) -> Errand:
    """Take an errand upon oneself; of two at the same moment one has it, the other is told who.

    Raises `NotFound`, `ErrandTaken`, `ErrandOutOfOrder`, `ErrandDiscarded`.
    """
    errand = await standing(session, errand_id)
    if errand.status is ErrandStatus.requested:
        name = await _serving(session, caller.worker, errand)
        return await _take(session, caller, errand, _held_by(caller.worker, name, by=None))
    if errand.accepted_by is None or errand.status is ErrandStatus.cancelled:
        raise _out_of_order(errand)
    if errand.accepted_by != caller.worker:
        raise ErrandTaken(
            f"已由{errand.accepted_by_name}接单，不必重复办理。",
            worker_id=str(errand.accepted_by),
            worker_name=errand.accepted_by_name,
            state=errand.status.value,
        )
    return errand


async def assign(session: AsyncSession, caller: Claims, errand_id: UUID, worker: UUID) -> Errand:
    """Give an errand to somebody, also when another has it; only where the caller leads.

    Sent again once they have brought it, it is no news.

    Raises `NotFound`, `NotServing`, `ErrandOutOfOrder`, `ErrandDiscarded`, `OutsideYourGrid`.
    """
    await in_charge(session, (await errand_of(session, errand_id)).quarantine_id)
    errand = await standing(session, errand_id)
    if errand.accepted_by == worker and errand.status is not ErrandStatus.cancelled:
        return errand
    _refuse_unless(errand, *OPEN)
    name = await _serving(session, worker, errand)
    return await _take(session, caller, errand, _held_by(worker, name, by=caller.worker))


def _held_by(worker: UUID, name: str, *, by: UUID | None) -> dict[str, Any]:
    return {
        "status": ErrandStatus.accepted,
        "accepted_at": clock.now(),
        "accepted_by": worker,
        "accepted_by_name": name,
        "assigned_by": by,
        "purchasing_at": None,
    }


# A seat on the team, or a post whose grid the home lies in; else they would never find it.
_SERVING = text("""
    SELECT c.name FROM care_candidates(ARRAY[CAST(:worker AS uuid)], :at) AS c
    WHERE EXISTS (
        SELECT FROM care_seats AS s
        WHERE s.quarantine_id = :quarantine AND s.worker_id = c.worker_id AND s.ended_at IS NULL
    ) OR EXISTS (
        SELECT FROM posts AS p
        WHERE p.worker_id = c.worker_id AND starts_with(:reach, p.reach || '.')
            AND p.household_id IS NULL AND p.began_at <= :at
            AND (p.ended_at IS NULL OR p.ended_at > :at)
    )
""")


async def _serving(session: AsyncSession, worker: UUID, errand: Errand) -> str:
    """The name of somebody who serves this person; raises `NotServing`."""
    asked = {"worker": worker, "quarantine": errand.quarantine_id, "reach": errand.reach}
    name: str | None = await session.scalar(_SERVING, {**asked, "at": clock.now()})
    if name is None:
        raise NotServing
    return name


async def purchase(session: AsyncSession, caller: Claims, errand_id: UUID) -> Errand:
    """Note that the goods are being bought; raises as `deliver`."""
    errand = await standing(session, errand_id)
    if errand.purchasing_at is not None and errand.status is not ErrandStatus.cancelled:
        return errand
    _refuse_unless(errand, ErrandStatus.accepted)
    changes = {"status": ErrandStatus.purchasing, "purchasing_at": clock.now()}
    return await _take(session, caller, errand, changes)


async def deliver(
    session: AsyncSession, caller: Claims, errand_id: UUID, said: ErrandDeliver
) -> Errand:
    """Note that it was brought; whoever has it need not be who brings it, or who says so.

    Raises `NotFound`, `ErrandOutOfOrder`, `ErrandDiscarded`, `NotAColleague`, `InvalidInput`,
    `RecordedInTheFuture`, `RecordDiffers`.
    """
    if said.delivered_by and await strangers(session, {said.delivered_by}):
        raise NotAColleague(pointer="/body/delivered_by")
    refuse_unpaid(said.amount_fen, said.payer)
    errand = await standing(session, errand_id)
    if errand.delivered_at is not None:
        _as_told(errand, {name: getattr(said, name) for name in _BROUGHT})
        return errand
    _refuse_unless(errand, *HELD)
    at = _told_at(said.delivered_at, not_before=errand.recorded_at, name="delivered_at")
    told = said.model_dump(exclude={"delivered_at", "delivered_by"})
    brought = {"delivered_at": at, "delivered_by": said.delivered_by or caller.worker, **told}
    return await _take(session, caller, errand, {"status": ErrandStatus.delivered, **brought})


async def confirm(
    session: AsyncSession, caller: Claims, errand_id: UUID, said: ErrandConfirm
) -> Errand:
    """Note by whose word it came as wanted; the deliverer may be told as well as anybody else.

    Raises `NotFound`, `ErrandOutOfOrder`, `ErrandDiscarded`, `InvalidInput`,
    `RecordedInTheFuture`, `RecordDiffers`.
    """
    errand = await standing(session, errand_id)
    if errand.confirmed_at is not None:
        _as_told(errand, {"word": said.word, "confirmed_at": said.confirmed_at})
        return errand
    if errand.delivered_at is None:
        raise _out_of_order(errand)
    at = _told_at(said.confirmed_at, not_before=errand.delivered_at, name="confirmed_at")
    word: dict[str, Word | datetime | UUID] = {"word": said.word, "confirmed_at": at}
    word |= {"confirmed_by": caller.worker}
    return await _take(session, caller, errand, {"status": ErrandStatus.confirmed, **word})


async def cancel(session: AsyncSession, caller: Claims, errand_id: UUID, reason: str) -> Errand:
    """Say why nobody sees to it any more, before it is delivered; raises as `confirm`."""
    errand = await standing(session, errand_id)
    if errand.status is ErrandStatus.cancelled:
        _as_told(errand, {"cancelled_reason": reason})
        return errand
    _refuse_unless(errand, *OPEN)
    why = {"cancelled_at": clock.now(), "cancelled_by": caller.worker, "cancelled_reason": reason}
    return await _take(session, caller, errand, {"status": ErrandStatus.cancelled, **why})


async def standing(session: AsyncSession, errand_id: UUID) -> Errand:
    """An errand that counts, for the caller alone; raises `NotFound`, `ErrandDiscarded`."""
    errand = await errand_of(session, errand_id, locked=True)
    if errand.discarded_at is not None:
        raise ErrandDiscarded
    return errand


def _refuse_unless(errand: Errand, *states: ErrandStatus) -> None:
    if errand.status not in states:
        raise _out_of_order(errand)


def _out_of_order(errand: Errand) -> ErrandOutOfOrder:
    said = f"这件代办现在是“{errand.status.label}”，不能办理这一步。"
    return ErrandOutOfOrder(said, state=errand.status.value)


def _as_told(errand: Errand, told: Mapping[str, Any]) -> None:
    """The step was taken before; raises `RecordDiffers` if it was told otherwise then."""
    kept = {name: getattr(errand, name) for name in told}
    fields = [name for name, value in told.items() if value is not None and value != kept[name]]
    if fields:
        raise RecordDiffers("这一步此前已按不同的内容办理。", fields=fields)


def _told_at(told: datetime | None, *, not_before: datetime, name: str) -> datetime:
    if told is None:
        return max(clock.now(), not_before)
    refuse_the_future(told, pointer=f"/body/{name}")
    if told < not_before:
        raise InvalidInput("不能早于上一步的时间。", pointer=f"/body/{name}")
    return told


async def _take(
    session: AsyncSession, caller: Claims, errand: Errand, changes: Mapping[str, Any]
) -> Errand:
    former = errand.accepted_by
    await correct(session, errand, changes, Correction(errand.version, by=caller.worker))
    details = {"status": errand.status.value}
    audit(session, caller, "errands.step", subject=errand.id, reach=errand.reach, details=details)
    await tell_who_runs(session, errand, former=former)
    return errand
