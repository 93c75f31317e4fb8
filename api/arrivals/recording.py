"""Recording arrivals, one or a busload: expected or come, each classed by where they were."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit, audit_by_grid
from api.access.tokens import Claims
from api.arrivals.coming_schemas import ArrivalRecord
from api.arrivals.ground import Ground, Sent, survey
from api.arrivals.models import Arrival, ArrivalStatus, Classification, ClassifiedBecause
from api.arrivals.odd_days import refuse_odd_days, refuse_odd_exposure, refuse_odd_stays
from api.arrivals.problems import AlreadyAnArrival
from api.arrivals.reclassification import columns_of, comes_on
from api.arrivals.same_person import refuse_another
from api.foundation.batches import Unread, draft_each, readable
from api.foundation.field_records import fill_in
from api.foundation.identity import document_lookup
from api.foundation.live import tell
from api.foundation.problems import InvalidInput
from api.foundation.records import (
    BatchOutcome,
    Outcome,
    Proposal,
    Source,
    create_all,
    create_once,
    insert_new,
    kept_before,
    new_id,
)
from api.foundation.refusals import problem_of
from api.registry.drafts import sealed
from api.registry.models import Household, Resident

_TOLD = {
    "household_id",
    "resident_id",
    "party_id",
    "document_kind",
    "contact_name",
    "expected_on",
    "arrived_at",
    "transport",
    "transport_number",
    "origin_code",
    "occupations",
    "vaccination",
    "exposure_class",
    "last_exposure_on",
    "stays",
}
"""What is kept just as it was told."""


class Draft(NamedTuple):
    """An arrival about to be kept, with its first classification."""

    proposal: Proposal[Arrival]
    classification: Classification


async def record_arrival(
    session: AsyncSession, caller: Claims, said: ArrivalRecord, *, within: str = "/body"
) -> tuple[Arrival, bool]:
    """Keep one arrival (M2.4); returns it and whether it is new.

    Raises `RecordDiffers`, and what `draft` raises, with pointers below `within`.
    """
    draft_ = draft(await survey(session, caller, [said]), Sent(said, within))
    kept, created = await _keep(session, draft_.proposal)
    if created:
        await insert_new(session, [draft_.classification])
        details = {"status": kept.status, "risk_level": kept.risk_level}
        subject, reach = kept.id, kept.reach
        audit(session, caller, "arrivals.record", subject=subject, reach=reach, details=details)
        await tell(session, "duties.changed", subject=subject, reach=reach, grid=kept.grid_id)
    return kept, created


async def record_arrivals(
    session: AsyncSession, caller: Claims, items: Sequence[ArrivalRecord | Unread]
) -> BatchOutcome:
    """Keep many arrivals, each with its own outcome, in the order sent."""
    ground = await survey(session, caller, readable(items))
    drafts, outcomes = await draft_each(items, partial(_taken, ground))
    kept = await create_all(session, [each.proposal for each in drafts.values()])
    outcomes |= dict(zip(drafts, kept, strict=True))
    created = [drafts[at] for at in drafts if outcomes[at].outcome is Outcome.created]
    await insert_new(session, [each.classification for each in created])
    await _note(session, caller, [each.proposal.row for each in created])
    return BatchOutcome.of([outcomes[at] for at in range(len(items))])


def _taken(ground: Ground, said: ArrivalRecord, within: str) -> Draft:
    drafted = draft(ground, Sent(said, within))
    ground.take(drafted.proposal.row)
    return drafted


def draft(ground: Ground, sent: Sent) -> Draft:
    """The arrival as it would be kept, and how it is classed.

    Raises, with pointers, `NotFound`, `HouseholdLeft`, `RegisteredElsewhere`, `NotAColleague`,
    `DocumentsDiffer`, `AlreadyAnArrival`, `InvalidInput`, `RecordedInTheFuture`.
    """
    said, within = sent
    household, resident = ground.household(sent), ground.resident(sent)
    ground.refuse_strangers(sent)
    _refuse_unknown(said, within=within)
    refuse_odd_days(said, "expected_on", "arrived_at", within=within)
    refuse_odd_exposure(said, within=within)
    filled = fill_in(
        said,
        entered_by=ground.caller.worker,
        source=Source.phone,
        instants=("arrived_at",),
        within=within,
    )
    row = _row(ground, said, household, {**filled, **_person(said, resident)})
    refuse_odd_stays(said.stays, comes_on(row), within=within)
    if resident is not None and said.id not in ground.known:
        refuse_another(row, resident, pointer=f"{within}/document")
    ground.refuse_second(row, within=within)
    classification = first_classification(ground, row)
    return Draft(Proposal(said, row), classification)


def _refuse_unknown(said: ArrivalRecord, *, within: str) -> None:
    if said.name is None and said.resident_id is None:
        raise InvalidInput("请填写姓名，或选择已登记的居民。", pointer=f"{within}/name")
    if said.expected_on is None and said.arrived_at is None:
        detail = "请填写预计到达日期；已抵达的，填写抵达时间。"
        raise InvalidInput(detail, pointer=f"{within}/expected_on")


def _person(said: ArrivalRecord, resident: Resident | None) -> dict[str, Any]:
    """Who it is: what was told goes before what the register says."""
    known = {
        "name": resident and resident.name,
        "sex": resident and resident.sex,
        "birth_date": resident and resident.birth_date,
    }
    return {name: getattr(said, name) or value for name, value in known.items()}


def _row(
    ground: Ground, said: ArrivalRecord, household: Household, filled: dict[str, Any]
) -> Arrival:
    keyring, document, phone = ground.keyring, said.document, said.phone
    come = said.arrived_at is not None
    contact = sealed(keyring, said.contact_phone, context="arrivals.contact_phone")
    return Arrival(
        **filled,
        **said.model_dump(include=_TOLD),
        reach=household.reach,
        grid_id=household.grid_id,
        document_sealed=sealed(keyring, document, context="arrivals.document"),
        document_lookup=document_lookup(keyring, said.document_kind, document),
        phone_sealed=sealed(keyring, phone, context="arrivals.phone"),
        phone_lookup=keyring.lookup(phone, context="phone") if phone else None,
        contact_phone_sealed=contact,
        status=ArrivalStatus.arrived if come else ArrivalStatus.expected,
        arrival_told_at=filled["recorded_at"] if come else None,
        note_sealed=sealed(keyring, said.note, context="arrivals.note"),
    )


def first_classification(ground: Ground, row: Arrival) -> Classification:
    """Class an arrival that is about to be kept, and name that classification in it."""
    columns = columns_of(ground.law.classify(row))
    classification = Classification(
        id=new_id(),
        reach=row.reach,
        arrival_id=row.id,
        at=row.received_at,
        by=row.entered_by,
        because=ClassifiedBecause.recorded,
        exposure_class=row.exposure_class,
        last_exposure_on=row.last_exposure_on,
        **columns,
    )
    for name in ("risk_level", "risk_area_id", "left_risk_area_on"):
        setattr(row, name, columns[name])
    row.classification_id, row.classified_at = classification.id, row.received_at
    return classification


async def _keep(session: AsyncSession, proposal: Proposal[Arrival]) -> tuple[Arrival, bool]:
    """Keep it, where somebody else's at the same moment may be the same record sent twice."""
    try:
        async with session.begin_nested():
            return await create_once(session, proposal)
    except DBAPIError as error:
        if not isinstance(problem_of(error), AlreadyAnArrival):
            raise
    if await session.get(Arrival, proposal.row.id) is None:
        raise AlreadyAnArrival
    return await kept_before(session, proposal), False


async def _note(session: AsyncSession, caller: Claims, new: Sequence[Arrival]) -> None:
    """One entry of audit and one event for each grid that a batch touches."""
    grids = audit_by_grid(session, caller, "arrivals.record_all", new, counted="arrivals")
    for grid, path in grids.items():
        await tell(session, "duties.changed", subject=grid, reach=path, grid=grid)
