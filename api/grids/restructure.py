"""Moving, merging, splitting and closing grids, without losing a record (M1.7).

Every verb here runs alone in its cell: nobody writes under a path while it changes.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.grids.codes import next_codes
from api.grids.models import Grid, GridKind, Post, RetiredCode
from api.grids.problems import GridClosed, GridNotEmpty, IntoItself, RootStays
from api.grids.queries import division_of, grid_in_reach, what_remains, within
from api.grids.relocation import Relocation, relocate, relocate_grids, settle
from api.grids.schemas import GridMerge, GridMove
from api.grids.service import check_fits, next_path


async def move_grid(
    session: AsyncSession, caller: Claims, grid_id: UUID, move: GridMove, *, pattern: str
) -> Grid:
    """Put a grid, with all below it and every record, under another parent.

    Where it is there already nothing happens. Raises `RootStays`, `IntoItself`, `GridClosed`,
    `GridKindMisfit`.
    """
    pointer = "/body/new_parent_id"
    grid = await grid_in_reach(session, grid_id)
    parent = await grid_in_reach(session, move.new_parent_id, pointer=pointer)
    if grid.parent_id == parent.id:
        return grid
    _check_ends(grid, parent, pointer=pointer)
    check_fits(grid.kind, parent, pointer=pointer)
    former = grid.parent_id
    correction = Correction(version=grid.version, by=caller.worker, reason=move.reason)
    await _take_under(session, parent, [grid], correction, pattern=pattern)
    await session.refresh(grid)
    await settle(session, [grid.path])
    details = {"from": str(former), "to": str(parent.id)}
    audit(session, caller, "grids.move", subject=grid.id, reach=grid.path, details=details)
    return grid


def _check_ends(grid: Grid, end: Grid, *, pointer: str) -> None:
    if grid.parent_id is None:
        raise RootStays
    if end.path == grid.path or end.path.startswith(f"{grid.path}."):
        raise IntoItself(pointer=pointer)
    if grid.closed_at is not None:
        raise GridClosed
    if end.closed_at is not None:
        raise GridClosed(pointer=pointer)


async def _take_under(
    session: AsyncSession,
    parent: Grid,
    grids: list[Grid],
    correction: Correction,
    *,
    pattern: str,
) -> None:
    """Let `grids`, which have one parent, and all that lies below them follow to `parent`."""
    if not grids:
        return
    former = await division_of(session, await _parent_of(session, grids[0]))
    latter = await division_of(session, parent)
    moves = [Relocation(grid.path, next_path(parent)) for grid in grids]
    deeper = parent.level + 1 - grids[0].level
    for grid in grids:
        await correct(session, grid, {"parent_id": parent.id}, _again(correction, grid))
    await relocate(session, moves, correction, below=True)
    await relocate_grids(session, moves, deeper=deeper)
    if former != latter:
        for move in moves:
            await _renumber(session, move.latter, latter, correction, pattern=pattern)


async def _parent_of(session: AsyncSession, grid: Grid) -> Grid:
    if grid.parent_id is None:
        raise RootStays
    return await grid_in_reach(session, grid.parent_id)


async def _renumber(
    session: AsyncSession, place: str, division: str, correction: Correction, *, pattern: str
) -> None:
    """Number anew the open grids at `place`, but for those in a village that moved along."""
    below = select(Grid).where(within(col(Grid.path), place), col(Grid.closed_at).is_(None))
    fresh = below.order_by(col(Grid.path)).execution_options(populate_existing=True)
    grids = (await session.scalars(fresh)).all()
    villages = [grid.path for grid in grids if grid.kind is GridKind.village]
    own = [
        grid
        for grid in grids
        if not any(f"{grid.path}.".startswith(f"{village}.") for village in villages)
    ]
    codes = await next_codes(session, division, pattern=pattern, wanted=len(own))
    for grid, code in zip(own, codes, strict=True):
        session.add(RetiredCode(code=grid.code, grid_id=grid.id))
        await correct(session, grid, {"code": code}, _again(correction, grid))


def _again(correction: Correction, row: Grid | Post) -> Correction:
    """The same correction, of another row as it is now."""
    return Correction(version=row.version, by=correction.by, reason=correction.reason)


async def merge_grid(
    session: AsyncSession, caller: Claims, grid_id: UUID, merge: GridMerge, *, pattern: str
) -> Grid:
    """Give all that a grid holds to another one and close it; answers the other one.

    Who holds the same role in both keeps the post of the other one. A second time nothing happens.
    """
    pointer = "/body/into_id"
    grid = await grid_in_reach(session, grid_id)
    into = await grid_in_reach(session, merge.into_id, pointer=pointer)
    if grid.merged_into_id == into.id:
        return into
    _check_ends(grid, into, pointer=pointer)
    children = await _children(session, grid)
    for child in children:
        check_fits(child.kind, into, pointer=pointer)
    correction = Correction(version=grid.version, by=caller.worker, reason=merge.reason)
    await _end_doubles(session, grid, into, correction)
    await _take_under(session, into, children, correction, pattern=pattern)
    await relocate(session, [Relocation(grid.path, into.path, into.id)], correction, below=True)
    await correct(session, grid, {"closed_at": clock.now(), "merged_into_id": into.id}, correction)
    await settle(session, [into.path])
    details = {"into": str(into.id), "children": len(children)}
    audit(session, caller, "grids.merge", subject=grid.id, reach=into.path, details=details)
    return into


async def _children(session: AsyncSession, grid: Grid) -> list[Grid]:
    below = select(Grid).where(col(Grid.parent_id) == grid.id).order_by(col(Grid.path))
    return list((await session.scalars(below)).all())


async def _end_doubles(
    session: AsyncSession, grid: Grid, into: Grid, correction: Correction
) -> None:
    """End the posts whose holder has the same one in the grid that takes over."""
    other = aliased(Post)
    doubles = (
        select(Post)
        .join(
            other,
            (col(other.worker_id) == col(Post.worker_id))
            & (col(other.role) == col(Post.role))
            & (col(other.grid_id) == into.id)
            & col(other.ended_at).is_(None)
            & col(other.household_id).is_(None),
        )
        .where(
            col(Post.grid_id) == grid.id,
            col(Post.ended_at).is_(None),
            col(Post.household_id).is_(None),
        )
    )
    for post in (await session.scalars(doubles)).all():
        ended = {
            "ended_at": clock.now(),
            "ended_by": correction.by,
            "ended_reason": correction.reason,
        }
        await correct(session, post, ended, _again(correction, post))


async def close_grid(session: AsyncSession, caller: Claims, grid_id: UUID, reason: str) -> Grid:
    """Close an empty grid; a closed one stays closed.

    Raises `GridNotEmpty` with the counts of what remains.
    """
    grid = await grid_in_reach(session, grid_id)
    if grid.closed_at is not None:
        return grid
    if grid.parent_id is None:
        raise RootStays
    remaining = await what_remains(session, grid)
    if any(remaining.values()):
        detail = (
            f"该网格还有下级网格{remaining['children']}个、住户{remaining['households']}户、"
            f"任职{remaining['posts']}个，请先转出后再关闭。"
        )
        raise GridNotEmpty(detail, remaining=remaining)
    correction = Correction(version=grid.version, by=caller.worker, reason=reason)
    await correct(session, grid, {"closed_at": clock.now()}, correction)
    audit(session, caller, "grids.close", subject=grid.id, reach=grid.path)
    return grid
