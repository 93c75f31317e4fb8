"""Errands over HTTP: asked for, taken on, brought, confirmed; who is covered."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.care import (
    errand_coverage,
    errand_handover,
    errand_queries,
    errand_requests,
    errand_steps,
)
from api.care.errand_coverage_schemas import ErrandCoverage, Uncovered
from api.care.errand_models import Errand, ErrandKind, ErrandStatus
from api.care.errand_problems import (
    ErrandDiscarded,
    ErrandOutOfOrder,
    ErrandTaken,
    NotServing,
)
from api.care.errand_schemas import (
    ErrandAssign,
    ErrandCancel,
    ErrandConfirm,
    ErrandDeliver,
    ErrandRead,
    ErrandRecord,
)
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import (
    NotFound,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import tell_created
from api.quarantines.problems import QuarantineEnded

# What becomes of errands in hand when a post ends is registered where it is written.
__all__ = ["errand_handover", "router"]

router = room("care")

Runner = Annotated[Claims, permits(Permission.care_record)]
Reader = Annotated[Claims, permits(Permission.care_read)]
Arranger = Annotated[Claims, permits(Permission.teams_arrange)]
Overseer = Annotated[Claims, permits(Permission.duties_read)]
Paged = Annotated[PageRequest, Depends(page_request)]
OfGrid = Annotated[UUID | None, Query(description="该网格（含下级）；不填则为本人任职的网格")]
OnDay = Annotated[Day | None, Query(description="哪一日；不填则为今天，截至此刻")]

_STEP = (NotFound, ErrandOutOfOrder, ErrandDiscarded)
_TOLD = (*_STEP, RecordDiffers, RecordedInTheFuture)


async def wanted_errands(
    grid_id: Annotated[UUID | None, Query(description="该网格（含下级）的代办")] = None,
    quarantine_id: Annotated[UUID | None, Query(description="该次隔离的代办")] = None,
    status: Annotated[ErrandStatus | None, Query(description="处于这一状态的代办")] = None,
    kind: Annotated[ErrandKind | None, Query(description="这一种类的代办")] = None,
    accepted_by: Annotated[UUID | None, Query(description="由该人员接单的代办")] = None,
) -> errand_queries.ErrandFilter:
    return errand_queries.ErrandFilter(
        grid_id=grid_id,
        quarantine_id=quarantine_id,
        status=status,
        kind=kind,
        accepted_by=accepted_by,
    )


def _shown(session: ScopedSession, errand: Errand, response: Response) -> ErrandRead:
    response.headers["ETag"] = f'"{errand.version}"'
    return errand_queries.present(session, errand)


@router.post(
    "/errands",
    status_code=201,
    responses={
        200: {"model": ErrandRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, RecordedInTheFuture, NotAColleague, QuarantineEnded),
    },
)
async def request_errand(
    errand: ErrandRecord, runner: Runner, session: ScopedSession, response: Response
) -> ErrandRead:
    """登记一件代办。

    为隔离人员代买、代取、配送口罩等（M3.7）。问过本人、不需代办的也登记一次，计入覆盖。没有人接单的，
    由其包保人员（没有配齐的，由网格员）办理。
    """
    kept, created = await errand_requests.request_errand(session, runner, errand)
    tell_created(response, f"/v1/errands/{kept.id}", version=kept.version, created=created)
    return errand_queries.present(session, kept)


@router.get("/errands", responses=found())
async def list_errands(
    reader: Reader,
    session: ScopedSession,
    wanted: Annotated[errand_queries.ErrandFilter, Depends(wanted_errands)],
    page: Paged,
) -> Page[ErrandRead]:
    """列出代办，新的在前。

    各条件可同时使用；作废的不列。
    """
    return await errand_queries.errands(session, wanted, page)


@router.get("/errands/coverage", responses=found())
async def read_errand_coverage(
    overseer: Overseer, session: ScopedSession, grid_id: OfGrid = None, day: OnDay = None
) -> ErrandCoverage:
    """查看代办服务的覆盖情况。

    逐个下级网格列出在隔离人数、登记过和已覆盖的人数、未送达和逾时的件数（M3.7）。至少送达过一次、
    或问过不需代办的为已覆盖。
    """
    return await errand_coverage.coverage(session, overseer, grid_id, day)


@router.get("/errands/uncovered", responses=found())
async def list_uncovered(
    overseer: Overseer,
    session: ScopedSession,
    page: Paged,
    grid_id: OfGrid = None,
    day: OnDay = None,
) -> Page[Uncovered]:
    """列出代办服务尚未覆盖的隔离人员。

    既没有送达过、也没有问过不需代办的；隔离最久的在前。
    """
    return await errand_coverage.uncovered(session, overseer, grid_id, day, page)


@router.get("/errands/{errand_id}", responses=found())
async def read_errand(
    errand_id: UUID, reader: Reader, session: ScopedSession, response: Response
) -> ErrandRead:
    """查看一件代办。"""
    return _shown(session, await errand_queries.errand_of(session, errand_id), response)


@router.post("/errands/{errand_id}/accept", responses=writes(*_STEP, ErrandTaken, NotServing))
async def accept_errand(
    errand_id: UUID, runner: Runner, session: ScopedSession, response: Response
) -> ErrandRead:
    """接单。

    由本人办理；已由别人接单的，答复写明是谁。
    """
    return _shown(session, await errand_steps.accept(session, runner, errand_id), response)


@router.post("/errands/{errand_id}/assign", responses=writes(*_STEP, NotServing, OutsideYourGrid))
async def assign_errand(
    errand_id: UUID,
    assignment: ErrandAssign,
    arranger: Arranger,
    session: ScopedSession,
    response: Response,
) -> ErrandRead:
    """指派代办。

    交给该人员的包保人员，或网格内任职的人员；别人已接单的改由其办理。
    """
    worker = assignment.worker_id
    errand = await errand_steps.assign(session, arranger, errand_id, worker)
    return _shown(session, errand, response)


@router.post("/errands/{errand_id}/purchase", responses=writes(*_STEP))
async def purchase_for_errand(
    errand_id: UUID, runner: Runner, session: ScopedSession, response: Response
) -> ErrandRead:
    """登记正在采购。

    接单以后、送达以前；不须采购的可以略过。
    """
    return _shown(session, await errand_steps.purchase(session, runner, errand_id), response)


@router.post("/errands/{errand_id}/deliver", responses=writes(*_TOLD, NotAColleague))
async def deliver_errand(
    errand_id: UUID,
    delivery: ErrandDeliver,
    runner: Runner,
    session: ScopedSession,
    response: Response,
) -> ErrandRead:
    """登记送达。

    写明是否无接触交接；有花费的，写明金额和由谁承担。
    """
    errand = await errand_steps.deliver(session, runner, errand_id, delivery)
    return _shown(session, errand, response)


@router.post("/errands/{errand_id}/confirm", responses=writes(*_TOLD))
async def confirm_errand(
    errand_id: UUID,
    confirmation: ErrandConfirm,
    runner: Runner,
    session: ScopedSession,
    response: Response,
) -> ErrandRead:
    """登记收到的确认。

    写明是本人、同住家人还是其他人确认的；可由送达的人登记，也可由别人登记。
    """
    errand = await errand_steps.confirm(session, runner, errand_id, confirmation)
    return _shown(session, errand, response)


@router.post("/errands/{errand_id}/cancel", responses=writes(*_STEP, RecordDiffers))
async def cancel_errand(
    errand_id: UUID,
    ending: ErrandCancel,
    runner: Runner,
    session: ScopedSession,
    response: Response,
) -> ErrandRead:
    """取消代办。

    送达以前可以取消，须写明理由。隔离解除后仍未送达的，由接单的人送达或取消。
    """
    errand = await errand_steps.cancel(session, runner, errand_id, ending.reason)
    return _shown(session, errand, response)
