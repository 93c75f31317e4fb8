"""How many of those in quarantine the errand service covers: it is to be all of them (R9, M3.7).

Covered is whoever was brought something by the end of that day, or was asked and wants nothing.
Whoever was in quarantine on a day counts for it, also if it was their last. An errand stays open
until it is delivered or called off, and is late once its time has run out.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.care.errand_coverage_schemas import (
    CoverageLine,
    ErrandCoverage,
    Uncovered,
)
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, page_of, start_of
from api.grids.queries import grid_in_reach

_PERSONS = """
    WITH person AS MATERIALIZED (
        SELECT q.id, q.reach, q.resident_id, q.household_id, q.grid_id, q.started_on,
            served.asked, served.covered, served.open, served.late
        FROM quarantines AS q
        CROSS JOIN LATERAL (
            SELECT count(*) > 0 AS asked,
                coalesce(bool_or(e.kind = 'none_needed' OR e.delivered_at < :until), false)
                    AS covered,
                count(*) FILTER (WHERE waits) AS open,
                count(*) FILTER (WHERE waits AND e.due_at <= :until) AS late
            FROM errands AS e CROSS JOIN LATERAL (
                SELECT e.kind <> 'none_needed'
                    AND coalesce(least(e.delivered_at, e.cancelled_at), 'infinity') >= :until
            ) AS still (waits)
            WHERE e.quarantine_id = q.id AND e.discarded_at IS NULL AND e.recorded_at < :until
        ) AS served
        WHERE q.reach >= CAST(:place AS text) COLLATE "C"
            AND q.reach < CAST(:place AS text) || '/'
            AND q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
            AND q.started_on <= :day AND (q.ended_on IS NULL OR q.ended_on >= :day)
    )
"""
_COVERAGE = text(f"""
    {_PERSONS}
    SELECT g.id AS grid_id, g.name AS grid_name, count(p.id) AS persons,
        count(p.id) FILTER (WHERE p.asked) AS asked,
        count(p.id) FILTER (WHERE p.covered) AS covered,
        coalesce(sum(p.open), 0)::integer AS open, coalesce(sum(p.late), 0)::integer AS late
    FROM grids AS g
    LEFT JOIN person AS p ON p.reach >= g.path AND p.reach < g.path || '/'
    WHERE g.id = :grid OR g.parent_id = :grid AND g.closed_at IS NULL
    GROUP BY g.id ORDER BY g.path
""")
_UNCOVERED = text(f"""
    {_PERSONS}
    SELECT p.id AS quarantine_id, p.resident_id, r.name AS resident_name, p.household_id,
        p.grid_id, p.started_on, p.open
    FROM person AS p JOIN residents AS r ON r.id = p.resident_id
    WHERE NOT p.covered AND (CAST(:since AS date) IS NULL
        OR (p.started_on, p.id) > (CAST(:since AS date), CAST(:after AS uuid)))
    ORDER BY p.started_on, p.id LIMIT :limit
""")


async def coverage(
    session: AsyncSession, caller: Claims, grid_id: UUID | None, day: date | None
) -> ErrandCoverage:
    """A grid (the caller's own unless told) and those below it; raises `NotFound`."""
    asked = await _asked(session, grid_id or caller.grid, day)
    rows = (await session.execute(_COVERAGE, asked)).mappings()
    whole, *below = [_line(dict(row)) for row in rows]
    return ErrandCoverage(as_of=clock.now(), day=asked["day"], whole=whole, grids=below)


async def uncovered(
    session: AsyncSession,
    caller: Claims,
    grid_id: UUID | None,
    day: date | None,
    page: PageRequest,
) -> Page[Uncovered]:
    """Who of those in quarantine is not covered, the longest first.

    Raises `NotFound`, `InvalidInput` for a foreign cursor.
    """
    asked = await _asked(session, grid_id or caller.grid, day)
    since, after = start_of(page, [date, UUID])
    told = asked | {"since": since, "after": after, "limit": page.limit + 1}
    rows = (await session.execute(_UNCOVERED, told)).mappings().all()
    return page_of(rows, page, ("started_on", "quarantine_id"), present=Uncovered.model_validate)


async def _asked(session: AsyncSession, grid_id: UUID, day: date | None) -> dict[str, Any]:
    """Until when it is looked at: the end of the day, of today until now."""
    grid = await grid_in_reach(session, grid_id, pointer="/query/grid_id")
    told = day or clock.today()
    until = min(clock.day_bounds(told)[1], clock.now())
    return {"place": grid.path, "grid": grid.id, "day": told, "until": until}


def _line(row: dict[str, Any]) -> CoverageLine:
    share = round(row["covered"] / row["persons"], 3) if row["persons"] else None
    return CoverageLine(**row, share=share)
