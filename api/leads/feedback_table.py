"""What a batch has come to, as its issuer is told: by outcome, by origin, and handed to whom."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.foundation import clock
from api.leads.models import ANSWERED, Lead, LeadBatch, LeadOutcome, LeadStatus
from api.leads.reviewing import next_number
from api.leads.verification_models import LeadTransfer, LeadTransferStatus
from api.leads.verification_schemas import (
    FeedbackHandedOn,
    FeedbackOrigin,
    FeedbackRow,
    FeedbackTable,
)

_UNSAID = "未注明"
_COUNTS = (LeadStatus.reviewed, *ANSWERED)


async def feedback_table(session: AsyncSession, batch: LeadBatch) -> FeedbackTable:
    """What a batch has come to so far: outcome by outcome, and each by where people came from."""
    rows = await _rows(session, batch.id)
    of_batch = (col(Lead.batch_id) == batch.id, col(Lead.discarded_at).is_(None))
    whole = await session.scalar(pick(func.count()).select_from(Lead).where(*of_batch)) or 0
    answered = sum(row.count for row in rows)
    return FeedbackTable(
        batch_id=batch.id,
        issuer=batch.issuer,
        batch_number=batch.batch_number,
        received=whole,
        answered=answered,
        open=whole - answered,
        late=(batch.closed_at or clock.now()) > batch.deadline_at,
        rows=rows,
        handed_on=await _townships(session, batch.id),
        sent=await next_number(session, batch.id) - 1,
    )


async def _rows(session: AsyncSession, batch_id: UUID) -> list[FeedbackRow]:
    place = func.coalesce(col(Lead.origin_place), _UNSAID)
    statement = (
        pick(col(Lead.outcome), place, func.count())
        .where(
            col(Lead.batch_id) == batch_id,
            col(Lead.discarded_at).is_(None),
            col(Lead.status).in_(_COUNTS),
        )
        .group_by(col(Lead.outcome), place)
        .order_by(func.count().desc(), place)
    )
    origins: dict[str, list[FeedbackOrigin]] = {}
    for outcome, where, count in await session.execute(statement):
        if outcome is not None:
            origins.setdefault(outcome, []).append(FeedbackOrigin(place=where, count=count))
    return sorted((_row(*each) for each in origins.items()), key=lambda row: -row.count)


async def _townships(session: AsyncSession, batch_id: UUID) -> list[FeedbackHandedOn]:
    received = col(LeadTransfer.status) == LeadTransferStatus.received
    place = col(LeadTransfer.to_code), col(LeadTransfer.to_name)
    statement = (
        pick(*place, func.count().filter(received), func.count().filter(~received))
        .join(Lead, col(Lead.id) == col(LeadTransfer.lead_id))
        .where(
            col(Lead.batch_id) == batch_id,
            col(Lead.status) == LeadStatus.transferred,
            col(LeadTransfer.status) != LeadTransferStatus.declined,
        )
        .group_by(*place)
        .order_by(*place)
    )
    return [
        FeedbackHandedOn(to_code=code, to_name=name, received=there, awaited=on_the_way)
        for code, name, there, on_the_way in await session.execute(statement)
    ]


def _row(outcome: str, origins: list[FeedbackOrigin]) -> FeedbackRow:
    kind = LeadOutcome(outcome)
    count = sum(each.count for each in origins)
    return FeedbackRow(outcome=kind, label=kind.label, count=count, origins=origins)
