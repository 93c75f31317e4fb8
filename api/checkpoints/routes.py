"""Checkpoints over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.checkpoints import queries, service
from api.checkpoints.problems import NoSuchRule
from api.checkpoints.schemas import CheckpointCorrect, CheckpointRead, CheckpointRecord
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.grids.problems import GridClosed

router = room("checkpoints")

Manager = Annotated[Claims, permits(Permission.checkpoints_manage)]
CheckpointReader = Annotated[Claims, permits(Permission.checkpoints_read)]
Paged = Annotated[PageRequest, Depends(page_request)]


async def checkpoint_filter(
    grid_id: Annotated[UUID | None, Query(description="设在该网格及其下级网格的")] = None,
    open_now: Annotated[
        bool | None, Query(alias="open", description="true 为正在启用的，false 为未启用的")
    ] = None,
) -> queries.CheckpointFilter:
    return queries.CheckpointFilter(grid_id=grid_id, open=open_now)


@router.post(
    "/checkpoints",
    status_code=201,
    responses={
        200: {"model": CheckpointRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, GridClosed, NoSuchRule),
    },
)
async def record_checkpoint(
    checkpoint: CheckpointRecord, manager: Manager, session: ScopedSession, response: Response
) -> CheckpointRead:
    """设置一个卡点。

    写明所在网格、责任单位、负责人和查验规则（M2.8）。
    """
    kept, created = await service.record_checkpoint(session, manager, checkpoint)
    tell_created(response, f"/v1/checkpoints/{kept.id}", version=kept.version, created=created)
    return queries.present(session, kept)


@router.get("/checkpoints")
async def list_checkpoints(
    reader: CheckpointReader,
    session: ScopedSession,
    wanted: Annotated[queries.CheckpointFilter, Depends(checkpoint_filter)],
    page: Paged,
) -> Page[CheckpointRead]:
    """列出卡点。

    网格范围内的，以及正在值班的。
    """
    return await queries.checkpoints(session, wanted, page)


@router.get("/checkpoints/{checkpoint_id}", responses=found())
async def read_checkpoint(
    checkpoint_id: UUID, reader: CheckpointReader, session: ScopedSession, response: Response
) -> CheckpointRead:
    """查看一个卡点。"""
    checkpoint = await queries.checkpoint_of(session, checkpoint_id)
    response.headers["ETag"] = f'"{checkpoint.version}"'
    return queries.present(session, checkpoint)


@router.patch(
    "/checkpoints/{checkpoint_id}",
    responses=writes(NotFound, NoSuchRule, VersionMissing, VersionMismatch),
)
async def correct_checkpoint(
    checkpoint_id: UUID,
    change: CheckpointCorrect,
    manager: Manager,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CheckpointRead:
    """更改或撤除一个卡点。

    只更改所填的各项，须说明理由；撤除即填写撤除时间，通行记录仍按规则保存，
    此后的班次一并取消，当班的到撤除时为止。
    """
    kept = await service.correct_checkpoint(
        session, manager, checkpoint_id, change, version=version
    )
    response.headers["ETag"] = f'"{kept.version}"'
    return queries.present(session, kept)
