"""Putting passes right over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.checkpoints import pass_corrections
from api.checkpoints.models import Pass
from api.checkpoints.pass_correction_schemas import PassCorrect, PassDiscard, PassHistory
from api.checkpoints.pass_queries import pass_read
from api.checkpoints.pass_schemas import PassRead
from api.checkpoints.problems import NotYourPass, PassDiscarded, WhyOtherwise
from api.foundation.contract import found, room, writes
from api.foundation.database import keyring_of
from api.foundation.problems import NotFound, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch

router = room("checkpoints")

Guard = Annotated[Claims, permits(Permission.passes_record)]
PassReader = Annotated[Claims, permits(Permission.checkpoints_read)]

_PUTTING_RIGHT = (NotFound, NotYourPass, PassDiscarded, VersionMissing, VersionMismatch)


def _told(session: ScopedSession, row: Pass, response: Response) -> PassRead:
    response.headers["ETag"] = f'"{row.version}"'
    return pass_read(row.model_dump(), keyring_of(session))


@router.patch("/passes/{pass_id}", responses=writes(*_PUTTING_RIGHT, WhyOtherwise))
async def correct_pass(
    pass_id: UUID,
    correction: PassCorrect,
    guard: Guard,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> PassRead:
    """更正一次通行的车牌、来处去处或处理结果。

    只更改所填的各项，须说明理由，原内容留存；出示的和按规则的判断不更改，登记错人的应作废后重新登记。
    登记人在当班时（未排班的在当天）可以更正，其他由卡点所在网格的负责人更正；更正不延长保存期限（M2.8）。
    """
    row = await pass_corrections.correct_pass(session, guard, pass_id, correction, version=version)
    return _told(session, row, response)


@router.post("/passes/{pass_id}/discard", responses=writes(*_PUTTING_RIGHT))
async def discard_pass(
    pass_id: UUID,
    discard: PassDiscard,
    guard: Guard,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> PassRead:
    """作废一次通行。

    登记错人的作废后不再列出、不再计入、不再复查，须说明理由；原编号再次提交不会重新登记。
    已上报的异常注明所据记录已作废，仍须有人核实关闭。何人可以作废，与更正相同（M2.8）。
    """
    row = await pass_corrections.discard_pass(session, guard, pass_id, discard, version=version)
    return _told(session, row, response)


@router.get("/passes/{pass_id}/history", responses=found())
async def read_pass_history(pass_id: UUID, _: PassReader, session: ScopedSession) -> PassHistory:
    """查看一次通行更正、作废前的各版内容。"""
    return await pass_corrections.pass_history(session, pass_id)
