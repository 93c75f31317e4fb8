"""Passes over HTTP: recorded in one call, listed, counted, and checked again."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.caller import ScopedSession, enters, permits
from api.access.colleagues import NotAColleague
from api.access.hot import HotRoute
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals.problems import DocumentsDiffer
from api.checkpoints import pass_queries
from api.checkpoints.gates import Gate
from api.checkpoints.look_up_schemas import GateLookUpAsk, GateLookUpRead
from api.checkpoints.look_ups import look_up
from api.checkpoints.models import GateDecision, RecheckState
from api.checkpoints.pass_schemas import PassRead, PassRecord, PassTally, RecheckRead
from api.checkpoints.passes import record_pass as keep_pass
from api.checkpoints.problems import CheckpointClosed, WhyOtherwise
from api.foundation import clock
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, TooMany
from api.foundation.records import tell_created

router = room("checkpoints")
hot = room("checkpoints", route_class=HotRoute)

PassReader = Annotated[Claims, permits(Permission.checkpoints_read)]
Paged = Annotated[PageRequest, Depends(page_request)]

_WHO = (NotAColleague, DocumentsDiffer)
_RECORDING = (RecordDiffers, RecordedInTheFuture, *_WHO, CheckpointClosed, WhyOtherwise)


@asynccontextmanager
async def stands_guard(request: Request, caller: Claims) -> AsyncGenerator[Gate]:
    """The gate at which an admitted caller stands."""
    state = request.app.state
    yield Gate(caller, state.database, state.gate_rules, state.usual_at_gates)


Guarded = Annotated[Gate, enters(stands_guard, Permission.passes_record)]


async def pass_filter(
    day: Annotated[Day | None, Query(description="当地这一天的")] = None,
    decision: Annotated[GateDecision | None, Query(description="实际这样处理的")] = None,
    verdict: Annotated[GateDecision | None, Query(description="按规则应这样处理的")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已作废的")] = False,
) -> pass_queries.PassFilter:
    return pass_queries.PassFilter(day=day, decision=decision, verdict=verdict, discarded=discarded)


@hot.post(
    "/checkpoints/{checkpoint_id}/passes",
    status_code=201,
    response_model=PassRead,
    responses={
        200: {"model": PassRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, *_RECORDING),
    },
)
async def record_pass(
    checkpoint_id: UUID, passed: PassRecord, gate: Guarded, response: Response
) -> bytes:
    """登记一次通行，并按规则查验。

    一次提交即可：出示的和已掌握的健康码、行程卡、核酸、疫苗一并判断，不等待外部系统；查询不到的按规则处理，
    随后自动复查（M2.8）。红码、应在隔离管控中而外出的，立即报告本人所在网格。
    与规则不一致的处理须说明理由。
    """
    kept, created = await keep_pass(gate, checkpoint_id, passed)
    tell_created(response, f"/v1/passes/{passed.id}", version=kept["version"], created=created)
    return pass_queries.pass_json(kept)


@router.get("/checkpoints/{checkpoint_id}/passes", responses=found())
async def list_passes(
    checkpoint_id: UUID,
    _: PassReader,
    session: ScopedSession,
    wanted: Annotated[pass_queries.PassFilter, Depends(pass_filter)],
    page: Paged,
) -> Page[PassRead]:
    """列出一个卡点的通行记录，最近的在前。

    超过保存期限的已删除。
    """
    return await pass_queries.passes(session, checkpoint_id, wanted, page)


@router.get("/checkpoints/{checkpoint_id}/tally", responses=found())
async def tally_passes(
    checkpoint_id: UUID,
    _: PassReader,
    session: ScopedSession,
    day: Annotated[Day | None, Query(description="哪一天；不填则为今天")] = None,
) -> PassTally:
    """按小时统计一个卡点一天的通行人次。

    分放行、暂留、劝返（M2.8）。
    """
    wanted: date = day or clock.today()
    return await pass_queries.tally(session, checkpoint_id, wanted)


@router.get("/checkpoints/{checkpoint_id}/re-checks", responses=found())
async def list_rechecks(
    checkpoint_id: UUID,
    _: PassReader,
    session: ScopedSession,
    page: Paged,
    state: Annotated[RecheckState | None, Query(description="这一状态的")] = None,
) -> Page[RecheckRead]:
    """列出一个卡点须复查的通行，等得最久的在前。

    当场查询不到健康码的，由后台向健康码系统再查；查到即更新，逾时不再查（M2.8）。
    """
    return await pass_queries.rechecks(session, checkpoint_id, state, page)


@router.post("/gate-look-ups", responses=writes(NotFound, CheckpointClosed, TooMany))
async def look_up_at_gate(ask: GateLookUpAsk, gate: Guarded) -> GateLookUpRead:
    """查询不在本网格的人能否通行。

    只答能否放行、脱敏的姓名、还缺什么，以及结果可保留到何时；没有记录的人同样作答。查询须写明原因，
    由本人所在网格留存可查；每人 10 分钟内最多 20 次（M2.8）。
    """
    return await look_up(gate, ask)


@router.get("/passes/{pass_id}", responses=found())
async def read_pass(
    pass_id: UUID, _: PassReader, session: ScopedSession, response: Response
) -> PassRead:
    """查看一次通行。"""
    kept = await pass_queries.pass_of(session, pass_id)
    response.headers["ETag"] = f'"{kept.version}"'
    return kept
