"""Residents over HTTP: found, registered, put right, revealed for a reason, moved and gone."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import AloneSession, ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.registry import departures, history, lists, queries, residents
from api.registry.history_schemas import ResidentHistory
from api.registry.lists import ResidentFilter
from api.registry.masked import masked_resident
from api.registry.problems import (
    HouseholdLeft,
    ResidentAlreadyRegistered,
    ResidentLeft,
    StillUnderControl,
)
from api.registry.resident_schemas import (
    ResidentCorrect,
    ResidentDeparture,
    ResidentMove,
    ResidentRead,
    ResidentRecord,
    ResidentRevealed,
    ResidentSearch,
    RevealAsk,
)

router = room("registry")

Registrar = Annotated[Claims, permits(Permission.households_register)]
Reader = Annotated[Claims, permits(Permission.households_read)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]

_AGAIN = {"description": "同一编号、同一内容此前已提交"}
_CORRECTION = (NotFound, VersionMissing, VersionMismatch, HouseholdLeft)


async def resident_filter(
    grid_id: Annotated[UUID | None, Query(description="只列该网格及其下级网格的居民")] = None,
    mobility_limited: Annotated[bool | None, Query(description="是否行动不便")] = None,
    lives_alone: Annotated[bool | None, Query(description="是否独居")] = None,
    is_party_member: Annotated[bool | None, Query(description="是否党员")] = None,
    minor: Annotated[bool | None, Query(description="是否未满18周岁")] = None,
    left: Annotated[bool, Query(description="true 为列出已离开的居民")] = False,
) -> ResidentFilter:
    return ResidentFilter(
        grid_id=grid_id,
        mobility_limited=mobility_limited,
        lives_alone=lives_alone,
        is_party_member=is_party_member,
        minor=minor,
        left=left,
    )


@router.post(
    "/households/{household_id}/residents",
    status_code=201,
    responses={
        200: {"model": ResidentRead, **_AGAIN},
        **writes(
            NotFound,
            RecordDiffers,
            RecordedInTheFuture,
            NotAColleague,
            ResidentAlreadyRegistered,
            HouseholdLeft,
        ),
    },
)
async def register_resident(
    household_id: UUID,
    resident: ResidentRecord,
    registrar: Registrar,
    session: ScopedSession,
    response: Response,
) -> ResidentRead:
    """在一户中登记居民。

    身份证号按 GB 11643 校验；出生日期、性别可由号码得出；老人、儿童可以没有证件（M2.1）。
    """
    kept, created = await residents.register_resident(session, registrar, household_id, resident)
    tell_created(response, f"/v1/residents/{kept.id}", version=kept.version, created=created)
    return masked_resident(session, kept)


@router.get("/residents", responses=found())
async def list_residents(
    _: Reader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
    wanted: Annotated[ResidentFilter, Depends(resident_filter)],
) -> Page[ResidentRead]:
    """列出居民。

    可按网格、行动不便、独居、党员、未成年筛选（M2.1）。
    按姓名、电话、证件号查找用 POST /v1/residents/search。
    """
    return await lists.list_residents(session, wanted, page)


@router.post("/residents/search", responses=writes(NotFound))
async def search_residents(
    wanted: ResidentSearch,
    _: Reader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Page[ResidentRead]:
    """查找居民。

    按姓名中的字、完整电话或完整证件号；条件在请求体中，不会留在网址和日志里（M6.6）。
    """
    return await lists.search_residents(session, wanted, page)


@router.get("/residents/{resident_id}", responses=found())
async def read_resident(
    resident_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> ResidentRead:
    """查看一名居民。

    证件号、电话已脱敏；看全文用 reveal(M6.6)。
    """
    resident = await queries.resident_of(session, resident_id)
    response.headers["ETag"] = f'"{resident.version}"'
    return masked_resident(session, resident)


@router.get("/residents/{resident_id}/history", responses=found())
async def read_resident_history(
    resident_id: UUID, _: Reader, session: ScopedSession
) -> ResidentHistory:
    """查看一名居民更正、迁移、离开、作废前的各版内容。

    旧的在前，脱敏与居民本身相同（M2.1）。
    """
    return await history.of_resident(session, resident_id)


@router.patch("/residents/{resident_id}", responses=writes(*_CORRECTION, ResidentAlreadyRegistered))
async def correct_resident(
    resident_id: UUID,
    correction: ResidentCorrect,
    version: IfMatch,
    registrar: Registrar,
    session: ScopedSession,
    response: Response,
) -> ResidentRead:
    """更正居民的信息。

    只改提交的项；改前的内容保留可查（M2.1）。
    """
    kept = await residents.correct_resident(session, registrar, resident_id, correction, version)
    response.headers["ETag"] = f'"{kept.version}"'
    return masked_resident(session, kept)


@router.post("/residents/{resident_id}/reveal", responses=writes(NotFound))
async def reveal_resident(
    resident_id: UUID,
    ask: RevealAsk,
    revealer: Revealer,
    session: ScopedSession,
    response: Response,
) -> ResidentRevealed:
    """查看居民的证件号、电话、住址全文。

    须填写原因，谁、何时、为何查看都会记录（M6.6）。
    """
    response.headers["Cache-Control"] = "no-store"
    return await residents.reveal_resident(session, revealer, resident_id, ask)


@router.post("/residents/{resident_id}/move", responses=writes(NotFound, HouseholdLeft))
async def move_resident(
    resident_id: UUID, move: ResidentMove, registrar: Registrar, session: AloneSession
) -> ResidentRead:
    """把居民迁入另一户。

    隔离、体温等记录随人一起转到新户所在网格；原来的户代表责任解除（M1.7）。已登记离开的，即为回来住进
    该户；原来的户还在的，填原来的户（M2.1）。
    """
    moved = await departures.move_resident(session, registrar, resident_id, move)
    return masked_resident(session, moved)


@router.post(
    "/residents/{resident_id}/leave",
    responses=writes(NotFound, ResidentLeft, StillUnderControl),
)
async def leave_resident(
    resident_id: UUID, departure: ResidentDeparture, registrar: Registrar, session: ScopedSession
) -> ResidentRead:
    """登记居民离开或去世。

    记录保留；如是户代表，责任同时解除。仍在隔离中的，须先办理解除或终止（M2.1）。
    """
    left = await departures.leave_resident(session, registrar, resident_id, departure)
    return masked_resident(session, left)
