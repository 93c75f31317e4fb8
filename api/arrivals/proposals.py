"""Which plan the protocols in force prescribe for an arrival, by its facts on the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.arrivals.classification import Area, classify
from api.arrivals.models import PRESENT, Arrival
from api.arrivals.plan_schemas import ArrivalProposal, Concern, Concerned, FactsRead
from api.arrivals.queries import companions_of
from api.arrivals.reclassification import areas, comes_on, stays_of
from api.arrivals.rules import LONGEST_LOOK_BACK, driver_of
from api.foundation import clock
from api.foundation.problems import NotFound
from api.health_records.validity import VaccinationStatus
from api.protocols.models import CohabitantRule
from api.protocols.proposing import Rulebook, Standing
from api.protocols.what_if import what_if
from api.protocols.what_if_schemas import FactsTold, PlanLaid, RuleConsidered, WhatIf
from api.quarantines.models import Quarantine
from api.quarantines.queries import running
from api.registry.masked import age_on
from api.registry.models import Resident
from api.registry.queries import living_in


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the protocols say of an arrival; without a plan, no clause concerns it."""

    facts: FactsTold
    explanation: str
    plan: PlanLaid | None
    considered: list[RuleConsidered]


async def weigh(book: Rulebook, arrival: Arrival, on: date, protocol_id: UUID | None) -> Weighed:
    """Ask every protocol in force on a local day, the most local first, until a clause decides.

    Each looks as far back as it says itself, so that the facts are those of the protocol asked.
    Raises `NotFound` for a protocol that is named and not in force.
    """
    known = await areas(await driver_of(book.session))
    considered: list[RuleConsidered] = []
    facts, explanation = _facts(arrival, known, LONGEST_LOOK_BACK, on)
    for each in await _asked(book, on, protocol_id):
        facts, explanation = _facts(arrival, known, each.document.look_back_days, on)
        question = WhatIf(facts=facts, on=on, control_starts_on=on, protocol_id=each.protocol.id)
        answer = await what_if(book, question)
        considered += answer.considered
        if answer.plan is not None:
            return Weighed(facts, explanation, answer.plan, considered)
    return Weighed(facts, explanation, None, considered)


async def _asked(book: Rulebook, on: date, protocol_id: UUID | None) -> Sequence[Standing]:
    standing = await book.standing(on)
    if protocol_id is None:
        return standing
    named = [each for each in standing if each.protocol.id == protocol_id]
    if not named:
        raise NotFound("没有找到该方案，或该日没有施行。")
    return named


def _facts(
    arrival: Arrival, known: Sequence[Area], look_back_days: int, on: date
) -> tuple[FactsTold, str]:
    """The facts as a protocol with this look-back sees them, and why the risk is what it is."""
    stays, day = stays_of(arrival.stays), comes_on(arrival)
    classified = classify(stays, known, look_back_days, day)
    places = dict.fromkeys([stay.code for stay in stays])
    facts = FactsTold(
        exposure_class=arrival.exposure_class,
        risk_level=classified.level,
        area_codes=[*places],
        vaccinated=_vaccinated(arrival.vaccination),
        occupations=arrival.occupations or [],
        last_exposure_on=arrival.last_exposure_on,
        left_risk_area_on=classified.left_on,
        arrived_on=day,
        age=_age(arrival.birth_date, on),
    )
    return facts, classified.explanation


def _vaccinated(status: VaccinationStatus | None) -> bool | None:
    """Whether fully, as rules ask; whoever may not be vaccinated is not."""
    return None if status is None else status in _FULLY


_FULLY = (VaccinationStatus.full, VaccinationStatus.booster)


def _age(born: date | None, on: date) -> int | None:
    """Completed years on a day; None on one before the birth, or where nobody lives any more."""
    age = age_on(on, born) if born else -1
    return age if 0 <= age <= _OLDEST else None


_OLDEST = 150


async def proposal(
    book: Rulebook, arrival: Arrival, told: date | None, protocol_id: UUID | None
) -> ArrivalProposal:
    """The plan for an arrival whose control would begin on a local day, and who else is concerned.

    Where no day is told it begins today, and no sooner than they are here. Raises `NotFound`.
    """
    on = told or max(clock.today(), comes_on(arrival))
    weighed = await weigh(book, arrival, on, protocol_id)
    return ArrivalProposal(
        arrival_id=arrival.id,
        control_starts_on=on,
        facts=FactsRead.model_validate(weighed.facts),
        explanation=weighed.explanation,
        plan=weighed.plan,
        considered=weighed.considered,
        concerned=await _concerned(book.session, arrival, weighed.plan),
    )


async def _concerned(
    session: AsyncSession, arrival: Arrival, plan: PlanLaid | None
) -> list[Concerned]:
    """Who travelled along and is on the way or here, and who lives where the arrival comes to."""
    travelled = await companions_of(session, arrival)
    companions = [each for each in travelled if each.status in PRESENT]
    travelling = {each.resident_id for each in companions} | {arrival.resident_id}
    at_home = await living_in(session, arrival.household_id)
    cohabitants = [each for each in at_home if each.id not in travelling]
    controlled = await _controlled(session, travelling | {each.id for each in cohabitants})
    together = plan is not None and any(
        stage.rule.cohabitant_rule is CohabitantRule.quarantine_together for stage in plan.stages
    )
    return [
        *(_companion(each, controlled) for each in companions),
        *(_cohabitant(each, controlled, must_follow=together) for each in cohabitants),
    ]


def _companion(companion: Arrival, controlled: Mapping[UUID | None, UUID]) -> Concerned:
    return Concerned(
        concern=Concern.companion,
        arrival_id=companion.id,
        resident_id=companion.resident_id,
        name=companion.name,
        risk_level=companion.risk_level,
        quarantine_id=controlled.get(companion.resident_id),
        must_follow=False,
    )


def _cohabitant(
    resident: Resident, controlled: Mapping[UUID | None, UUID], *, must_follow: bool
) -> Concerned:
    return Concerned(
        concern=Concern.cohabitant,
        arrival_id=None,
        resident_id=resident.id,
        name=resident.name,
        risk_level=None,
        quarantine_id=controlled.get(resident.id),
        must_follow=must_follow,
    )


async def _controlled(
    session: AsyncSession, people: set[UUID | None]
) -> Mapping[UUID | None, UUID]:
    """The running quarantines of these people."""
    statement = select(Quarantine.resident_id, Quarantine.id).where(
        col(Quarantine.resident_id).in_(people), running()
    )
    found = (await session.execute(statement)).all()
    return {row[0]: row[1] for row in found}
