"""Tests and their results over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.health_records import corrections, queries, service
from api.health_records.models import DiagnosticOutcome
from api.health_records.problems import DiagnosticTestDiscarded, ResultOfATube
from api.health_records.schemas import (
    DiagnosticTestBatch,
    DiagnosticTestCorrect,
    DiagnosticTestDiscard,
    DiagnosticTestHistory,
    DiagnosticTestRead,
    DiagnosticTestRecord,
)

router = room("health_records")

TestRecorder = Annotated[Claims, permits(Permission.health_records_record)]
TestReader = Annotated[Claims, permits(Permission.health_records_read)]
Paged = Annotated[PageRequest, Depends(page_request)]

_SAYING = (RecordedInTheFuture, NotAColleague)
_PUTTING_RIGHT = (NotFound, DiagnosticTestDiscarded, VersionMissing, VersionMismatch)


async def wanted_tests(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的检测")] = None,
    resident_id: Annotated[UUID | None, Query(description="该居民的检测")] = None,
    quarantine_id: Annotated[UUID | None, Query(description="该次隔离期间的检测")] = None,
    outcome: Annotated[DiagnosticOutcome | None, Query(description="这一结果的检测")] = None,
    day: Annotated[Day | None, Query(description="当地这一天采样的检测")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已作废的")] = False,
) -> queries.DiagnosticTestFilter:
    return queries.DiagnosticTestFilter(
        grid_id=grid_id,
        resident_id=resident_id,
        quarantine_id=quarantine_id,
        outcome=outcome,
        day=day,
        discarded=discarded,
    )


@router.post(
    "/tests",
    status_code=201,
    responses={
        200: {"model": DiagnosticTestRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, *_SAYING),
    },
)
async def record_test(
    test: DiagnosticTestRecord, recorder: TestRecorder, session: ScopedSession, response: Response
) -> DiagnosticTestRead:
    """登记一次检测。

    采样时登记，结果可一并填写，也可以后补报；阳性的同时上报异常（M3.5）。结果不会自行改变隔离期。
    """
    kept, created = await service.record_test(session, recorder, test)
    tell_created(response, f"/v1/tests/{kept.id}", version=kept.version, created=created)
    return await queries.present(session, kept)


@router.post("/tests/batch", responses=writes())
async def record_tests(
    batch: DiagnosticTestBatch, recorder: TestRecorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多条检测。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记。
    """
    return await service.record_tests(session, recorder, read_or_unread(batch.items))


@router.get("/tests")
async def list_tests(
    reader: TestReader,
    session: ScopedSession,
    wanted: Annotated[queries.DiagnosticTestFilter, Depends(wanted_tests)],
    page: Paged,
) -> Page[DiagnosticTestRead]:
    """列出检测，最近采样的在前。

    各条件可同时使用；作废的只在 `discarded=true` 时列出。
    """
    return await queries.tests(session, wanted, page)


@router.get("/tests/{test_id}", responses=found())
async def read_test(
    test_id: UUID, reader: TestReader, session: ScopedSession, response: Response
) -> DiagnosticTestRead:
    """查看一次检测。"""
    test = await queries.diagnostic_test_of(session, test_id)
    response.headers["ETag"] = f'"{test.version}"'
    return await queries.present(session, test)


@router.patch("/tests/{test_id}", responses=writes(*_PUTTING_RIGHT, ResultOfATube, *_SAYING))
async def correct_test(
    test_id: UUID,
    correction: DiagnosticTestCorrect,
    recorder: TestRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> DiagnosticTestRead:
    """补报结果，或更正一次检测。

    只更改所填的各项，原内容留存；补报结果可不写理由，更正须写明理由。改为阳性的同时上报异常。
    """
    test = await corrections.correct_test(session, recorder, test_id, correction, version=version)
    response.headers["ETag"] = f'"{test.version}"'
    return await queries.present(session, test)


@router.post("/tests/{test_id}/discard", responses=writes(*_PUTTING_RIGHT))
async def discard_test(
    test_id: UUID,
    discard: DiagnosticTestDiscard,
    recorder: TestRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> DiagnosticTestRead:
    """作废一次检测。

    登记有误的检测作废后不再计入，内容留存可查，须说明理由；已上报的异常仍须有人核实关闭。
    """
    test = await corrections.discard_test(session, recorder, test_id, discard, version=version)
    response.headers["ETag"] = f'"{test.version}"'
    return await queries.present(session, test)


@router.get("/tests/{test_id}/history", responses=found())
async def read_test_history(
    test_id: UUID, reader: TestReader, session: ScopedSession
) -> DiagnosticTestHistory:
    """查看一次检测更正前的各版内容。"""
    return await queries.history(session, await queries.diagnostic_test_of(session, test_id))
