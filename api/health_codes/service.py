"""Setting up the systems that a township asks: what changes is put on record, never a secret."""

from typing import Any

import orjson
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, create_once
from api.health_codes.documents import SystemDocument
from api.health_codes.models import HealthCodeSystem
from api.health_codes.problems import HostNotAllowed, SignerNotInstalled
from api.health_codes.queries import secrets_of, system_of
from api.health_codes.schemas import HealthCodeSystemChange, HealthCodeSystemRecord, VersionOf
from api.health_codes.shelf import SECRETS_CONTEXT, HealthCodes
from api.health_codes.shipped import preset_of
from api.health_codes.signing import CannotSign, check_signable
from api.protocols.models import WHOLE_CELL


class _AsKept(BaseModel):
    """What was said of a new system, by the columns that keep it."""

    id: Any
    code: str
    name: str
    base_url: str
    document: dict[str, Any]
    secrets: str
    enabled: bool


async def set_up_system(
    session: AsyncSession, caller: Claims, house: HealthCodes, said: HealthCodeSystemRecord
) -> tuple[HealthCodeSystem, bool]:
    """Keep a new system; returns it and whether it is new.

    Raises `NotFound` for a preset that is not there, `HostNotAllowed`, `SignerNotInstalled`,
    `SystemCodeTaken`, `RecordDiffers`.
    """
    document = said.document or preset_of(said.preset or "").document
    _refuse(house, said.base_url, document)
    told = said.model_dump(include={"id", "code", "name", "base_url", "enabled"})
    kept = _AsKept(
        **told, document=document.model_dump(mode="json"), secrets=_in_order(said.secrets)
    )
    row = HealthCodeSystem(
        **told,
        document=kept.document,
        secrets_sealed=keyring_of(session).seal(kept.secrets, context=SECRETS_CONTEXT),
        entered_by=caller.worker,
        entered_at=clock.now(),
        changed_at=clock.now(),
    )
    house.of(caller.cell).expect_change()
    system, created = await create_once(session, Proposal(kept, row))
    if created:
        _note(session, caller, system, "health_codes.set_up", {"secrets": sorted(said.secrets)})
    return system, created


async def change_system(
    session: AsyncSession,
    caller: Claims,
    house: HealthCodes,
    which: VersionOf,
    said: HealthCodeSystemChange,
) -> HealthCodeSystem:
    """Change a system as it stood in a version; the former one is kept, its secrets sealed.

    Raises `NotFound`, `InvalidInput`, `HostNotAllowed`, `SignerNotInstalled`, `VersionMismatch`.
    """
    system = await system_of(session, which.code)
    fields = said.model_fields_set - {"reason"}
    if not fields:
        raise InvalidInput("没有要更改的内容。", pointer="/body")
    document = SystemDocument.model_validate(system.document)
    document = said.document if "document" in fields else document
    _refuse(house, said.base_url if "base_url" in fields else system.base_url, document)
    changes: dict[str, Any] = said.model_dump(mode="json", include=fields - {"secrets"})
    details: dict[str, Any] = {"fields": sorted(fields)}
    if "secrets" in fields:
        secrets = {**secrets_of(session, system), **said.secrets}
        told = _in_order({name: each for name, each in secrets.items() if each is not None})
        changes["secrets_sealed"] = keyring_of(session).seal(told, context=SECRETS_CONTEXT)
        details["secrets"] = sorted(said.secrets)
    changes["changed_at"] = clock.now()
    house.of(caller.cell).expect_change()
    await correct(session, system, changes, Correction(which.version, caller.worker, said.reason))
    _note(session, caller, system, "health_codes.change", details)
    return system


def _refuse(house: HealthCodes, base_url: str, document: SystemDocument) -> None:
    if not house.may_be_asked(base_url):
        raise HostNotAllowed
    signatures = [document.signature, document.rotation and document.rotation.signature]
    try:
        for signature in signatures:
            if signature is not None:
                check_signable(signature)
    except CannotSign:
        raise SignerNotInstalled from None


def _in_order(secrets: dict[str, str]) -> str:
    return orjson.dumps(secrets, option=orjson.OPT_SORT_KEYS).decode()


def _note(
    session: AsyncSession,
    caller: Claims,
    system: HealthCodeSystem,
    action: str,
    details: dict[str, Any],
) -> None:
    told = {"code": system.code, **details}
    audit(session, caller, action, subject=system.id, reach=WHOLE_CELL, details=told)
