"""What quarantines that begin stand on, read at once for all of them: people, policies, workers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.colleagues import NotAColleague, strangers
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, RecordDiffers
from api.protocols.models import CareTeamPolicy, MonitoringPolicy
from api.protocols.policies import CareTeamRule
from api.protocols.problems import NoPolicyInForce
from api.protocols.queries import care_team_rule, current
from api.quarantines.models import CareSeat, Quarantine
from api.quarantines.problems import AlreadyInQuarantine
from api.quarantines.queries import running
from api.quarantines.schemas import QuarantineBegin
from api.quarantines.seating import Candidate, candidates
from api.registry.models import Resident
from api.registry.problems import ResidentLeft

P = TypeVar("P", CareTeamPolicy, MonitoringPolicy)
InForce = tuple[str, date]
"""A policy's code and the first day of the quarantine that shall run by it."""


_PLANNED_AHEAD = timedelta(days=31)
"""Who is expected is planned for; a day farther off is a year or a month mistyped."""


LONGEST = timedelta(days=366)
"""As long as a stage of a protocol may last; what would last longer is a year mistyped."""


def refuse_far_start(day: date, *, pointer: str) -> None:
    """Raise `InvalidInput` for a first day too far ahead to be planned, or too long ago to run."""
    if day > clock.today() + _PLANNED_AHEAD:
        raise InvalidInput("开始日期最晚为今天起第31天，请核对。", pointer=pointer)
    if day <= clock.today() - LONGEST:
        raise InvalidInput("开始日期最早为366天以前，请核对。", pointer=pointer)


def refuse_odd_period(said: QuarantineBegin, *, pointer: str) -> None:
    """Raise `InvalidInput` for a last day before the first, or more than a year after it."""
    if said.planned_end_on < said.started_on:
        raise InvalidInput("计划解除日期不能早于开始日期。", pointer=pointer)
    if said.planned_end_on - said.started_on >= LONGEST:
        raise InvalidInput("隔离最长366天，请核对计划解除日期。", pointer=pointer)


class Sent(NamedTuple):
    """A quarantine as it was sent, and where in the body it stands."""

    said: QuarantineBegin
    within: str = "/body"


@dataclass
class Ground:
    """`promised` counts the seats that drafts of the same request have taken already."""

    residents: dict[UUID, Resident]
    running: dict[UUID, UUID]
    known: set[UUID]
    care: dict[InForce, CareTeamRule]
    monitoring: dict[InForce, UUID]
    workers: dict[UUID, Candidate]
    strangers: set[UUID]
    seats: set[UUID]
    promised: Counter[UUID] = field(default_factory=Counter[UUID])

    def resident(self, sent: Sent) -> Resident:
        """Whom it is about; raises `NotFound`, `ResidentLeft`, `AlreadyInQuarantine`."""
        pointer = f"{sent.within}/resident_id"
        resident = self.residents.get(sent.said.resident_id)
        if resident is None or resident.discarded_at is not None:
            raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer=pointer)
        if sent.said.id in self.known:
            return resident
        if resident.left_on is not None:
            raise ResidentLeft(pointer=pointer)
        if rival := self.running.get(resident.id):
            raise AlreadyInQuarantine(pointer=pointer, quarantine_id=str(rival))
        return resident

    def refuse_strangers(self, sent: Sent) -> None:
        """Raise `NotAColleague` where the deed is told of somebody who is not known here."""
        if sent.said.performed_by in self.strangers:
            raise NotAColleague(pointer=f"{sent.within}/performed_by")

    def claim_seats(self, sent: Sent) -> None:
        """See that every seat's id is new; raises `RecordDiffers` for one that is not."""
        for number, seat in enumerate(sent.said.team):
            if seat.id in self.seats:
                pointer = f"{sent.within}/team/{number}/id"
                raise RecordDiffers("该席位编号此前已使用。", pointer=pointer, fields=["team"])
            self.seats.add(seat.id)

    def take(self, sent: Sent) -> None:
        """Count a quarantine that will be kept: what follows in the request stands on it too."""
        self.known.add(sent.said.id)
        self.running.setdefault(sent.said.resident_id, sent.said.id)

    def care_rule(self, sent: Sent) -> CareTeamRule:
        """The care-team policy it runs by; raises `NoPolicyInForce`."""
        rule = self.care.get((sent.said.care_policy, sent.said.started_on))
        if rule is None:
            raise NoPolicyInForce(pointer=f"{sent.within}/care_policy")
        return rule

    def monitoring_policy(self, sent: Sent) -> UUID:
        """The monitoring policy it runs by; raises `NoPolicyInForce`."""
        policy = self.monitoring.get((sent.said.monitoring_policy, sent.said.started_on))
        if policy is None:
            raise NoPolicyInForce(pointer=f"{sent.within}/monitoring_policy")
        return policy


async def survey(session: AsyncSession, told: Sequence[QuarantineBegin]) -> Ground:
    """Read what these quarantines stand on; it holds until the transaction ends."""
    # The workers are locked first: whatever is read after them, nobody else is changing.
    workers = await candidates(session, (seat.worker_id for said in told for seat in said.team))
    people = {said.resident_id for said in told}
    residents = await session.scalars(select(Resident).where(col(Resident.id).in_(people)))
    known, under_way = await _kept_already(session, {said.id for said in told}, people)
    care = {(said.care_policy, said.started_on) for said in told}
    monitoring = {(said.monitoring_policy, said.started_on) for said in told}
    teams = await _in_force(session, CareTeamPolicy, care)
    windows = await _in_force(session, MonitoringPolicy, monitoring)
    return Ground(
        residents={resident.id: resident for resident in residents},
        running=under_way,
        known=known,
        care={code: care_team_rule(policy) for code, policy in teams.items()},
        monitoring={code: policy.id for code, policy in windows.items()},
        workers=workers,
        seats=await _seats_kept(session, told),
        strangers=await strangers(
            session, {said.performed_by for said in told if said.performed_by}
        ),
    )


async def _seats_kept(session: AsyncSession, told: Sequence[QuarantineBegin]) -> set[UUID]:
    """Which of the seats' ids are used already."""
    ids = {seat.id for said in told for seat in said.team}
    if not ids:
        return set()
    return set(await session.scalars(select(col(CareSeat.id)).where(col(CareSeat.id).in_(ids))))


async def _kept_already(
    session: AsyncSession, ids: set[UUID], people: set[UUID]
) -> tuple[set[UUID], dict[UUID, UUID]]:
    """Which of the ids are quarantines already, and which of the people are in one."""
    statement = select(Quarantine.id, Quarantine.resident_id, running()).where(
        or_(col(Quarantine.id).in_(ids), col(Quarantine.resident_id).in_(people) & running())
    )
    found = (await session.execute(statement)).all()
    known = {id_ for id_, _, _ in found if id_ in ids}
    return known, {resident: id_ for id_, resident, runs in found if runs}


async def _in_force(
    session: AsyncSession, kind: type[P], wanted: Iterable[InForce]
) -> dict[InForce, P]:
    """The revisions in force on each day; a code without one is left out."""
    found: dict[InForce, P] = {}
    for code, day in wanted:
        try:
            found[code, day] = await current(session, kind, code, on=day)
        except NoPolicyInForce:
            continue
    return found
