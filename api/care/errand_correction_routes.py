"""Errands put right over HTTP, and what was said of them before."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.care import errand_corrections, errand_queries
from api.care.errand_problems import ErrandDiscarded
from api.care.errand_schemas import ErrandCorrect, ErrandDiscard, ErrandHistory, ErrandRead
from api.foundation.contract import found, room, writes
from api.foundation.problems import NotFound, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch

router = room("care")

Runner = Annotated[Claims, permits(Permission.care_record)]
Reader = Annotated[Claims, permits(Permission.care_read)]

_PUTTING_RIGHT = (NotFound, ErrandDiscarded, VersionMissing, VersionMismatch)


@router.get("/errands/{errand_id}/history", responses=found())
async def read_errand_history(
    errand_id: UUID, reader: Reader, session: ScopedSession
) -> ErrandHistory:
    """查看一件代办更改前的内容。

    逐步办理和更正前的各版，旧的在前。
    """
    errand = await errand_queries.errand_of(session, errand_id)
    return await errand_queries.errand_history(session, errand)


@router.patch("/errands/{errand_id}", responses=writes(*_PUTTING_RIGHT, NotAColleague))
async def correct_errand(
    errand_id: UUID,
    correction: ErrandCorrect,
    runner: Runner,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> ErrandRead:
    """更正一件代办。

    只更正所填的各项，须说明理由；更正前的内容留存。
    """
    errand = await errand_corrections.correct_errand(
        session, runner, errand_id, correction, version=version
    )
    response.headers["ETag"] = f'"{errand.version}"'
    return errand_queries.present(session, errand)


@router.post("/errands/{errand_id}/discard", responses=writes(*_PUTTING_RIGHT))
async def discard_errand(
    errand_id: UUID,
    discard: ErrandDiscard,
    runner: Runner,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> ErrandRead:
    """作废一件代办。

    登记有误的作废后不再计入，内容留存可查，须说明理由。
    """
    errand = await errand_corrections.discard_errand(
        session, runner, errand_id, discard, version=version
    )
    response.headers["ETag"] = f'"{errand.version}"'
    return errand_queries.present(session, errand)
