"""An answer that was shown is a health record too: nothing is typed twice."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.health_records import seen_on_phones, service
from api.health_records.code_schemas import CodeStateRecord, TravelCardRecord
from api.health_records.schemas import DiagnosticTestRecord
from api.leads.verification_models import Question, Shown
from api.leads.verification_schemas import LeadAnswerRecord


def is_health_record(said: LeadAnswerRecord) -> bool:
    """Whether enough was shown for a record: of a dose, when it was given and what it was."""
    if said.shown is not Shown.shown:
        return False
    doses = said.vaccination
    return doses is None or bool(doses.doses and doses.last_on and doses.technology)


async def keep_health_record(
    session: AsyncSession, caller: Claims, resident: UUID, said: LeadAnswerRecord
) -> None:
    """Keep what was shown as a record of the resident's health, under the answer's own id."""
    told = {"id": said.id, "resident_id": resident, "performed_by": said.performed_by}
    facts = getattr(said, said.question.value).model_dump(exclude_none=True)
    match said.question:
        case Question.health_code:
            state = CodeStateRecord(**told, **facts)
            await seen_on_phones.record_code_state(session, caller, state)
        case Question.travel_card:
            card = TravelCardRecord(**told, **facts)
            await seen_on_phones.record_travel_card(session, caller, card)
        case Question.diagnostic_test:
            await service.record_test(session, caller, DiagnosticTestRecord(**told, **facts))
        case Question.vaccination:
            pass
