"""Routes by which what was registered by mistake, or twice, counts no more."""

from typing import Annotated
from uuid import UUID

from api.access.caller import AloneSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import room, writes
from api.foundation.problems import NotFound, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch
from api.registry import discarding
from api.registry.problems import NotAMistake
from api.registry.schemas import RegistryDiscard

router = room("registry")

Registrar = Annotated[Claims, permits(Permission.households_register)]


@router.post(
    "/households/{household_id}/discard",
    status_code=204,
    responses=writes(NotFound, VersionMissing, VersionMismatch, NotAMistake),
)
async def discard_household(
    household_id: UUID,
    why: RegistryDiscard,
    version: IfMatch,
    registrar: Registrar,
    session: AloneSession,
) -> None:
    """作废误登或重复登记的户。

    其中的居民须先迁往他户或作废；已有走访等记录的不能作废（M2.1）。重办没有影响。
    """
    await discarding.discard_household(session, registrar, household_id, why, version)


@router.post(
    "/residents/{resident_id}/discard",
    status_code=204,
    responses=writes(NotFound, VersionMissing, VersionMismatch, NotAMistake),
)
async def discard_resident(
    resident_id: UUID,
    why: RegistryDiscard,
    version: IfMatch,
    registrar: Registrar,
    session: AloneSession,
) -> None:
    """作废误登或重复登记的居民。

    不再列出、不再计数，其证件号可另行登记；已有检测、隔离等记录的不能作废（M2.1）。重办没有影响。
    """
    await discarding.discard_resident(session, registrar, resident_id, why, version)
