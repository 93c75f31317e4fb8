"""Putting a pass right, or letting it count no more; what was said before is kept as long as it.

What was shown, and what the rule said of it, is evidence and stays: somebody else at the gate is
another pass. Its id stays taken, so that what a phone sends again does not come back.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.checkpoints.models import Pass
from api.checkpoints.pass_correction_schemas import (
    PassCorrect,
    PassDiscard,
    PassHistory,
    PassRevision,
)
from api.checkpoints.pass_queries import no_such_pass, pass_read
from api.checkpoints.problems import NotYourPass, PassDiscarded, WhyOtherwise
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.database import keyring_of
from api.foundation.records import former
from api.grids.models import Grid
from api.rosters.models import DutyShift

_HANDING_OVER = timedelta(hours=1)
_SENDING_LATE = timedelta(hours=12)
"""A guard is let in this long before the shift begins and after it ends (`enter()` in 0024)."""

_SEALED = ("vehicle_plate", "from_place", "to_place")


async def correct_pass(
    session: AsyncSession, caller: Claims, pass_id: UUID, said: PassCorrect, *, version: int
) -> Pass:
    """Put right what was told of a pass, or what was decided; the former version is kept.

    Raises `NotFound`, `NotYourPass`, `PassDiscarded`, `InvalidInput`, `WhyOtherwise`,
    `VersionMismatch`.
    """
    row = await _to_put_right(session, caller, pass_id)
    told = told_in(said)
    changes = _changes(session, row, said, told)
    await correct(session, row, changes, _correction(caller, row, version, said.reason))
    subject, reach, details = row.id, row.reach, {"fields": sorted(told)}
    audit(session, caller, "passes.correct", subject=subject, reach=reach, details=details)
    return row


def _changes(session: AsyncSession, row: Pass, said: PassCorrect, told: set[str]) -> dict[str, Any]:
    """The columns that change; a decision is told with its reason. Raises `WhyOtherwise`."""
    changes = said.model_dump(include=told & {"decision", "decision_reason"})
    if "decision" in told:
        changes["decision_reason"] = said.decision_reason
    reason = changes.get("decision_reason", row.decision_reason)
    if changes.get("decision", row.decision) is not row.verdict and reason is None:
        raise WhyOtherwise(verdict=row.verdict.value)
    keyring = keyring_of(session)
    for name in told.intersection(_SEALED):
        plain: str | None = getattr(said, name)
        sealed = None if plain is None else keyring.seal(plain, context=f"passes.{name}")
        changes[f"{name}_sealed"] = sealed
    return changes


# First, as whoever checks again takes the two: the other way round, both would wait for ever.
_DEQUEUE = text("DELETE FROM passes_to_check WHERE id = :id")
_SHOWS_NOTHING = text("SELECT pass_shows_nothing(:id, :at)")


async def discard_pass(
    session: AsyncSession, caller: Claims, pass_id: UUID, said: PassDiscard, *, version: int
) -> Pass:
    """Let a pass count no more, nor be checked again; an alert that it opened stands.

    Raises `NotFound`, `NotYourPass`, `PassDiscarded`, `VersionMismatch`.
    """
    row = await _to_put_right(session, caller, pass_id)
    await session.execute(_DEQUEUE, {"id": row.id})
    now = clock.now()
    correction = _correction(caller, row, version, said.reason)
    await correct(session, row, {"discarded_at": now}, correction)
    await session.execute(_SHOWS_NOTHING, {"id": row.id, "at": now})
    audit(session, caller, "passes.discard", subject=row.id, reach=row.reach)
    return row


def _correction(caller: Claims, row: Pass, version: int, reason: str) -> Correction:
    """Seen by whoever is on duty at the checkpoint, as the pass itself."""
    return Correction(version, by=caller.worker, reason=reason, duty=row.checkpoint_id)


async def _to_put_right(session: AsyncSession, caller: Claims, pass_id: UUID) -> Pass:
    """A pass that counts, and that is the caller's to put right."""
    row = await _pass(session, pass_id)
    if not (_leads(caller) and await _in_reach(session, row)):
        await _refuse_unless_just_recorded(session, caller, row)
    if row.discarded_at is not None:
        raise PassDiscarded
    return row


async def _pass(session: AsyncSession, pass_id: UUID) -> Pass:
    row = await session.get(Pass, pass_id)
    if row is None:
        raise no_such_pass()
    return row


def _leads(caller: Claims) -> bool:
    return Permission.checkpoints_manage in permitted(caller.role, caller.level)


async def _in_reach(session: AsyncSession, row: Pass) -> bool:
    """Whether the caller serves where the checkpoint stands: a duty there shows no grid."""
    return await session.get(Grid, row.grid_id) is not None


async def _refuse_unless_just_recorded(session: AsyncSession, caller: Claims, row: Pass) -> None:
    """Raise `NotYourPass` but for who recorded it, while the shift of that time lasts.

    Where a village keeps no roster, that is until the end of the day.
    """
    shift = select(func.max(DutyShift.ends_at)).where(
        col(DutyShift.place_id) == row.checkpoint_id,
        col(DutyShift.worker_id) == caller.worker,
        col(DutyShift.discarded_at).is_(None),
        col(DutyShift.starts_at) <= row.recorded_at + _HANDING_OVER,
        col(DutyShift.ends_at) > row.recorded_at - _SENDING_LATE,
    )
    _, midnight = clock.day_bounds(clock.local_day(row.recorded_at))
    recorded = caller.worker in (row.entered_by, row.performed_by)
    if not recorded or clock.now() >= (await session.scalar(shift) or midnight):
        raise NotYourPass


async def pass_history(session: AsyncSession, pass_id: UUID) -> PassHistory:
    """What was said of a pass before each correction, oldest first; raises `NotFound`."""
    row = await _pass(session, pass_id)
    keyring = keyring_of(session)
    return PassHistory(
        items=[
            PassRevision(passing=pass_read(said, keyring), **replaced)
            for said, replaced in await former(session, row)
        ]
    )
