"""Sampling at home those who cannot come: asked for, given to somebody, done by a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.permissions import Permission, Role, permitted
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.field_records import fill_in
from api.foundation.live import tell
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, Source, create_once
from api.grids.queries import lying_in
from api.registry.models import Resident
from api.registry.problems import ResidentLeft
from api.registry.queries import resident_of
from api.sites.campaign_schemas import (
    HomeSamplingAssign,
    HomeSamplingCancel,
    HomeSamplingRead,
    HomeSamplingRecord,
)
from api.sites.campaigns import SAMPLED, campaign_of, lies_in
from api.sites.models import HomeSampling, SamplingCampaign, SiteKind
from api.sites.problems import HomeSamplingOver

_EARLIEST, _LATEST = timedelta(days=31), timedelta(days=366)


@dataclass(frozen=True, slots=True)
class HomeFilter:
    """Which samplings at home are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    campaign_id: UUID | None = None
    assigned_to: UUID | None = None
    wanted_on: date | None = None


async def ask_for(
    session: AsyncSession, caller: Claims, said: HomeSamplingRecord
) -> tuple[HomeSampling, bool]:
    """Keep that somebody is to be sampled at home; returns it and whether it is new.

    Raises `NotFound`, `ResidentLeft`, `NotAColleague`, `RecordedInTheFuture`,
    `HomeSamplingWanted`, `RecordDiffers`, and `InvalidInput` for a day that is far away or outside
    the campaign, and for a campaign in which they are not sampled.
    """
    resident = await resident_of(session, said.resident_id, pointer="/body/resident_id")
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    row = HomeSampling(
        **fill_in(said, entered_by=caller.worker, source=Source.phone),
        **said.model_dump(include={"resident_id", "campaign_id", "reason", "wanted_on"}),
        grid_id=resident.grid_id,
        reach=resident.reach,
    )
    campaign = said.campaign_id and await campaign_of(
        session, said.campaign_id, pointer="/body/campaign_id"
    )
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        _refuse_unfit(resident, said, campaign)
        audit(session, caller, "home_samplings.ask", subject=kept.id, reach=kept.reach)
    return kept, created


def _refuse_unfit(
    resident: Resident, said: HomeSamplingRecord, campaign: SamplingCampaign | None
) -> None:
    if resident.left_on is not None:
        raise ResidentLeft(pointer="/body/resident_id")
    if not -_EARLIEST <= said.wanted_on - clock.today() <= _LATEST:
        raise InvalidInput("上门日期应在一个月前至一年后之间。", pointer="/body/wanted_on")
    if campaign is None:
        return
    if campaign.kind is not SiteKind.sampling or not lies_in(resident.reach, campaign.reach):
        raise InvalidInput("该行动不含给这位居民采样。", pointer="/body/campaign_id")
    if not campaign.from_on <= said.wanted_on <= campaign.to_on:
        raise InvalidInput("上门日期不在该行动的起止日期之内。", pointer="/body/wanted_on")


async def home_sampling_of(session: AsyncSession, sampling_id: UUID) -> HomeSampling:
    """One sampling at home; raises `NotFound`."""
    sampling = await session.get(HomeSampling, sampling_id)
    if sampling is None:
        raise NotFound("没有找到该次上门采样，或不在您的网格范围内。")
    return sampling


async def assign(
    session: AsyncSession,
    caller: Claims,
    sampling_id: UUID,
    said: HomeSamplingAssign,
    *,
    version: int,
) -> HomeSampling:
    """Give it to somebody, who is told, as is who need not go any more.

    Raises `NotFound`, `NotAColleague`, `HomeSamplingOver`, `VersionMismatch`, and `InvalidInput`
    for somebody who would neither find it in their day nor be able to record the sample.
    """
    sampling = await _still_to_do(session, sampling_id)
    if await strangers(session, {said.worker_id}):
        raise NotAColleague(pointer="/body/worker_id")
    await _refuse_out_of_reach(session, sampling, said.worker_id)
    former = sampling.assigned_to
    changes = {"assigned_to": said.worker_id, "assigned_at": clock.now()}
    await correct(session, sampling, changes, Correction(version, by=caller.worker))
    about, reach = sampling.id, sampling.reach
    audit(session, caller, "home_samplings.assign", subject=about, reach=reach)
    for worker in {said.worker_id, former} - {None}:
        await tell(session, "duties.changed", subject=about, reach=reach, worker=worker)
    return sampling


_POSTS_HERE = text("""
    SELECT role, level FROM posts_of(:worker, :at) AS held
    WHERE grid_id = :grid OR grid_id IN (SELECT above.id FROM line_above(:grid, :at) AS above)
""")


async def _refuse_out_of_reach(session: AsyncSession, sampling: HomeSampling, worker: UUID) -> None:
    told = {"worker": worker, "grid": sampling.grid_id, "at": clock.now()}
    for role, level in (await session.execute(_POSTS_HERE, told)).all():
        if Permission.health_records_record in permitted(Role(role), level):
            return
    detail = "该人员的任职范围不含这一户，或不能登记检测，请安排其他人员。"
    raise InvalidInput(detail, pointer="/body/worker_id")


async def call_off(
    session: AsyncSession,
    caller: Claims,
    sampling_id: UUID,
    said: HomeSamplingCancel,
    *,
    version: int,
) -> HomeSampling:
    """Say why nobody goes; raises `NotFound`, `HomeSamplingOver`, `VersionMismatch`."""
    sampling = await _still_to_do(session, sampling_id)
    changes = {"cancelled_at": clock.now(), "cancelled_reason": said.reason}
    await correct(session, sampling, changes, Correction(version, by=caller.worker))
    about, reach, worker = sampling.id, sampling.reach, sampling.assigned_to
    audit(session, caller, "home_samplings.call_off", subject=about, reach=reach)
    if worker is not None:
        await tell(session, "duties.changed", subject=about, reach=reach, worker=worker)
    return sampling


async def _still_to_do(session: AsyncSession, sampling_id: UUID) -> HomeSampling:
    sampling = await home_sampling_of(session, sampling_id)
    await session.refresh(sampling, with_for_update=True)
    [told] = await present(session, [sampling])
    if sampling.cancelled_at is not None or told.test_id is not None:
        raise HomeSamplingOver
    return sampling


# The first sample since it was asked for that was taken on the day wanted or later.
_TESTS = text(f"""
    SELECT s.id, t.id AS test_id, t.sampled_at FROM home_samplings AS s CROSS JOIN LATERAL (
        SELECT t.id, t.sampled_at FROM diagnostic_tests AS t
        WHERE t.resident_id = s.resident_id AND {SAMPLED}
            AND t.sampled_at >= s.wanted_on::timestamp AT TIME ZONE 'Asia/Shanghai'
        ORDER BY t.sampled_at, t.id LIMIT 1
    ) AS t
    WHERE s.id = ANY (:ids)
""")


async def present(
    session: AsyncSession, samplings: Sequence[HomeSampling]
) -> list[HomeSamplingRead]:
    """Samplings as the wire shows them, with the tests that show them done."""
    rows = await session.execute(_TESTS, {"ids": [each.id for each in samplings]})
    done = {row.id: {"test_id": row.test_id, "done_at": row.sampled_at} for row in rows}
    nothing: dict[str, Any] = {"test_id": None, "done_at": None}
    return [
        HomeSamplingRead.model_validate({**each.model_dump(), **done.get(each.id, nothing)})
        for each in samplings
    ]


async def home_samplings(
    session: AsyncSession, wanted: HomeFilter, page: PageRequest
) -> Page[HomeSamplingRead]:
    """Samplings at home, those wanted first before the others."""
    statement = select(HomeSampling).where(
        col(HomeSampling.discarded_at).is_(None),
        *await lying_in(session, col(HomeSampling.grid_id), wanted.grid_id),
    )
    for name in ("campaign_id", "assigned_to", "wanted_on"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(HomeSampling, name)) == value)
    keys = [col(HomeSampling.wanted_on), col(HomeSampling.id)]
    found = await read_page(session, statement, keys, page, present=as_it_is)
    return Page(items=await present(session, found.items), next_cursor=found.next_cursor)
