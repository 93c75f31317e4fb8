"""Reading visits; what is out of reach is not there."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.fields import Place
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import former
from api.foundation.sealed import Keyring
from api.grids.queries import lying_in
from api.visits.models import Visit, VisitOutcome
from api.visits.schemas import VisitHistory, VisitRead, VisitRevision

FINDINGS = "visits.findings"
"""The context in which findings are sealed."""


class VisitFilter(BaseModel):
    """Which visits are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    household_id: UUID | None = None
    performed_by: UUID | None = None
    day: date | None = None
    outcome: VisitOutcome | None = None
    discarded: bool = False


async def visit_of(session: AsyncSession, visit_id: UUID) -> Visit:
    """The visit; raises `NotFound`."""
    visit = await session.get(Visit, visit_id)
    if visit is None:
        raise NotFound("没有找到该走访记录，或不在您的网格范围内。")
    return visit


async def visits(session: AsyncSession, wanted: VisitFilter, page: PageRequest) -> Page[VisitRead]:
    """Visits, the latest first."""
    statement = select(Visit).where(
        col(Visit.discarded_at).is_not(None) == wanted.discarded,
        *await lying_in(session, col(Visit.grid_id), wanted.grid_id),
    )
    for name in ("household_id", "performed_by", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(Visit, name)) == value)
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        statement = statement.where(col(Visit.visited_at) >= begins, col(Visit.visited_at) < ends)
    keyring = keyring_of(session)
    return await read_page(
        session,
        statement,
        [col(Visit.visited_at), col(Visit.id)],
        page,
        present=lambda visit: present(keyring, visit.model_dump()),
        descending=True,
    )


async def history(session: AsyncSession, visit: Visit) -> VisitHistory:
    """What a visit said before each of its corrections, oldest first."""
    keyring = keyring_of(session)
    return VisitHistory(
        items=[
            VisitRevision(visit=present(keyring, said), **replaced)
            for said, replaced in await former(session, visit)
        ]
    )


def present(keyring: Keyring, visit: Mapping[str, Any]) -> VisitRead:
    """The columns of a visit, of now or of a former version, as they are told."""
    sealed: bytes | None = visit["findings_sealed"]
    findings = keyring.open(sealed, context=FINDINGS) if sealed is not None else None
    place = (
        Place.model_validate({part: visit[part] for part in Place.model_fields})
        if (visit["datum"] is not None)
        else None
    )
    return VisitRead.model_validate({**visit, "findings": findings, "place": place})
