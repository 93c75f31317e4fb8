"""Campaigns: who was to come, who came, who has not — derived from the tests and the doses."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, page_of, read_page, start_of
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, create_once
from api.grids.models import Grid
from api.grids.queries import grid_in_reach, open_grid_in_reach
from api.quarantines.queries import not_taken_away
from api.sites.campaign_schemas import (
    CampaignCoverage,
    CampaignRead,
    CampaignRecord,
    Covered,
    GridCovered,
    NotYet,
    Target,
)
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

# A person whose birth date is not known is expected: asked once too often, not forgotten. Whoever
# left when it was over, or had come by then, was expected all the same: what it came to does not
# shrink afterwards.
_EXPECTED = """
    r.discarded_at IS NULL AND (r.left_on IS NULL OR r.left_on > :to_on OR {done})
    AND r.reach >= :path AND r.reach < :path || '/'
    AND r.recorded_at < :ends
    AND (CAST(:min_age AS integer) IS NULL OR r.birth_date IS NULL
        OR r.birth_date <= CAST(:from_on AS date) - make_interval(years => :min_age))
    AND (CAST(:max_age AS integer) IS NULL OR r.birth_date IS NULL
        OR r.birth_date > CAST(:from_on AS date) - make_interval(years => :max_age + 1))
    AND (CAST(:registrations AS text[]) IS NULL OR r.registration = ANY (:registrations))
"""
_DONE = {
    SiteKind.sampling: f"""
        EXISTS (
            SELECT FROM diagnostic_tests AS t WHERE t.resident_id = r.id
                AND {SAMPLED} AND t.sampled_at >= :begins AND t.sampled_at < :ends
        )
    """,
    SiteKind.vaccination: """
        EXISTS (
            SELECT FROM vaccinations AS v WHERE v.resident_id = r.id AND v.discarded_at IS NULL
                AND v.outcome = 'given' AND v.given_on <= :to_on
                AND (v.dose_number >= :dose OR CAST(:dose AS integer) IS NULL
                    AND v.given_on >= :from_on)
        )
    """,
}
_EXEMPT = {
    SiteKind.sampling: "false",
    # As their standing tells it: by the latest of what is known, so a dose given since tells more.
    SiteKind.vaccination: """
        (
            SELECT v.outcome FROM vaccinations AS v WHERE v.resident_id = r.id
                AND v.discarded_at IS NULL AND v.given_on <= :to_on
            ORDER BY v.given_on DESC, v.dose_number DESC NULLS LAST LIMIT 1
        ) IS NOT DISTINCT FROM 'contraindicated'
    """,
}
"""Who must not have any is not asked to come, and is counted apart."""


async def coverage(
    session: AsyncSession, caller: Claims, campaign_id: UUID, grid_id: UUID | None
) -> CampaignCoverage:
    """How many were to come and came, in a grid and in each directly below it.

    Raises `NotFound`.
    """
    campaign = await campaign_of(session, campaign_id)
    grid = await _within(session, caller, campaign, grid_id)
    counted = f"""
        SELECT c.id AS grid_id, c.name AS grid_name,
            count(*) FILTER (WHERE r.done OR NOT r.exempt) AS expected,
            count(*) FILTER (WHERE r.done) AS done,
            count(*) FILTER (WHERE r.exempt AND NOT r.done) AS exempt
        FROM grids AS c LEFT JOIN (
            SELECT r.id, r.reach, {_DONE[campaign.kind]} AS done,
                {_EXEMPT[campaign.kind]} AS exempt
            FROM residents AS r WHERE {_EXPECTED.format(done=_DONE[campaign.kind])}
        ) AS r ON r.reach >= c.path AND r.reach < c.path || '/'
        WHERE {{which}}
        GROUP BY c.id, c.name, c.path ORDER BY c.path
    """
    told = _bounds(campaign, grid)
    itself, open_below = "c.id = :grid", "c.parent_id = :grid AND c.closed_at IS NULL"
    own = (await session.execute(text(counted.format(which=itself)), told)).mappings().one()
    below = (await session.execute(text(counted.format(which=open_below)), told)).mappings()
    return CampaignCoverage(
        whole=Covered(**_numbers(own)),
        items=[
            GridCovered(grid_id=row["grid_id"], grid_name=row["grid_name"], **_numbers(row))
            for row in below
        ],
    )


def _numbers(row: Mapping[Any, Any]) -> dict[str, int]:
    expected, done, exempt = row["expected"], row["done"], row["exempt"]
    return {"expected": expected, "done": done, "not_yet": expected - done, "exempt": exempt}


async def _within(
    session: AsyncSession, caller: Claims, campaign: SamplingCampaign, grid_id: UUID | None
) -> Grid:
    """The grid asked for, or as much of the campaign's as the caller reaches."""
    if grid_id is None:
        own = await grid_in_reach(session, caller.grid)
        grid_id = own.id if lies_in(own.path, campaign.reach) else campaign.grid_id
    grid = await grid_in_reach(session, grid_id)
    if not lies_in(grid.path, campaign.reach):
        raise NotFound("该网格不在此次行动的范围内。")
    return grid


def lies_in(path: str, whole: str) -> bool:
    """Whether a path or reach is that of a campaign or lies below it."""
    return f"{path}.".startswith(f"{whole}.")


def _bounds(campaign: SamplingCampaign, grid: Grid) -> dict[str, Any]:
    target = campaign.target
    return {
        "grid": grid.id,
        "path": grid.path,
        "from_on": campaign.from_on,
        "to_on": campaign.to_on,
        "begins": clock.day_bounds(campaign.from_on)[0],
        "ends": clock.day_bounds(campaign.to_on)[1],
        "min_age": target.get("min_age"),
        "max_age": target.get("max_age"),
        "registrations": target.get("registrations"),
        "dose": target.get("dose_number"),
    }


_LISTED = """
    SELECT r.id AS resident_id, r.name, r.grid_id, r.household_id, r.mobility_limited,
        h.name AS household_name, h.number AS household_number,
        EXISTS (
            SELECT FROM quarantines AS q
            WHERE q.resident_id = r.id AND q.status IN ('planned', 'active')
        ) AS in_quarantine, (
            SELECT s.id FROM home_samplings AS s WHERE s.resident_id = r.id
                AND s.cancelled_at IS NULL AND s.discarded_at IS NULL
                AND s.wanted_on BETWEEN :from_on AND :to_on
            ORDER BY s.wanted_on LIMIT 1
        ) AS home_sampling_id
    FROM residents AS r JOIN households AS h ON h.id = r.household_id
    WHERE {expected} AND NOT {done} AND NOT {exempt}
        AND (CAST(:number AS integer) IS NULL
            OR (h.number, r.id) > (CAST(:number AS integer), CAST(:after AS uuid)))
        {only}
    ORDER BY h.number, r.id LIMIT :limit
"""
_CANNOT_COME = f"""
    AND {not_taken_away("r.id")}
    AND NOT EXISTS (
        SELECT FROM home_samplings AS s WHERE s.resident_id = r.id
            AND s.cancelled_at IS NULL AND s.discarded_at IS NULL
            AND s.wanted_on BETWEEN :from_on AND :to_on
    )
    AND (r.mobility_limited OR EXISTS (
        SELECT FROM quarantines AS q
        WHERE q.resident_id = r.id AND q.status IN ('planned', 'active')
    ))
"""


async def not_yet(
    session: AsyncSession,
    caller: Claims,
    campaign_id: UUID,
    grid_id: UUID | None,
    page: PageRequest,
    *,
    cannot_come: bool = False,
) -> Page[NotYet]:
    """Who has not come yet, door by door; or of them only who cannot, and is not provided for.

    Raises `NotFound` and `InvalidInput` for a strange cursor.
    """
    campaign = await campaign_of(session, campaign_id)
    grid = await _within(session, caller, campaign, grid_id)
    number, after = start_of(page, [int, UUID])
    done, only = _DONE[campaign.kind], _CANNOT_COME if cannot_come else ""
    expected, exempt = _EXPECTED.format(done=done), _EXEMPT[campaign.kind]
    statement = _LISTED.format(expected=expected, done=done, exempt=exempt, only=only)
    told = _bounds(campaign, grid) | {"number": number, "after": after, "limit": page.limit + 1}
    rows = (await session.execute(text(statement), told)).mappings().all()
    return page_of(rows, page, ("household_number", "resident_id"), present=NotYet.model_validate)
