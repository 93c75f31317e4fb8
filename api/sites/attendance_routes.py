"""Whoever comes to a session over HTTP: looked up, sampled or vaccinated by whoever is there."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, TooMany
from api.foundation.records import tell_created
from api.health_records.problems import DoseKept, TubeCodeTaken
from api.sites import attendance, attended
from api.sites.attendance_schemas import (
    SiteDoseRead,
    SiteDoseRecord,
    SiteLookUpAsk,
    SiteLookUpRead,
    SiteTubeRead,
    SiteTubeRecord,
)
from api.sites.problems import LookUpOver, OtherKindOfSite, SessionNotSo

router = room("sites")

SiteRecorder = Annotated[Claims, permits(Permission.sites_record)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"
_SAYING = (
    *(NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague),
    *(SessionNotSo, OtherKindOfSite, LookUpOver),
)


@router.post("/site-look-ups", responses=writes(NotFound, SessionNotSo, TooMany))
async def look_up_at_site(
    ask: SiteLookUpAsk, recorder: SiteRecorder, session: ScopedSession
) -> SiteLookUpRead:
    """在采样点、接种点按证件或电话查询来人。

    只答是否登记、脱敏的姓名，接种点另答已接种几剂、有无禁忌；凭回答的编号登记采样、接种，不必知道住在哪里。
    由本人所在网格留存可查；每人 10 分钟内最多 150 次（M4.1）。
    """
    return await attendance.look_up(session, recorder, ask)


@router.post(
    "/site-sessions/{site_session_id}/sample-tubes",
    status_code=201,
    responses={
        200: {"model": SiteTubeRead, "description": _AGAIN},
        **writes(*_SAYING, TubeCodeTaken),
    },
)
async def record_tube_at_site(
    site_session_id: UUID,
    tube: SiteTubeRecord,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> SiteTubeRead:
    """在采样点登记一管样本及管内各人。

    从外网格来值班的也可登记：各人先逐一查询。各人的检测记入其所在网格，结果由当地填报（M4.1）。
    """
    kept, created = await attended.record_tube_at(session, recorder, site_session_id, tube)
    tell_created(response, f"/v1/sample-tubes/{kept.id}", version=kept.version, created=created)
    [told] = await attended.present_tubes(session, [kept])
    return told


@router.get("/site-sessions/{site_session_id}/sample-tubes", responses=found())
async def list_own_tubes_of_session(
    site_session_id: UUID, recorder: SiteRecorder, session: ScopedSession, page: Paged
) -> Page[SiteTubeRead]:
    """列出自己在这一场登记的采样管，最近采样的在前。

    姓名脱敏，不含结果。
    """
    return await attended.own_tubes(session, recorder, site_session_id, page)


@router.post(
    "/site-sessions/{site_session_id}/vaccinations",
    status_code=201,
    responses={
        200: {"model": SiteDoseRead, "description": _AGAIN},
        **writes(*_SAYING, DoseKept),
    },
)
async def record_dose_at_site(
    site_session_id: UUID,
    dose: SiteDoseRecord,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> SiteDoseRead:
    """在接种点登记一剂疫苗，或登记有禁忌不宜接种。

    从外网格来值班的也可登记：本人先查询（M4.1）。
    """
    kept, created = await attended.record_dose_at(session, recorder, site_session_id, dose)
    tell_created(response, f"/v1/vaccinations/{kept.id}", version=kept.version, created=created)
    [told] = await attended.present_doses(session, [kept])
    return told


@router.get("/site-sessions/{site_session_id}/vaccinations", responses=found())
async def list_own_doses_of_session(
    site_session_id: UUID, recorder: SiteRecorder, session: ScopedSession, page: Paged
) -> Page[SiteDoseRead]:
    """列出自己在这一场登记的接种，最近登记的在前。

    姓名脱敏。
    """
    return await attended.own_doses(session, recorder, site_session_id, page)
