"""Quarantines over HTTP: begun, changed and ended; where the person is."""

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
from api.foundation.labels import Labelled
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import (
    Conflict,
    NotFound,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.protocols.models import WhereaboutsKind
from api.protocols.problems import NoPolicyInForce
from api.quarantines import begin, handover, in_error, leaving, queries, service, tested
from api.quarantines.masked import revealed, shown, shown_page
from api.quarantines.models import QuarantineStatus
from api.quarantines.problems import (
    AlreadyInQuarantine,
    PeriodWithoutBasis,
    QuarantineEnded,
    RunsByPlan,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.quarantines.schemas import (
    QuarantineBatch,
    QuarantineBegin,
    QuarantineCorrect,
    QuarantineRead,
    QuarantineReveal,
    QuarantineRevealed,
    TeamGaps,
    Termination,
)
from api.registry.problems import ResidentLeft

# What becomes of care seats when a post ends, and of tests, is registered where it is written.
__all__ = ["handover", "in_error", "leaving", "router", "tested"]

router = room("quarantines")

QuarantineReader = Annotated[Claims, permits(Permission.quarantines_read)]
QuarantineManager = Annotated[Claims, permits(Permission.quarantines_manage)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfGrid = Annotated[UUID | None, Query(description="只看该网格及其下级网格")]

_AGAIN = "同一编号、同一内容此前已提交"
_BEGINNING = writes(
    NotFound,
    Conflict,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    ResidentLeft,
    NoPolicyInForce,
    AlreadyInQuarantine,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
_ENDING = writes(NotFound, QuarantineEnded)


class TeamState(Labelled):
    """Whether a care team is what its policy asks for."""

    complete = "complete", "已配齐"
    incomplete = "incomplete", "未配齐"


async def wanted(
    grid_id: OfGrid = None,
    status: Annotated[QuarantineStatus | None, Query(description="隔离状态（按今天）")] = None,
    team: Annotated[
        TeamState | None, Query(description="包保人员是否配齐；只看未结束的隔离")
    ] = None,
    resident_id: Annotated[UUID | None, Query(description="只看该居民")] = None,
    whereabouts_now: Annotated[
        WhereaboutsKind | None, Query(alias="whereabouts", description="现在的去向")
    ] = None,
    due_on: Annotated[
        Day | None, Query(description="到该日应解除的：计划解除日期不晚于该日且未结束")
    ] = None,
) -> queries.Wanted:
    return queries.Wanted(
        grid_id=grid_id,
        status=status,
        team_complete=None if team is None else team is TeamState.complete,
        resident_id=resident_id,
        whereabouts=whereabouts_now,
        due_on=due_on,
    )


Filters = Annotated[queries.Wanted, Depends(wanted)]


@router.post(
    "/quarantines",
    status_code=201,
    response_model=QuarantineRead,
    responses={200: {"model": QuarantineRead, "description": _AGAIN}, **_BEGINNING},
)
async def begin_quarantine(
    quarantine: QuarantineBegin,
    manager: QuarantineManager,
    session: ScopedSession,
    response: Response,
) -> QuarantineRead:
    """开始一人的隔离。

    开始日期在以后的为“待开始”，到日自动为“隔离中”。同一人同时只有一条（domain 5.1）。可同时安排四包
    一人员（M3.2）；首条去向自动登记：在家的为居家观察，在隔离点的为集中转运（M3.4）。
    """
    kept, created = await begin.begin_quarantine(session, manager, quarantine)
    tell_created(response, f"/v1/quarantines/{kept.id}", version=kept.version, created=created)
    return await shown(session, kept)


@router.post("/quarantines/batch", response_model=BatchOutcome, responses=writes(Conflict))
async def begin_quarantines(
    batch: QuarantineBatch, manager: QuarantineManager, session: ScopedSession
) -> BatchOutcome:
    """成批开始隔离。

    最多 100 条，可各带包保人员；逐条返回结果，一条有误不影响其他各条。
    """
    return await begin.begin_quarantines(session, manager, read_or_unread(batch.items))


@router.get("/quarantines", response_model=Page[QuarantineRead], responses=found())
async def list_quarantines(
    reader: QuarantineReader, session: ScopedSession, filters: Filters, page: Paged
) -> Page[QuarantineRead]:
    """列出隔离人员。

    本网格范围内的，以及本人参与包保的；开始日期新的在前（M3.2）。
    """
    return await shown_page(session, await queries.page_of_quarantines(session, filters, page))


@router.get("/quarantines/team-gaps", response_model=TeamGaps, responses=found())
async def count_team_gaps(
    reader: QuarantineReader, session: ScopedSession, grid_id: OfGrid = None
) -> TeamGaps:
    """按网格统计包保人员未配齐的隔离人员。

    只列有缺口的网格；缺口一出现，各上级网格即可看到（M3.2）。
    """
    return await queries.team_gaps(session, grid_id)


@router.get("/quarantines/{quarantine_id}", response_model=QuarantineRead, responses=found())
async def read_quarantine(
    quarantine_id: UUID, reader: QuarantineReader, session: ScopedSession, response: Response
) -> QuarantineRead:
    """查看一人的隔离。

    含今天是第几天、现有包保人员、现在的去向；电话、地点已脱敏（M6.6）。
    """
    quarantine = await queries.quarantine_of(session, quarantine_id)
    response.headers["ETag"] = f'"{quarantine.version}"'
    return await shown(session, quarantine)


@router.patch(
    "/quarantines/{quarantine_id}",
    response_model=QuarantineRead,
    responses=writes(
        NotFound, QuarantineEnded, PeriodWithoutBasis, RunsByPlan, VersionMissing, VersionMismatch
    ),
)
async def correct_quarantine(
    quarantine_id: UUID,
    correction: QuarantineCorrect,
    version: IfMatch,
    manager: QuarantineManager,
    session: ScopedSession,
    response: Response,
) -> QuarantineRead:
    """更正一人的隔离。

    须写明原因，原内容保留备查。开始日期和措施，只有手工登记、只有一个阶段的才能更正，开始日期还须写明
    依据；延长、缩短、提前结束、改用方案的，须申请变更，由他人审批（M3.8）。
    """
    quarantine = await service.correct_quarantine(
        session, manager, quarantine_id, correction, version=version
    )
    response.headers["ETag"] = f'"{quarantine.version}"'
    return await shown(session, quarantine)


@router.post(
    "/quarantines/{quarantine_id}/terminate", response_model=QuarantineRead, responses=_ENDING
)
async def terminate_quarantine(
    quarantine_id: UUID, ending: Termination, manager: QuarantineManager, session: ScopedSession
) -> QuarantineRead:
    """终止隔离。

    因转集中隔离、住院、离开本地、死亡或登记有误而结束；终止即结束包保。
    """
    return await shown(session, await service.terminate(session, manager, quarantine_id, ending))


@router.post(
    "/quarantines/{quarantine_id}/reveal",
    response_model=QuarantineRevealed,
    responses=writes(NotFound),
)
async def reveal_quarantine(
    quarantine_id: UUID, ask: QuarantineReveal, revealer: Revealer, session: ScopedSession
) -> QuarantineRevealed:
    """查看隔离地点和去向的全文。

    须写明原因，原因和查看人将被记录（M6.6）。
    """
    quarantine, entries = await service.reveal(session, revealer, quarantine_id, ask)
    return revealed(session, quarantine, entries)
