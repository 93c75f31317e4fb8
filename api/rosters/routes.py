"""Rosters over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day, Instant
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.rosters import handover, queries, service, swapping
from api.rosters.problems import AlreadyOnDuty, PlaceNotOpen, ShiftDiscarded
from api.rosters.schemas import (
    Gaps,
    RosterShortages,
    ShiftBatch,
    ShiftCorrect,
    ShiftDiscard,
    ShiftHistory,
    ShiftRead,
    ShiftRecord,
    ShiftSwap,
    SwappedShifts,
)

# What becomes of shifts when a post ends is registered where it is written.
__all__ = ["handover", "router"]

router = room("rosters")

Arranger = Annotated[Claims, permits(Permission.checkpoints_manage)]
RosterReader = Annotated[Claims, permits(Permission.checkpoints_read)]
Paged = Annotated[PageRequest, Depends(page_request)]

_LONGEST = timedelta(days=62)
_CHANGING = (NotFound, ShiftDiscarded, VersionMissing, VersionMismatch)


async def shift_filter(
    place_id: Annotated[UUID | None, Query(description="该卡点或站点的班次")] = None,
    worker_id: Annotated[UUID | None, Query(description="该人员的班次")] = None,
    grid_id: Annotated[
        UUID | None, Query(description="该网格及其下级网格各卡点、站点的班次")
    ] = None,
    day: Annotated[Day | None, Query(description="当地这一天的班次")] = None,
    discarded: Annotated[bool, Query(description="true 为只看已取消的")] = False,
) -> queries.ShiftFilter:
    return queries.ShiftFilter(
        place_id=place_id, worker_id=worker_id, grid_id=grid_id, day=day, discarded=discarded
    )


async def gap_period(
    since: Annotated[Instant, Query(alias="from", description="从何时起")],
    until: Annotated[Instant, Query(alias="to", description="到何时止；最长 62 天")],
) -> tuple[datetime, datetime]:
    if not timedelta() < until - since <= _LONGEST:
        raise InvalidInput("止时须晚于起时，且相隔不超过 62 天。", pointer="/query/to")
    return since, until


@router.post(
    "/duty-shifts",
    status_code=201,
    responses={
        200: {"model": ShiftRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, PlaceNotOpen, AlreadyOnDuty),
    },
)
async def record_shift(
    shift: ShiftRecord, arranger: Arranger, session: ScopedSession, response: Response
) -> ShiftRead:
    """排一班。

    卡点、采样点、接种点的值班，落实到人（M2.8）。一人同一时段只能在一处值班；值班期间及前 1 小时、
    后 12 小时，值班人员可以办理该处的事项，不论任职在哪个网格。
    """
    kept, created = await service.record_shift(session, arranger, shift)
    tell_created(response, f"/v1/duty-shifts/{kept.id}", version=kept.version, created=created)
    return ShiftRead.model_validate(kept)


@router.post("/duty-shifts/batch", responses=writes())
async def record_shifts(
    batch: ShiftBatch, arranger: Arranger, session: ScopedSession
) -> BatchOutcome:
    """一次排多班。

    最多 500 班，逐班给出结果，一班有误不影响其他各班；整批重发不会重复排班（M2.8）。
    """
    return await service.record_shifts(session, arranger, read_or_unread(batch.items))


@router.get("/duty-shifts")
async def list_shifts(
    reader: RosterReader,
    session: ScopedSession,
    wanted: Annotated[queries.ShiftFilter, Depends(shift_filter)],
    page: Paged,
) -> Page[ShiftRead]:
    """列出班次，先上班的在前。

    各条件可同时使用；跨零点的班次两天都列出。自己的班次，不论在哪个网格都能看到。
    """
    return await queries.shifts(session, wanted, page)


@router.get("/duty-shifts/gaps", responses=found())
async def list_roster_gaps(
    reader: RosterReader,
    session: ScopedSession,
    place_id: Annotated[UUID, Query(description="卡点或站点的编号")],
    period: Annotated[tuple[datetime, datetime], Depends(gap_period)],
) -> Gaps:
    """列出一处无人值班的时段，以及各分工人数不足的时段。

    只计该处启用期间；卡点按所设的最少人数，站点按各场次的岗位人数（M2.8）。
    """
    return await queries.gaps(session, place_id, since=period[0], until=period[1])


@router.get("/duty-shifts/shortages")
async def list_roster_shortages(
    reader: RosterReader,
    session: ScopedSession,
    day: Annotated[Day | None, Query(description="从当地哪一天起；不填为今天")] = None,
    days: Annotated[int, Query(ge=1, le=31, description="共几天：一天填1，一周填7")] = 1,
    grid_id: Annotated[UUID | None, Query(description="设在该网格及其下级网格的卡点、站点")] = None,
) -> RosterShortages:
    """列出网格范围内各卡点、站点缺人的班。

    逐处列出哪一时段、哪一分工缺几人，便于提前补排（M2.8）。
    """
    return await queries.shortages(session, day or clock.today(), days, grid_id)


@router.get("/duty-shifts/{shift_id}", responses=found())
async def read_shift(
    shift_id: UUID, reader: RosterReader, session: ScopedSession, response: Response
) -> ShiftRead:
    """查看一班。"""
    shift = await queries.shift_of(session, shift_id)
    response.headers["ETag"] = f'"{shift.version}"'
    return ShiftRead.model_validate(shift)


@router.get("/duty-shifts/{shift_id}/history", responses=found())
async def read_shift_history(
    shift_id: UUID, reader: RosterReader, session: ScopedSession
) -> ShiftHistory:
    """查看一班更改、互换、交接、取消前的各版内容，旧的在前。"""
    return await queries.shift_history(session, shift_id)


@router.patch("/duty-shifts/{shift_id}", responses=writes(*_CHANGING, PlaceNotOpen, AlreadyOnDuty))
async def correct_shift(
    shift_id: UUID,
    change: ShiftCorrect,
    arranger: Arranger,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> ShiftRead:
    """更改一班：换人或改时间。

    只更改所填的各项，须说明理由；更改前的内容留存。
    """
    shift = await service.correct_shift(session, arranger, shift_id, change, version=version)
    response.headers["ETag"] = f'"{shift.version}"'
    return ShiftRead.model_validate(shift)


@router.post("/duty-shifts/{shift_id}/swap", responses=writes(*_CHANGING, AlreadyOnDuty))
async def swap_shifts(
    shift_id: UUID,
    swap: ShiftSwap,
    arranger: Arranger,
    session: ScopedSession,
    version: IfMatch,
) -> SwappedShifts:
    """与另一班互换值班人员。

    时间重叠的两班也能互换：要么都换，要么都不换。时间、分工和备注仍属原班次；须说明理由，
    更改前的内容留存。两处都须由您排班。
    """
    pair = await swapping.swap_shifts(session, arranger, shift_id, swap, version=version)
    return SwappedShifts(items=[ShiftRead.model_validate(each) for each in pair])


@router.post("/duty-shifts/{shift_id}/discard", responses=writes(*_CHANGING))
async def discard_shift(
    shift_id: UUID,
    discard: ShiftDiscard,
    arranger: Arranger,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> ShiftRead:
    """取消一班。

    须说明理由；取消的班次留存可查，值班人员不再因此看到该处。
    """
    shift = await service.discard_shift(session, arranger, shift_id, discard, version=version)
    response.headers["ETag"] = f'"{shift.version}"'
    return ShiftRead.model_validate(shift)
