"""Reading errands: by person, state or grid, and what was said before."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.care.errand_models import Errand, ErrandKind, ErrandStatus
from api.care.errand_schemas import ErrandHistory, ErrandRead, ErrandRevision
from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import former
from api.foundation.sealed import Keyring
from api.grids.queries import grid_in_reach, within
from api.registry.masked import opened

WANTED = "errands.wanted"
"""The context in which it is sealed what is wanted."""


class ErrandFilter(BaseModel):
    """Which errands are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    quarantine_id: UUID | None = None
    status: ErrandStatus | None = None
    kind: ErrandKind | None = None
    accepted_by: UUID | None = None


async def errand_of(session: AsyncSession, errand_id: UUID, *, locked: bool = False) -> Errand:
    """An errand as it is now, for the caller alone if `locked`; raises `NotFound`."""
    errand = await session.get(Errand, errand_id, populate_existing=True, with_for_update=locked)
    if errand is None:
        raise NotFound("没有找到该件代办，或不在您的网格范围内。")
    return errand


async def errands(
    session: AsyncSession, wanted: ErrandFilter, page: PageRequest
) -> Page[ErrandRead]:
    """Errands that count, the latest first; raises `NotFound` for a grid out of sight."""
    statement = select(Errand).where(col(Errand.discarded_at).is_(None))
    for name, value in wanted.model_dump(exclude_none=True, exclude={"grid_id"}).items():
        statement = statement.where(col(getattr(Errand, name)) == value)
    if wanted.grid_id is not None:
        grid = await grid_in_reach(session, wanted.grid_id, pointer="/query/grid_id")
        statement = statement.where(within(col(Errand.reach), grid.path))
    keys = [col(Errand.recorded_at), col(Errand.id)]

    def shown(errand: Errand) -> ErrandRead:
        return present(session, errand)

    return await read_page(session, statement, keys, page, present=shown, descending=True)


def present(session: AsyncSession, errand: Errand) -> ErrandRead:
    """An errand as the wire shows it: whoever is to see to it must know what is wanted."""
    return _shown(keyring_of(session), errand.model_dump())


def _shown(keys: Keyring, told: Mapping[str, Any]) -> ErrandRead:
    wanted = opened(keys, told["wanted_sealed"], context=WANTED)
    return ErrandRead.model_validate({**told, "wanted": wanted})


async def errand_history(session: AsyncSession, errand: Errand) -> ErrandHistory:
    """What was said of an errand before each step and correction, oldest first."""
    return ErrandHistory(
        items=[
            ErrandRevision(errand=_shown(keyring_of(session), said), **replaced)
            for said, replaced in await former(session, errand)
        ]
    )
