"""Whom the net has not met: derived from the visits themselves, so nothing has to be kept in step.

A household has to be seen again when its latest visit, by the time of the visit and not of its
arrival, found nobody or was refused. Meeting it later, or learning that it has moved, ends that.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation.pages import Page, PageRequest, decode_cursor, page_of
from api.foundation.problems import NotFound
from api.grids.models import Grid
from api.visits.schemas import FollowUp, FollowUpCount, FollowUpCounts

# One index probe for each household, whatever the number of visits it has had.
_OPEN = """
    SELECT h.id AS household_id, h.name AS household_name, h.grid_id,
        last.id AS last_visit_id, last.outcome AS last_outcome, last.visited_at AS last_visited_at
    FROM households h CROSS JOIN LATERAL (
        SELECT v.id, v.outcome, v.visited_at FROM visits v
        WHERE v.household_id = h.id AND v.discarded_at IS NULL
        ORDER BY v.visited_at DESC, v.id DESC LIMIT 1
    ) AS last
    WHERE last.outcome IN ('absent', 'refused')
        AND h.discarded_at IS NULL AND h.left_on IS NULL
"""

# A grid's subtree is a range of paths: '/' is the character after '.'.
_BELOW = "AND h.reach >= CAST(:path AS text) || '.' AND h.reach < CAST(:path AS text) || '/'"

# Materialised, so that attempts are counted for the few that are open and not for everyone.
_MISSED = """
    WITH open AS MATERIALIZED ({open})
    SELECT open.*, missed.since, missed.attempts
    FROM open CROSS JOIN LATERAL (
        SELECT min(v.visited_at) AS since, count(*) AS attempts FROM visits v
        WHERE v.household_id = open.household_id AND v.discarded_at IS NULL
            AND v.outcome IN ('absent', 'refused')
            AND NOT EXISTS (
                SELECT FROM visits met
                WHERE met.household_id = v.household_id AND met.discarded_at IS NULL
                    AND met.outcome IN ('met', 'moved_away')
                    AND (met.visited_at, met.id) > (v.visited_at, v.id)
            )
    ) AS missed
    WHERE (missed.since, open.household_id)
        > (CAST(:since AS timestamptz), CAST(:household_id AS uuid))
    ORDER BY missed.since, open.household_id LIMIT :rows
"""
_EVERY_HOUSEHOLD = text(_MISSED.format(open=_OPEN))
_OF_A_GRID = text(_MISSED.format(open=_OPEN + _BELOW))
_FROM_THE_START = (datetime.fromisoformat("0002-01-01T00:00:00Z"), UUID(int=0))

_COUNTS = text(f"""
    SELECT grids.id AS grid_id, grids.name AS grid_name,
        count(*) FILTER (WHERE last_outcome = 'absent') AS absent,
        count(*) FILTER (WHERE last_outcome = 'refused') AS refused
    FROM ({_OPEN}) AS open JOIN grids ON grids.id = open.grid_id
    GROUP BY grids.id ORDER BY grids.path
""")


async def follow_ups(
    session: AsyncSession, page: PageRequest, *, grid_id: UUID | None
) -> Page[FollowUp]:
    """Households that have to be seen again, those that wait longest first.

    `grid_id` narrows to a grid and what lies below it; raises `NotFound` for one out of reach.
    """
    after = decode_cursor(page.cursor, [datetime, UUID]) if page.cursor else _FROM_THE_START
    parameters = {"since": after[0], "household_id": after[1], "rows": page.limit + 1}
    statement = _EVERY_HOUSEHOLD
    if grid_id is not None:
        statement = _OF_A_GRID
        parameters["path"] = await _path(session, grid_id)
    rows = (await session.execute(statement, parameters)).mappings().all()
    return page_of(rows, page, ("since", "household_id"), present=FollowUp.model_validate)


async def _path(session: AsyncSession, grid_id: UUID) -> str:
    grid = await session.get(Grid, grid_id)
    if grid is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/query/grid_id")
    return grid.path


async def follow_up_counts(session: AsyncSession) -> FollowUpCounts:
    """How many households of each grid have to be seen again."""
    rows = (await session.execute(_COUNTS)).mappings()
    return FollowUpCounts(items=[FollowUpCount.model_validate(dict(row)) for row in rows])
