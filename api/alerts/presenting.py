"""How alerts read: with the names of those they are about, and with their whole timeline."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from api.alerts.models import (
    Alert,
    AlertAction,
    AlertEvidence,
    AlertHop,
    AlertStatus,
    AlertTelling,
    AlertVerb,
    Cause,
)
from api.alerts.opening import NOTE
from api.alerts.schemas import (
    ActionRead,
    AlertDetail,
    AlertRead,
    EvidenceRead,
    HopRead,
    TellingRead,
)
from api.foundation import clock
from api.foundation.database import keyring_of
from api.registry.masked import opened
from api.registry.models import Household, Resident

ACTION_NOTE = "alert_actions.note"
"""The context in which the notes of what was done are sealed."""

Part = TypeVar("Part", AlertEvidence, AlertHop, AlertTelling, AlertAction)


async def presented(session: AsyncSession, rows: Sequence[Alert]) -> list[AlertRead]:
    """Alerts with the names of those they are about, where those are in sight."""
    names = await _names(session, rows)
    return [AlertRead(**_said(alert, names)) for alert in rows]


async def detailed(session: AsyncSession, alert: Alert) -> AlertDetail:
    """An alert with what shows it, who was told at each hop, and what was done, each in order."""
    tellings = await _parts(session, AlertTelling, alert, col(AlertTelling.worker_name))
    hops = await _parts(session, AlertHop, alert, col(AlertHop.number))
    evidence = await _parts(session, AlertEvidence, alert, col(AlertEvidence.added_at))
    actions = await _parts(session, AlertAction, alert, col(AlertAction.at))
    return AlertDetail(
        **_said(alert, await _names(session, [alert])),
        evidence=[EvidenceRead(**_noted(session, each, NOTE)) for each in evidence],
        hops=[_hop(each, tellings) for each in hops],
        actions=[_action(session, alert, each) for each in actions],
    )


async def _parts(
    session: AsyncSession, kind: type[Part], alert: Alert, order: Mapped[Any]
) -> Sequence[Part]:
    # What came of itself at the same instant has an id that tells no order; its transaction does.
    told = select(kind).where(kind.alert_id == alert.id)
    statement = told.order_by(order, col(kind.changed_xid), col(kind.id))
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return found.all()


async def _names(session: AsyncSession, rows: Sequence[Alert]) -> dict[UUID | None, str]:
    names: dict[UUID | None, str] = {}
    for kind, wanted in (
        (Resident, {alert.resident_id for alert in rows} - {None}),
        (Household, {alert.household_id for alert in rows} - {None}),
    ):
        if wanted:
            named = select(kind.id, kind.name).where(col(kind.id).in_(wanted))
            names |= {row.id: row.name for row in await session.execute(named)}
    return names


def _said(alert: Alert, names: Mapping[UUID | None, str]) -> dict[str, Any]:
    unanswered = alert.status is AlertStatus.open
    return {
        **alert.model_dump(include=set(AlertRead.model_fields)),
        "household_name": names.get(alert.household_id),
        "resident_name": names.get(alert.resident_id),
        "overdue": unanswered and alert.answer_by < clock.now(),
    }


def _noted(
    session: AsyncSession, part: AlertEvidence | AlertAction, context: str
) -> dict[str, Any]:
    note = opened(keyring_of(session), part.note_sealed, context=context)
    return {**part.model_dump(exclude={"note_sealed"}), "note": note}


def _action(session: AsyncSession, alert: Alert, action: AlertAction) -> ActionRead:
    """What was done; where nobody did it and nothing was noted, it says why it came to that."""
    told = ActionRead(**_noted(session, action, ACTION_NOTE))
    if told.worker_id is None and told.note is None:
        why = _REOPENED if told.verb is AlertVerb.reopen else _CLOSED.get(alert.cause)
        told = told.model_copy(update={"note": why})
    return told


_REOPENED = "出现新的情况，由系统重新打开"
_CLOSED = {
    Cause.missed_reading: "经补报，该时段已测温或无须测温，不属漏测，由系统关闭",
    Cause.overdue_directive: "经补报，该网格均已在期限内签收或反馈，不属逾期，由系统关闭",
}
"""Of alerts that a sweep closes (`close_unshown`): it has no keys, and seals no note."""


def _hop(hop: AlertHop, tellings: Sequence[AlertTelling]) -> HopRead:
    told = [
        TellingRead.model_validate(telling) for telling in tellings if telling.hop == hop.number
    ]
    return HopRead(**hop.model_dump(include=set(HopRead.model_fields)), told=told)
