"""Who was to come in a campaign, who came, who has not: derived from the tests and the doses."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, page_of, start_of
from api.foundation.problems import NotFound
from api.grids.models import Grid
from api.grids.queries import grid_in_reach
from api.quarantines.queries import not_taken_away
from api.sites.campaign_schemas import CampaignCoverage, Covered, GridCovered, NotYet
from api.sites.campaigns import SAMPLED, campaign_of, lies_in
from api.sites.models import SamplingCampaign, SiteKind

# A person whose birth date is not known is expected: asked once too often, not forgotten. Whoever
# left when it was over, or had come by then, was expected all the same: what it came to does not
# shrink afterwards.
_EXPECTED = """
    (r.left_on IS NULL OR r.left_on > :to_on OR {done})
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

# By the owner's right: whoever moved out of the caller's reach since counts there all the same, and
# is told of by a number alone. Until a campaign is over, people come where they live by now.
_MOVED = """
    moved AS MATERIALIZED (
        SELECT id, reach COLLATE "C" AS reach, birth_date, registration, left_on, recorded_at, done,
            exempt
        FROM moved_since(:kind, :from_on, :to_on, :begins, :ends, :dose)
        WHERE CAST(:over AS boolean)
    )
"""
_COUNTED = f"""
    WITH {_MOVED}, people AS (
        SELECT r.id, r.reach, r.birth_date, r.registration, r.left_on, r.recorded_at,
            {{done}} AS done, {{exempt}} AS exempt
        FROM residents AS r
        WHERE r.discarded_at IS NULL AND NOT EXISTS (SELECT FROM moved AS m WHERE m.id = r.id)
            AND r.reach >= :path AND r.reach < :path || '/'
        UNION ALL
        SELECT * FROM moved AS m WHERE m.reach >= :path AND m.reach < :path || '/'
    ), r AS (SELECT r.* FROM people AS r WHERE {{expected}})
    SELECT c.id AS grid_id, c.name AS grid_name,
        count(*) FILTER (WHERE r.done OR NOT r.exempt) AS expected,
        count(*) FILTER (WHERE r.done) AS done,
        count(*) FILTER (WHERE r.exempt AND NOT r.done) AS exempt
    FROM grids AS c LEFT JOIN r ON r.reach >= c.path AND r.reach < c.path || '/'
    WHERE c.id = :grid OR c.parent_id = :grid AND c.closed_at IS NULL
    GROUP BY c.id, c.name, c.path ORDER BY c.path
"""


async def coverage(
    session: AsyncSession, caller: Claims, campaign_id: UUID, grid_id: UUID | None
) -> CampaignCoverage:
    """How many were to come and came, in a grid and in each directly below it.

    Once it is over, everybody counts where they lived on its last day. Raises `NotFound`.
    """
    campaign = await campaign_of(session, campaign_id)
    grid = await _within(session, caller, campaign, grid_id)
    counted = _COUNTED.format(
        done=_DONE[campaign.kind],
        exempt=_EXEMPT[campaign.kind],
        expected=_EXPECTED.format(done="r.done"),
    )
    # By their paths: the grid itself before those below it.
    own, *below = (await session.execute(text(counted), _bounds(campaign, grid))).mappings()
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


def _bounds(campaign: SamplingCampaign, grid: Grid) -> dict[str, Any]:
    target, ends = campaign.target, clock.day_bounds(campaign.to_on)[1]
    return {
        "kind": campaign.kind,
        "over": clock.now() >= ends,
        "grid": grid.id,
        "path": grid.path,
        "whole": campaign.reach,
        "from_on": campaign.from_on,
        "to_on": campaign.to_on,
        "begins": clock.day_bounds(campaign.from_on)[0],
        "ends": ends,
        "min_age": target.get("min_age"),
        "max_age": target.get("max_age"),
        "registrations": target.get("registrations"),
        "dose": target.get("dose_number"),
    }


# People are asked where they live by now; but nobody who did not live within the campaign then.
_LISTED = f"""
    WITH {_MOVED}
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
    WHERE r.discarded_at IS NULL AND r.reach >= :path AND r.reach < :path || '/'
        AND {{expected}} AND NOT {{done}} AND NOT {{exempt}}
        AND NOT EXISTS (
            SELECT FROM moved AS m WHERE m.id = r.id
                AND NOT (m.reach >= :whole AND m.reach < :whole || '/')
        )
        AND (CAST(:number AS integer) IS NULL
            OR (h.number, r.id) > (CAST(:number AS integer), CAST(:after AS uuid)))
        {{only}}
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
