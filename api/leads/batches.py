"""Batches of leads: entered as they come from above."""

from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.access.colleagues import NotAColleague, strangers
from api.foundation.field_records import fill_in
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, Source, create_once, kept_before
from api.grids.queries import open_grid_in_reach
from api.leads.deadlines import refuse_far_deadline
from api.leads.models import LeadBatch
from api.leads.problems import LeadBatchAlreadyEntered
from api.leads.schemas import LeadBatchRecord

_TOLD = {
    "issuer",
    "batch_number",
    "deadline_at",
    "instructions",
    "attempts_needed",
    "attempts_hours_apart",
    "visit_needed",
}
"""What is kept just as it was told."""


class Receiver(Actor, Protocol):
    """Who receives leads, and where: somebody at a post, or another system."""

    @property
    def grid(self) -> UUID: ...


async def record_batch(
    session: AsyncSession,
    caller: Receiver,
    said: LeadBatchRecord,
    *,
    source: Source = Source.paper,
    within: str = "/body",
) -> tuple[LeadBatch, bool]:
    """Keep a batch (M2.6); returns it and whether it is new. `source` is meant where none is told.

    Raises `NotFound` and `GridClosed` for its grid, `NotAColleague`, `RecordedInTheFuture`,
    `InvalidInput` for a deadline before it was issued, `LeadBatchAlreadyEntered`, `RecordDiffers`.
    """
    performer = said.performed_by or caller.worker
    if await strangers(session, {performer} - {caller.worker}):
        raise NotAColleague(pointer=f"{within}/performed_by")
    pointer = f"{within}/grid_id"
    grid = await open_grid_in_reach(session, said.grid_id or caller.grid, pointer=pointer)
    filled = fill_in(
        said,
        entered_by=caller.worker,
        source=source,
        instants=("issued_at",),
        within=within,
    )
    issued_at = said.issued_at or filled["recorded_at"]
    if await session.get(LeadBatch, said.id) is None:
        await refuse_second(session, Called(said.id, said.issuer, said.batch_number), within=within)
        refuse_far_deadline(said.deadline_at, pointer=f"{within}/deadline_at")
    told = said.model_dump(include=_TOLD)
    row = LeadBatch(**filled, **told, grid_id=grid.id, reach=grid.path, issued_at=issued_at)
    proposal = Proposal(said, row)
    if said.deadline_at <= issued_at:
        return await _sent_before(session, proposal, within=within), False
    kept, created = await create_once(session, proposal)
    if created:
        audit(session, caller, "lead_batches.record", subject=kept.id, reach=kept.reach)
    return kept, created


async def _sent_before(
    session: AsyncSession, proposal: Proposal[LeadBatch], *, within: str
) -> LeadBatch:
    """The batch as it is kept, sent again after its deadline; a new one would have been late."""
    if await session.get(LeadBatch, proposal.row.id) is None:
        detail = "反馈时限须晚于下发时间；补录的批次请填写下发时间。"
        raise InvalidInput(detail, pointer=f"{within}/deadline_at")
    return await kept_before(session, proposal)


class Called(NamedTuple):
    """What a batch is called by: one number of one issuer."""

    id: UUID
    issuer: str
    batch_number: str


async def refuse_second(session: AsyncSession, said: Called, *, within: str) -> None:
    """Raise `LeadBatchAlreadyEntered` where another batch that stands is called so."""
    same = select(col(LeadBatch.id)).where(
        col(LeadBatch.issuer) == said.issuer,
        col(LeadBatch.batch_number) == said.batch_number,
        col(LeadBatch.id) != said.id,
        col(LeadBatch.discarded_at).is_(None),
    )
    other = (await session.scalars(same)).one_or_none()
    if other is not None:
        pointer = f"{within}/batch_number"
        raise LeadBatchAlreadyEntered(pointer=pointer, batch_id=str(other))
