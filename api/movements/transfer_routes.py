"""Transfers over HTTP: asked for, approved, ridden and signed for at both ends."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, OutsideYourGrid, RecordDiffers
from api.foundation.records import tell_created
from api.movements import endings, queries, rides, transfers, turning_back
from api.movements.problems import OutOfOrder, TransferUnderWay, VehicleNotFit
from api.movements.transfer_schemas import (
    TransferCancel,
    TransferClose,
    TransferDispatch,
    TransferHandOver,
    TransferPickUp,
    TransferRead,
    TransferRequest,
    TransferReveal,
    TransferRevealed,
    TransferTurnBack,
)
from api.protocols.routes import Policies
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder

__all__ = ["endings", "router"]

router = room("movements")

TransferReader = Annotated[Claims, permits(Permission.quarantines_read)]
TransferRecorder = Annotated[Claims, permits(Permission.readings_record)]
TransferManager = Annotated[Claims, permits(Permission.quarantines_manage)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]
Paged = Annotated[PageRequest, Depends(page_request)]

_STEP = (NotFound, OutOfOrder, RecordDiffers)
_SAYING = (RecordedInTheFuture, NotAColleague)


async def wanted(
    quarantine_id: Annotated[UUID | None, Query(description="只看该隔离")] = None,
    grid_id: Annotated[UUID | None, Query(description="只看该网格及其下级网格")] = None,
    under_way: Annotated[bool, Query(description="true 为只看未办结的")] = False,
) -> queries.Wanted:
    return queries.Wanted(quarantine_id=quarantine_id, grid_id=grid_id, under_way=under_way)


Filters = Annotated[queries.Wanted, Depends(wanted)]


@router.post(
    "/quarantines/{quarantine_id}/transfers",
    status_code=201,
    response_model=TransferRead,
    responses={
        200: {"model": TransferRead, "description": "同一编号、同一内容此前已提交"},
        **writes(NotFound, RecordDiffers, QuarantineEnded, TransferUnderWay, *_SAYING),
    },
)
async def request_transfer(
    quarantine_id: UUID,
    transfer: TransferRequest,
    recorder: TransferRecorder,
    session: ScopedSession,
    response: Response,
) -> TransferRead:
    """申请一次转运。

    包保人员可申请；须经批准、派车、上车、两端交接、消毒办结。不填时限的为 8 小时（M3.4）。
    """
    kept, created = await transfers.request_transfer(session, recorder, quarantine_id, transfer)
    tell_created(response, f"/v1/transfers/{kept.id}", version=kept.version, created=created)
    return await queries.shown_transfer(session, kept)


@router.get("/transfers", response_model=Page[TransferRead], responses=found())
async def list_transfers(
    _: TransferReader, session: ScopedSession, filters: Filters, page: Paged
) -> Page[TransferRead]:
    """列出转运，申请时间新的在前。

    本网格范围内的，以及本人参与包保的；地点已脱敏（M3.4）。
    """
    return await queries.page_of_transfers(session, filters, page)


@router.get("/transfers/{transfer_id}", response_model=TransferRead, responses=found())
async def read_transfer(
    transfer_id: UUID, _: TransferReader, session: ScopedSession
) -> TransferRead:
    """查看一次转运。"""
    transfer = await transfers.transfer_of(session, transfer_id)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/approve",
    response_model=TransferRead,
    responses=found(OutsideYourGrid, OutOfOrder, QuarantineEnded),
)
async def approve_transfer(
    transfer_id: UUID, manager: TransferManager, session: ScopedSession
) -> TransferRead:
    """批准一次转运。

    由隔离人员所在网格有权管理隔离的人员批准。
    """
    transfer = await transfers.approve_transfer(session, manager, transfer_id)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/dispatch",
    response_model=TransferRead,
    responses=writes(*_STEP, VehicleNotFit, QuarantineEnded, RecordedInTheFuture),
)
async def dispatch_transfer(
    transfer_id: UUID, ride: TransferDispatch, manager: TransferManager, session: ScopedSession
) -> TransferRead:
    """派车。

    有未关闭的发热、阳性异常的，须由负压救护车单人转运（domain 3.8）。上车前可改派。
    """
    transfer = await rides.dispatch_transfer(session, manager, transfer_id, ride)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/pick-up",
    response_model=TransferRead,
    responses=writes(*_STEP, VehicleNotFit, QuarantineEnded, WhereaboutsOutOfOrder, *_SAYING),
)
async def pick_up_transfer(
    transfer_id: UUID,
    check: TransferPickUp,
    recorder: TransferRecorder,
    session: ScopedSession,
    policies: Policies,
) -> TransferRead:
    """登记上车。

    上车前测温、问症状；发热的须由负压救护车转运，否则须改派。去向随即变更（M3.4）。
    """
    transfer = await rides.pick_up_transfer(
        session, recorder, transfer_id, check, policies=policies
    )
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/hand-over",
    response_model=TransferRead,
    responses=writes(*_STEP, WhereaboutsOutOfOrder, *_SAYING),
)
async def hand_over_transfer(
    transfer_id: UUID,
    handover: TransferHandOver,
    recorder: TransferRecorder,
    session: ScopedSession,
) -> TransferRead:
    """登记两端交接。

    写明交出人、接收人和时间；送集中隔离点或返家的，隔离地点随即变更，原地点保留备查（M3.4）。
    """
    transfer = await rides.hand_over_transfer(session, recorder, transfer_id, handover)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/turn-back",
    response_model=TransferRead,
    responses=writes(*_STEP, WhereaboutsOutOfOrder, *_SAYING),
)
async def turn_back_transfer(
    transfer_id: UUID, back: TransferTurnBack, recorder: TransferRecorder, session: ScopedSession
) -> TransferRead:
    """登记折返。

    上车后送不到的，送回上车前所在的地方，写明理由；去向随即变更，消毒办结后可再申请转运（M3.4）。
    """
    transfer = await turning_back.turn_back_transfer(session, recorder, transfer_id, back)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/close",
    response_model=TransferRead,
    responses=writes(*_STEP, RecordedInTheFuture),
)
async def close_transfer(
    transfer_id: UUID, ending: TransferClose, recorder: TransferRecorder, session: ScopedSession
) -> TransferRead:
    """办结一次转运。

    车辆消毒后办结（domain 3.8）。
    """
    transfer = await rides.close_transfer(session, recorder, transfer_id, ending)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/cancel", response_model=TransferRead, responses=writes(*_STEP)
)
async def cancel_transfer(
    transfer_id: UUID, ending: TransferCancel, manager: TransferManager, session: ScopedSession
) -> TransferRead:
    """取消一次转运。

    上车以前可以取消，须写明理由。
    """
    transfer = await transfers.cancel_transfer(session, manager, transfer_id, ending)
    return await queries.shown_transfer(session, transfer)


@router.post(
    "/transfers/{transfer_id}/reveal", response_model=TransferRevealed, responses=writes(NotFound)
)
async def reveal_transfer(
    transfer_id: UUID, ask: TransferReveal, revealer: Revealer, session: ScopedSession
) -> TransferRevealed:
    """查看转运地点的全文。

    须写明原因，原因和查看人将被记录（M6.6）。
    """
    return await queries.reveal_transfer(session, revealer, transfer_id, ask)
