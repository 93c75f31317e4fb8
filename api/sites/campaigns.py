"""Campaigns: announced, found, listed."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, create_once
from api.grids.queries import open_grid_in_reach
from api.sites.campaign_schemas import CampaignRead, CampaignRecord, Target
from api.sites.models import SamplingCampaign, SiteKind


async def announce(
    session: AsyncSession, caller: Claims, said: CampaignRecord
) -> tuple[SamplingCampaign, bool]:
    """Keep a campaign; returns it and whether it is new.

    Raises `NotFound`, `GridClosed`, `InvalidInput`, `RecordDiffers`.
    """
    grid = await open_grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
    refuse_backwards(said.from_on, said.to_on)
    refuse_strange_target(said.target, said.kind)
    row = SamplingCampaign(
        **said.model_dump(exclude={"target"}),
        target=said.target.model_dump(mode="json"),
        version=1,
        reach=grid.path,
        announced_at=clock.now(),
        announced_by=caller.worker,
    )
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        audit(session, caller, "sampling_campaigns.announce", subject=kept.id, reach=kept.reach)
    return kept, created


def refuse_backwards(from_on: date, to_on: date) -> None:
    """Raise `InvalidInput` for a campaign that ends before it begins."""
    if to_on < from_on:
        raise InvalidInput("结束日期不能早于开始日期。", pointer="/body/to_on")


def refuse_strange_target(target: Target, kind: SiteKind) -> None:
    """Raise `InvalidInput` for a target that nobody can be, or that says nothing of its kind."""
    youngest, oldest = target.min_age, target.max_age
    if youngest is not None and oldest is not None and oldest < youngest:
        raise InvalidInput("年龄上限不能小于下限。", pointer="/body/target/max_age")
    if target.dose_number is not None and kind is SiteKind.sampling:
        raise InvalidInput("采样行动没有剂次。", pointer="/body/target/dose_number")


async def campaign_of(
    session: AsyncSession, campaign_id: UUID, *, pointer: str | None = None
) -> SamplingCampaign:
    """One campaign; raises `NotFound`."""
    campaign = await session.get(SamplingCampaign, campaign_id)
    if campaign is None:
        raise NotFound("没有找到该行动，或不在您的网格范围内。", pointer=pointer)
    return campaign


async def campaigns(session: AsyncSession, page: PageRequest) -> Page[CampaignRead]:
    """Campaigns, the latest first."""
    keys = [col(SamplingCampaign.from_on), col(SamplingCampaign.id)]
    statement = select(SamplingCampaign)
    shown = CampaignRead.model_validate
    return await read_page(session, statement, keys, page, present=shown, descending=True)


SAMPLED = "t.discarded_at IS NULL AND t.kind = 'nucleic_acid' AND t.outcome <> 'invalid'"
"""Which tests `t` count: an antigen kit at home is no sampling, a sample gone bad is none yet."""


def lies_in(path: str, whole: str) -> bool:
    """Whether a path or reach is that of a campaign or lies below it."""
    return f"{path}.".startswith(f"{whole}.")
