"""An answer that was shown is a health record too: nothing is typed twice."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.problems import InvalidInput, Problem
from api.health_records import seen_on_phones, service
from api.health_records.code_schemas import CodeStateRecord, TravelCardRecord
from api.health_records.models import Vaccination
from api.health_records.schemas import DiagnosticTestRecord
from api.health_records.vaccination_schemas import VaccinationRecord
from api.health_records.vaccinations import record_vaccination
from api.leads.verification_models import Question, Shown
from api.leads.verification_schemas import DosesSeen, LeadAnswerRecord


async def health_record_of(
    session: AsyncSession, resident: UUID, said: LeadAnswerRecord
) -> UUID | None:
    """The record that an answer is: its own id, or that of the dose which is kept already.

    None where too little was shown: of a dose, when it was given and what it was. Raises
    `InvalidInput` for a dose that is still to come.
    """
    if said.shown is not Shown.shown:
        return None
    if said.vaccination is None:
        return said.id
    return await _dose(session, resident, said.vaccination, but=said.id)


async def _dose(
    session: AsyncSession, resident: UUID, seen: DosesSeen, *, but: UUID
) -> UUID | None:
    if not (seen.doses and seen.last_on and seen.technology):
        return None
    if seen.last_on > clock.today():
        raise InvalidInput("日期不能晚于今天。", pointer="/body/vaccination/last_on")
    statement = select(Vaccination.id).where(
        Vaccination.resident_id == resident,
        Vaccination.dose_number == seen.doses,
        col(Vaccination.discarded_at).is_(None),
    )
    return (await session.scalars(statement)).one_or_none() or but


_OF_THE_FIELD = {"id", "recorded_at", "performed_by", "source"}


async def keep_health_record(
    session: AsyncSession, caller: Claims, resident: UUID, said: LeadAnswerRecord
) -> None:
    """Keep what was shown as a record of the resident's health, under the answer's own id.

    Raises what keeping such a record raises, with pointers into the answer.
    """
    told = said.model_dump(include=_OF_THE_FIELD) | {"resident_id": resident}
    seen: BaseModel = getattr(said, said.question.value)
    try:
        await _keep(session, caller, said.question, told | seen.model_dump(exclude_none=True))
    except Problem as problem:
        for error in problem.members.get("errors", ()):
            name, *deeper = error["pointer"].removeprefix("/body/").split("/")
            if name in type(seen).model_fields:
                error["pointer"] = "/".join(["/body", said.question.value, name, *deeper])
        raise


async def _keep(
    session: AsyncSession, caller: Claims, question: Question, told: dict[str, Any]
) -> None:
    match question:
        case Question.health_code:
            await seen_on_phones.record_code_state(session, caller, CodeStateRecord(**told))
        case Question.travel_card:
            await seen_on_phones.record_travel_card(session, caller, TravelCardRecord(**told))
        case Question.diagnostic_test:
            await service.record_test(session, caller, DiagnosticTestRecord(**told))
        case Question.vaccination:
            told |= {"dose_number": told.pop("doses"), "given_on": told.pop("last_on")}
            await record_vaccination(session, caller, VaccinationRecord(**told))
