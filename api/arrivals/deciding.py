"""What a leader decides of an arrival: the proposed plan begins, or all stays as it is."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.arrivals.models import Arrival, ArrivalStatus
from api.arrivals.plan_schemas import ArrivalConfirmation, ArrivalLeftAsIs
from api.arrivals.problems import ArrivalConfirmed, NothingToDecide
from api.arrivals.proposals import weigh
from api.arrivals.queries import awaits_decision, locked
from api.arrivals.steps import note, refuse_standing
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import RecordDiffers
from api.protocols.facts import Facts
from api.protocols.models import ExposureClass, ManagementCategory, RiskLevel
from api.protocols.problems import NoRuleApplies
from api.protocols.proposing import Rulebook
from api.protocols.what_if_schemas import PlanLaid
from api.quarantines.ground import refuse_far_start
from api.quarantines.models import PlaceKind, Quarantine, QuarantineReason
from api.quarantines.planned import PlannedQuarantine, begin_by_plan, facts_kept
from api.quarantines.queries import RUNNING
from api.quarantines.stage_models import QuarantinePlan


async def confirm(
    book: Rulebook, caller: Claims, arrival_id: UUID, said: ArrivalConfirmation
) -> Arrival:
    """Begin the quarantine that the protocols prescribe, with all its stages (M3.1).

    Sent twice, done once. Raises `NotFound`, `ArrivalNotSo`, `ArrivalConfirmed`, `NoRuleApplies`,
    `RecordDiffers`, and whatever beginning by a plan may raise.
    """
    arrival = await locked(book.session, arrival_id)
    if arrival.quarantine_id == said.quarantine_id:
        return await _confirmed_before(book, caller, arrival, said)
    refuse_standing(arrival, ArrivalStatus.verified)
    await _refuse_second(book.session, arrival)
    # Before what was in force on that day is asked: of a year mistyped, nothing was.
    refuse_far_start(said.control_started_on, pointer="/body/control_started_on")
    weighed = await weigh(book, arrival, said.control_started_on, said.protocol_id)
    if weighed.plan is None:
        considered = [rule.model_dump(mode="json") for rule in weighed.considered]
        raise NoRuleApplies(considered=considered)
    planned = _planned(arrival, said, _chosen(weighed.plan), weighed.facts.facts())
    quarantine, created = await begin_by_plan(book, caller, planned)
    if not created:  # the id was used before, for another arrival
        raise RecordDiffers(fields=["quarantine_id"])
    await _decide(book.session, caller, arrival, {"quarantine_id": quarantine.id})
    details = {"protocol_id": str(planned.protocol_id), "plan": planned.plan_code}
    await note(book.session, caller, "arrivals.confirm", arrival, details)
    return arrival


async def _refuse_second(session: AsyncSession, arrival: Arrival) -> None:
    """One plan at a time; once its quarantine has ended, another may be confirmed."""
    if arrival.quarantine_id is None:
        return
    former = await session.get(Quarantine, arrival.quarantine_id)
    if former is not None and former.status in RUNNING:
        raise ArrivalConfirmed(quarantine_id=str(former.id))


def _chosen(plan: PlanLaid) -> dict[str, Any]:
    return {
        "protocol_id": plan.protocol.id,
        "plan_code": plan.code,
        "clause": plan.clause,
        "category": plan.stages[0].category if plan.stages else None,
    }


def _planned(
    arrival: Arrival, said: ArrivalConfirmation, chosen: Mapping[str, Any], facts: Facts
) -> PlannedQuarantine:
    assert arrival.resident_id is not None  # noqa: S101 - whoever is verified is known
    central = chosen["category"] is ManagementCategory.centralized_quarantine
    return PlannedQuarantine(
        id=said.quarantine_id,
        resident_id=arrival.resident_id,
        reason=reason_of(facts),
        place_kind=said.place_kind or (PlaceKind.site if central else PlaceKind.home),
        place=said.place,
        protocol_id=chosen["protocol_id"],
        plan_code=chosen["plan_code"],
        clause=chosen["clause"],
        facts=facts,
        control_started_on=said.control_started_on,
        team=said.team,
        arrival_id=arrival.id,
    )


_BY_EXPOSURE = {
    ExposureClass.close_contact: QuarantineReason.close_contact,
    ExposureClass.secondary_contact: QuarantineReason.secondary_contact,
    ExposureClass.entrant: QuarantineReason.entry,
    ExposureClass.recovered: QuarantineReason.recovered,
}
_BY_RISK = {
    RiskLevel.high: QuarantineReason.high_risk_area,
    RiskLevel.medium: QuarantineReason.medium_risk_area,
    RiskLevel.low: QuarantineReason.affected_area,
    RiskLevel.affected_county: QuarantineReason.affected_area,
    RiskLevel.affected_prefecture: QuarantineReason.affected_area,
    RiskLevel.entry: QuarantineReason.entry,
}


def reason_of(facts: Facts) -> QuarantineReason:
    """Why a person comes under control: for what they met, or for where they were (domain 3.4)."""
    by_risk = _BY_RISK.get(facts.risk_level or RiskLevel.none, QuarantineReason.other)
    return _BY_EXPOSURE.get(facts.exposure_class, by_risk)


async def _confirmed_before(
    book: Rulebook, caller: Claims, arrival: Arrival, said: ArrivalConfirmation
) -> Arrival:
    """The same confirmation again is no news; another one under the same id is refused."""
    statement = (
        select(QuarantinePlan, Quarantine.category)
        .join(Quarantine, col(Quarantine.id) == QuarantinePlan.quarantine_id)
        .where(QuarantinePlan.quarantine_id == said.quarantine_id)
        .order_by(col(QuarantinePlan.decided_at))
        .limit(1)
    )
    first, category = (await book.session.execute(statement)).one()
    if said.protocol_id not in (None, first.protocol_id):
        raise RecordDiffers(fields=["protocol_id"])
    chosen = {name: getattr(first, name) for name in ("protocol_id", "plan_code", "clause")}
    again = _planned(arrival, said, chosen | {"category": category}, facts_kept(first.facts))
    await begin_by_plan(book, caller, again)
    return arrival


async def _decide(
    session: AsyncSession,
    caller: Claims,
    arrival: Arrival,
    changes: Mapping[str, Any],
    *,
    reason: str | None = None,
) -> None:
    decided = {
        "decided_classification_id": arrival.classification_id,
        "decided_at": clock.now(),
        "decided_by": caller.worker,
        **changes,
    }
    correction = Correction(arrival.version, by=caller.worker, reason=reason)
    await correct(session, arrival, decided, correction)


async def leave_as_is(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalLeftAsIs
) -> Arrival:
    """Having looked, change nothing: no control, or the plan goes on that was confirmed before.

    Sent twice, done once. Raises `NotFound`, `ArrivalNotSo`, `NothingToDecide`.
    """
    arrival = await locked(session, arrival_id)
    if arrival.decided_classification_id == arrival.classification_id:
        return arrival
    refuse_standing(arrival, ArrivalStatus.verified)
    if not awaits_decision(arrival):
        raise NothingToDecide
    await _decide(session, caller, arrival, {}, reason=said.reason)
    await note(session, caller, "arrivals.leave_as_is", arrival, {"reason": said.reason})
    return arrival
