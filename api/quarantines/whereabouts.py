"""Where a quarantined person is: dated entries, each lasting until the next (M3.4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alert
from api.foundation.field_records import fill_in
from api.foundation.problems import NotPermitted, RecordDiffers
from api.foundation.records import Proposal, Source, create_once
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import Quarantine, Whereabouts
from api.quarantines.problems import QuarantineEnded, WhereaboutsOutOfOrder
from api.quarantines.queries import (
    RUNNING,
    in_charge,
    locked,
    quarantine_of,
    sealed,
    whereabouts_of,
)
from api.quarantines.schemas import WhereaboutsRecord
from api.quarantines.telling import tell_changed


async def record_whereabouts(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, said: WhereaboutsRecord
) -> tuple[Whereabouts, bool]:
    """Begin an entry and close the one before it; returns it and whether it is new.

    Whoever is on duty notes what they see, and a breach opens an alert; leave is given by whoever
    is in charge. Raises `NotPermitted`, `OutsideYourGrid`, `WhereaboutsOutOfOrder`,
    `QuarantineEnded`, `RecordedInTheFuture`, `NotAColleague`, `RecordDiffers`, `NotFound`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit, instants=("since_at",))
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    quarantine = await _for_noting(session, caller, quarantine_id, said.kind)
    if await session.get(Whereabouts, said.id) is None:
        await _end_former(session, quarantine, said.since_at)
    row = _row(session, quarantine, said, fields)
    kept, created = await create_once(session, Proposal(said, row))
    if kept.quarantine_id != quarantine_id:
        raise RecordDiffers(fields=["quarantine_id"])
    if created:
        details = {"kind": said.kind.value, "entry": str(said.id)}
        subject, reach = quarantine.id, quarantine.reach
        audit(session, caller, "whereabouts.record", subject=subject, reach=reach, details=details)
        await tell_changed(session, quarantine)
        if kept.kind is WhereaboutsKind.away_breach:
            await open_alert(session, _breach(quarantine, kept))
    return kept, created


def _breach(quarantine: Quarantine, entry: Whereabouts) -> Finding:
    return Finding(
        cause=Cause.breach,
        subject_id=quarantine.resident_id,
        grid_id=quarantine.grid_id,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        kind=EvidenceKind.whereabouts,
        record_id=entry.id,
        found_at=entry.since_at,
        told_by=entry.performed_by,
    )


def _row(
    session: AsyncSession,
    quarantine: Quarantine,
    said: WhereaboutsRecord,
    fields: Mapping[str, Any],
) -> Whereabouts:
    return Whereabouts(
        **fields,
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        kind=said.kind,
        since_at=said.since_at,
        destination_sealed=sealed(session, said.destination, context="whereabouts.destination"),
        note_sealed=sealed(session, said.note, context="whereabouts.note"),
    )


async def _for_noting(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, kind: WhereaboutsKind
) -> Quarantine:
    if kind is not WhereaboutsKind.away_approved:
        return await locked(session, quarantine_id)
    if Permission.quarantines_manage not in permitted(caller.role, caller.level):
        raise NotPermitted(
            "批准外出须由有权管理隔离的人员登记。", permission=Permission.quarantines_manage
        )
    return await in_charge(session, quarantine_id)


async def _end_former(session: AsyncSession, quarantine: Quarantine, at: datetime) -> None:
    if quarantine.status not in RUNNING:
        raise QuarantineEnded
    former = select(col(Whereabouts.since_at)).where(
        Whereabouts.quarantine_id == quarantine.id, col(Whereabouts.until_at).is_(None)
    )
    since_at = await session.scalar(former)
    if since_at is not None and at < since_at:
        raise WhereaboutsOutOfOrder(since_at=since_at.isoformat())
    await close_entry(session, quarantine.id, at=at)


async def close_entry(session: AsyncSession, quarantine_id: UUID, *, at: datetime) -> None:
    """Let the current entry end at `at`, or with its own beginning where that lies later."""
    await session.execute(
        update(Whereabouts)
        .where(col(Whereabouts.quarantine_id) == quarantine_id, col(Whereabouts.until_at).is_(None))
        .values(until_at=func.greatest(col(Whereabouts.since_at), at))
    )


async def entries_of(session: AsyncSession, quarantine_id: UUID) -> Sequence[Whereabouts]:
    """The entries of a quarantine in sight, the latest first; raises `NotFound`."""
    await quarantine_of(session, quarantine_id)
    return await whereabouts_of(session, quarantine_id)
