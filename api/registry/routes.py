"""The register over HTTP: households, residents, and who stands for whom."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import tell_created
from api.registry import queries, register
from api.registry.masked import household_read
from api.registry.problems import (
    NotOfThisGrid,
    NotOfThisHousehold,
    NotPartyMember,
    ResidentAlreadyRegistered,
)
from api.registry.schemas import HouseholdRead, HouseholdRecord

router = room("registry")

Registrar = Annotated[Claims, permits(Permission.households_register)]
Reader = Annotated[Claims, permits(Permission.households_read)]
Revealer = Annotated[Claims, permits(Permission.residents_reveal)]

AGAIN = {"description": "同一编号、同一内容此前已提交"}
_REFUSES = (
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    ResidentAlreadyRegistered,
    NotPartyMember,
    NotOfThisGrid,
    NotOfThisHousehold,
)


@router.post(
    "/households",
    status_code=201,
    responses={200: {"model": HouseholdRead, **AGAIN}, **writes(*_REFUSES)},
)
async def register_household(
    household: HouseholdRecord, registrar: Registrar, session: ScopedSession, response: Response
) -> HouseholdRead:
    """登记一户。

    户、居民和党员、网格员、户代表一次登记,要么全部保存,要么都不保存(M1.4、M2.1)。户编号由系统给出。
    """
    kept, created = await register.register_household(session, registrar, household)
    tell_created(response, f"/v1/households/{kept.id}", version=kept.version, created=created)
    return await household_read(session, kept)


@router.get("/households/{household_id}", responses=found())
async def read_household(
    household_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> HouseholdRead:
    """查看一户。

    含现住居民和现有责任人;证件号、电话、住址已脱敏(M6.6)。
    """
    household = await queries.household_of(session, household_id)
    response.headers["ETag"] = f'"{household.version}"'
    return await household_read(session, household)
