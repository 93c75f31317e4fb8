"""The tree over HTTP: reading it, opening and naming grids, and changing how they lie."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.caller import AloneSession, ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.problems import (
    NotFound,
    OutsideYourGrid,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import IfMatch, tell_created
from api.grids import queries, restructure, service, splitting
from api.grids.models import Grid
from api.grids.problems import (
    CodeMisshapen,
    CodeNeeded,
    CodeTaken,
    GridClosed,
    GridKindMisfit,
    GridNotEmpty,
    HouseholdTwice,
    IntoItself,
    RootStays,
)
from api.grids.schemas import (
    GridAbove,
    GridClose,
    GridMerge,
    GridMove,
    GridNode,
    GridOpen,
    GridParts,
    GridRead,
    GridRename,
    GridSplit,
    GridTree,
    LeaderRead,
    LineAbove,
)
from api.settings import Settings

router = room("grids")

GridReader = Annotated[Claims, permits(Permission.grids_read)]
GridManager = Annotated[Claims, permits(Permission.grids_manage)]
Closed = Annotated[bool, Query(description="是否包括已关闭的网格")]

AGAIN = {"description": "同一编号、同一内容此前已提交"}
_CODES = (CodeMisshapen, CodeNeeded, CodeTaken)
_ENDS = (NotFound, RootStays, GridClosed)


async def code_pattern(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return settings.grid_code_pattern


CodePattern = Annotated[str, Depends(code_pattern)]


@router.get("/grids", responses=found())
async def read_tree(
    reader: GridReader,
    session: ScopedSession,
    depth: Annotated[
        int | None,
        Query(ge=0, le=100, description="从本网格往下读几级；0 为只读本网格，不填为全部"),
    ] = None,
    closed: Closed = False,
) -> GridTree:
    """读取本人范围内的整棵网格树。

    一次读完，含每个网格的现任网格长、网格员；上级总排在下级之前，手机按 `parent_id` 即可成树
    （M1.1）。
    """
    deepest = None if depth is None else reader.level + depth
    return await _tree(session, queries.tree(deepest=deepest, closed=closed))


@router.post(
    "/grids",
    status_code=201,
    responses={
        200: {"model": GridRead, **AGAIN},
        **writes(NotFound, RecordDiffers, GridClosed, GridKindMisfit, *_CODES),
    },
)
async def open_grid(
    opening: GridOpen,
    manager: GridManager,
    session: ScopedSession,
    pattern: CodePattern,
    response: Response,
) -> GridRead:
    """在本人范围内的网格之下设立网格。

    编码不填则在所在村（社区）内自动编下一个顺序号；用过的编码不再使用（M1.1）。
    """
    grid, created = await service.open_grid(session, manager, opening, pattern=pattern)
    tell_created(response, f"/v1/grids/{grid.id}", version=grid.version, created=created)
    return _read(grid)


@router.get("/grids/{grid_id}", responses=found())
async def read_grid(
    grid_id: UUID, _: GridReader, session: ScopedSession, response: Response
) -> GridNode:
    """查看一个网格。

    含现任网格长、网格员和直接下级网格数。
    """
    grid = await queries.grid_in_reach(session, grid_id)
    response.headers["ETag"] = f'"{grid.version}"'
    return (await _tree(session, queries.only(grid))).items[0]


@router.patch("/grids/{grid_id}", responses=writes(NotFound, VersionMissing, VersionMismatch))
async def rename_grid(
    grid_id: UUID,
    rename: GridRename,
    manager: GridManager,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> GridRead:
    """网格更名。

    编码不变，原名称保留在历史中。
    """
    grid = await service.rename_grid(session, manager, grid_id, rename, version=version)
    return _told(response, grid)


@router.get("/grids/{grid_id}/children", responses=found())
async def read_children(
    grid_id: UUID, _: GridReader, session: ScopedSession, closed: Closed = False
) -> GridTree:
    """列出直接下级网格。

    含现任网格长、网格员。
    """
    grid = await queries.grid_in_reach(session, grid_id)
    return await _tree(session, queries.children_of(grid, closed=closed))


@router.get("/grids/{grid_id}/ancestors", responses=found())
async def read_ancestors(grid_id: UUID, _: GridReader, session: ScopedSession) -> LineAbove:
    """列出各级上级网格，乡镇在前。

    上级网格虽不在本人范围内，仍可看到名称、编码和负责人，便于向上汇报（M1.1）。
    """
    grid = await queries.grid_in_reach(session, grid_id)
    above = await queries.line_above(session, grid)
    return LineAbove(items=[GridAbove.model_validate(each) for each in above])


@router.post(
    "/grids/{grid_id}/move", responses=writes(*_ENDS, GridKindMisfit, IntoItself, CodeNeeded)
)
async def move_grid(
    grid_id: UUID,
    move: GridMove,
    manager: GridManager,
    session: AloneSession,
    pattern: CodePattern,
    response: Response,
) -> GridRead:
    """把网格连同下级和全部记录移到另一个上级网格之下。

    一次完成，不丢记录；其中任职者须刷新登录。已在该处的不变。网格员不再管到的户，列入缺网格员的户（M1.7）。
    """
    return _told(
        response,
        await restructure.move_grid(session, manager, grid_id, move, pattern=pattern),
    )


@router.post(
    "/grids/{grid_id}/merge", responses=writes(*_ENDS, GridKindMisfit, IntoItself, CodeNeeded)
)
async def merge_grid(
    grid_id: UUID,
    merge: GridMerge,
    manager: GridManager,
    session: AloneSession,
    pattern: CodePattern,
    response: Response,
) -> GridRead:
    """把网格并入另一个网格，返回并入的网格。

    住户、任职、下级网格和记录全部转入，原网格关闭，历史保留（M1.7）。
    """
    return _told(
        response,
        await restructure.merge_grid(session, manager, grid_id, merge, pattern=pattern),
    )


@router.post(
    "/grids/{grid_id}/split",
    responses=writes(*_ENDS, OutsideYourGrid, RecordDiffers, HouseholdTwice, *_CODES),
)
async def split_grid(
    grid_id: UUID,
    split: GridSplit,
    manager: GridManager,
    session: AloneSession,
    pattern: CodePattern,
) -> GridParts:
    """拆分网格：在旁边设立新网格，并把指定的户连同记录移入。

    未指定的户留在原网格；每一户只在一个网格。填旁边已有的网格（编号、名称照原样）也可，用于登记错了
    网格的户。移入的户，原网格员不在那里任职的不再是其网格员，列入缺网格员的户（M1.7）。
    """
    parts, moved = await splitting.split_grid(session, manager, grid_id, split, pattern=pattern)
    return GridParts(items=[_read(part) for part in parts], households_moved=moved)


@router.post("/grids/{grid_id}/close", responses=writes(*_ENDS, GridNotEmpty))
async def close_grid(
    grid_id: UUID,
    closing: GridClose,
    manager: GridManager,
    session: AloneSession,
    response: Response,
) -> GridRead:
    """关闭网格。

    还有下级网格、住户或任职时不能关闭，错误中说明还剩什么（M1.7）。
    """
    return _told(response, await restructure.close_grid(session, manager, grid_id, closing.reason))


async def _tree(session: ScopedSession, statement: queries.Grids) -> GridTree:
    nodes = await queries.nodes(session, statement)
    return GridTree(items=[_node(node) for node in nodes])


def _node(node: queries.Node) -> GridNode:
    leaders = [LeaderRead.model_validate(leader) for leader in node.leaders]
    own = _read(node.grid).model_dump()
    return GridNode(**own, leaders=leaders, children=node.children)


def _read(grid: Grid) -> GridRead:
    return GridRead.model_validate(grid)


def _told(response: Response, grid: Grid) -> GridRead:
    response.headers["ETag"] = f'"{grid.version}"'
    return _read(grid)
