"""Batches of leads: entered as they come from above, put right when the issuer changes its mind."""

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.access.colleagues import NotAColleague, strangers
from api.foundation.field_records import fill_in
from api.foundation.problems import InvalidInput
from api.foundation.records import Correction, Proposal, Source, correct, create_once, kept_before
from api.grids.queries import open_grid_in_reach
from api.leads.models import ANSWERED, Lead, LeadBatch
from api.leads.problems import LeadBatchAlreadyEntered
from api.leads.queries import batch_locked
from api.leads.schemas import LeadBatchCorrect, LeadBatchRecord

_TOLD = {
    "issuer",
    "batch_number",
    "deadline_at",
    "instructions",
    "attempts_needed",
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
    await _refuse_second(session, said, within=within)
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
        detail = "反馈时限须晚于下发时间;补录的批次请填写下发时间。"
        raise InvalidInput(detail, pointer=f"{within}/deadline_at")
    return await kept_before(session, proposal)


async def _refuse_second(session: AsyncSession, said: LeadBatchRecord, *, within: str) -> None:
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


async def correct_batch(
    session: AsyncSession, caller: Actor, batch_id: UUID, said: LeadBatchCorrect, *, version: int
) -> LeadBatch:
    """Put a batch right; leads still owed that share its deadline follow.

    Raises `NotFound`, `VersionMismatch`, `InvalidInput`.
    """
    batch = await batch_locked(session, batch_id)
    changes: dict[str, Any] = said.model_dump(include=said.model_fields_set - {"reason"})
    deadline = changes.get("deadline_at", batch.deadline_at)
    if deadline <= batch.issued_at:
        raise InvalidInput("反馈时限须晚于下发时间。", pointer="/body/deadline_at")
    former = batch.deadline_at
    await correct(
        session, batch, changes, Correction(version, by=caller.worker, reason=said.reason)
    )
    if deadline != former:
        follows = update(Lead).where(
            col(Lead.batch_id) == batch.id,
            col(Lead.deadline_at) == former,
            col(Lead.status).not_in(ANSWERED),
        )
        await session.execute(follows.values(deadline_at=deadline, late_told_at=None))
    audit(session, caller, "lead_batches.correct", subject=batch.id, reach=batch.reach)
    return batch
