"""Health codes put right over HTTP."""

from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.records import IfMatch
from api.health_records import code_corrections, lists
from api.health_records.code_routes import DISCARDING, Reader, Recorder
from api.health_records.code_schemas import CodeStateCorrect, CodeStateHistory, CodeStateRead
from api.health_records.keeping import record_of
from api.health_records.models import HealthCodeState
from api.health_records.problems import ToldByASystem

router = room("health_records")


@router.patch(
    "/code-states/{state_id}", responses=writes(*DISCARDING, ToldByASystem, RecordedInTheFuture)
)
async def correct_code_state(
    state_id: UUID,
    correction: CodeStateCorrect,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CodeStateRead:
    """更正当面看到的健康码。

    只更改所填的各项，原内容留存，须写明理由；更正为红码的上报异常，更正为非红码的，原异常注明不再成立。
    登记错人的，请作废后重新登记。
    """
    row = await code_corrections.correct_code_state(
        session, recorder, state_id, correction, version=version
    )
    response.headers["ETag"] = f'"{row.version}"'
    return lists.present_code_state(session, row)


@router.get("/code-states/{state_id}/history", responses=found())
async def read_code_state_history(
    state_id: UUID, _: Reader, session: ScopedSession
) -> CodeStateHistory:
    """查看健康码一次状态更正前的各版内容。"""
    row = await record_of(session, HealthCodeState, state_id)
    return await code_corrections.code_state_history(session, row)
