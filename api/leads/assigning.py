"""Giving leads to grids by hand, one or a list of them; where they were before stays on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor, audit
from api.foundation import clock
from api.foundation.batches import refused
from api.foundation.database import metadata
from api.foundation.live import About, tell_all
from api.foundation.problems import NotFound, Problem
from api.foundation.records import BatchOutcome, ItemOutcome, Outcome, insert_new, new_id
from api.grids.models import Grid
from api.grids.problems import GridClosed
from api.leads.lateness import late_elsewhere
from api.leads.models import OPEN, AssignedBy, Lead, LeadAssignment, LeadBatch
from api.leads.problems import GridOutsideBatch, LeadDiscarded, LeadNotSo
from api.leads.queries import batch_of, lead_locked, leads_locked
from api.leads.receiving import Placed, path_of
from api.leads.schemas import LeadAssign, LeadsAssign


class Move(NamedTuple):
    """A lead and where it is given."""

    lead: Lead
    placed: Placed


@dataclass(frozen=True, slots=True)
class Giving:
    """Who gives leads of a batch to grids, and why."""

    caller: Actor
    batch: LeadBatch
    reason: str | None


async def assign_lead(
    session: AsyncSession, caller: Actor, lead_id: UUID, said: LeadAssign
) -> Lead:
    """Give a lead to a grid (M2.6); sent twice, done once.

    Raises `NotFound`, `GridClosed`, `GridOutsideBatch`, `LeadNotSo`, `LeadDiscarded`.
    """
    lead = await lead_locked(session, lead_id)
    batch = await batch_of(session, lead.batch_id)
    grid = (await _grids(session, {said.grid_id})).get(said.grid_id)
    placed = _by_hand(lead, batch, grid, within="/body")
    if placed is not None:
        await give(session, Giving(caller, batch, said.reason), [Move(lead, placed)])
    return lead


async def assign_leads(
    session: AsyncSession, caller: Actor, batch_id: UUID, said: LeadsAssign
) -> BatchOutcome:
    """Give many leads of a batch to grids; each with its own outcome, in the order sent.

    Of a lead that stands twice in the list, the last counts. Raises `NotFound` for the batch alone.
    """
    batch = await batch_of(session, batch_id)
    leads = await leads_locked(session, {item.lead_id for item in said.items})
    grids = await _grids(session, {item.grid_id for item in said.items})
    moves: dict[UUID, Move] = {}
    outcomes: list[ItemOutcome] = []
    for place, item in enumerate(said.items):
        within, lead = f"/body/items/{place}", leads.get(item.lead_id)
        try:
            if lead is None or lead.batch_id != batch.id:
                raise NotFound("该批中没有这条线索。", pointer=f"{within}/lead_id")
            placed = _by_hand(lead, batch, grids.get(item.grid_id), within=within)
        except Problem as problem:
            outcomes.append(refused(item.lead_id, problem))
            continue
        moves.pop(item.lead_id, None)
        if placed is not None:
            moves[item.lead_id] = Move(lead, placed)
        outcome = Outcome.created if placed is not None else Outcome.unchanged
        outcomes.append(ItemOutcome(id=item.lead_id, outcome=outcome, problem=None))
    await give(session, Giving(caller, batch, said.reason), list(moves.values()))
    return BatchOutcome.of(outcomes)


async def _grids(session: AsyncSession, ids: set[UUID]) -> dict[UUID, Grid]:
    found = await session.scalars(select(Grid).where(col(Grid.id).in_(ids)))
    return {grid.id: grid for grid in found}


def _by_hand(lead: Lead, batch: LeadBatch, grid: Grid | None, *, within: str) -> Placed | None:
    """Where the lead goes; None where it is already."""
    if lead.discarded_at is not None:
        raise LeadDiscarded
    pointer = f"{within}/grid_id"
    if grid is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer=pointer)
    refuse_outside(batch, grid.path, pointer=pointer)
    if lead.grid_id == grid.id and lead.assigned_at is not None:
        return None
    if lead.status not in OPEN:
        raise LeadNotSo(lead_status=lead.status)
    if grid.closed_at is not None:
        raise GridClosed(pointer=pointer)
    return Placed(grid.id, grid.path, AssignedBy.hand)


def refuse_outside(batch: LeadBatch, reach: str, *, pointer: str) -> None:
    """Raise `GridOutsideBatch` for a place not in the grid that received the batch."""
    if reach != batch.reach and not reach.startswith(f"{batch.reach}."):
        raise GridOutsideBatch(pointer=pointer)


async def give(session: AsyncSession, giving: Giving, moves: Sequence[Move]) -> None:
    """Give leads, locked already, to where they are placed, with all that is kept of them."""
    if not moves:
        return
    await session.flush()
    former = {move.lead.id: path_of(move.lead) for move in moves}
    about = [About(move.lead.batch_id, path_of(move.lead), move.lead.grid_id) for move in moves]
    rows = [_assignment(giving, move) for move in moves]
    await late_elsewhere(session, [move.lead.id for move in moves if move.lead.late_told_at])
    await remember(session, giving.caller, list(former), reason=giving.reason)
    await session.execute(_GIVEN, _told(giving, moves))
    await take_along(session, list(former))
    await insert_new(session, rows)
    for move in moves:
        await session.refresh(move.lead)
    about += [About(move.lead.batch_id, path_of(move.lead), move.lead.grid_id) for move in moves]
    details = {"leads": len(moves)}
    batch = giving.batch
    audit(
        session, giving.caller, "leads.assign", subject=batch.id, reach=batch.reach, details=details
    )
    await tell_all(session, "duties.changed", list({each.grid: each for each in about}.values()))


def _assignment(giving: Giving, move: Move) -> LeadAssignment:
    return LeadAssignment(
        id=new_id(),
        reach=move.placed.reach,
        lead_id=move.lead.id,
        from_grid_id=move.lead.grid_id,
        to_grid_id=move.placed.grid,
        how=move.placed.how,
        at=clock.now(),
        by=giving.caller.worker,
        reason=giving.reason,
    )


def _told(giving: Giving, moves: Sequence[Move]) -> Mapping[str, Any]:
    return {
        "ids": [move.lead.id for move in moves],
        "grids": [move.placed.grid for move in moves],
        "reaches": [move.placed.reach for move in moves],
        "homes": [move.placed.household for move in moves],
        "hows": [move.placed.how.value for move in moves],
        "by": giving.caller.worker,
        "at": clock.now(),
    }


# As `correct`, for many at once: a lead keeps its former versions, wherever it goes.
_REMEMBERED = text("""
    INSERT INTO revisions
        (id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach)
    SELECT gen_random_uuid(), 'leads', l.id, l.version, to_jsonb(l) - 'changed_xid',
        :at, :by, :reason, l.reach
    FROM leads l WHERE l.id = ANY (CAST(:ids AS uuid[]))
""")


async def remember(
    session: AsyncSession, caller: Actor, leads: Sequence[UUID], *, reason: str | None
) -> None:
    """Keep what leads say now, before one statement changes them all."""
    told = {"ids": list(leads), "at": clock.now(), "by": caller.worker, "reason": reason}
    await session.execute(_REMEMBERED, told)


_GIVEN = text("""
    UPDATE leads AS l SET grid_id = m.grid, reach = m.reach, household_id = m.home,
        assigned_how = m.how, assigned_at = :at, assigned_by = :by, late_told_at = NULL,
        status = CASE l.status WHEN 'imported' THEN 'assigned' ELSE l.status END,
        version = l.version + 1, changed_xid = pg_current_xact_id()
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:grids AS uuid[]), CAST(:reaches AS text[]),
        CAST(:homes AS uuid[]), CAST(:hows AS text[])
    ) AS m (id, grid, reach, home, how)
    WHERE l.id = m.id
""")


async def take_along(session: AsyncSession, leads: Sequence[UUID]) -> None:
    """Let what is kept of leads, and cannot be without them, lie where they lie."""
    for table in metadata.sorted_tables:
        of_lead = table.columns.get("lead_id")
        if of_lead is None or of_lead.nullable or "reach" not in table.columns:
            continue
        regrids = "grid_id = l.grid_id, " if "grid_id" in table.columns else ""
        follow = text(
            f"UPDATE {table.name} AS t SET {regrids}reach = l.reach, "
            "changed_xid = pg_current_xact_id() "
            "FROM leads l WHERE l.id = t.lead_id AND l.id = ANY (CAST(:ids AS uuid[]))"
        )
        await session.execute(follow, {"ids": list(leads)})
