"""Putting sessions and campaigns right over HTTP, and what they said before."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.problems import NotFound, OutsideYourGrid, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch
from api.sites import campaign_corrections, session_corrections
from api.sites.campaign_schemas import CampaignCorrect, CampaignHistory, CampaignRead
from api.sites.problems import SessionNotSo, SessionsOverlap, SiteClosed
from api.sites.schemas import SiteSessionCorrect, SiteSessionHistory, SiteSessionRead

router = room("sites")

SiteManager = Annotated[Claims, permits(Permission.sites_manage)]
SiteReader = Annotated[Claims, permits(Permission.sites_read)]

_PUTTING_RIGHT = (NotFound, OutsideYourGrid, VersionMissing, VersionMismatch)


@router.patch(
    "/site-sessions/{site_session_id}",
    responses=writes(*_PUTTING_RIGHT, SessionNotSo, SessionsOverlap, SiteClosed),
)
async def correct_site_session(
    site_session_id: UUID,
    correction: SiteSessionCorrect,
    manager: SiteManager,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> SiteSessionRead:
    """更正一场：时间、所属行动、各岗位人数。

    只更正所填的各项，须说明理由，原内容留存；已登记的人数、采样、接种须仍在新的时间之内。
    已取消的不能更正；当班的人员会收到变更。
    """
    held = await session_corrections.correct_session(
        session, manager, site_session_id, correction, version=version
    )
    response.headers["ETag"] = f'"{held.version}"'
    return SiteSessionRead.model_validate(held)


@router.get("/site-sessions/{site_session_id}/history", responses=found())
async def read_site_session_history(
    site_session_id: UUID, _: SiteReader, session: ScopedSession
) -> SiteSessionHistory:
    """查看一场更改前的各版内容，旧的在前。"""
    return await session_corrections.session_history(session, site_session_id)


@router.patch("/sampling-campaigns/{campaign_id}", responses=writes(*_PUTTING_RIGHT))
async def correct_campaign(
    campaign_id: UUID,
    correction: CampaignCorrect,
    manager: SiteManager,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CampaignRead:
    """更正一次行动：名称、起止日期、应到的人。

    只更正所填的各项，须说明理由，原内容留存；该行动的场次和上门采样须仍在新的日期之内。
    """
    campaign = await campaign_corrections.correct_campaign(
        session, manager, campaign_id, correction, version=version
    )
    response.headers["ETag"] = f'"{campaign.version}"'
    return CampaignRead.model_validate(campaign)


@router.get("/sampling-campaigns/{campaign_id}/history", responses=found())
async def read_campaign_history(
    campaign_id: UUID, _: SiteReader, session: ScopedSession
) -> CampaignHistory:
    """查看一次行动更正前的各版内容，旧的在前。"""
    return await campaign_corrections.campaign_history(session, campaign_id)
