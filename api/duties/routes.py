"""Duties over HTTP: a post's own day, how duties stand, and how work is shared out."""

from datetime import timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response

from api.access.caller import ScopedSession, enters, entry_of, permits
from api.access.hot import HotRoute
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.duties import live_view, my_day, service, standing, workload
from api.duties.board_schemas import Board, CareKind, LiveView, MissedRead
from api.duties.models import WorkloadPolicy
from api.duties.schemas import MyDay
from api.duties.workload_schemas import Workload, WorkloadPolicyRead, WorkloadPolicyRecord
from api.foundation import clock
from api.foundation.contract import found, room, writes
from api.foundation.database import Database
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import RecordDiffers
from api.foundation.records import tell_created
from api.grids.models import GridKind
from api.protocols import queries as policies
from api.protocols.problems import NoPolicyInForce, PolicyOutOfOrder, PolicyRevisionTaken
from api.protocols.schemas import PolicyCode
from api.readings.batches import Desk
from api.readings.routes import AtDesk

router = room("duties")
hot = room("duties", route_class=HotRoute)


class AtOwnDesk(AtDesk):
    """Opens the desk for a day: a long statement, the same for everybody."""

    def __init__(self, request: Request, caller: Claims) -> None:
        super().__init__(request, caller)
        database: Database = request.app.state.database
        self._door = database.connection(entry_of(caller, writing=False).planned_once())


class AtOwnDay:
    """Opens nothing for an admitted caller: what was told a moment ago may still be true."""

    def __init__(self, request: Request, caller: Claims) -> None:
        state, desk = request.app.state, partial(AtOwnDesk, request, caller)
        self._asked = my_day.Asked(caller, state.database, state.days, desk)

    async def __aenter__(self) -> my_day.Asked:
        return self._asked

    async def __aexit__(self, *_: object) -> None:
        return None


OwnDay = Annotated[my_day.Asked, enters(AtOwnDay)]
LeaderDesk = Annotated[Desk, enters(AtDesk, Permission.duties_read)]
PolicyReader = Annotated[Claims, permits(Permission.policies_read)]
PolicyMaker = Annotated[Claims, permits(Permission.policies_manage)]
Paged = Annotated[PageRequest, Depends(page_request)]
Known = Annotated[
    str | None,
    Header(alias="If-None-Match", max_length=1000, description="上次回答的 ETag；没有变化则答 304"),
]
OfGrid = Annotated[UUID | None, Query(description="该网格（含下级）；不填则为本人任职的网格")]
OfHousehold = Annotated[UUID | None, Query(description="该户；填写后网格不再限定")]
Since = Annotated[Day | None, Query(alias="from", description="自哪一日；不填则为截止日的前六日")]
Until = Annotated[Day | None, Query(alias="to", description="至哪一日；不填则为今天，最多31天")]

_UNCHANGED = {304: {"description": "与上次相同"}}
_KEPT = {"model": WorkloadPolicyRead, "description": "同一编号、同一内容此前已提交"}
_WEEK = timedelta(days=6)


def _answer(body: bytes, tag: str, known: str | None) -> Response:
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known is not None and _names(known, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _names(known: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag: any of several, weak or strong (RFC 9110 13.1.2)."""
    bare = tag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (bare, "*") for each in known.split(","))


async def whose(grid_id: OfGrid = None, household_id: OfHousehold = None) -> standing.Asked:
    return standing.Asked(grid_id=grid_id, household_id=household_id)


async def period(since: Since = None, until: Until = None) -> standing.Period:
    last = until or clock.today()
    return standing.Period(since or last - _WEEK, last)


Whose = Annotated[standing.Asked, Depends(whose)]
Period = Annotated[standing.Period, Depends(period)]


@hot.get("/my-day", response_model=MyDay, responses={**_UNCHANGED})
async def read_my_day(day: OwnDay, known: Known = None) -> Response:
    """查看我的一天。

    本人任职现在要办和今天稍后要办的全部事项，按上门的顺序排列：先到期的户在前，一户的事项排在一起。
    每项写明做什么、何时之前办、向哪里提交（M5.1）。
    """
    return _answer(*await my_day.my_day(day), known)


@router.get("/duties/board", response_model=Board, responses=found())
async def read_board(
    desk: LeaderDesk,
    of: Whose,
    day: Annotated[Day | None, Query(description="哪一日；不填则为今天")] = None,
) -> Board:
    """查看某一日的任务完成情况。

    逐个下级网格列出应办、按时、补办、未办和未到期的件次；基础网格逐户列出，指定一户则逐人列出（M5.2）。
    过去的任何一日都按当日的记录计算，换人、调整网格后不变。
    """
    return await standing.board(desk, day or clock.today(), of)


@router.get("/duties/missed", response_model=Page[MissedRead], responses=found())
async def list_missed_duties(
    desk: LeaderDesk,
    of: Whose,
    days: Period,
    page: Paged,
    kind: Annotated[CareKind | None, Query(description="只看这一类")] = None,
) -> Page[MissedRead]:
    """列出逾时未办、至今也没有补办的任务。

    早的在前；每件写明是谁、哪一日、哪个时段，以及当时由谁负责。
    """
    return await standing.missed(desk, days, of, page, kind=kind)


@router.get("/live-view", response_model=LiveView, responses={**_UNCHANGED, **found()})
async def read_live_view(
    desk: LeaderDesk,
    grid_id: OfGrid = None,
    kind: Annotated[
        GridKind | None, Query(description="列出哪一类网格；不填则为下一级网格")
    ] = None,
    known: Known = None,
) -> Response:
    """查看此刻的全局。

    逐个网格列出在隔离人数、今日任务完成情况、未办结的异常、期满待解除人数和逾期的线索（M5.2）。
    """
    return _answer(*await live_view.live_view(desk, grid_id, kind), known)


@router.get("/workload", response_model=Workload, responses=found(NoPolicyInForce))
async def read_workload(desk: LeaderDesk, days: Period, grid_id: OfGrid = None) -> Workload:
    """查看各人的工作量和完成情况。

    按规则折算，几人共同承担的平分；超过本村平均规定倍数的标为不均，并建议一次符合包保规则的调整（M5.5）。
    所查范围不止一个村的，逐村汇总；逐村查看时列出各人。建议只供参考，采纳时提交所列的更换请求。
    """
    return await workload.workload(desk, days, grid_id=grid_id)


@router.get("/workload-policies", response_model=Page[WorkloadPolicyRead])
async def list_workload_policies(
    reader: PolicyReader,
    session: ScopedSession,
    page: Paged,
    code: Annotated[PolicyCode | None, Query(description="只看这一代码的各版")] = None,
) -> Page[WorkloadPolicyRead]:
    """列出工作量折算规则的各版。

    按代码、版次排列；`effective_to` 为 null 的是最新一版（M5.5）。
    """
    return await policies.policies(
        session, WorkloadPolicy, page, wire=WorkloadPolicyRead, code=code
    )


@router.post(
    "/workload-policies",
    status_code=201,
    response_model=WorkloadPolicyRead,
    responses={200: _KEPT, **writes(RecordDiffers, PolicyOutOfOrder, PolicyRevisionTaken)},
)
async def make_workload_policy(
    policy: WorkloadPolicyRecord, maker: PolicyMaker, session: ScopedSession, response: Response
) -> WorkloadPolicyRead:
    """制定工作量折算规则，或修订为新一版。

    计算工作量用代码为 workload 的规则；已有代码则为下一版，前一版止于新版施行的前一日（M5.5）。
    """
    kept, created = await service.make_workload_policy(session, maker, policy)
    tell_created(response, f"/v1/workload-policies/{kept.id}", version=1, created=created)
    return WorkloadPolicyRead.model_validate(kept)


@router.get("/workload-policies/{policy_id}", response_model=WorkloadPolicyRead, responses=found())
async def read_workload_policy(
    policy_id: UUID, reader: PolicyReader, session: ScopedSession
) -> WorkloadPolicyRead:
    """查看工作量折算规则的一版。"""
    policy = await policies.policy_of(session, WorkloadPolicy, policy_id)
    return WorkloadPolicyRead.model_validate(policy)
