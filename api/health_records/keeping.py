"""What the verbs of all health records share: kept once, one or many, and openly discarded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit, audit_by_grid
from api.foundation import clock
from api.foundation.batches import Unread, draft_each
from api.foundation.corrections import Correction, correct
from api.foundation.problems import NotFound
from api.foundation.records import (
    BatchOutcome,
    Outcome,
    Proposal,
    Recorded,
    create_all,
    create_once,
    table_of,
)
from api.health_records.models import OfAResident
from api.health_records.people import AboutAResident
from api.health_records.problems import HealthRecordDiscarded

Row = TypeVar("Row", bound=Recorded)
About = TypeVar("About", bound=OfAResident)
Said = TypeVar("Said", bound=AboutAResident)


async def record_of(session: AsyncSession, kind: type[Row], record_id: UUID) -> Row:
    """One record of this kind; raises `NotFound`."""
    row = await session.get(kind, record_id)
    if row is None:
        raise NotFound("没有找到该记录，或不在您的网格范围内。")
    return row


async def standing_record_of(session: AsyncSession, kind: type[Row], record_id: UUID) -> Row:
    """One that counts; raises `NotFound`, `HealthRecordDiscarded`."""
    row = await record_of(session, kind, record_id)
    if row.discarded_at is not None:
        raise HealthRecordDiscarded
    return row


async def keep_one(
    session: AsyncSession, caller: Actor, proposal: Proposal[Row], details: dict[str, Any]
) -> tuple[Row, bool]:
    """Keep one record; returns it and whether it is new. Raises `RecordDiffers`."""
    row, created = await create_once(session, proposal)
    if created:
        action = f"{table_of(type(row)).name}.record"
        audit(session, caller, action, subject=row.id, reach=row.reach, details=details)
    return row, created


async def keep_many(
    session: AsyncSession,
    caller: Actor,
    said: Sequence[Said | Unread],
    draft: Callable[[Said, str], Proposal[About]],
) -> tuple[BatchOutcome, list[About]]:
    """Keep many of one kind, each with its own outcome in the order sent; also the new rows."""
    proposals, outcomes = await draft_each(said, draft)
    kept = await create_all(session, list(proposals.values()))
    outcomes |= dict(zip(proposals, kept, strict=True))
    new = [proposals[at].row for at in proposals if outcomes[at].outcome is Outcome.created]
    if new:
        table = table_of(type(new[0])).name
        audit_by_grid(session, caller, f"{table}.record_all", new, counted=table)
    return BatchOutcome.of([outcomes[at] for at in range(len(said))]), new


@dataclass(frozen=True, slots=True)
class Discarding:
    """Which version of a record is discarded, and why."""

    version: int
    reason: str


async def discard(
    session: AsyncSession, caller: Actor, row: Recorded, discarding: Discarding
) -> None:
    """Let a record that counts count no more; it stays readable. Raises `VersionMismatch`."""
    correction = Correction(
        discarding.version,
        by=caller.worker,
        reason=discarding.reason,
        duty=getattr(row, "resident_id", None),
    )
    await correct(session, row, {"discarded_at": clock.now()}, correction)
    action = f"{table_of(type(row)).name}.discard"
    audit(session, caller, action, subject=row.id, reach=row.reach)
