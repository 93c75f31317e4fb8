"""How leads stand, batch by batch and grid by grid: counted from the leads themselves."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.grids.queries import grid_in_reach
from api.leads.models import ANSWERED
from api.leads.queries import batch_of
from api.leads.verification_schemas import GridLeadNumbers, LeadNumbers, LeadProgress

_ANSWERED = ", ".join(f"'{each.value}'" for each in ANSWERED)
_COUNTED = f"""
    count(l.id) AS received,
    count(*) FILTER (WHERE l.status = 'imported') AS unassigned,
    count(*) FILTER (WHERE l.status IN ('assigned', 'contacting')) AS open,
    count(*) FILTER (WHERE l.status NOT IN ('imported', 'assigned', 'contacting')) AS done,
    count(*) FILTER (WHERE l.status IN ({_ANSWERED})) AS fed_back,
    count(*) FILTER (WHERE l.answered_at > l.deadline_at
        OR l.status NOT IN ({_ANSWERED}) AND l.deadline_at < :now) AS late
"""
_PROGRESS = text(f"""
    WITH wanted AS MATERIALIZED (
        SELECT l.id, l.reach, l.status, l.deadline_at,
            coalesce(l.fed_back_at, l.handed_on_at) AS answered_at
        FROM leads AS l
        WHERE l.discarded_at IS NULL AND l.reach >= :path AND l.reach < :path || '/'
            AND (CAST(:batch AS uuid) IS NULL OR l.batch_id = :batch)
    )
    SELECT NULL::uuid AS grid_id, NULL AS grid_name, {_COUNTED}, '' AS path FROM wanted AS l
    UNION ALL
    SELECT g.id, g.name, {_COUNTED}, g.path
    FROM grids AS g LEFT JOIN wanted AS l ON l.reach >= g.path AND l.reach < g.path || '/'
    WHERE g.parent_id = :grid AND g.closed_at IS NULL
    GROUP BY g.id, g.name, g.path
    ORDER BY path
""")


async def progress(
    session: AsyncSession, caller: Claims, *, batch_id: UUID | None, grid_id: UUID | None
) -> LeadProgress:
    """Received, open, done and late in a grid and in each directly below it; raises `NotFound`."""
    grid = await grid_in_reach(session, grid_id or caller.grid, pointer="/query/grid_id")
    if batch_id is not None:
        await batch_of(session, batch_id)
    told = {"path": grid.path, "grid": grid.id, "batch": batch_id, "now": clock.now()}
    whole, *below = (await session.execute(_PROGRESS, told)).mappings()
    return LeadProgress(
        whole=LeadNumbers.model_validate(_numbers(whole)),
        items=[GridLeadNumbers.model_validate(dict(row)) for row in below],
    )


def _numbers(row: Mapping[Any, Any]) -> dict[str, int]:
    return {name: row[name] for name in LeadNumbers.model_fields}
