"""The course of a quarantine over HTTP: begun by a plan, changed by two people."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import Conflict, NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.protocols.problems import NoPolicyInForce, NoRuleApplies
from api.protocols.proposing import Rulebook
from api.protocols.protocol_routes import Protocols
from api.quarantines import change_queries, changes
from api.quarantines.change_queries import ChangesWanted
from api.quarantines.change_schemas import (
    ChangeDecision,
    ChangeRead,
    ChangeRejection,
    ChangeRequest,
)
from api.quarantines.course_queries import course_of
from api.quarantines.masked import shown
from api.quarantines.plan_schemas import QuarantineByPlan
from api.quarantines.prescribed import begin_as_prescribed
from api.quarantines.problems import (
    AlreadyInQuarantine,
    AlreadyServed,
    ChangeDecided,
    ChangeNoLongerFits,
    ChangeUnderWay,
    LinkedQuarantineUnknown,
    NotACohabitant,
    QuarantineEnded,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.quarantines.schemas import QuarantineRead
from api.quarantines.stage_models import ChangeStatus
from api.quarantines.stage_schemas import StagesRead
from api.registry.problems import ResidentLeft

router = room("quarantines")

CourseReader = Annotated[Claims, permits(Permission.quarantines_read)]
CourseManager = Annotated[Claims, permits(Permission.quarantines_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]

_AGAIN = "同一编号、同一内容此前已提交"
_BEGINNING = writes(
    NotFound,
    Conflict,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    ResidentLeft,
    NoPolicyInForce,
    NoRuleApplies,
    AlreadyServed,
    LinkedQuarantineUnknown,
    NotACohabitant,
    AlreadyInQuarantine,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
_ASKING = writes(
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    QuarantineEnded,
    ChangeUnderWay,
    AlreadyServed,
)
_DECIDING = (NotFound, RecordDiffers, ChangeDecided)


@router.post(
    "/quarantines/by-plan",
    status_code=201,
    response_model=QuarantineRead,
    responses={200: {"model": QuarantineRead, "description": _AGAIN}, **_BEGINNING},
)
async def begin_quarantine_by_plan(
    quarantine: QuarantineByPlan,
    manager: CourseManager,
    session: ScopedSession,
    shelf: Protocols,
    response: Response,
) -> QuarantineRead:
    """按方案开始一人的隔离。

    由开始管控之日施行的方案按所填情况决定管理方案，各阶段、检测日随即排定（M3.1）；没有适用的条款不予
    登记，并说明逐条考虑的结果。跟随密接或同住人的，写明所跟随的隔离。
    """
    book = Rulebook(session, shelf, manager.cell)
    kept, created = await begin_as_prescribed(book, manager, quarantine)
    tell_created(response, f"/v1/quarantines/{kept.id}", version=kept.version, created=created)
    return await shown(session, kept)


@router.get("/quarantines/{quarantine_id}/stages", response_model=StagesRead, responses=found())
async def read_stages(quarantine_id: UUID, _: CourseReader, session: ScopedSession) -> StagesRead:
    """查看一人隔离的各阶段。

    逐阶段的日期、须做的检测、上门和电话次数、住所核查，以及所依方案和条款；首日、末日均计在内。
    """
    return await course_of(session, quarantine_id)


@router.post(
    "/quarantines/{quarantine_id}/changes",
    status_code=201,
    response_model=ChangeRead,
    responses={200: {"model": ChangeRead, "description": _AGAIN}, **_ASKING},
)
async def request_change(
    quarantine_id: UUID,
    change: ChangeRequest,
    manager: CourseManager,
    session: ScopedSession,
    shelf: Protocols,
    response: Response,
) -> ChangeRead:
    """申请延长、缩短、提前结束或改用其他方案。

    须写明理由和依据，由申请人以外的人员审批；批准以前什么也不变（M3.8，九不准第5条）。
    """
    book = Rulebook(session, shelf, manager.cell)
    kept, created = await changes.request_change(book, manager, quarantine_id, change)
    tell_created(response, f"/v1/stage-changes/{kept.id}", version=kept.version, created=created)
    return await change_queries.change_read(session, kept)


@router.get(
    "/quarantines/{quarantine_id}/changes", response_model=Page[ChangeRead], responses=found()
)
async def list_changes_of_quarantine(
    quarantine_id: UUID, _: CourseReader, session: ScopedSession, page: Paged
) -> Page[ChangeRead]:
    """列出一人隔离的变更申请，新的在前。"""
    wanted = ChangesWanted(quarantine_id=quarantine_id)
    return await change_queries.page_of_changes(session, wanted, page)


@router.get("/stage-changes", response_model=Page[ChangeRead])
async def list_changes(
    _: CourseReader,
    session: ScopedSession,
    page: Paged,
    status: Annotated[ChangeStatus | None, Query(description="只看这一状态的")] = None,
) -> Page[ChangeRead]:
    """列出变更申请，新的在前。

    本网格范围内的，以及本人参与包保的；待审批的用 status=requested 查看。
    """
    return await change_queries.page_of_changes(session, ChangesWanted(status=status), page)


@router.get("/stage-changes/{change_id}", response_model=ChangeRead, responses=found())
async def read_change(change_id: UUID, _: CourseReader, session: ScopedSession) -> ChangeRead:
    """查看一项变更申请。"""
    change = await changes.change_of(session, change_id)
    return await change_queries.change_read(session, change)


@router.post(
    "/stage-changes/{change_id}/approve",
    response_model=ChangeRead,
    responses=writes(*_DECIDING, NeedsAnotherPerson, QuarantineEnded, ChangeNoLongerFits),
)
async def approve_change(
    change_id: UUID,
    decision: ChangeDecision,
    manager: CourseManager,
    session: ScopedSession,
    shelf: Protocols,
) -> ChangeRead:
    """批准变更。

    由申请人、录入人以外的人员批准；自今天起生效，已过的日子不变，变更前的各阶段保留备查（M3.8）。
    随同隔离的同住人员一并变更，逐人列出；其本人日期已另行变更的，转为待审批的申请。
    """
    book = Rulebook(session, shelf, manager.cell)
    change = await changes.approve_change(book, manager, change_id, decision.note)
    return await change_queries.change_read(session, change)


@router.post(
    "/stage-changes/{change_id}/reject",
    response_model=ChangeRead,
    responses=writes(*_DECIDING, NeedsAnotherPerson),
)
async def reject_change(
    change_id: UUID, decision: ChangeRejection, manager: CourseManager, session: ScopedSession
) -> ChangeRead:
    """不批准变更。

    由申请人、录入人以外的人员决定，须写明理由；一切照旧。
    """
    change = await changes.reject_change(session, manager, change_id, decision.note)
    return await change_queries.change_read(session, change)


@router.post(
    "/stage-changes/{change_id}/withdraw",
    response_model=ChangeRead,
    responses=writes(*_DECIDING),
)
async def withdraw_change(
    change_id: UUID, ending: ChangeRejection, manager: CourseManager, session: ScopedSession
) -> ChangeRead:
    """撤回变更申请。

    由申请人或录入人撤回，须写明理由；一切照旧。
    """
    change = await changes.withdraw_change(session, manager, change_id, ending.note)
    return await change_queries.change_read(session, change)
