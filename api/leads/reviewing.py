"""Somebody other than the verifier looks at an outcome; what holds is fed back to the issuer."""

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, update
from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.audit import audit
from api.access.tokens import Claims
from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, RecordDiffers
from api.leads.models import Lead, LeadBatch, LeadStatus
from api.leads.problems import LeadNotSo, NothingToFeedBack
from api.leads.queries import lead_locked, standing_batch
from api.leads.verification_models import LeadFeedback, LeadTransfer, LeadTransferStatus
from api.leads.verification_schemas import (
    LeadFeedbackRead,
    LeadFeedbackRecord,
    LeadReview,
)


async def review(session: AsyncSession, caller: Claims, lead_id: UUID, said: LeadReview) -> Lead:
    """Accept an outcome or send the lead back; accepted already, it is no news.

    What was accepted may be sent back until the issuer has been told. Raises `NotFound`,
    `LeadNotSo`, `NeedsAnotherPerson`, `InvalidInput` without a reason.
    """
    lead = await lead_locked(session, lead_id)
    if said.approved and lead.status is LeadStatus.reviewed:
        return lead
    if lead.status not in _UNTOLD:
        raise LeadNotSo("该线索不在待审核状态。", lead_status=lead.status)
    if not said.approved and said.reason is None:
        raise InvalidInput("退回须写明理由。", pointer="/body/reason")
    changes = accepted(caller, lead)
    if not said.approved:
        changes = _sent_back(caller, said)
    correction = Correction(lead.version, by=caller.worker, reason=said.reason)
    await correct(session, lead, changes, correction)
    details = {"approved": said.approved}
    audit(session, caller, "leads.review", subject=lead.id, reach=lead.reach, details=details)
    await tell(session, "duties.changed", subject=lead.id, reach=lead.reach, grid=lead.grid_id)
    return lead


_UNTOLD = (LeadStatus.under_review, LeadStatus.reviewed)


def accepted(caller: Claims, lead: Lead) -> dict[str, Any]:
    """What a lead has of it that somebody else stands by its outcome; raises `NeedsAnotherPerson`.

    Whoever hands a lead on does so as well.
    """
    if lead.outcome_by == caller.worker:
        raise NeedsAnotherPerson
    reviewed = {"reviewed_at": clock.now(), "reviewed_by": caller.worker}
    return {"status": LeadStatus.reviewed, **reviewed}


def _sent_back(caller: Claims, said: LeadReview) -> dict[str, Any]:
    return {
        "status": LeadStatus.contacting,
        **dict.fromkeys(("outcome", "outcome_at", "outcome_by", "outcome_note_sealed")),
        **dict.fromkeys(("reviewed_at", "reviewed_by")),
        "sent_back_at": clock.now(),
        "sent_back_by": caller.worker,
        "sent_back_reason": said.reason,
    }


async def feed_back(
    session: AsyncSession, caller: Claims, batch_id: UUID, said: LeadFeedbackRecord
) -> tuple[LeadFeedbackRead, bool]:
    """Feed back what is reviewed or was received elsewhere; with the last the batch is closed.

    Returns the feedback and whether it is new. Raises `NotFound`, `LeadBatchDiscarded`,
    `NothingToFeedBack`, `RecordDiffers`.
    """
    batch = await standing_batch(session, batch_id)
    before = await session.get(LeadFeedback, said.id)
    if before is not None:
        if before.batch_id != batch.id:
            raise RecordDiffers(fields=["batch_id"])
        return _shown(before, batch), False
    told = await _answer(session, batch, said.id)
    counts, left = await counted(session, batch.id)
    row = await _keep_feedback(session, caller, batch, said.id, counts)
    if not left:
        changes = {"closed_at": row.at}
        await correct(session, batch, changes, Correction(batch.version, by=caller.worker))
    action, details = "lead_batches.feed_back", {"leads": told, "number": row.number}
    audit(session, caller, action, subject=batch.id, reach=batch.reach, details=details)
    await tell(session, "duties.changed", subject=batch.id, reach=batch.reach, grid=batch.grid_id)
    return _shown(row, batch), True


async def _answer(session: AsyncSession, batch: LeadBatch, feedback_id: UUID) -> int:
    """Let what is ready be fed back; returns how many. Raises `NothingToFeedBack`.

    What was handed on stays so: by the deadline it was another's, and only the receipt was awaited.
    """
    status, reviewed = col(Lead.status), col(Lead.status) == LeadStatus.reviewed
    received = pick(col(LeadTransfer.lead_id)).where(
        col(LeadTransfer.status) == LeadTransferStatus.received
    )
    arrived = (status == LeadStatus.transferred) & col(Lead.id).in_(received)
    untold = col(Lead.feedback_id).is_(None), col(Lead.discarded_at).is_(None)
    ready = (
        update(Lead)
        .where(col(Lead.batch_id) == batch.id, or_(reviewed, arrived), *untold)
        .values(
            status=case((reviewed, LeadStatus.fed_back), else_=status),
            fed_back_at=case((reviewed, clock.now())),
            feedback_id=feedback_id,
            version=col(Lead.version) + 1,
        )
    )
    told = (await session.scalars(ready.returning(col(Lead.id)))).all()
    if not told:
        raise NothingToFeedBack
    return len(told)


async def _keep_feedback(
    session: AsyncSession,
    caller: Claims,
    batch: LeadBatch,
    feedback_id: UUID,
    counts: dict[str, int],
) -> LeadFeedback:
    now = clock.now()
    row = LeadFeedback(
        id=feedback_id,
        version=1,
        batch_id=batch.id,
        grid_id=batch.grid_id,
        reach=batch.reach,
        number=await next_number(session, batch.id),
        at=now,
        by=caller.worker,
        counts=counts,
        handed_on=await _handed_on(session, batch.id),
        late=now > batch.deadline_at,
    )
    session.add(row)
    await session.flush()
    return row


async def counted(session: AsyncSession, batch_id: UUID) -> tuple[dict[str, int], int]:
    """How many of each outcome were fed back, and how many leads are still to be told of."""
    told = col(Lead.feedback_id).is_not(None)
    statement = (
        pick(col(Lead.outcome), told, func.count())
        .where(col(Lead.batch_id) == batch_id, col(Lead.discarded_at).is_(None))
        .group_by(col(Lead.outcome), told)
    )
    counts: Counter[str] = Counter()
    left = 0
    for outcome, fed_back, number in await session.execute(statement):
        if not fed_back:
            left += number
        elif outcome is not None:
            counts[outcome] += number
    return dict(counts), left


async def _handed_on(session: AsyncSession, batch_id: UUID) -> int:
    """How many were told of as received elsewhere."""
    statement = pick(func.count()).where(
        col(Lead.batch_id) == batch_id,
        col(Lead.status) == LeadStatus.transferred,
        col(Lead.feedback_id).is_not(None),
    )
    return await session.scalar(statement) or 0


async def next_number(session: AsyncSession, batch_id: UUID) -> int:
    """Which feedback of a batch the next one is."""
    last = pick(func.max(col(LeadFeedback.number))).where(col(LeadFeedback.batch_id) == batch_id)
    return (await session.scalar(last) or 0) + 1


def _shown(row: LeadFeedback, batch: LeadBatch) -> LeadFeedbackRead:
    told = row.model_dump(include=set(LeadFeedbackRead.model_fields) - {"batch_closed"})
    return LeadFeedbackRead(**told, batch_closed=batch.closed_at == row.at)
