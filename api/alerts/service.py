"""Answering alerts: acknowledged, handled, resolved, verified by somebody else, or opened again.

Every verb is done once: sent again by the one who did it, it changes nothing. Out of order it is
refused with where the alert stands. A grid's alert is answered by whoever has it in their
jurisdiction, told or not: a leader may answer before being told.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.alerts.models import Alert, AlertAction, AlertHop, AlertStatus, AlertTelling, AlertVerb
from api.alerts.presenting import ACTION_NOTE
from api.alerts.problems import AlertElsewhere
from api.alerts.queries import alert_of, in_charge
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.live import tell
from api.foundation.records import new_id


class Move(NamedTuple):
    """Where an alert must stand, where it stands then, and the columns that say who and when."""

    before: AlertStatus
    after: AlertStatus
    stamp: str
    event: str


_MOVES = {
    AlertVerb.acknowledge: Move(
        AlertStatus.open, AlertStatus.acknowledged, "acknowledged", "alert.acknowledged"
    ),
    AlertVerb.handle: Move(
        AlertStatus.acknowledged, AlertStatus.handling, "handled", "alert.handling"
    ),
    AlertVerb.resolve: Move(
        AlertStatus.handling, AlertStatus.resolved, "resolved", "alert.resolved"
    ),
    AlertVerb.verify: Move(
        AlertStatus.resolved, AlertStatus.verified, "verified", "alert.verified"
    ),
}
_REOPEN = text("SELECT reopen_alerts(ARRAY[CAST(:alert AS uuid)], :at)")


async def see(session: AsyncSession, caller: Claims, alert_id: UUID) -> Alert:
    """Note that whoever was told has seen it; others only look. Raises `NotFound`."""
    alert = await alert_of(session, alert_id)
    await _stamp(session, caller, alert, seen_at=clock.now())
    return alert


async def answer(
    session: AsyncSession,
    caller: Claims,
    alert_id: UUID,
    verb: AlertVerb,
    *,
    note: str | None = None,
) -> Alert:
    """Acknowledge, handle, resolve or verify; acknowledged, its clock stands still.

    Raises `AlertElsewhere`, `NeedsAnotherPerson` for one who verifies their own deed,
    `OutsideYourGrid`, `NotFound`.
    """
    move = _MOVES[verb]
    alert = await in_charge(session, alert_id)
    if getattr(alert, f"{move.stamp}_by") == caller.worker:
        return alert
    if alert.status is not move.before:
        raise AlertElsewhere(alert_status=alert.status.value)
    if verb is AlertVerb.verify and caller.worker in (alert.handled_by, alert.resolved_by):
        raise NeedsAnotherPerson
    now = clock.now()
    alert.status, alert.climbs_at = move.after, None
    setattr(alert, f"{move.stamp}_at", now)
    setattr(alert, f"{move.stamp}_by", caller.worker)
    alert.version += 1
    if verb is AlertVerb.acknowledge:
        await _stamp(session, caller, alert, seen_at=now, acknowledged_at=now)
    await _done(session, caller, alert, verb, note)
    await tell(
        session,
        move.event,
        subject=alert.id,
        reach=alert.reach,
        grid=alert.grid_id,
        quarantine=alert.quarantine_id,
    )
    return alert


async def reopen(session: AsyncSession, caller: Claims, alert_id: UUID, *, reason: str) -> Alert:
    """Let a resolved or verified alert be open again, with a new clock from its first step.

    Raises `AlertElsewhere`, `AnotherAlertOpen`, `OutsideYourGrid`, `NotFound`.
    """
    alert = await in_charge(session, alert_id)
    if alert.status not in (AlertStatus.resolved, AlertStatus.verified):
        if await _opened_again_by(session, alert) == caller.worker:
            return alert
        raise AlertElsewhere(alert_status=alert.status.value)
    await session.execute(_REOPEN, {"alert": alert.id, "at": clock.now()})
    await session.refresh(alert)
    await _done(session, caller, alert, AlertVerb.reopen, reason)
    return alert


async def _opened_again_by(session: AsyncSession, alert: Alert) -> UUID | None:
    """Who reopened it, if nothing was done since."""
    last = (
        select(AlertAction)
        .where(AlertAction.alert_id == alert.id)
        .order_by(col(AlertAction.at).desc(), col(AlertAction.id).desc())
        .limit(1)
    )
    action = (await session.scalars(last)).one_or_none()
    reopened = action is not None and action.verb is AlertVerb.reopen
    return action.worker_id if action is not None and reopened else None


async def _stamp(session: AsyncSession, caller: Claims, alert: Alert, **at: object) -> None:
    """Note on what the caller was told of an alert when they saw or answered it, the first time.

    What they were told before it was reopened they saw then, or did not.
    """
    first = {name: func.coalesce(getattr(AlertTelling, name), value) for name, value in at.items()}
    begun = select(func.max(AlertHop.number)).where(
        col(AlertHop.alert_id) == alert.id, col(AlertHop.step) == 1
    )
    await session.execute(
        update(AlertTelling)
        .where(
            col(AlertTelling.alert_id) == alert.id,
            col(AlertTelling.worker_id) == caller.worker,
            col(AlertTelling.hop) >= begun.scalar_subquery(),
        )
        .values(**first, version=AlertTelling.version + 1)
    )


async def _done(
    session: AsyncSession, caller: Claims, alert: Alert, verb: AlertVerb, note: str | None
) -> None:
    sealed = None if note is None else keyring_of(session).seal(note, context=ACTION_NOTE)
    session.add(
        AlertAction(
            id=new_id(),
            reach=alert.reach,
            alert_id=alert.id,
            quarantine_id=alert.quarantine_id,
            verb=verb,
            at=clock.now(),
            worker_id=caller.worker,
            post_id=caller.post,
            note_sealed=sealed,
        )
    )
    audit(session, caller, f"alerts.{verb.value}", subject=alert.id, reach=alert.reach)
    await session.flush()
