"""Reading the systems of a township; their secrets are opened only to be used."""

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.health_codes.documents import SystemDocument
from api.health_codes.models import HealthCodeSystem
from api.health_codes.schemas import HealthCodeSystemListed, HealthCodeSystemRead
from api.health_codes.shelf import SECRETS_CONTEXT


async def system_of(session: AsyncSession, code: str) -> HealthCodeSystem:
    """The system of this code; raises `NotFound`."""
    statement = select(HealthCodeSystem).where(col(HealthCodeSystem.code) == code)
    system = (await session.scalars(statement)).one_or_none()
    if system is None:
        raise NotFound("没有接入这一健康码系统。")
    return system


async def systems(session: AsyncSession, page: PageRequest) -> Page[HealthCodeSystemListed]:
    """Every system, by its code."""

    def present(system: HealthCodeSystem) -> HealthCodeSystemListed:
        return HealthCodeSystemListed.model_validate(shown(session, system))

    keys = [col(HealthCodeSystem.code), col(HealthCodeSystem.id)]
    return await read_page(session, select(HealthCodeSystem), keys, page, present=present)


async def codes_in_use(session: AsyncSession) -> list[str]:
    """The codes of the systems that are switched on."""
    statement = select(HealthCodeSystem.code).where(col(HealthCodeSystem.enabled))
    return sorted(await session.scalars(statement))


def secrets_of(session: AsyncSession, system: HealthCodeSystem) -> dict[str, str]:
    """The secrets themselves."""
    opened = keyring_of(session).open(system.secrets_sealed, context=SECRETS_CONTEXT)
    secrets: dict[str, str] = orjson.loads(opened)
    return secrets


def shown(session: AsyncSession, system: HealthCodeSystem) -> dict[str, Any]:
    """A system as the wire shows it: of its secrets only the names."""
    document = SystemDocument.model_validate(system.document)
    there = sorted(secrets_of(session, system))
    return {
        **system.model_dump(exclude={"secrets_sealed", "document"}),
        "document": document,
        "secrets_set": there,
        "secrets_missing": [name for name in document.secrets_needed() if name not in there],
    }


def present(session: AsyncSession, system: HealthCodeSystem) -> HealthCodeSystemRead:
    """A system with its document."""
    return HealthCodeSystemRead.model_validate(shown(session, system))
