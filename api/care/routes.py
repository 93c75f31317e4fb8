"""The care line over HTTP: calls, whom they did not reach, and follow-ups after release."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.care import corrections, queries, service
from api.care.follow_ups import WhichFollowUps
from api.care.models import CallKind, CallOutcome
from api.care.problems import CallDiscarded, CallOutOfPeriod
from api.care.schemas import (
    CallNoteAsk,
    CallNoteRevealed,
    CareCallCorrect,
    CareCallDiscard,
    CareCallRead,
    CareCallRecord,
    OwedVisit,
    ReleaseFollowUps,
)
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created

router = room("care")

CallRecorder = Annotated[Claims, permits(Permission.care_record)]
CallReader = Annotated[Claims, permits(Permission.care_read)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]

_PUTTING_RIGHT = (NotFound, CallDiscarded, VersionMissing, VersionMismatch)
_SAYING = (RecordedInTheFuture, NotAColleague, CallOutOfPeriod)


async def wanted_calls(
    grid_id: Annotated[UUID | None, Query(description="该网格及其下级网格的通话")] = None,
    quarantine_id: Annotated[UUID | None, Query(description="该次隔离的通话")] = None,
    day: Annotated[Day | None, Query(description="当地这一天的通话")] = None,
    kind: Annotated[CallKind | None, Query(description="这一类别的通话")] = None,
    outcome: Annotated[CallOutcome | None, Query(description="这一结果的通话")] = None,
) -> queries.CallFilter:
    return queries.CallFilter(
        grid_id=grid_id, quarantine_id=quarantine_id, day=day, kind=kind, outcome=outcome
    )


@router.post(
    "/quarantines/{quarantine_id}/calls",
    status_code=201,
    responses={
        200: {"model": CareCallRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague, CallOutOfPeriod),
    },
)
async def record_call(
    quarantine_id: UUID,
    call: CareCallRecord,
    recorder: CallRecorder,
    session: ScopedSession,
    response: Response,
) -> CareCallRead:
    """登记一次问候或随访通话。

    隔离期内每日问候，解除后随访（M3.6、M3.8）。说有症状的同时上报异常；未接通的，须上门见到本人或
    再次接通。
    """
    kept, created = await service.record_call(session, recorder, quarantine_id, call)
    tell_created(response, f"/v1/calls/{kept.id}", version=kept.version, created=created)
    return queries.present(kept)


@router.get("/calls")
async def list_calls(
    reader: CallReader,
    session: ScopedSession,
    wanted: Annotated[queries.CallFilter, Depends(wanted_calls)],
    page: Paged,
) -> Page[CareCallRead]:
    """列出通话，最近的在前。

    各条件可同时使用；作废的不列。
    """
    return await queries.calls(session, wanted, page)


@router.get("/calls/unreached")
async def list_unreached(
    reader: CallReader,
    session: ScopedSession,
    page: Paged,
    since: Annotated[Day | None, Query(description="从哪一天起的通话；不填则为最近两周")] = None,
) -> Page[OwedVisit]:
    """列出未接通、须上门的人。

    最近一次通话未接通，其后没有上门见到、也没有上门测过体温的；等得最久的在前（M3.6）。
    """
    return await queries.visits_owed(session, page, since=since)


@router.get("/calls/{call_id}", responses=found())
async def read_call(
    call_id: UUID, reader: CallReader, session: ScopedSession, response: Response
) -> CareCallRead:
    """查看一次通话。"""
    call = await queries.call_of(session, call_id)
    response.headers["ETag"] = f'"{call.version}"'
    return queries.present(call)


@router.patch("/calls/{call_id}", responses=writes(*_PUTTING_RIGHT, *_SAYING))
async def correct_call(
    call_id: UUID,
    correction: CareCallCorrect,
    recorder: CallRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CareCallRead:
    """更正一次通话。

    只更正所填的各项，须说明理由；更正前的内容留存。更正后有症状的同时上报异常；更正为没有症状的，
    已上报的异常仍须有人核实关闭。
    """
    call = await corrections.correct_call(session, recorder, call_id, correction, version=version)
    response.headers["ETag"] = f'"{call.version}"'
    return queries.present(call)


@router.post(
    "/calls/{call_id}/discard",
    responses=writes(*_PUTTING_RIGHT),
)
async def discard_call(
    call_id: UUID,
    discard: CareCallDiscard,
    recorder: CallRecorder,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> CareCallRead:
    """作废一次通话。

    登记有误的通话作废后不再计入，内容留存可查，须说明理由；已上报的异常仍须有人核实关闭。
    """
    call = await corrections.discard_call(session, recorder, call_id, discard, version=version)
    response.headers["ETag"] = f'"{call.version}"'
    return queries.present(call)


@router.post("/calls/{call_id}/reveal", responses=writes(NotFound))
async def reveal_call_note(
    call_id: UUID, ask: CallNoteAsk, revealer: Revealer, session: ScopedSession
) -> CallNoteRevealed:
    """查看通话情况的全文。

    须写明原因，原因和查看人将被记录（M6.6）。
    """
    note = await service.reveal_note(session, revealer, call_id, ask)
    return CallNoteRevealed(id=call_id, note=note)


@router.get("/quarantines/{quarantine_id}/follow-ups", responses=found())
async def list_release_follow_ups(
    quarantine_id: UUID,
    reader: CallReader,
    session: ScopedSession,
    which: Annotated[WhichFollowUps, Query(description="哪些随访")] = WhichFollowUps.due,
) -> ReleaseFollowUps:
    """列出一人解除后的随访。

    截至今天应做的各次，以及由哪次通话完成；`which=upcoming` 为今天以后的各次及其日期，`all` 为全
    部。由方案规定解除后第几天随访；补登记的解除，登记以前的各日不列（M3.8）。
    """
    return await queries.follow_ups_of(session, quarantine_id, which)
