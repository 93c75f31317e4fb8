"""Reading alerts; what is out of reach is not there."""

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, exists, func
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.alerts.models import Alert, AlertStatus, AlertTelling, Cause
from api.alerts.presenting import presented
from api.alerts.schemas import AlertRead
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound, OutsideYourGrid
from api.grids.queries import grid_in_reach


class AlertFilter(BaseModel):
    """Which alerts are wanted; what is left out does not narrow."""

    status: AlertStatus | None = None
    cause: Cause | None = None
    grid_id: UUID | None = None
    resident_id: UUID | None = None
    quarantine_id: UUID | None = None
    told_to: UUID | None = None
    overdue: bool | None = None
    closed: bool | None = None


async def alert_of(session: AsyncSession, alert_id: UUID) -> Alert:
    """The alert; raises `NotFound`."""
    alert = await session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("没有找到该异常，或不在您的网格范围内。")
    return alert


async def in_charge(session: AsyncSession, alert_id: UUID) -> Alert:
    """An alert of the caller's own jurisdiction, locked until the transaction ends.

    A seat at the person's side lets the caller see it, not answer for the grid: raises
    `OutsideYourGrid`, and `NotFound`.
    """
    statement = pick(Alert, _within_reach()).where(col(Alert.id) == alert_id)
    found = await session.execute(
        statement.with_for_update(), execution_options={"populate_existing": True}
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound("没有找到该异常，或不在您的网格范围内。")
    alert, within = row
    if not within:
        raise OutsideYourGrid("您是该人员的包保人员，异常须由其所在网格响应和办理。")
    return alert


def _within_reach() -> ColumnElement[bool]:
    return and_(
        col(Alert.reach) >= func.current_setting("onegrid.reach_from"),
        col(Alert.reach) < func.current_setting("onegrid.reach_to"),
    )


async def alerts(session: AsyncSession, wanted: AlertFilter, page: PageRequest) -> Page[AlertRead]:
    """Alerts, the latest first; raises `NotFound` for a grid out of sight."""
    statement = select(Alert).where(*await _narrowing(session, wanted))
    keys = [col(Alert.opened_at), col(Alert.id)]
    rows = await read_page(session, statement, keys, page, present=_itself, descending=True)
    return Page(items=await presented(session, rows.items), next_cursor=rows.next_cursor)


def _itself(alert: Alert) -> Alert:
    return alert


async def _narrowing(session: AsyncSession, wanted: AlertFilter) -> list[ColumnElement[bool]]:
    told = wanted.model_dump(include={"status", "cause", "resident_id", "quarantine_id"})
    clauses = [col(getattr(Alert, name)) == value for name, value in told.items() if value]
    if wanted.grid_id is not None:
        path = (await grid_in_reach(session, wanted.grid_id, pointer="/query/grid_id")).path
        clauses += [col(Alert.reach) >= path, col(Alert.reach) < f"{path}/"]
    if wanted.told_to is not None:
        telling = and_(
            col(AlertTelling.alert_id) == Alert.id, col(AlertTelling.worker_id) == wanted.told_to
        )
        clauses.append(exists().where(telling))
    if wanted.overdue is not None:
        clauses.append(_overdue().is_(wanted.overdue))
    if wanted.closed is not None:
        clauses.append((col(Alert.status) == AlertStatus.verified).is_(wanted.closed))
    return clauses


def _overdue() -> ColumnElement[bool]:
    unanswered = col(Alert.status) == AlertStatus.open
    return and_(unanswered, col(Alert.answer_by) < clock.now())
