"""Campaigns and samplings at home over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.grids.problems import GridClosed
from api.registry.problems import ResidentLeft
from api.sites import campaigns, coverage, handover, home
from api.sites.campaign_schemas import (
    CampaignCoverage,
    CampaignRead,
    CampaignRecord,
    HomeSamplingAssign,
    HomeSamplingCancel,
    HomeSamplingRead,
    HomeSamplingRecord,
    NotYet,
)
from api.sites.problems import HomeSamplingOver, HomeSamplingWanted

# What becomes of samplings at home when a post ends is registered where it is written.
__all__ = ["handover", "router"]

router = room("sites")

SiteManager = Annotated[Claims, permits(Permission.sites_manage)]
SiteReader = Annotated[Claims, permits(Permission.sites_read)]
SiteRecorder = Annotated[Claims, permits(Permission.sites_record)]
Paged = Annotated[PageRequest, Depends(page_request)]
Below = Annotated[UUID | None, Query(description="只看该网格及其下级；不填为整个行动")]

_NOT_WANTED = (HomeSamplingWanted, ResidentLeft)
_AGAIN = "同一编号、同一内容此前已提交"
_CHANGING = (NotFound, HomeSamplingOver, VersionMissing, VersionMismatch)


async def wanted_home_samplings(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的")] = None,
    campaign_id: Annotated[UUID | None, Query(description="该行动的")] = None,
    assigned_to: Annotated[UUID | None, Query(description="安排给此人的")] = None,
    wanted_on: Annotated[Day | None, Query(description="应在这一天上门的")] = None,
) -> home.HomeFilter:
    return home.HomeFilter(grid_id, campaign_id, assigned_to, wanted_on)


@router.post(
    "/sampling-campaigns",
    status_code=201,
    responses={
        200: {"model": CampaignRead, "description": _AGAIN},
        **writes(NotFound, GridClosed, RecordDiffers),
    },
)
async def announce_campaign(
    campaign: CampaignRecord, manager: SiteManager, session: ScopedSession, response: Response
) -> CampaignRead:
    """发布一次采样或接种行动。

    写明范围、起止日期和应到的人；谁已完成由核酸检测（无效的样本除外）、接种记录得出，不另行登记（M4.1）。
    """
    kept, created = await campaigns.announce(session, manager, campaign)
    address = f"/v1/sampling-campaigns/{kept.id}"
    tell_created(response, address, version=kept.version, created=created)
    return CampaignRead.model_validate(kept)


@router.get("/sampling-campaigns")
async def list_campaigns(
    reader: SiteReader, session: ScopedSession, page: Paged
) -> Page[CampaignRead]:
    """列出采样、接种行动，最近的在前。"""
    return await campaigns.campaigns(session, page)


@router.get("/sampling-campaigns/{campaign_id}", responses=found())
async def read_campaign(
    campaign_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> CampaignRead:
    """查看一次行动。"""
    campaign = await campaigns.campaign_of(session, campaign_id)
    response.headers["ETag"] = f'"{campaign.version}"'
    return CampaignRead.model_validate(campaign)


@router.get("/sampling-campaigns/{campaign_id}/coverage", responses=found())
async def read_campaign_coverage(
    campaign_id: UUID, reader: SiteReader, session: ScopedSession, grid_id: Below = None
) -> CampaignCoverage:
    """查看一次行动的完成情况：应到、已完成、未完成，及各下级网格。

    行动结束后，各人计在最后一天所住的网格，此后迁居不改变各网格的数字。
    """
    return await coverage.coverage(session, reader, campaign_id, grid_id)


@router.get("/sampling-campaigns/{campaign_id}/not-sampled", responses=found())
async def list_not_sampled(
    campaign_id: UUID,
    reader: SiteReader,
    session: ScopedSession,
    page: Paged,
    grid_id: Below = None,
) -> Page[NotYet]:
    """列出应到而未完成的人，按户排列。

    接种行动不列有禁忌的人。按现住的网格列出，便于补办。
    """
    return await coverage.not_yet(session, reader, campaign_id, grid_id, page)


@router.get("/sampling-campaigns/{campaign_id}/home-sampling-proposals", responses=found())
async def list_home_sampling_proposals(
    campaign_id: UUID,
    reader: SiteReader,
    session: ScopedSession,
    page: Paged,
    grid_id: Below = None,
) -> Page[NotYet]:
    """列出不能到点、尚未安排上门的人：行动不便的和正在隔离的。"""
    return await coverage.not_yet(session, reader, campaign_id, grid_id, page, cannot_come=True)


@router.post(
    "/home-samplings",
    status_code=201,
    responses={
        200: {"model": HomeSamplingRead, "description": _AGAIN},
        **writes(NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague, *_NOT_WANTED),
    },
)
async def ask_for_home_sampling(
    asked: HomeSamplingRecord, recorder: SiteRecorder, session: ScopedSession, response: Response
) -> HomeSamplingRead:
    """为不能到点的人登记上门采样。

    采样后照常登记检测，即算完成（M4.1）。
    """
    kept, created = await home.ask_for(session, recorder, asked)
    tell_created(response, f"/v1/home-samplings/{kept.id}", version=kept.version, created=created)
    return (await home.present(session, [kept]))[0]


@router.get("/home-samplings")
async def list_home_samplings(
    reader: SiteReader,
    session: ScopedSession,
    wanted: Annotated[home.HomeFilter, Depends(wanted_home_samplings)],
    page: Paged,
) -> Page[HomeSamplingRead]:
    """列出上门采样，应先上门的在前。"""
    return await home.home_samplings(session, wanted, page)


@router.get("/home-samplings/{home_sampling_id}", responses=found())
async def read_home_sampling(
    home_sampling_id: UUID, reader: SiteReader, session: ScopedSession, response: Response
) -> HomeSamplingRead:
    """查看一次上门采样。"""
    sampling = await home.home_sampling_of(session, home_sampling_id)
    response.headers["ETag"] = f'"{sampling.version}"'
    return (await home.present(session, [sampling]))[0]


@router.post(
    "/home-samplings/{home_sampling_id}/assign", responses=writes(*_CHANGING, NotAColleague)
)
async def assign_home_sampling(
    home_sampling_id: UUID,
    assigned: HomeSamplingAssign,
    manager: SiteManager,
    session: ScopedSession,
    version: IfMatch,
) -> HomeSamplingRead:
    """安排上门的人。列入其“我的一天”。"""
    kept = await home.assign(session, manager, home_sampling_id, assigned, version=version)
    return (await home.present(session, [kept]))[0]


@router.post("/home-samplings/{home_sampling_id}/cancel", responses=writes(*_CHANGING))
async def cancel_home_sampling(
    home_sampling_id: UUID,
    cancel: HomeSamplingCancel,
    recorder: SiteRecorder,
    session: ScopedSession,
    version: IfMatch,
) -> HomeSamplingRead:
    """取消一次上门采样。须说明理由。"""
    kept = await home.call_off(session, recorder, home_sampling_id, cancel, version=version)
    return (await home.present(session, [kept]))[0]
