"""The plan of an arrival over HTTP: proposed by the service, decided by a leader."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals import deciding, proposals, queries
from api.arrivals.masked import shown
from api.arrivals.plan_schemas import ArrivalConfirmation, ArrivalLeftAsIs, ArrivalProposal
from api.arrivals.problems import ArrivalConfirmed, ArrivalNotSo, NothingToDecide
from api.arrivals.schemas import ArrivalRead
from api.foundation.contract import found, room, writes
from api.foundation.problems import Conflict, NotFound, RecordDiffers
from api.protocols.problems import NoPolicyInForce, NoRuleApplies
from api.protocols.proposing import Rulebook
from api.protocols.protocol_routes import Protocols
from api.protocols.what_if_schemas import PlanningDay
from api.quarantines.problems import (
    AlreadyInQuarantine,
    AlreadyServed,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.registry.problems import ResidentLeft

router = room("arrivals")

Reader = Annotated[Claims, permits(Permission.arrivals_read)]
Decider = Annotated[Claims, permits(Permission.quarantines_manage)]

_CONFIRMING = writes(
    NotFound,
    Conflict,
    RecordDiffers,
    NotAColleague,
    ArrivalNotSo,
    ArrivalConfirmed,
    NoRuleApplies,
    AlreadyServed,
    AlreadyInQuarantine,
    NoPolicyInForce,
    ResidentLeft,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)


@router.get("/arrivals/{arrival_id}/proposal", responses=found())
async def propose_plan(
    arrival_id: UUID,
    reader: Reader,
    session: ScopedSession,
    shelf: Protocols,
    control_started_on: Annotated[
        PlanningDay | None,
        Query(description="假定该日开始管控；不填为今天，还没有到的为预计到达之日"),
    ] = None,
    protocol_id: Annotated[
        UUID | None, Query(description="只按这一份施行中的方案；不填则依次按各方案")
    ] = None,
) -> ArrivalProposal:
    """此人适用什么管理方案。

    按施行中的方案逐条考虑，给出各阶段日期、检测日、作出决定的条款，以及同行、同住的还涉及谁；
    不保存任何内容（M3.1）。
    """
    book = Rulebook(session, shelf, reader.cell)
    arrival = await queries.arrival_of(session, arrival_id)
    return await proposals.proposal(book, arrival, control_started_on, protocol_id)


@router.post("/arrivals/{arrival_id}/confirm", responses=_CONFIRMING)
async def confirm_plan(
    arrival_id: UUID,
    confirmation: ArrivalConfirmation,
    decider: Decider,
    session: ScopedSession,
    shelf: Protocols,
) -> ArrivalRead:
    """确认管理方案，开始隔离。

    按方案的各阶段开始；没有适用条款的不能管控，答复中列明逐条考虑的结果（九不准、M3.1）。
    """
    book = Rulebook(session, shelf, decider.cell)
    return await shown(
        session, decider, await deciding.confirm(book, decider, arrival_id, confirmation)
    )


@router.post(
    "/arrivals/{arrival_id}/leave-as-is", responses=writes(NotFound, ArrivalNotSo, NothingToDecide)
)
async def leave_arrival_as_is(
    arrival_id: UUID, decision: ArrivalLeftAsIs, decider: Decider, session: ScopedSession
) -> ArrivalRead:
    """维持现状。

    经核对，不需管控，或判定虽有变化而原方案不变；须写明理由。判定再有变化时，重新列为待决定。
    """
    return await shown(
        session, decider, await deciding.leave_as_is(session, decider, arrival_id, decision)
    )
