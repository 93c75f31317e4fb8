"""Arrivals over HTTP: recorded one by one or by the busload, listed, put right, revealed."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals import corrections, queries, recording, verification
from api.arrivals.coming_schemas import ArrivalBatch, ArrivalCorrect, ArrivalRecord, ArrivalReveal
from api.arrivals.masked import shown, shown_file, shown_page
from api.arrivals.models import ArrivalStatus
from api.arrivals.problems import (
    AlreadyAnArrival,
    ArrivalNotSo,
    DocumentsDiffer,
    RegisteredElsewhere,
)
from api.arrivals.schemas import ArrivalFile, ArrivalRead, ArrivalRevealed, Candidates
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.protocols.models import RiskLevel
from api.registry.problems import HouseholdLeft

router = room("arrivals")

Reader = Annotated[Claims, permits(Permission.arrivals_read)]
Recorder = Annotated[Claims, permits(Permission.arrivals_record)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"
_RECORDING = writes(
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    HouseholdLeft,
    RegisteredElsewhere,
    DocumentsDiffer,
    AlreadyAnArrival,
)
_PUTTING_RIGHT = writes(
    NotFound,
    ArrivalNotSo,
    VersionMissing,
    VersionMismatch,
    RecordedInTheFuture,
    HouseholdLeft,
    DocumentsDiffer,
    AlreadyAnArrival,
)


async def wanted(  # noqa: PLR0913, PLR0917 - each filter is a parameter of its own
    status: Annotated[ArrivalStatus | None, Query(description="只列这一状态的")] = None,
    expected_on: Annotated[Day | None, Query(description="只列预计该日到达的")] = None,
    risk_level: Annotated[RiskLevel | None, Query(description="只列判定为这一等级的")] = None,
    grid_id: Annotated[UUID | None, Query(description="只列该网格及其下级网格的")] = None,
    household_id: Annotated[UUID | None, Query(description="只列到该户的")] = None,
    resident_id: Annotated[UUID | None, Query(description="只列该居民的")] = None,
    party_id: Annotated[UUID | None, Query(description="只列这些同行人员")] = None,
    overdue: Annotated[bool | None, Query(description="是否逾期未报到达")] = None,
    awaits_decision: Annotated[
        bool | None, Query(description="是否待村（社区）决定管理方案")
    ] = None,
) -> queries.Wanted:
    return queries.Wanted(
        status=status,
        expected_on=expected_on,
        risk_level=risk_level,
        grid_id=grid_id,
        household_id=household_id,
        resident_id=resident_id,
        party_id=party_id,
        overdue=overdue,
        awaits_decision=awaits_decision,
    )


@router.post(
    "/arrivals",
    status_code=201,
    responses={200: {"model": ArrivalRead, "description": _AGAIN}, **_RECORDING},
)
async def record_arrival(
    arrival: ArrivalRecord, recorder: Recorder, session: ScopedSession, response: Response
) -> ArrivalRead:
    """登记返（来）乡人员。

    来前报备填预计到达日期，已抵达的填抵达时间（M2.4）。按旅居史和风险地区名单随即判定风险等级（M2.5）；
    是否按时报备、报告由施行中的方案得出。同行人员填同一个 `party_id`。
    """
    kept, created = await recording.record_arrival(session, recorder, arrival)
    tell_created(response, f"/v1/arrivals/{kept.id}", version=kept.version, created=created)
    return await shown(session, recorder, kept)


@router.post("/arrivals/batch", responses=writes())
async def record_arrivals(
    batch: ArrivalBatch, recorder: Recorder, session: ScopedSession
) -> BatchOutcome:
    """一次登记多名返（来）乡人员。

    最多 500 条，逐条给出结果，一条有误不影响其他各条；整批重发不会重复登记（M2.4）。
    """
    return await recording.record_arrivals(session, recorder, read_or_unread(batch.items))


@router.get("/arrivals", responses=found())
async def list_arrivals(
    reader: Reader,
    session: ScopedSession,
    page: Paged,
    filters: Annotated[queries.Wanted, Depends(wanted)],
) -> Page[ArrivalRead]:
    """列出返（来）乡人员，新登记的在前。

    待核实的为 `status=arrived`，待决定管理方案的为 `awaits_decision=true`(M2.4)。
    """
    return await shown_page(session, reader, await queries.page_of_arrivals(session, filters, page))


@router.get("/arrivals/{arrival_id}", responses=found())
async def read_arrival(
    arrival_id: UUID, reader: Reader, session: ScopedSession, response: Response
) -> ArrivalFile:
    """查看一名返（来）乡人员。

    含历次风险判定及其理由、同行人员；证件号、电话已脱敏（M2.5、M6.6）。
    """
    arrival = await queries.arrival_of(session, arrival_id)
    response.headers["ETag"] = f'"{arrival.version}"'
    return await shown_file(session, reader, arrival)


@router.patch("/arrivals/{arrival_id}", responses=_PUTTING_RIGHT)
async def correct_arrival(
    arrival_id: UUID,
    correction: ArrivalCorrect,
    version: IfMatch,
    recorder: Recorder,
    session: ScopedSession,
    response: Response,
) -> ArrivalRead:
    """更正返（来）乡登记。

    只改提交的项，须写明原因，改前的内容留存；随即重新判定风险等级（M2.5）。
    """
    arrival = await corrections.correct_arrival(
        session, recorder, arrival_id, correction, version=version
    )
    response.headers["ETag"] = f'"{arrival.version}"'
    return await shown(session, recorder, arrival)


@router.post("/arrivals/{arrival_id}/reveal", responses=writes(NotFound))
async def reveal_arrival(
    arrival_id: UUID,
    ask: ArrivalReveal,
    revealer: Revealer,
    session: ScopedSession,
    response: Response,
) -> ArrivalRevealed:
    """查看返（来）乡人员的证件号、电话、去向全文。

    须填写原因，谁、何时、为何查看都会记录（M6.6）。
    """
    response.headers["Cache-Control"] = "no-store"
    return await corrections.reveal_arrival(session, revealer, arrival_id, ask)


@router.get("/arrivals/{arrival_id}/candidates", responses=found())
async def list_candidates(arrival_id: UUID, reader: Reader, session: ScopedSession) -> Candidates:
    """此人可能是哪位居民。

    按证件号、电话、同户同名从居民中找出，注明理由；核实时从中选定，或登记为新居民（M2.4）。
    """
    return await verification.candidates(session, arrival_id)
