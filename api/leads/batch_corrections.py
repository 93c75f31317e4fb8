"""Putting a batch right when the issuer changes its mind, or a mistake is seen."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.live import About, tell_all
from api.leads.assigning import remember
from api.leads.batches import Called, refuse_second
from api.leads.deadlines import refuse_odd_deadline
from api.leads.lateness import no_longer_late
from api.leads.models import ANSWERED, Lead, LeadBatch
from api.leads.queries import standing_batch
from api.leads.receiving import path_of
from api.leads.schemas import LeadBatchCorrect


async def correct_batch(
    session: AsyncSession, caller: Actor, batch_id: UUID, said: LeadBatchCorrect, *, version: int
) -> LeadBatch:
    """Put a batch right; leads still owed that share its deadline follow.

    Raises `NotFound`, `LeadBatchDiscarded`, `LeadBatchAlreadyEntered`, `VersionMismatch`,
    `InvalidInput`.
    """
    batch = await standing_batch(session, batch_id)
    changes: dict[str, Any] = said.model_dump(include=told_in(said))
    deadline, former = changes.get("deadline_at", batch.deadline_at), batch.deadline_at
    if deadline != former:
        refuse_odd_deadline(deadline, batch.issued_at, pointer="/body/deadline_at")
    called = Called(batch.id, said.issuer or batch.issuer, said.batch_number or batch.batch_number)
    await refuse_second(session, called, within="/body")
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, batch, changes, correction)
    if deadline != former:
        await _put_off(session, caller, batch, former, reason=said.reason)
    details = {"fields": sorted(changes)}
    action = "lead_batches.correct"
    audit(session, caller, action, subject=batch.id, reach=batch.reach, details=details)
    return batch


_PUT_OFF = text("""
    UPDATE leads SET deadline_at = :deadline, late_told_at = NULL, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE id = ANY (CAST(:ids AS uuid[]))
""")


async def _put_off(
    session: AsyncSession, caller: Actor, batch: LeadBatch, former: datetime, *, reason: str | None
) -> None:
    """Let the leads still owed that shared the former deadline have the new one."""
    owed = select(Lead).where(
        col(Lead.batch_id) == batch.id,
        col(Lead.deadline_at) == former,
        col(Lead.status).not_in(ANSWERED),
        col(Lead.discarded_at).is_(None),
    )
    leads = (await session.scalars(owed.order_by(col(Lead.id)).with_for_update())).all()
    ids = [lead.id for lead in leads]
    await remember(session, caller, ids, reason=reason)
    await session.execute(_PUT_OFF, {"ids": ids, "deadline": batch.deadline_at})
    await no_longer_late(session, batch.deadline_at, ids)
    grids = {batch.grid_id: batch.reach} | {lead.grid_id: path_of(lead) for lead in leads}
    about = [About(batch.id, path, grid=grid) for grid, path in grids.items()]
    await tell_all(session, "duties.changed", about)
