"""Beginning quarantines, one or many, with their teams and the first entry of whereabouts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.batches import Unread, draft_each, readable, refused
from api.foundation.field_records import fill_in
from api.foundation.live import About, tell_all
from api.foundation.problems import RecordDiffers
from api.foundation.records import (
    BatchOutcome,
    Outcome,
    Proposal,
    Source,
    create_all,
    create_once,
    new_id,
)
from api.foundation.refusals import problem_of
from api.protocols.models import CareTeamPolicy, MonitoringPolicy, WhereaboutsKind
from api.quarantines.ground import Ground, Sent, refuse_far_start, refuse_odd_period, survey
from api.quarantines.models import CareSeat, PlaceKind, Quarantine, QuarantineStatus, Whereabouts
from api.quarantines.problems import AlreadyInQuarantine
from api.quarantines.queries import running, sealed
from api.quarantines.schemas import QuarantineBegin
from api.quarantines.seating import chosen, refuse_overload, seat_row, seated
from api.quarantines.stage_models import QuarantinePlan, QuarantineStage
from api.quarantines.stages import stage_by_hand
from api.quarantines.telling import tell_duties


class Course(NamedTuple):
    """The stages of a quarantine about to be kept, and the plan that they are from."""

    stages: list[QuarantineStage]
    plan: QuarantinePlan | None = None


class Draft(NamedTuple):
    """A quarantine about to be kept, with its stages, its seats and its first whereabouts."""

    sent: Sent
    proposal: Proposal[Quarantine]
    seats: list[CareSeat]
    entry: Whereabouts
    course: Course


async def begin_quarantine(
    session: AsyncSession,
    caller: Claims,
    said: QuarantineBegin,
    course: Course | None = None,
    *,
    within: str = "/body",
) -> tuple[Quarantine, bool]:
    """Begin one, by hand in one stage or on the course of a plan; returns it and whether it is new.

    Problems point below `within`. Raises `NotFound`, `NotAColleague`, `ResidentLeft`,
    `InvalidInput`, `NoPolicyInForce`, `AlreadyInQuarantine`, `RecordDiffers`,
    `RecordedInTheFuture`, and for the team `TeamBreaksPolicy`, `WorkerOverloaded`,
    `WorkerWithoutPost`.
    """
    ground = await survey(session, [said])
    draft = _draft(session, caller, Sent(said, within), ground, course)
    kept, created = await _keep(session, draft)
    if created:
        await _complete(session, caller, [draft])
    elif fields := await _told_differently(session, [said]):
        raise RecordDiffers(fields=fields[said.id])
    return kept, created


async def begin_quarantines(
    session: AsyncSession, caller: Claims, items: Sequence[QuarantineBegin | Unread]
) -> BatchOutcome:
    """Begin many, each with its own outcome, in the order sent."""
    ground = await survey(session, readable(items))
    drafts, outcomes = await draft_each(items, partial(_taken, session, caller, ground))
    kept = await create_all(session, [draft.proposal for draft in drafts.values()])
    outcomes.update(zip(drafts, kept, strict=True))
    created = [draft for at, draft in drafts.items() if outcomes[at].outcome is Outcome.created]
    await _complete(session, caller, created)
    again = {at: drafts[at].sent.said for at in drafts if outcomes[at].outcome is Outcome.unchanged}
    others = await _told_differently(session, list(again.values()))
    for at, said in again.items():
        if said.id in others:
            outcomes[at] = refused(said.id, RecordDiffers(fields=others[said.id]))
    return BatchOutcome.of([outcomes[at] for at in range(len(items))])


def _taken(
    session: AsyncSession, caller: Claims, ground: Ground, said: QuarantineBegin, within: str
) -> Draft:
    draft = _draft(session, caller, Sent(said, within), ground)
    ground.take(draft.sent)
    return draft


def _draft(
    session: AsyncSession,
    caller: Claims,
    sent: Sent,
    ground: Ground,
    course: Course | None = None,
) -> Draft:
    said, within = sent
    ground.refuse_strangers(sent)
    fields = fill_in(said, entered_by=caller.worker, source=Source.visit, within=within)
    refuse_far_start(said.started_on, pointer=f"{within}/started_on")
    if course is None:
        refuse_odd_period(said, pointer=f"{within}/planned_end_on")
    resident = ground.resident(sent)
    begun = said.started_on <= clock.today()
    row = Quarantine(
        **fields,
        **said.model_dump(include=_TOLD),
        reach=resident.reach,
        household_id=resident.household_id,
        grid_id=resident.grid_id,
        place_sealed=sealed(session, said.place, context="quarantines.place"),
        status=QuarantineStatus.active if begun else QuarantineStatus.planned,
        care_policy_id=ground.care_rule(sent).id,
        monitoring_policy_id=ground.monitoring_policy(sent),
        team_complete=bool(said.team),
    )
    seats = [] if said.id in ground.known else _seats(sent, ground, row)
    course = course or Course([stage_by_hand(row)])
    return Draft(sent, Proposal(said, row), seats, _first_entry(row), course)


_TOLD = {
    "resident_id",
    "reason",
    "category",
    "place_kind",
    "started_on",
    "planned_end_on",
    "legal_basis",
}


def _seats(sent: Sent, ground: Ground, row: Quarantine) -> list[CareSeat]:
    """The seats of the team that came along; a quarantine may begin without one."""
    said, within = sent
    if not said.team:
        return []
    rule = ground.care_rule(sent)
    ground.claim_seats(sent)
    joining = [
        chosen(ground.workers, seat.worker_id, pointer=f"{within}/team/{number}/worker_id")
        for number, seat in enumerate(said.team)
    ]
    taken = seated(rule, [], joining, pointer=f"{within}/team")
    for number, each in enumerate(joining):
        persons = each.persons + ground.promised[each.worker_id]
        pointer = f"{within}/team/{number}/worker_id"
        refuse_overload(rule, each, persons=persons, pointer=pointer)
    ground.promised.update(each.worker_id for each in joining)
    return [
        seat_row(row, each, seat, id_=told.id, at=row.received_at)
        for each, seat, told in zip(joining, taken, said.team, strict=True)
    ]


def _placed(course: Course, row: Quarantine) -> Iterator[QuarantineStage | QuarantinePlan]:
    """The course of a quarantine, lying where it lies."""
    for part in (*course.stages, *filter(None, [course.plan])):
        part.quarantine_id, part.reach = row.id, row.reach
        yield part


def _first_entry(row: Quarantine) -> Whereabouts:
    """At home, or brought to the site: from the first instant of the first local day."""
    kind = WhereaboutsKind.at_home
    if row.place_kind is PlaceKind.site:
        kind = WhereaboutsKind.transferred
    recorded = row.model_dump(
        include={"recorded_at", "received_at", "performed_by", "entered_by", "source", "reach"}
    )
    since_at, _ = clock.day_bounds(row.started_on)
    return Whereabouts(id=new_id(), quarantine_id=row.id, kind=kind, since_at=since_at, **recorded)


async def _keep(session: AsyncSession, draft: Draft) -> tuple[Quarantine, bool]:
    """Keep it, where somebody else's at the same moment may be the same record sent twice."""
    try:
        async with session.begin_nested():
            return await create_once(session, draft.proposal)
    except DBAPIError as error:
        if not isinstance(problem_of(error), AlreadyInQuarantine):
            raise
    row = draft.proposal.row
    statement = select(Quarantine.id).where(Quarantine.resident_id == row.resident_id, running())
    rival = (await session.scalars(statement)).one_or_none()
    if rival == row.id:
        return await create_once(session, draft.proposal)
    known = {"quarantine_id": str(rival)} if rival else {}
    raise AlreadyInQuarantine(pointer=f"{draft.sent.within}/resident_id", **known)


async def _complete(session: AsyncSession, caller: Claims, drafts: Sequence[Draft]) -> None:
    """Keep the seats and entries of what was kept, note who began it, and tell who has to do it."""
    for draft in drafts:
        row = draft.proposal.row
        session.add_all([*draft.seats, draft.entry, *_placed(draft.course, row)])
        team = {"seats": len(draft.seats)}
        audit(session, caller, "quarantines.begin", subject=row.id, reach=row.reach, details=team)
    await session.flush()
    rows = [draft.proposal.row for draft in drafts]
    begun = [About(row.id, row.reach, row.grid_id) for row in rows]
    await tell_all(session, "quarantine.started", begun)
    for row in rows:
        await tell_duties(session, row)


async def _told_differently(
    session: AsyncSession, sayings: Sequence[QuarantineBegin]
) -> dict[UUID, list[str]]:
    """Of records sent again, what was first said otherwise in other tables: team and policies."""
    if not sayings:
        return {}
    ids = [said.id for said in sayings]
    first = await _first_policies(session, ids)
    seats = (
        select(CareSeat.quarantine_id, CareSeat.id, CareSeat.worker_id)
        .join(Quarantine, col(Quarantine.id) == CareSeat.quarantine_id)
        .where(col(CareSeat.quarantine_id).in_(ids), CareSeat.began_at == Quarantine.received_at)
    )
    for id_, seat, worker in await session.execute(seats):
        first[id_]["team"].add((seat, worker))
    differing = {said.id: _differing(said, first[said.id]) for said in sayings}
    return {id_: fields for id_, fields in differing.items() if fields}


async def _first_policies(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    statement = (
        select(Quarantine.id, CareTeamPolicy.code, MonitoringPolicy.code)
        .join(CareTeamPolicy, col(CareTeamPolicy.id) == Quarantine.care_policy_id)
        .join(MonitoringPolicy, col(MonitoringPolicy.id) == Quarantine.monitoring_policy_id)
        .where(col(Quarantine.id).in_(ids))
    )
    return {
        id_: {"care_policy": care, "monitoring_policy": windows, "team": set[tuple[UUID, UUID]]()}
        for id_, care, windows in await session.execute(statement)
    }


def _differing(said: QuarantineBegin, first: Mapping[str, Any]) -> list[str]:
    now = {
        "care_policy": said.care_policy,
        "monitoring_policy": said.monitoring_policy,
        "team": {(seat.id, seat.worker_id) for seat in said.team},
    }
    return [name for name, value in now.items() if value != first[name]]
