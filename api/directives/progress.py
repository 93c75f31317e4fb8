"""How a directive stands: summed per grid and per level, by name where one looks closer (M1.6)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.tokens import Claims
from api.directives.models import Directive, DirectiveReceipt
from api.directives.queries import looked_at, receipts_of, shown_receipt
from api.directives.schemas import AnswerTally, DirectiveProgress, GridAnswers, LevelAnswers
from api.foundation import clock
from api.grids.models import Grid
from api.grids.queries import grid_in_reach

# Every receipt is counted once: below the child that holds it, or at the grid itself.
_COUNTED = text("""
    WITH told AS (
        SELECT r.reach, g.level, r.acknowledged_at, r.reported_at,
            CASE WHEN d.needs_report THEN r.reported_at ELSE r.acknowledged_at END AS done_at,
            d.deadline_at, (p.ended_at IS NULL OR p.ended_at > :now)
                AND r.reach >= d.reach AND r.reach < d.reach || '/' AS held
        FROM directive_receipts r
        JOIN directives d ON d.id = r.directive_id
        JOIN posts p ON p.id = r.post_id
        JOIN grids g ON g.id = r.grid_id
        WHERE r.directive_id = :directive
            AND r.reach >= CAST(:path AS text) AND r.reach < CAST(:path AS text) || '/'
    )
    SELECT c.id AS grid_id, c.code AS grid_code, c.name AS grid_name, c.kind,
        c.level AS grid_level, told.level, count(*) AS posts,
        count(told.acknowledged_at) AS acknowledged, count(told.reported_at) AS reported,
        count(told.done_at) AS answered, count(*) - count(told.done_at) AS outstanding,
        count(*) FILTER (WHERE coalesce(told.done_at, :looked_at) > told.deadline_at) AS late
    FROM told LEFT JOIN grids c ON c.parent_id = :grid
        AND told.reach >= c.path AND told.reach < c.path || '/'
    WHERE told.held OR told.done_at IS NOT NULL
    GROUP BY c.id, told.level ORDER BY c.path NULLS FIRST, told.level
""")
_SUMS = tuple(AnswerTally.model_fields)


async def progress_of(
    session: AsyncSession, caller: Claims, directive: Directive, grid_id: UUID | None
) -> DirectiveProgress:
    """How a directive stands in a grid: the one it went to, or the caller's where that lies below.

    Raises `NotFound` for a grid out of sight.
    """
    grid = await _looked_into(session, caller, directive, grid_id)
    told = {
        "directive": directive.id,
        "grid": grid.id,
        "path": grid.path,
        "now": clock.now(),
        "looked_at": looked_at(directive),
    }
    rows = [dict(row) for row in (await session.execute(_COUNTED, told)).mappings()]
    here = (await receipts_of(session, directive, grid_id=grid.id, open_only=True)).where(
        col(DirectiveReceipt.grid_id) == grid.id
    )
    waiting = (await session.scalars(here.order_by(col(DirectiveReceipt.id)))).all()
    return DirectiveProgress(
        directive_id=directive.id,
        grid_id=grid.id,
        as_of=clock.now(),
        total=_sum(rows),
        grids=_by_grid(rows),
        levels=_by_level(rows),
        outstanding_here=[shown_receipt(session, directive, receipt) for receipt in waiting],
    )


async def _looked_into(
    session: AsyncSession, caller: Claims, directive: Directive, grid_id: UUID | None
) -> Grid:
    if grid_id is not None:
        return await grid_in_reach(session, grid_id, pointer="/query/grid_id")
    whole = await session.get(Grid, directive.grid_id)
    return whole or await grid_in_reach(session, caller.grid)


def _sum(rows: Iterable[dict[str, Any]]) -> AnswerTally:
    counted = list(rows)
    return AnswerTally(**{name: sum(row[name] for row in counted) for name in _SUMS})


def _by_grid(rows: Iterable[dict[str, Any]]) -> list[GridAnswers]:
    below: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        if row["grid_id"] is not None:
            below.setdefault(row["grid_id"], []).append(row)
    return [
        GridAnswers(
            grid_id=grid_id,
            grid_code=of_it[0]["grid_code"],
            grid_name=of_it[0]["grid_name"],
            kind=of_it[0]["kind"],
            level=of_it[0]["grid_level"],
            tally=_sum(of_it),
        )
        for grid_id, of_it in below.items()
    ]


def _by_level(rows: Iterable[dict[str, Any]]) -> list[LevelAnswers]:
    levels: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        levels.setdefault(row["level"], []).append(row)
    return [LevelAnswers(level=level, tally=_sum(levels[level])) for level in sorted(levels)]
