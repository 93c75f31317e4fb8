"""A campaign put right: its name, its days, who is to come; what belongs to it stays within it."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.local_days import ZONE
from api.foundation.problems import InvalidInput, OutsideYourGrid
from api.foundation.records import former
from api.grids.queries import grid_in_reach
from api.sites.campaign_schemas import (
    CampaignCorrect,
    CampaignHistory,
    CampaignRead,
    CampaignRevision,
)
from api.sites.campaigns import campaign_of, lies_in, refuse_backwards, refuse_strange_target
from api.sites.models import SamplingCampaign


async def correct_campaign(
    session: AsyncSession,
    caller: Claims,
    campaign_id: UUID,
    said: CampaignCorrect,
    *,
    version: int,
) -> SamplingCampaign:
    """Change what a campaign is; who came follows from the new days. The former version is kept.

    Raises `NotFound`, `OutsideYourGrid` for one of those above, `InvalidInput`, also where a
    session or a sampling at home would lie outside, `VersionMismatch`.
    """
    campaign, told = await _own(session, caller, campaign_id), told_in(said)
    changes: dict[str, Any] = said.model_dump(include=told - {"target"})
    if "target" in told:
        refuse_strange_target(said.target, campaign.kind)
        changes["target"] = said.target.model_dump(mode="json")
    if told & {"from_on", "to_on"}:
        from_on = changes.get("from_on", campaign.from_on)
        await _refuse_days(session, campaign, from_on, changes.get("to_on", campaign.to_on))
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, campaign, changes, correction)
    audit(
        session,
        caller,
        "sampling_campaigns.correct",
        subject=campaign.id,
        reach=campaign.reach,
        details={"fields": sorted(told)},
    )
    return campaign


async def _own(session: AsyncSession, caller: Claims, campaign_id: UUID) -> SamplingCampaign:
    """The campaign as it is now, which is not one that somebody above announced."""
    campaign = await campaign_of(session, campaign_id)
    own = await grid_in_reach(session, caller.grid)
    if not lies_in(campaign.reach, own.path):
        raise OutsideYourGrid("该行动由上级发布，只能由上级更正。")
    await session.refresh(campaign, with_for_update=True)
    return campaign


_SESSIONS = text(f"""
    SELECT (min(ends_at) AT TIME ZONE {ZONE})::date, (max(starts_at) AT TIME ZONE {ZONE})::date
    FROM site_sessions WHERE campaign_id = :id AND status <> 'cancelled'
""")
_AT_HOME = text("""
    SELECT min(wanted_on), max(wanted_on) FROM home_samplings
    WHERE campaign_id = :id AND cancelled_at IS NULL AND discarded_at IS NULL
""")


async def _refuse_days(
    session: AsyncSession, campaign: SamplingCampaign, from_on: date, to_on: date
) -> None:
    refuse_backwards(from_on, to_on)
    for statement, what in ((_SESSIONS, "场次"), (_AT_HOME, "上门采样")):
        first, last = (await session.execute(statement, {"id": campaign.id})).one()
        detail = f"该行动有{what}在这之外，请先更正或取消。"
        if first is not None and first < from_on:
            raise InvalidInput(detail, pointer="/body/from_on")
        if last is not None and last > to_on:
            raise InvalidInput(detail, pointer="/body/to_on")


async def campaign_history(session: AsyncSession, campaign_id: UUID) -> CampaignHistory:
    """What was said of a campaign before each correction, oldest first; raises `NotFound`."""
    campaign = await campaign_of(session, campaign_id)
    return CampaignHistory(
        items=[
            CampaignRevision(campaign=CampaignRead.model_validate(said), **replaced)
            for said, replaced in await former(session, campaign)
        ]
    )
