"""Doses of vaccine: recorded once each, corrected openly; what they amount to is derived."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.audit import Actor, audit
from api.foundation import clock
from api.foundation.batches import Unread, readable
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import InvalidInput
from api.foundation.records import BatchOutcome, Proposal, former
from api.health_records.birth_and_doses import Dose, Doses, doses_of, refuse_before_birth
from api.health_records.keeping import keep_many, keep_one, standing_record_of
from api.health_records.lists import Wanted, narrowed
from api.health_records.models import Vaccination, VaccinationOutcome, VaccineTechnology
from api.health_records.people import People, people_of
from api.health_records.sessions import Held, refuse_elsewhere, sessions_named
from api.health_records.vaccination_schemas import (
    VaccinationCorrect,
    VaccinationHistory,
    VaccinationRead,
    VaccinationRecord,
    VaccinationRevision,
)
from api.registry.models import Resident

_OF_A_DOSE = ("dose_number", "technology")
_TOLD = set(VaccinationRead.model_fields) & set(VaccinationRecord.model_fields) - {
    *("id", "resident_id", "recorded_at", "performed_by", "source")
}
"""What is kept just as it was told."""


class VaccinationsWanted(Wanted):
    """Which doses are wanted."""

    outcome: VaccinationOutcome | None = None
    technology: VaccineTechnology | None = None
    given_on: date | None = None


async def record_vaccination(
    session: AsyncSession, caller: Actor, said: VaccinationRecord
) -> tuple[Vaccination, bool]:
    """Keep a dose; returns it and whether it is new.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`, `DoseKept`,
    `RecordDiffers`.
    """
    proposal = _propose(await _survey(session, [said]), caller, said, "/body")
    return await keep_one(session, caller, proposal, {"outcome": said.outcome})


async def record_vaccinations(
    session: AsyncSession, caller: Actor, said: Sequence[VaccinationRecord | Unread]
) -> BatchOutcome:
    """Keep the doses of a morning, each with its own outcome, in the order sent."""
    ground = await _survey(session, readable(said))

    def draft(each: VaccinationRecord, within: str) -> Proposal[Vaccination]:
        return _propose(ground, caller, each, within)

    outcome, _ = await keep_many(session, caller, said, draft)
    return outcome


class _Ground(NamedTuple):
    """What doses stand on: who had them, at which sessions, and which others they had."""

    people: People
    sessions: Mapping[UUID, Held]
    doses: Doses


async def _survey(session: AsyncSession, said: Sequence[VaccinationRecord]) -> _Ground:
    sessions = await sessions_named(session, {each.site_session_id for each in said})
    told: dict[UUID, list[Dose]] = defaultdict(list)
    for each in said:
        if each.dose_number is not None:
            told[each.resident_id].append(Dose(each.id, each.dose_number, each.given_on))
    doses = await doses_of(session, {each.resident_id for each in said}, told)
    return _Ground(await people_of(session, said), sessions, doses)


def _propose(
    ground: _Ground, caller: Actor, said: VaccinationRecord, within: str
) -> Proposal[Vaccination]:
    fields = ground.people.fields(caller, said, within=within, instants=())
    _refuse_future_day(said.given_on, within=within)
    held, day = said.site_session_id, said.given_on
    refuse_elsewhere(ground.sessions, held, day, dose=True, within=within)
    for name in _OF_A_DOSE:
        told, given = getattr(said, name) is not None, said.outcome is VaccinationOutcome.given
        if told is not given:
            raise InvalidInput("请填写。" if given else _NO_DOSE, pointer=f"{within}/{name}")
    resident, pointer = ground.people.residents[said.resident_id], f"{within}/given_on"
    refuse_before_birth(resident.birth_date, day, pointer=pointer)
    if said.dose_number is not None:
        dose = Dose(said.id, said.dose_number, day)
        ground.doses.refuse_out_of_order(resident.id, dose, pointer=pointer)
    return Proposal(said, Vaccination(**fields, **said.model_dump(include=_TOLD)))


def _refuse_future_day(day: date, *, within: str) -> None:
    if day > clock.today():
        raise InvalidInput("日期不能晚于今天。", pointer=f"{within}/given_on")


_NO_DOSE = "有禁忌、没有接种的，不填此项。"


async def correct_vaccination(
    session: AsyncSession, caller: Actor, dose_id: UUID, said: VaccinationCorrect, *, version: int
) -> Vaccination:
    """Put right what was told of a dose.

    Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`, `DoseKept`, `InvalidInput`.
    """
    row = await standing_record_of(session, Vaccination, dose_id)
    told = told_in(said)
    if "given_on" in told:
        _refuse_future_day(said.given_on, within="/body")
    for name in told.intersection(_OF_A_DOSE):
        if row.outcome is not VaccinationOutcome.given:
            raise InvalidInput(_NO_DOSE, pointer=f"/body/{name}")
    await _refuse_what_cannot_be(session, row, said, told)
    correction = Correction(version, by=caller.worker, reason=said.reason, duty=row.resident_id)
    await correct(session, row, said.model_dump(include=told), correction)
    subject, reach, details = row.id, row.reach, {"fields": sorted(told)}
    audit(session, caller, "vaccinations.correct", subject=subject, reach=reach, details=details)
    return row


async def _refuse_what_cannot_be(
    session: AsyncSession, row: Vaccination, said: VaccinationCorrect, told: set[str]
) -> None:
    if not told & {"given_on", "dose_number"}:
        return
    changed = {**row.model_dump(), **said.model_dump(include=told)}
    number, day = changed["dose_number"], changed["given_on"]
    pointer = "/body/given_on" if "given_on" in told else "/body/dose_number"
    resident = await session.get(Resident, row.resident_id)
    refuse_before_birth(resident.birth_date if resident else None, day, pointer=pointer)
    if number is not None:
        doses = await doses_of(session, [row.resident_id], {})
        changing = doses._replace(kept=())
        changing.refuse_out_of_order(row.resident_id, Dose(row.id, number, day), pointer=pointer)


async def vaccinations(
    session: AsyncSession, wanted: VaccinationsWanted, page: PageRequest
) -> Page[VaccinationRead]:
    """Doses, those given last first."""
    statement = await narrowed(session, Vaccination, wanted, ("outcome", "technology", "given_on"))
    keys = [col(Vaccination.given_on), col(Vaccination.id)]
    present = present_vaccination
    return await read_page(session, statement, keys, page, present=present, descending=True)


def present_vaccination(row: Vaccination) -> VaccinationRead:
    """A dose as the wire shows it."""
    return VaccinationRead.model_validate(row.model_dump())


async def vaccination_history(session: AsyncSession, row: Vaccination) -> VaccinationHistory:
    """What was said of a dose before each of its corrections, oldest first."""
    return VaccinationHistory(
        items=[
            VaccinationRevision(vaccination=VaccinationRead.model_validate(said), **replaced)
            for said, replaced in await former(session, row)
        ]
    )
