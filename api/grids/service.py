"""Opening and naming grids."""

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, create_once
from api.grids.codes import check_code, next_codes, refuse_retired
from api.grids.models import Grid, GridKind
from api.grids.problems import CodeNeeded, GridClosed, GridKindMisfit
from api.grids.queries import division_of, grid_in_reach
from api.grids.schemas import GridOpen, GridRename

_EARLIEST = date(1950, 1, 1)
_DEPTH = {
    GridKind.township: 0,
    GridKind.area: 1,
    GridKind.village: 2,
    GridKind.basic: 3,
    GridKind.dedicated: 3,
    GridKind.micro: 4,
}
_ONE_ABOVE_THE_OTHER = (GridKind.township, GridKind.village)


async def open_grid(
    session: AsyncSession, caller: Claims, opening: GridOpen, *, pattern: str
) -> tuple[Grid, bool]:
    """Open a grid below one in reach, with the code given or the next one (M1.1)."""
    row = await session.get(Grid, opening.id) or await _drafted(session, opening, pattern)
    grid, created = await create_once(session, Proposal(opening, row))
    if created:
        audit(session, caller, "grids.open", subject=grid.id, reach=grid.path)
    return grid, created


async def _drafted(session: AsyncSession, opening: GridOpen, pattern: str) -> Grid:
    pointer = "/body/parent_id"
    parent = await grid_in_reach(session, opening.parent_id, pointer=pointer)
    check_fits(opening.kind, parent)
    code = await code_for(session, parent, kind=opening.kind, given=opening.code, pattern=pattern)
    await session.refresh(parent, with_for_update=True)
    if parent.closed_at is not None:
        raise GridClosed(pointer=pointer)
    row = grid_below(parent, opening.id, kind=opening.kind, name=opening.name, code=code)
    if opening.opened_on is not None:
        if not _EARLIEST <= opening.opened_on <= clock.today():
            raise InvalidInput("设立日期应在1950年至今天之间。", pointer="/body/opened_on")
        row.opened_on = opening.opened_on
    await session.flush()
    return row


def check_fits(kind: GridKind, parent: Grid, *, pointer: str = "/body/kind") -> None:
    """Raise `GridKindMisfit` where a grid of `kind` does not lie below `parent`.

    How many levels there are is data; only divisions do not lie below their own kind, and nothing
    larger lies below something smaller (domain 2.2).
    """
    alike = kind is parent.kind and kind in _ONE_ABOVE_THE_OTHER
    if alike or _DEPTH[kind] < _DEPTH[parent.kind]:
        detail = f"{kind.label}不能设在{parent.kind.label}之下。"
        raise GridKindMisfit(detail, pointer=pointer)


async def code_for(
    session: AsyncSession, parent: Grid, *, kind: GridKind, given: str | None, pattern: str
) -> str:
    """The code of a grid below `parent`: the one given, checked, or the next of its division."""
    division = await division_of(session, parent)
    if given is not None:
        check_code(given, kind=kind, division=division, pattern=pattern)
        await refuse_retired(session, given)
        return given
    if kind is GridKind.village:
        raise CodeNeeded("村（社区）须填写12位行政区划代码。")
    return (await next_codes(session, division, pattern=pattern))[0]


def grid_below(parent: Grid, identity: UUID, *, kind: GridKind, name: str, code: str) -> Grid:
    """A grid as it is about to be kept, in the next place below `parent`, which must be locked."""
    return Grid(
        id=identity,
        code=code,
        name=name,
        kind=kind,
        level=parent.level + 1,
        path=next_path(parent),
        parent_id=parent.id,
        opened_on=clock.today(),
    )


def next_path(parent: Grid) -> str:
    """The next path below `parent`, never used before; two digits, from the hundredth on lettered.

    A letter before the longer numbers keeps the order of paths the order of making.
    """
    number = parent.next_segment
    parent.next_segment = number + 1
    letter = "" if number < 100 else chr(ord("a") + len(str(number)) - 3)  # noqa: PLR2004
    return f"{parent.path}.{letter}{number:02d}"


async def rename_grid(
    session: AsyncSession, caller: Claims, grid_id: UUID, rename: GridRename, *, version: int
) -> Grid:
    """Give a grid another name; the former one stays in its history."""
    grid = await grid_in_reach(session, grid_id)
    correction = Correction(version=version, by=caller.worker, reason=rename.reason)
    await correct(session, grid, {"name": rename.name}, correction)
    audit(session, caller, "grids.rename", subject=grid.id, reach=grid.path)
    return grid
