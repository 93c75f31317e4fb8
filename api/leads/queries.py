"""Reading batches and leads; what is out of reach is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, and_, any_, func, literal, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import NotFound, OutsideYourGrid
from api.grids.queries import below_grid
from api.leads.models import (
    ANSWERED,
    Lead,
    LeadAssignment,
    LeadBatch,
    LeadCandidate,
    LeadOutcome,
    LeadStatus,
)
from api.leads.problems import LeadBatchDiscarded, LeadDiscarded
from api.registry.models import Resident

_NO_BATCH = "没有找到该批线索，或不在您的网格范围内。"
_NO_LEAD = "没有找到该线索，或不在您的网格范围内。"


async def batch_of(session: AsyncSession, batch_id: UUID) -> LeadBatch:
    """A batch in sight, also one received above, or discarded; raises `NotFound`."""
    batch = await session.get(LeadBatch, batch_id)
    if batch is None:
        raise NotFound(_NO_BATCH)
    return batch


async def batch_locked(session: AsyncSession, batch_id: UUID) -> LeadBatch:
    """The same, within jurisdiction and locked: what is received above is not changed below."""
    statement = select(LeadBatch).where(col(LeadBatch.id) == batch_id)
    found = await session.scalars(
        statement.with_for_update(), execution_options={"populate_existing": True}
    )
    batch = found.one_or_none()
    if batch is None:
        raise NotFound(_NO_BATCH)
    return batch


async def standing_batch(session: AsyncSession, batch_id: UUID) -> LeadBatch:
    """The same, if it was not discarded; raises `NotFound`, `LeadBatchDiscarded`."""
    batch = await batch_locked(session, batch_id)
    if batch.discarded_at is not None:
        raise LeadBatchDiscarded
    return batch


async def batch_of_entry(session: AsyncSession, lead: Lead) -> LeadBatch:
    """The batch of a lead, locked by those who may enter leads into it.

    Raises `OutsideYourGrid` for a lead that came to the caller from a grid above.
    """
    try:
        return await batch_locked(session, lead.batch_id)
    except NotFound as error:
        detail = "该线索由上级接收，请由接收该批的网格更正或作废。"
        raise OutsideYourGrid(detail) from error


async def lead_of(session: AsyncSession, lead_id: UUID) -> Lead:
    """A lead in sight, also one that was discarded; raises `NotFound`."""
    lead = await session.get(Lead, lead_id)
    if lead is None:
        raise NotFound(_NO_LEAD)
    return lead


def among(column: Mapped[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether it is one of these, as one parameter: a statement may have some thirty thousand."""
    one: ColumnElement[Any] = cast("Any", column)
    return one == any_(literal(list(values), ARRAY(one.type)))


async def leads_locked(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Lead]:
    """Those of the leads that are in sight, locked until the transaction ends."""
    statement = (
        select(Lead).where(among(col(Lead.id), set(ids))).order_by(col(Lead.id)).with_for_update()
    )
    found = await session.scalars(statement, execution_options={"populate_existing": True})
    return {lead.id: lead for lead in found}


async def lead_locked(session: AsyncSession, lead_id: UUID) -> Lead:
    """One lead in sight, locked: the steps of a lead follow one another.

    Raises `NotFound`, `LeadDiscarded`.
    """
    lead = (await leads_locked(session, [lead_id])).get(lead_id)
    if lead is None:
        raise NotFound(_NO_LEAD)
    if lead.discarded_at is not None:
        raise LeadDiscarded
    return lead


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFilter:
    """Which batches are listed; None does not narrow."""

    issuer: str | None
    closed: bool | None
    late: bool | None
    discarded: bool


async def page_of_batches(
    session: AsyncSession, wanted: BatchFilter, page: PageRequest
) -> Page[LeadBatch]:
    """Batches in sight, those with the latest deadline first."""
    statement = select(LeadBatch).where(
        col(LeadBatch.discarded_at).is_not(None) == wanted.discarded
    )
    if wanted.issuer is not None:
        statement = statement.where(col(LeadBatch.issuer) == wanted.issuer)
    closed_at = col(LeadBatch.closed_at)
    if wanted.closed is not None:
        statement = statement.where(
            closed_at.is_not(None) if wanted.closed else closed_at.is_(None)
        )
    if wanted.late is not None:
        answered_at = closed_at.is_(None) & (col(LeadBatch.deadline_at) < clock.now())
        late = or_(answered_at, closed_at > col(LeadBatch.deadline_at))
        statement = statement.where(late.is_(True) if wanted.late else late.is_not(True))
    keys = [col(LeadBatch.deadline_at), col(LeadBatch.id)]
    return await read_page(session, statement, keys, page, present=as_it_is, descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFilter:
    """Which leads are listed; None does not narrow."""

    batch_id: UUID | None
    grid_id: UUID | None
    resident_id: UUID | None
    status: LeadStatus | None
    outcome: LeadOutcome | None
    late: bool | None
    matched: bool | None
    assigned: bool | None
    duplicate: bool | None
    discarded: bool


def late() -> ColumnElement[bool]:
    """The deadline has passed without an answer, or it was fed back, or handed on, after it."""
    owed = and_(col(Lead.status).not_in(ANSWERED), col(Lead.deadline_at) < clock.now())
    answered_at = func.coalesce(col(Lead.fed_back_at), col(Lead.handed_on_at))
    return or_(owed, answered_at > col(Lead.deadline_at))


def is_late(lead: Lead) -> bool:
    """The same of one lead."""
    answered_at = lead.fed_back_at or lead.handed_on_at
    if answered_at is not None:
        return answered_at > lead.deadline_at
    return lead.status not in ANSWERED and lead.deadline_at < clock.now()


async def page_of_leads(session: AsyncSession, wanted: LeadFilter, page: PageRequest) -> Page[Lead]:
    """Leads in sight, the most urgent first; raises `NotFound` for a grid unseen."""
    below = await below_grid(session, wanted.grid_id, col(Lead.reach), pointer="/query/grid_id")
    statement = select(Lead).where(*below, col(Lead.discarded_at).is_not(None) == wanted.discarded)
    for name in ("batch_id", "resident_id", "status", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(col(getattr(Lead, name)) == value)
    for given, column in (
        (wanted.matched, col(Lead.resident_id)),
        (wanted.assigned, col(Lead.assigned_at)),
        (wanted.duplicate, col(Lead.duplicate_of_id)),
    ):
        if given is not None:
            statement = statement.where(column.is_not(None) if given else column.is_(None))
    if wanted.late is not None:
        statement = statement.where(late().is_(True) if wanted.late else late().is_not(True))
    keys = [col(Lead.deadline_at), col(Lead.id)]
    return await read_page(session, statement, keys, page, present=as_it_is)


async def candidates_of(
    session: AsyncSession, lead_id: UUID
) -> Sequence[tuple[LeadCandidate, Resident | None]]:
    """Whom a lead may mean, the likeliest first; a resident out of reach stays unnamed."""
    statement = (
        select(LeadCandidate, Resident)
        .outerjoin(Resident, col(Resident.id) == col(LeadCandidate.candidate_id))
        .where(col(LeadCandidate.lead_id) == lead_id)
        .order_by(col(LeadCandidate.score).desc(), col(LeadCandidate.id))
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def assignments_of(session: AsyncSession, lead_id: UUID) -> Sequence[LeadAssignment]:
    """Where a lead was given, the latest first."""
    statement = (
        select(LeadAssignment)
        .where(col(LeadAssignment.lead_id) == lead_id)
        .order_by(col(LeadAssignment.at).desc(), col(LeadAssignment.id).desc())
    )
    return (await session.scalars(statement)).all()
