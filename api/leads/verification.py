"""How a lead was verified, as the wire shows it."""

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.database import keyring_of
from api.leads.models import Lead
from api.leads.verification_models import LeadAnswer, LeadAttempt, LeadTransfer, Question, Shown
from api.leads.verification_schemas import (
    LeadAnswerRead,
    LeadAttemptRead,
    LeadTransferRead,
    LeadVerification,
)
from api.leads.verifying import ATTEMPT_NOTE
from api.registry.masked import opened


async def of_lead(session: AsyncSession, lead: Lead) -> LeadVerification:
    """Every attempt, answer and transfer of a lead, in the order in which they were made."""
    attempts = await session.scalars(
        select(LeadAttempt)
        .where(col(LeadAttempt.lead_id) == lead.id, col(LeadAttempt.discarded_at).is_(None))
        .order_by(col(LeadAttempt.recorded_at), col(LeadAttempt.id))
    )
    found = await session.scalars(
        select(LeadAnswer)
        .where(col(LeadAnswer.lead_id) == lead.id, col(LeadAnswer.discarded_at).is_(None))
        .order_by(col(LeadAnswer.recorded_at), col(LeadAnswer.id))
    )
    transfers = await session.scalars(
        select(LeadTransfer)
        .where(col(LeadTransfer.lead_id) == lead.id)
        .order_by(col(LeadTransfer.requested_at))
    )
    answers = found.all()
    last = {each.question: each.shown for each in answers}
    return LeadVerification(
        attempts=[shown_attempt(session, each) for each in attempts],
        answers=[LeadAnswerRead.model_validate(each) for each in answers],
        missing=[each for each in Question if last.get(each) in (None, Shown.not_asked)],
        transfers=[LeadTransferRead.model_validate(each) for each in transfers],
    )


def shown_attempt(session: AsyncSession, attempt: LeadAttempt) -> LeadAttemptRead:
    """An attempt with what was noted of it."""
    note = opened(keyring_of(session), attempt.note_sealed, context=ATTEMPT_NOTE)
    told = attempt.model_dump(include=set(LeadAttemptRead.model_fields) - {"note"})
    return LeadAttemptRead(**told, note=note)
