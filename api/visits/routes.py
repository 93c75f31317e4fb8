"""Visits and follow-ups over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.database import keyring_of
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.visits import follow_ups, queries, service
from api.visits.models import VisitOutcome
from api.visits.problems import NotYourVisit, VisitDiscarded
from api.visits.schemas import (
    FollowUp,
    FollowUpCounts,
    VisitBatch,
    VisitCorrect,
    VisitDiscard,
    VisitHistory,
    VisitRead,
    VisitRecord,
)

router = room("visits")

VisitRecorder = Annotated[Claims, permits(Permission.visits_record)]
VisitReader = Annotated[Claims, permits(Permission.visits_read)]
Paged = Annotated[PageRequest, Depends(page_request)]

_SAYING = (RecordedInTheFuture, NotAColleague)
_PUTTING_RIGHT = (NotFound, NotYourVisit, VisitDiscarded, VersionMissing, VersionMismatch)


async def visit_filter(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的走访")] = None,
    household_id: Annotated[UUID | None, Query(description="该户的走访")] = None,
    performed_by: Annotated[UUID | None, Query(description="该人员所做的走访")] = None,
    day: Annotated[Day | None, Query(description="当地这一天的走访")] = None,
    outcome: Annotated[VisitOutcome | None, Query(description="这一结果的走访")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已作废的")] = False,
) -> queries.VisitFilter:
    return queries.VisitFilter(
        grid_id=grid_id,
        household_id=household_id,
        performed_by=performed_by,
        day=day,
        outcome=outcome,
        discarded=discarded,
    )


@router.post(
    "/visits",
    status_code=201,
    responses={
        200: {"model": VisitRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, *_SAYING),
    },
)
async def record_visit(
    visit: VisitRecord, recorder: VisitRecorder, session: ScopedSession, response: Response
) -> VisitRead:
    """登记一次走访。

    上门、电话、微信均可；家中无人或不配合的户，在以后见到之前列入跟进（M2.2）。
    代他人录入时填写 `performed_by`(M5.6)。
    """
    kept, created = await service.record_visit(session, recorder, visit)
    tell_created(response, f"/v1/visits/{kept.id}", version=kept.version, created=created)
    return queries.present(keyring_of(session), kept.model_dump())


@router.post("/visits/batch", responses=writes())
async def record_visits(
    batch: VisitBatch, recorder: VisitRecorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多条走访。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记（M2.2）。
    """
    return await service.record_visits(session, recorder, read_or_unread(batch.items))


@router.get("/visits")
async def list_visits(
    reader: VisitReader,
    session: ScopedSession,
    wanted: Annotated[queries.VisitFilter, Depends(visit_filter)],
    page: Paged,
) -> Page[VisitRead]:
    """列出走访，最近的在前。

    各条件可同时使用；作废的走访只在 `discarded=true` 时列出。
    """
    return await queries.visits(session, wanted, page)


@router.get("/visits/{visit_id}", responses=found())
async def read_visit(
    visit_id: UUID, reader: VisitReader, session: ScopedSession, response: Response
) -> VisitRead:
    """查看一次走访。"""
    visit = await queries.visit_of(session, visit_id)
    response.headers["ETag"] = f'"{visit.version}"'
    return queries.present(keyring_of(session), visit.model_dump())


@router.patch("/visits/{visit_id}", responses=writes(*_PUTTING_RIGHT, *_SAYING))
async def correct_visit(
    visit_id: UUID,
    correction: VisitCorrect,
    recorder: VisitRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> VisitRead:
    """更正一次走访。

    只更正所填的各项，须说明理由；更正前的内容留存。走访人、录入人或负责登记造册的人可以更正。
    """
    visit = await service.correct_visit(session, recorder, visit_id, correction, version=version)
    response.headers["ETag"] = f'"{visit.version}"'
    return queries.present(keyring_of(session), visit.model_dump())


@router.post("/visits/{visit_id}/discard", responses=writes(*_PUTTING_RIGHT))
async def discard_visit(
    visit_id: UUID,
    discard: VisitDiscard,
    recorder: VisitRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> VisitRead:
    """作废一次走访。

    登记有误的走访作废后不再计入跟进，内容留存可查，须说明理由。
    """
    visit = await service.discard_visit(session, recorder, visit_id, discard, version=version)
    response.headers["ETag"] = f'"{visit.version}"'
    return queries.present(keyring_of(session), visit.model_dump())


@router.get("/visits/{visit_id}/history", responses=found())
async def read_visit_history(
    visit_id: UUID, reader: VisitReader, session: ScopedSession
) -> VisitHistory:
    """查看一次走访更正前的各版内容。"""
    return await queries.history(session, await queries.visit_of(session, visit_id))


@router.get("/follow-ups", responses=found())
async def list_follow_ups(
    reader: VisitReader,
    session: ScopedSession,
    page: Paged,
    grid_id: Annotated[UUID | None, Query(description="该网格及其以下的户")] = None,
) -> Page[FollowUp]:
    """列出须再次走访的户，等得最久的在前。

    最近一次走访（按走访时间）家中无人或不配合的户；以后见到或得知已搬离，即不再列出（M2.2）。
    """
    return await follow_ups.follow_ups(session, page, grid_id=grid_id)


@router.get("/follow-ups/counts")
async def count_follow_ups(reader: VisitReader, session: ScopedSession) -> FollowUpCounts:
    """按网格统计须再次走访的户数。"""
    return await follow_ups.follow_up_counts(session)
