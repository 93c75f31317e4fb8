"""Sites and their sessions over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.grids.problems import GridClosed
from api.sites import queries, service
from api.sites.models import SessionStatus, SiteKind
from api.sites.problems import SessionNotSo, SessionsOverlap, SiteClosed
from api.sites.schemas import (
    SessionStaffing,
    SiteCorrect,
    SiteRead,
    SiteRecord,
    SiteSessionCancel,
    SiteSessionRead,
    SiteSessionRecord,
)

router = room("sites")

SiteManager = Annotated[Claims, permits(Permission.sites_manage)]
SiteReader = Annotated[Claims, permits(Permission.sites_read)]
SiteRecorder = Annotated[Claims, permits(Permission.sites_record)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"


async def wanted_sites(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的站点")] = None,
    kind: Annotated[SiteKind | None, Query(description="采样或接种")] = None,
    open: Annotated[  # noqa: A002 - the word on the wire
        bool | None, Query(description="true 为只看启用中的，false 为只看未启用的")
    ] = None,
) -> queries.SiteFilter:
    return queries.SiteFilter(grid_id=grid_id, kind=kind, open=open)


async def wanted_sessions(
    site_id: Annotated[UUID | None, Query(description="该站点的场次")] = None,
    campaign_id: Annotated[UUID | None, Query(description="该行动的场次")] = None,
    day: Annotated[Day | None, Query(description="当地这一天的场次")] = None,
    status: Annotated[SessionStatus | None, Query(description="这一状态的场次")] = None,
) -> queries.SessionFilter:
    return queries.SessionFilter(site_id=site_id, campaign_id=campaign_id, day=day, status=status)


@router.post(
    "/sites",
    status_code=201,
    responses={
        200: {"model": SiteRead, "description": _AGAIN},
        **writes(NotFound, GridClosed, RecordDiffers),
    },
)
async def record_site(
    site: SiteRecord, manager: SiteManager, session: ScopedSession, response: Response
) -> SiteRead:
    """设立一个采样点或接种点（M4.1）。

    值班人员用 `POST /v1/duty-shifts` 排班，精确到点、责任到人。
    """
    kept, created = await service.set_up(session, manager, site)
    tell_created(response, f"/v1/sites/{kept.id}", version=kept.version, created=created)
    return SiteRead.model_validate(kept)


@router.get("/sites")
async def list_sites(
    reader: SiteReader,
    session: ScopedSession,
    wanted: Annotated[queries.SiteFilter, Depends(wanted_sites)],
    page: Paged,
) -> Page[SiteRead]:
    """列出采样点、接种点，按名称排列。

    网格范围内的，以及自己值班的。
    """
    return await queries.sites(session, wanted, page)


@router.get("/sites/{site_id}", responses=found())
async def read_site(
    site_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> SiteRead:
    """查看一个站点。"""
    site = await queries.site_of(session, site_id)
    response.headers["ETag"] = f'"{site.version}"'
    return SiteRead.model_validate(site)


@router.patch("/sites/{site_id}", responses=writes(NotFound, VersionMissing, VersionMismatch))
async def correct_site(
    site_id: UUID,
    change: SiteCorrect,
    manager: SiteManager,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> SiteRead:
    """修改或停用一个站点。

    只更改所填的各项；填 `closed_at` 为停用，停用后不能再安排场次，
    此后的场次和班次一并取消，当班的到停用时为止。
    """
    site = await service.change_site(session, manager, site_id, change, version=version)
    response.headers["ETag"] = f'"{site.version}"'
    return SiteRead.model_validate(site)


@router.post(
    "/site-sessions",
    status_code=201,
    responses={
        200: {"model": SiteSessionRead, "description": _AGAIN},
        **writes(NotFound, RecordDiffers, SessionsOverlap, SiteClosed),
    },
)
async def plan_site_session(
    planned: SiteSessionRecord, manager: SiteManager, session: ScopedSession, response: Response
) -> SiteSessionRead:
    """安排一场采样或接种。

    写明时间和各岗位需要的人数；一个站点同一时间只有一场（M4.1）。
    """
    kept, created = await service.plan_session(session, manager, planned)
    tell_created(response, f"/v1/site-sessions/{kept.id}", version=kept.version, created=created)
    return SiteSessionRead.model_validate(kept)


@router.get("/site-sessions")
async def list_site_sessions(
    reader: SiteReader,
    session: ScopedSession,
    wanted: Annotated[queries.SessionFilter, Depends(wanted_sessions)],
    page: Paged,
) -> Page[SiteSessionRead]:
    """列出场次，先开始的在前。"""
    return await queries.sessions(session, wanted, page)


@router.get("/site-sessions/{site_session_id}", responses=found())
async def read_site_session(
    site_session_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> SiteSessionRead:
    """查看一场。"""
    held = await queries.session_of(session, site_session_id)
    response.headers["ETag"] = f'"{held.version}"'
    return SiteSessionRead.model_validate(held)


@router.post("/site-sessions/{site_session_id}/open", responses=found(SessionNotSo))
async def open_site_session(
    site_session_id: UUID, recorder: SiteRecorder, session: ScopedSession
) -> SiteSessionRead:
    """开点。已开点的再办一次没有影响。"""
    step = SessionStatus.open
    held = await service.take_step(session, recorder, site_session_id, step)
    return SiteSessionRead.model_validate(held)


@router.post("/site-sessions/{site_session_id}/close", responses=found(SessionNotSo))
async def close_site_session(
    site_session_id: UUID, recorder: SiteRecorder, session: ScopedSession
) -> SiteSessionRead:
    """收点。已收点的再办一次没有影响。"""
    step = SessionStatus.closed
    held = await service.take_step(session, recorder, site_session_id, step)
    return SiteSessionRead.model_validate(held)


@router.post("/site-sessions/{site_session_id}/results-in", responses=found(SessionNotSo))
async def take_in_session_results(
    site_session_id: UUID, recorder: SiteRecorder, session: ScopedSession
) -> SiteSessionRead:
    """登记本场结果已出齐。收点之后办理。"""
    step = SessionStatus.results_in
    held = await service.take_step(session, recorder, site_session_id, step)
    return SiteSessionRead.model_validate(held)


@router.post("/site-sessions/{site_session_id}/cancel", responses=writes(NotFound, SessionNotSo))
async def cancel_site_session(
    site_session_id: UUID, cancel: SiteSessionCancel, manager: SiteManager, session: ScopedSession
) -> SiteSessionRead:
    """取消一场。尚未开点的才能取消，须说明理由。"""
    step, reason = SessionStatus.cancelled, cancel.reason
    held = await service.take_step(session, manager, site_session_id, step, reason=reason)
    return SiteSessionRead.model_validate(held)


@router.get("/site-sessions/{site_session_id}/staffing", responses=found())
async def read_session_staffing(
    site_session_id: UUID, reader: SiteReader, session: ScopedSession
) -> SessionStaffing:
    """查看一场的人员安排。

    逐岗位列出需要几人、已排哪些人、还缺几人（精确到点、责任到人）。排班时分工填岗位的代码或名称。
    """
    return await queries.staffing_of(session, await queries.session_of(session, site_session_id))
