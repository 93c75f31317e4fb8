"""Taking back what was entered by mistake: a batch with its leads, or one lead; never work done.

A lead that was worked on stays. Whoever records an attempt has the lead locked, and so has whoever
discards it: the one who comes second finds what the first has done.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.alerts.closing import close_groundless
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import evidence_discarded
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.live import About, tell_all
from api.foundation.problems import VersionMismatch
from api.leads.assigning import remember
from api.leads.correction_schemas import LeadBatchDiscard, LeadDiscard
from api.leads.doubles import look_again, undecided_doubles
from api.leads.models import Lead, LeadBatch
from api.leads.problems import (
    LeadBatchDiscarded,
    LeadDiscarded,
    LeadHandedHere,
    LeadsWorkedOn,
)
from api.leads.queries import batch_locked, batch_of_entry, lead_of, leads_locked
from api.leads.receiving import ONE_AT_A_TIME, path_of
from api.leads.reviewing import counted

_GONE = "线索已作废："


async def discard_batch(
    session: AsyncSession, caller: Claims, batch_id: UUID, said: LeadBatchDiscard, *, version: int
) -> LeadBatch:
    """Take a batch back with its leads; it stays readable, and its number is free again.

    Sent twice, done once. Raises `NotFound`, `LeadBatchDiscarded`, `LeadsWorkedOn`,
    `LeadHandedHere`, `VersionMismatch`.
    """
    batch = await batch_locked(session, batch_id)
    if batch.discarded_at is not None:
        if not _said_before(batch, caller, said.reason):
            raise LeadBatchDiscarded
        return batch
    await session.execute(ONE_AT_A_TIME)
    standing = select(col(Lead.id)).where(
        col(Lead.batch_id) == batch.id, col(Lead.discarded_at).is_(None)
    )
    leads, doubles = await _locked(session, set(await session.scalars(standing)))
    await _refuse_worked_on(session, leads)
    gone = _taken_back(caller, said.reason)
    await correct(session, batch, gone, Correction(version, by=caller.worker, reason=said.reason))
    await _discard(session, caller, leads, doubles, gone)
    details = {"leads": len(leads)}
    action = "lead_batches.discard"
    audit(session, caller, action, subject=batch.id, reach=batch.reach, details=details)
    await _tell(session, batch, leads)
    return batch


async def discard_lead(
    session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadDiscard, *, version: int
) -> Lead:
    """Take one lead back; it stays readable. With the last that was owed its batch is closed.

    Sent twice, done once. Raises `NotFound`, `OutsideYourGrid`, `LeadDiscarded`, `LeadsWorkedOn`,
    `LeadHandedHere`, `VersionMismatch`.
    """
    batch = await batch_of_entry(session, await lead_of(session, lead_id))
    await session.execute(ONE_AT_A_TIME)
    leads, doubles = await _locked(session, {lead_id})
    lead = leads[0]
    if lead.discarded_at is not None:
        if not _said_before(lead, caller, said.reason):
            raise LeadDiscarded
        return lead
    await _refuse_worked_on(session, leads)
    if lead.version != version:
        raise VersionMismatch(version=lead.version)
    await _discard(session, caller, leads, doubles, _taken_back(caller, said.reason))
    await session.refresh(lead)
    audit(session, caller, "leads.discard", subject=lead.id, reach=lead.reach)
    await _close_if_answered(session, caller, batch)
    await _tell(session, batch, leads)
    return lead


def _said_before(row: Lead | LeadBatch, caller: Claims, reason: str) -> bool:
    return (row.discarded_by, row.discard_reason) == (caller.worker, reason)


def _taken_back(caller: Claims, reason: str) -> dict[str, Any]:
    return {
        "discarded_at": clock.now(),
        "discarded_by": caller.worker,
        "discard_reason": reason,
    }


async def _locked(session: AsyncSession, ids: set[UUID]) -> tuple[list[Lead], set[UUID]]:
    """The leads, and which are proposed as their doubles; all locked at once, in one order."""
    doubles = await undecided_doubles(session, ids, ())
    locked = await leads_locked(session, ids | doubles)
    return [lead for lead in locked.values() if lead.id in ids], doubles


# What rests on a lead is work done as well: another answered as its duplicate.
_WORKED_ON = text("""
    SELECT count(*) FROM leads AS l
    WHERE l.id = ANY (CAST(:ids AS uuid[])) AND (
        l.status NOT IN ('imported', 'assigned')
        OR EXISTS (SELECT FROM lead_attempts AS a WHERE a.lead_id = l.id)
        OR EXISTS (SELECT FROM lead_answers AS w WHERE w.lead_id = l.id)
        OR EXISTS (SELECT FROM lead_transfers AS t WHERE t.lead_id = l.id)
        OR EXISTS (
            SELECT FROM leads AS d WHERE d.duplicate_of_id = l.id AND d.duplicate = 'confirmed'
                AND d.discarded_at IS NULL AND d.id <> ALL (CAST(:ids AS uuid[]))
        )
    )
""")


async def _refuse_worked_on(session: AsyncSession, leads: Sequence[Lead]) -> None:
    if any(lead.transfer_id is not None for lead in leads):
        raise LeadHandedHere
    worked_on = await session.scalar(_WORKED_ON, {"ids": [lead.id for lead in leads]})
    if worked_on:
        detail = (
            f"有{worked_on}条线索已有联系、答复、结论、移交，或已据以确认他条重复，不能作废；"
            "登记有误的内容请更正，查实有误的请作出结论。"
        )
        raise LeadsWorkedOn(detail, worked_on=worked_on)


_DISCARDED = text("""
    UPDATE leads SET discarded_at = :discarded_at, discarded_by = :discarded_by,
        discard_reason = :discard_reason, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE id = ANY (CAST(:ids AS uuid[]))
""")


async def _discard(
    session: AsyncSession,
    caller: Claims,
    leads: Sequence[Lead],
    doubles: set[UUID],
    gone: Mapping[str, Any],
) -> None:
    """Let leads count no more: for whom they were late, and for those proposed as their doubles."""
    ids, reason = [lead.id for lead in leads], gone["discard_reason"]
    await remember(session, caller, ids, reason=reason)
    await session.execute(_DISCARDED, {"ids": ids, **gone})
    await evidence_discarded(session, EvidenceKind.lead, *ids)
    await close_groundless(session, Cause.overdue_lead, ids, why=_GONE + reason)
    await look_again(session, caller, doubles)


async def _close_if_answered(session: AsyncSession, caller: Claims, batch: LeadBatch) -> None:
    """A batch of which all that is left has been fed back is closed, as by its last feedback."""
    counts, left = await counted(session, batch.id)
    if counts and not left and batch.closed_at is None:
        changes = {"closed_at": clock.now()}
        await correct(session, batch, changes, Correction(batch.version, by=caller.worker))


async def _tell(session: AsyncSession, batch: LeadBatch, leads: Sequence[Lead]) -> None:
    grids = {batch.grid_id: batch.reach} | {lead.grid_id: path_of(lead) for lead in leads}
    about = [About(batch.id, path, grid=grid) for grid, path in grids.items()]
    await tell_all(session, "duties.changed", about)
