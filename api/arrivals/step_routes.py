"""The steps of an arrival over HTTP: come, verified, departed, handed over, untrue."""

from typing import Annotated
from uuid import UUID

from api.access.caller import AloneSession, ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals import leaving, steps, verification
from api.arrivals.coming_schemas import (
    ArrivalCame,
    ArrivalDeparture,
    ArrivalInvalidation,
    ArrivalTransfer,
    ArrivalVerification,
)
from api.arrivals.masked import shown
from api.arrivals.problems import (
    AlreadyAnArrival,
    ArrivalNotSo,
    DocumentsDiffer,
    RegisteredElsewhere,
)
from api.arrivals.schemas import ArrivalRead
from api.foundation.contract import room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import NotFound, RecordDiffers
from api.registry.problems import (
    HouseholdLeft,
    NotAMistake,
    ResidentAlreadyRegistered,
    StillUnderControl,
)

__all__ = ["leaving", "router"]

router = room("arrivals")

Recorder = Annotated[Claims, permits(Permission.arrivals_record)]

_ENDING = writes(NotFound, ArrivalNotSo, StillUnderControl)


@router.post(
    "/arrivals/{arrival_id}/arrive", responses=writes(NotFound, ArrivalNotSo, RecordedInTheFuture)
)
async def arrive(
    arrival_id: UUID, came: ArrivalCame, recorder: Recorder, session: ScopedSession
) -> ArrivalRead:
    """登记抵达。

    已报备的人到了；按实际抵达日重新判定风险等级，是否按时报告由施行中的方案得出（M2.4）。
    """
    return await shown(session, recorder, await steps.come(session, recorder, arrival_id, came))


@router.post(
    "/arrivals/{arrival_id}/verify",
    responses=writes(
        NotFound,
        ArrivalNotSo,
        RegisteredElsewhere,
        DocumentsDiffer,
        AlreadyAnArrival,
        ResidentAlreadyRegistered,
        HouseholdLeft,
        RecordDiffers,
    ),
)
async def verify_arrival(
    arrival_id: UUID, who: ArrivalVerification, recorder: Recorder, session: ScopedSession
) -> ArrivalRead:
    """核实身份。

    见到本人，确认是该户的哪位居民，或登记为该户的新居民；曾登记离开的恢复为在住，
    居民登记没有证件号、电话的，按填报的补上（M2.4）。
    """
    return await shown(
        session, recorder, await verification.verify(session, recorder, arrival_id, who)
    )


@router.post("/arrivals/{arrival_id}/depart", responses=_ENDING)
async def depart(
    arrival_id: UUID, gone: ArrivalDeparture, recorder: Recorder, session: ScopedSession
) -> ArrivalRead:
    """登记离开（离乡）。

    居民登记同时记为离开；隔离未结束的不能办理（M2.4）。
    """
    return await shown(session, recorder, await steps.depart(session, recorder, arrival_id, gone))


@router.post("/arrivals/{arrival_id}/transfer", responses=_ENDING)
async def transfer_arrival(
    arrival_id: UUID, handed: ArrivalTransfer, recorder: Recorder, session: ScopedSession
) -> ArrivalRead:
    """移交外地。

    不在本地的人移交其所在地，须有接收方的回执；已抵达的，居民登记同时记为离开（M2.4）。
    """
    return await shown(
        session, recorder, await steps.transfer(session, recorder, arrival_id, handed)
    )


@router.post(
    "/arrivals/{arrival_id}/invalidate",
    responses=writes(NotFound, ArrivalNotSo, StillUnderControl, NotAMistake),
)
async def invalidate_arrival(
    arrival_id: UUID, untrue: ArrivalInvalidation, recorder: Recorder, session: AloneSession
) -> ArrivalRead:
    """登记为信息无效。

    所报不实，或不来了；须写明原因。核实时据此新登记的居民同时作废，原已离开的恢复为已离开；其后
    已有其他记录的不能办理，请登记离开。据此补登的证件号、电话一并撤回（M2.4）。
    """
    return await shown(
        session, recorder, await steps.invalidate(session, recorder, arrival_id, untrue)
    )
