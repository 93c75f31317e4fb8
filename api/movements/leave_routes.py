"""Leave over HTTP: asked for, decided by somebody else, out and back."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.movements import leaves, overstays, queries
from api.movements.leave_schemas import (
    LeaveBack,
    LeaveCancel,
    LeaveDecision,
    LeaveOut,
    LeaveRead,
    LeaveRejection,
    LeaveRequest,
)
from api.movements.models import LeaveStatus
from api.movements.problems import (
    LeaveNoLongerFits,
    LeaveNotAllowed,
    LeaveUnderWay,
    OutOfOrder,
)
from api.movements.transfer_routes import Filters
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder

# What becomes of who is not back is registered where it is written.
__all__ = ["overstays", "router"]

router = room("movements")

LeaveReader = Annotated[Claims, permits(Permission.quarantines_read)]
LeaveRecorder = Annotated[Claims, permits(Permission.readings_record)]
LeaveManager = Annotated[Claims, permits(Permission.quarantines_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]

_STEP = (NotFound, OutOfOrder, RecordDiffers)
_DECIDED = (*_STEP, NeedsAnotherPerson, QuarantineEnded)
_APPROVING, _REJECTING = writes(*_DECIDED, LeaveNoLongerFits), writes(*_DECIDED)
_GOING = (RecordedInTheFuture, WhereaboutsOutOfOrder)


@router.post(
    "/quarantines/{quarantine_id}/leaves",
    status_code=201,
    response_model=LeaveRead,
    responses={
        200: {"model": LeaveRead, "description": "同一编号、同一内容此前已提交"},
        **writes(
            NotFound,
            RecordDiffers,
            RecordedInTheFuture,
            NotAColleague,
            QuarantineEnded,
            LeaveUnderWay,
            LeaveNotAllowed,
        ),
    },
)
async def ask_for_leave(
    quarantine_id: UUID,
    leave: LeaveRequest,
    recorder: LeaveRecorder,
    session: ScopedSession,
    response: Response,
) -> LeaveRead:
    """申请离家外出。

    外出各日所处的阶段有不得外出的，不予受理；须在隔离期内，一次最长72小时。须由申请人以外的人员
    审批（M3.4）。
    """
    kept, created = await leaves.ask_for_leave(session, recorder, quarantine_id, leave)
    tell_created(response, f"/v1/leaves/{kept.id}", version=kept.version, created=created)
    return await queries.shown_leave(session, kept)


@router.get("/leaves", response_model=Page[LeaveRead], responses=found())
async def list_leaves(
    _: LeaveReader, session: ScopedSession, filters: Filters, page: Paged
) -> Page[LeaveRead]:
    """列出外出申请，新的在前。

    本网格范围内的，以及本人参与包保的（M3.4）。
    """
    return await queries.page_of_leaves(session, filters, page)


@router.get("/leaves/{leave_id}", response_model=LeaveRead, responses=found())
async def read_leave(leave_id: UUID, _: LeaveReader, session: ScopedSession) -> LeaveRead:
    """查看一次外出。"""
    return await queries.shown_leave(session, await leaves.leave_of(session, leave_id))


@router.post("/leaves/{leave_id}/approve", response_model=LeaveRead, responses=_APPROVING)
async def approve_leave(
    leave_id: UUID, decision: LeaveDecision, manager: LeaveManager, session: ScopedSession
) -> LeaveRead:
    """批准外出。

    由申请人、录入人以外的人员批准；外出时间已过的，或所处的阶段已改为不得外出的，不能批准。
    """
    leave = await leaves.decide_on_leave(
        session, manager, leave_id, status=LeaveStatus.approved, note=decision.note
    )
    return await queries.shown_leave(session, leave)


@router.post("/leaves/{leave_id}/reject", response_model=LeaveRead, responses=_REJECTING)
async def reject_leave(
    leave_id: UUID, decision: LeaveRejection, manager: LeaveManager, session: ScopedSession
) -> LeaveRead:
    """不批准外出。

    由申请人、录入人以外的人员决定，须写明理由。
    """
    leave = await leaves.decide_on_leave(
        session, manager, leave_id, status=LeaveStatus.rejected, note=decision.note
    )
    return await queries.shown_leave(session, leave)


@router.post(
    "/leaves/{leave_id}/out",
    response_model=LeaveRead,
    responses=writes(*_STEP, QuarantineEnded, LeaveNotAllowed, *_GOING),
)
async def go_out_on_leave(
    leave_id: UUID, going: LeaveOut, recorder: LeaveRecorder, session: ScopedSession
) -> LeaveRead:
    """登记已外出。

    须在批准的时间内，当日所处的阶段不是不得外出的；去向随即变为经批准外出（M3.4）。
    """
    leave = await leaves.go_out(session, recorder, leave_id, going)
    return await queries.shown_leave(session, leave)


@router.post("/leaves/{leave_id}/back", response_model=LeaveRead, responses=writes(*_STEP, *_GOING))
async def come_back_from_leave(
    leave_id: UUID, coming: LeaveBack, recorder: LeaveRecorder, session: ScopedSession
) -> LeaveRead:
    """登记已返回。

    逾期未归的自批准的时间起记为擅自外出；事后登记其实按时返回的，随即更正（M3.4）。
    """
    leave = await leaves.come_back(session, recorder, leave_id, coming)
    return await queries.shown_leave(session, leave)


@router.post("/leaves/{leave_id}/cancel", response_model=LeaveRead, responses=writes(*_STEP))
async def cancel_leave(
    leave_id: UUID, ending: LeaveCancel, recorder: LeaveRecorder, session: ScopedSession
) -> LeaveRead:
    """取消外出。

    外出以前可以取消，须写明理由。
    """
    leave = await leaves.cancel_leave(session, recorder, leave_id, ending)
    return await queries.shown_leave(session, leave)
