"""Alerts over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.alerts import queries, reports, service
from api.alerts.models import AlertStatus, AlertVerb, Cause
from api.alerts.presenting import detailed, presented
from api.alerts.problems import AlertElsewhere, AnotherAlertOpen
from api.alerts.schemas import (
    AlertDetail,
    AlertHandle,
    AlertRead,
    AlertReopen,
    AlertReport,
    AlertReported,
    AlertResolve,
    AlertVerify,
)
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, OutsideYourGrid, RecordDiffers
from api.foundation.records import tell_created

router = room("alerts")

AlertReader = Annotated[Claims, permits(Permission.alerts_read)]
AlertReporter = Annotated[Claims, permits(Permission.alerts_report)]
AlertAnswerer = Annotated[Claims, permits(Permission.alerts_answer)]
Paged = Annotated[PageRequest, Depends(page_request)]

_KEPT = "同一编号、同一内容此前已提交"


async def wanted_alerts(  # noqa: PLR0913, PLR0917 - each filter is a parameter of its own
    caller: AlertReader,
    status: Annotated[AlertStatus | None, Query(description="处于这一步的异常")] = None,
    cause: Annotated[Cause | None, Query(description="这一类异常")] = None,
    grid_id: Annotated[UUID | None, Query(description="该网格（含下级）的异常")] = None,
    resident_id: Annotated[UUID | None, Query(description="关于该居民的异常")] = None,
    quarantine_id: Annotated[UUID | None, Query(description="该次隔离期间的异常")] = None,
    told_to_me: Annotated[bool, Query(description="true 为只看通知过我的")] = False,
    overdue: Annotated[bool | None, Query(description="true 为只看逾期无人响应的")] = None,
    closed: Annotated[bool | None, Query(description="false 为只看未办结的")] = None,
) -> queries.AlertFilter:
    return queries.AlertFilter(
        status=status,
        cause=cause,
        grid_id=grid_id,
        resident_id=resident_id,
        quarantine_id=quarantine_id,
        told_to=caller.worker if told_to_me else None,
        overdue=overdue,
        closed=closed,
    )


@router.post(
    "/alerts",
    status_code=201,
    responses={
        200: {"model": AlertReported, "description": _KEPT},
        **writes(NotFound, RecordDiffers, RecordedInTheFuture),
    },
)
async def report_alert(
    report: AlertReport, reporter: AlertReporter, session: ScopedSession, response: Response
) -> AlertReported:
    """人工上报异常。

    关于一名居民、一户或一个网格；同一对象的同类异常尚未办结的，并入该件。上报即通知第一级，逾时逐级上报（M3.5）。
    """
    alert, created = await reports.report_alert(session, reporter, report)
    tell_created(response, f"/v1/alerts/{alert.id}", version=1, created=created)
    [shown] = await presented(session, [alert])
    return AlertReported(id=report.id, alert=shown)


@router.get("/alerts", responses=found())
async def list_alerts(
    reader: AlertReader,
    session: ScopedSession,
    wanted: Annotated[queries.AlertFilter, Depends(wanted_alerts)],
    page: Paged,
) -> Page[AlertRead]:
    """列出异常，最近发生的在前。

    各条件可同时使用。
    """
    return await queries.alerts(session, wanted, page)


@router.get("/alerts/{alert_id}", responses=found())
async def read_alert(
    alert_id: UUID, reader: AlertReader, session: ScopedSession, response: Response
) -> AlertDetail:
    """查看一件异常的全过程。

    含所依据的记录、逐级通知了谁、何时看到和响应、如何处置（M3.5）。
    """
    alert = await queries.alert_of(session, alert_id)
    response.headers["ETag"] = f'"{alert.version}"'
    return await detailed(session, alert)


@router.post("/alerts/{alert_id}/seen", responses=found())
async def see_alert(alert_id: UUID, reader: AlertReader, session: ScopedSession) -> AlertDetail:
    """表示已看到一件异常。

    被通知的人第一次看到的时间留存；看到不等于响应，时限照常计算。
    """
    return await detailed(session, await service.see(session, reader, alert_id))


@router.post("/alerts/{alert_id}/acknowledge", responses=found(OutsideYourGrid, AlertElsewhere))
async def acknowledge_alert(
    alert_id: UUID, answerer: AlertAnswerer, session: ScopedSession
) -> AlertDetail:
    """响应一件异常。

    响应后不再逐级上报；上级可在被通知之前先行响应（M3.5）。
    """
    alert = await service.answer(session, answerer, alert_id, AlertVerb.acknowledge)
    return await detailed(session, alert)


@router.post("/alerts/{alert_id}/handle", responses=writes(NotFound, AlertElsewhere))
async def handle_alert(
    alert_id: UUID, handling: AlertHandle, answerer: AlertAnswerer, session: ScopedSession
) -> AlertDetail:
    """开始处置一件已响应的异常。"""
    alert = await service.answer(session, answerer, alert_id, AlertVerb.handle, note=handling.note)
    return await detailed(session, alert)


@router.post("/alerts/{alert_id}/resolve", responses=writes(NotFound, AlertElsewhere))
async def resolve_alert(
    alert_id: UUID, outcome: AlertResolve, answerer: AlertAnswerer, session: ScopedSession
) -> AlertDetail:
    """报告一件异常处置完毕。

    须说明处置结果；待他人核实后关闭。其间有新的情况，自行重新打开（M3.5）。
    """
    alert = await service.answer(session, answerer, alert_id, AlertVerb.resolve, note=outcome.note)
    return await detailed(session, alert)


@router.post(
    "/alerts/{alert_id}/verify", responses=writes(NotFound, AlertElsewhere, NeedsAnotherPerson)
)
async def verify_alert(
    alert_id: UUID, finding: AlertVerify, answerer: AlertAnswerer, session: ScopedSession
) -> AlertDetail:
    """核实并关闭一件处置完毕的异常。

    须由处置人以外的人核实（M3.5）。
    """
    alert = await service.answer(session, answerer, alert_id, AlertVerb.verify, note=finding.note)
    return await detailed(session, alert)


@router.post(
    "/alerts/{alert_id}/reopen", responses=writes(NotFound, AlertElsewhere, AnotherAlertOpen)
)
async def reopen_alert(
    alert_id: UUID, reopening: AlertReopen, answerer: AlertAnswerer, session: ScopedSession
) -> AlertDetail:
    """重新打开一件处置完毕或已关闭的异常。

    须说明理由；自第一级起重新通知、重新计时（M3.5）。
    """
    alert = await service.reopen(session, answerer, alert_id, reason=reopening.reason)
    return await detailed(session, alert)
