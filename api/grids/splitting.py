"""Splitting a grid: households move into new grids beside it, none lost and none in two (M1.7)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction
from api.foundation.problems import NotFound, OutsideYourGrid, RecordDiffers
from api.foundation.records import Proposal, create_once
from api.grids.models import Grid
from api.grids.problems import GridClosed, HouseholdTwice, RootStays
from api.grids.queries import grid_in_reach
from api.grids.relocation import Relocation, relocate, settle
from api.grids.schemas import GridPart, GridSplit
from api.grids.service import code_for, grid_below


@dataclass(frozen=True, slots=True)
class Home:
    """A household as the tree sees it."""

    grid_id: UUID
    reach: str


async def split_grid(
    session: AsyncSession, caller: Claims, grid_id: UUID, split: GridSplit, *, pattern: str
) -> tuple[list[Grid], int]:
    """Open new grids beside this one and move households into them; the others stay.

    Answers the new grids and how many households moved; sent again, none moves. Raises `NotFound`
    with a pointer for a household that is in none of these grids, `HouseholdTwice` for one in two.
    """
    grid = await grid_in_reach(session, grid_id)
    parent = await _parent(session, grid)
    homes = await _homes(session, split)
    parts = [await _part(session, caller, (grid, parent), part, pattern) for part in split.grids]
    moves = [
        move
        for index, (part, new) in enumerate(zip(split.grids, parts, strict=True))
        for move in _moves(grid, new, part, homes, pointer=f"/body/grids/{index}/household_ids")
    ]
    correction = Correction(version=grid.version, by=caller.worker, reason=split.reason)
    await relocate(session, moves, correction, below=False)
    await settle(session, [part.path for part in parts])
    details = {"into": [str(part.id) for part in parts], "households": len(moves)}
    audit(session, caller, "grids.split", subject=grid.id, reach=grid.path, details=details)
    return parts, len(moves)


async def _parent(session: AsyncSession, grid: Grid) -> Grid:
    if grid.parent_id is None:
        raise RootStays
    if grid.closed_at is not None:
        raise GridClosed
    parent = await session.get(Grid, grid.parent_id)
    if parent is None:
        raise OutsideYourGrid("上级网格不在您的网格范围内，请由上级办理。")
    return parent


async def _homes(session: AsyncSession, split: GridSplit) -> Mapping[UUID, Home]:
    wanted = Counter(home for part in split.grids for home in part.household_ids)
    for index, part in enumerate(split.grids):
        for place, home in enumerate(part.household_ids):
            if wanted[home] > 1:
                raise HouseholdTwice(pointer=f"/body/grids/{index}/household_ids/{place}")
    # One array carries any number of ids, where one parameter for each would not.
    statement = text(
        "SELECT id, grid_id, reach FROM households WHERE id = ANY (CAST(:wanted AS uuid[]))"
    )
    rows = await session.execute(statement, {"wanted": list(wanted)})
    return {row.id: Home(row.grid_id, row.reach) for row in rows}


async def _part(
    session: AsyncSession,
    caller: Claims,
    family: tuple[Grid, Grid],
    part: GridPart,
    pattern: str,
) -> Grid:
    grid, parent = family
    row = await session.get(Grid, part.id)
    if row is None:
        code = await code_for(session, parent, kind=grid.kind, given=part.code, pattern=pattern)
        row = grid_below(parent, part.id, kind=grid.kind, name=part.name, code=code)
        await session.flush()
    elif row.parent_id != parent.id or row.id == grid.id:
        raise RecordDiffers(fields=["id"])
    kept, created = await create_once(session, Proposal(part, row))
    if kept.closed_at is not None:
        raise GridClosed
    if created:
        audit(session, caller, "grids.open", subject=kept.id, reach=kept.path)
    return kept


def _moves(
    grid: Grid, new: Grid, part: GridPart, homes: Mapping[UUID, Home], *, pointer: str
) -> list[Relocation]:
    moves: list[Relocation] = []
    for place, household in enumerate(part.household_ids):
        home = homes.get(household)
        if home is None or home.grid_id not in (grid.id, new.id):
            detail = "没有找到该户，或该户不在被拆分的网格内。"
            raise NotFound(detail, pointer=f"{pointer}/{place}")
        if home.grid_id == grid.id:
            latter = new.path + home.reach.removeprefix(grid.path)
            moves.append(Relocation(home.reach, latter, new.id))
    return moves
