"""Sample tubes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.health_records import tube_batches, tube_queries, tube_results, tubes
from api.health_records.code_routes import (
    DISCARDING,
    KEPT,
    SAYING,
    Discarded,
    OfGrid,
    Paged,
    Reader,
    Recorder,
)
from api.health_records.code_schemas import RecordDiscard
from api.health_records.keeping import Discarding, record_of
from api.health_records.models import DiagnosticOutcome, SampleTube
from api.health_records.problems import TubeCodeTaken, TubeReachesFurther
from api.health_records.tube_schemas import (
    SampleTubeBatch,
    SampleTubeCorrect,
    SampleTubeHistory,
    SampleTubeListed,
    SampleTubeRead,
    SampleTubeRecord,
    TubeCode,
)

router = room("health_records")


async def wanted_tubes(
    grid_id: OfGrid = None,
    code: Annotated[TubeCode | None, Query(description="管上的编号")] = None,
    site_session_id: Annotated[UUID | None, Query(description="该采样场次的")] = None,
    outcome: Annotated[DiagnosticOutcome | None, Query(description="这一结果的")] = None,
    day: Annotated[Day | None, Query(description="当地这一天采样的")] = None,
    discarded: Discarded = False,
) -> tube_queries.TubesWanted:
    return tube_queries.TubesWanted(
        grid_id=grid_id,
        code=code,
        site_session_id=site_session_id,
        outcome=outcome,
        day=day,
        discarded=discarded,
    )


@router.post(
    "/sample-tubes",
    status_code=201,
    responses={
        200: {"model": SampleTubeRead, "description": KEPT},
        **writes(*SAYING, TubeCodeTaken),
    },
)
async def record_sample_tube(
    tube: SampleTubeRecord, recorder: Recorder, session: ScopedSession, response: Response
) -> SampleTubeRead:
    """登记一管样本及管内各人。

    单采、混采都可以登记；各人同时各有一条检测，结果随整管填报（M2.7）。有一人不能登记的，整管都不登记。
    """
    kept, created = await tubes.record_tube(session, recorder, tube)
    tell_created(response, f"/v1/sample-tubes/{kept.id}", version=kept.version, created=created)
    return await tube_queries.present_tube(session, kept)


@router.post("/sample-tubes/batch", responses=writes())
async def record_sample_tubes(
    batch: SampleTubeBatch, recorder: Recorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多管样本及管内各人。

    最多 500 管，逐管给出结果：一管有误不影响其他各管，管内有一人不能登记的，该管整管不登记；
    没有网络的采样点回来后整批提交，重发不会重复登记（M2.7）。
    """
    return await tube_batches.record_tubes(session, recorder, read_or_unread(batch.items))


@router.get("/sample-tubes")
async def list_sample_tubes(
    _: Reader,
    session: ScopedSession,
    wanted: Annotated[tube_queries.TubesWanted, Depends(wanted_tubes)],
    page: Paged,
) -> Page[SampleTubeListed]:
    """列出采样管，最近采样的在前。

    管内有他人网格居民的，只有管得到各人的上级才能看到整管；各人的检测仍可在检测列表中查看。
    """
    return await tube_queries.tubes(session, wanted, page)


@router.get("/sample-tubes/{tube_id}", responses=found())
async def read_sample_tube(
    tube_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> SampleTubeRead:
    """查看一管样本及管内各人。"""
    tube = await record_of(session, SampleTube, tube_id)
    response.headers["ETag"] = f'"{tube.version}"'
    return await tube_queries.present_tube(session, tube)


@router.patch(
    "/sample-tubes/{tube_id}",
    responses=writes(*DISCARDING, TubeCodeTaken, TubeReachesFurther, RecordedInTheFuture),
)
async def correct_sample_tube(
    tube_id: UUID,
    correction: SampleTubeCorrect,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> SampleTubeRead:
    """填报一管的结果，或更正。

    管内各人的检测同时更改。混采不是阴性的，不等于各人阳性：各人为“不确定，须复检”，各须单采复核，
    整管上报一条异常；单采阳性的，按本人阳性上报。补报结果可不写理由，更正须写明理由。
    """
    tube = await tube_results.correct_tube(session, recorder, tube_id, correction, version=version)
    response.headers["ETag"] = f'"{tube.version}"'
    return await tube_queries.present_tube(session, tube)


@router.post("/sample-tubes/{tube_id}/discard", responses=writes(*DISCARDING, TubeReachesFurther))
async def discard_sample_tube(
    tube_id: UUID,
    discard: RecordDiscard,
    recorder: Recorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> SampleTubeRead:
    """作废一管样本，管内各人的检测一并作废。

    内容留存可查，须说明理由；已上报的异常仍须有人核实关闭。
    """
    why = Discarding(version, discard.reason)
    tube = await tube_results.discard_tube(session, recorder, tube_id, why)
    response.headers["ETag"] = f'"{tube.version}"'
    return await tube_queries.present_tube(session, tube)


@router.get("/sample-tubes/{tube_id}/history", responses=found())
async def read_sample_tube_history(
    tube_id: UUID, _: Reader, session: ScopedSession
) -> SampleTubeHistory:
    """查看一管样本更正前的各版内容。"""
    tube = await record_of(session, SampleTube, tube_id)
    return await tube_queries.tube_history(session, tube)
