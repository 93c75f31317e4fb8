"""The register over HTTP: households, residents, and who stands for whom."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Name
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import (
    NotFound,
    NotPermitted,
    OutsideYourGrid,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.grids.problems import GridClosed
from api.registry import bonds, departures, history, households, lists, queries, register
from api.registry.batch import register_households as register_many
from api.registry.history_schemas import HouseholdHistory
from api.registry.lists import HouseholdFilter
from api.registry.masked import household_read, shown_bond
from api.registry.models import BondKind
from api.registry.problems import (
    HouseholdLeft,
    NotOfThisGrid,
    NotOfThisHousehold,
    NotPartyMember,
    ResidentAlreadyRegistered,
    StillUnderControl,
)
from api.registry.resident_schemas import Departure
from api.registry.schemas import (
    BondAssign,
    BondBatch,
    BondHistory,
    BondRead,
    Coverage,
    HouseholdBatch,
    HouseholdCorrect,
    HouseholdListed,
    HouseholdRead,
    HouseholdRecord,
)

router = room("registry")

Registrar = Annotated[Claims, permits(Permission.households_register)]
Reader = Annotated[Claims, permits(Permission.households_read)]

_AGAIN = {"description": "同一编号、同一内容此前已提交"}
_REFUSES = (
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    GridClosed,
    ResidentAlreadyRegistered,
    NotPartyMember,
    NotOfThisGrid,
    NotOfThisHousehold,
)
_CORRECTION = (NotFound, VersionMissing, VersionMismatch, HouseholdLeft)


async def household_filter(
    grid_id: Annotated[UUID | None, Query(description="只列该网格及其下级网格的户")] = None,
    name: Annotated[Name | None, Query(description="户名中的任意几个字")] = None,
    lacking: Annotated[BondKind | None, Query(description="只列缺这种责任人的户")] = None,
    worker_id: Annotated[UUID | None, Query(description="只列由该党员或网格员负责的户")] = None,
    left: Annotated[bool, Query(description="true 为列出已迁出的户")] = False,
) -> HouseholdFilter:
    return HouseholdFilter(
        grid_id=grid_id, name=name, lacking=lacking, worker_id=worker_id, left=left
    )


@router.post(
    "/households",
    status_code=201,
    responses={200: {"model": HouseholdRead, **_AGAIN}, **writes(*_REFUSES)},
)
async def register_household(
    household: HouseholdRecord, registrar: Registrar, session: ScopedSession, response: Response
) -> HouseholdRead:
    """登记一户。

    户、居民和党员、网格员、户代表一次登记，要么全部保存，要么都不保存（M1.4、M2.1）。户编号由系统给出。
    """
    kept, created = await register.register_household(session, registrar, household)
    tell_created(response, f"/v1/households/{kept.id}", version=kept.version, created=created)
    return await household_read(session, kept)


@router.post("/households/batch", responses=writes(NotFound), response_model=BatchOutcome)
async def register_households(
    batch: HouseholdBatch, registrar: Registrar, session: ScopedSession
) -> BatchOutcome:
    """批量登记户。

    每户连同居民和责任人要么全部保存、要么都不保存；有误的户只影响自己，逐户返回结果（M2.1）。
    """
    return await register_many(session, registrar, read_or_unread(batch.items))


@router.get("/households", responses=found())
async def list_households(
    _: Reader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
    wanted: Annotated[HouseholdFilter, Depends(household_filter)],
) -> Page[HouseholdListed]:
    """列出户。

    按户编号排列，含现有责任人；可只列缺党员、网格员或户代表的户（M1.4）。
    """
    return await lists.list_households(session, wanted, page)


@router.get("/households/{household_id}", responses=found())
async def read_household(
    household_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> HouseholdRead:
    """查看一户。

    含现住居民和现有责任人；证件号、电话、住址已脱敏（M6.6）。
    """
    household = await queries.household_of(session, household_id)
    response.headers["ETag"] = f'"{household.version}"'
    return await household_read(session, household)


@router.get("/households/{household_id}/history", responses=found())
async def read_household_history(
    household_id: UUID, _: Reader, session: ScopedSession
) -> HouseholdHistory:
    """查看一户更正、迁出、作废前的各版内容。

    旧的在前，住址脱敏；居民、责任人各有自己的记录（M2.1）。
    """
    return await history.of_household(session, household_id)


@router.patch("/households/{household_id}", responses=writes(*_CORRECTION, GridClosed))
async def correct_household(
    household_id: UUID,
    correction: HouseholdCorrect,
    version: IfMatch,
    registrar: Registrar,
    session: ScopedSession,
    response: Response,
) -> HouseholdRead:
    """更正户的信息。

    只改提交的项；改前的内容保留可查（M2.1）。
    """
    kept = await households.correct_household(session, registrar, household_id, correction, version)
    response.headers["ETag"] = f'"{kept.version}"'
    return await household_read(session, kept)


@router.post(
    "/households/{household_id}/leave",
    responses=writes(NotFound, HouseholdLeft, StillUnderControl),
)
async def leave_household(
    household_id: UUID, departure: Departure, registrar: Registrar, session: ScopedSession
) -> HouseholdRead:
    """登记整户迁出。

    户内居民同时登记离开，责任人同时解除；记录保留。有人仍在隔离中的，须先办理解除或终止（M2.1）。
    """
    left = await departures.leave_household(session, registrar, household_id, departure)
    return await household_read(session, left)


@router.get("/households/{household_id}/bonds", responses=found())
async def list_bonds(household_id: UUID, _: Reader, session: ScopedSession) -> BondHistory:
    """查看一户历来的责任人。

    党员、网格员、户代表，现任和往任，新的在前（M1.4）。
    """
    return await lists.bond_history(session, household_id)


@router.put(
    "/households/{household_id}/bonds/{kind}",
    responses=writes(NotFound, HouseholdLeft, NotPartyMember, NotOfThisGrid, NotOfThisHousehold),
)
async def assign_bond(
    household_id: UUID,
    kind: BondKind,
    person: BondAssign,
    registrar: Registrar,
    session: ScopedSession,
) -> BondRead:
    """确定一户的党员、网格员或户代表。

    原来的责任人自动解除并保留记录；同一人再次提交不变（M1.4）。
    """
    return shown_bond(await bonds.assign_bond(session, registrar, household_id, kind, person))


@router.delete(
    "/households/{household_id}/bonds/{kind}",
    status_code=204,
    responses=found(NotPermitted, OutsideYourGrid),
)
async def remove_bond(
    household_id: UUID, kind: BondKind, registrar: Registrar, session: ScopedSession
) -> None:
    """解除一户的党员、网格员或户代表。

    记录保留（M1.4）。
    """
    await bonds.remove_bond(session, registrar, household_id, kind)


@router.post("/bonds/batch", responses=writes(NotFound, NotPartyMember))
async def assign_bonds(
    batch: BondBatch, registrar: Registrar, session: ScopedSession
) -> BatchOutcome:
    """把多户交给一名党员或网格员。

    逐户返回结果，有误的户只影响自己（M1.4）。
    """
    return await bonds.assign_bonds(session, registrar, batch)


@router.get("/coverage", responses=found())
async def read_coverage(
    _: Reader,
    session: ScopedSession,
    grid_id: Annotated[
        UUID | None, Query(description="只看该网格及其下级；不填为您的全部范围")
    ] = None,
) -> Coverage:
    """查看“1+1+1”的覆盖情况。

    逐网格（含下级）统计户数和已有、缺少党员、网格员、户代表的户数（M1.4）。
    缺人的户的名单用 GET /v1/households?lacking=…。
    """
    return await lists.read_coverage(session, grid_id)
