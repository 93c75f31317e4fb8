"""Beginning a quarantine by a protocol's plan: its stages on the calendar, its clause on record."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import dropwhile
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.records import Source, new_id
from api.protocols.documents import Plan, ProtocolDocument
from api.protocols.facts import Facts
from api.protocols.models import (
    CareTeamPolicy,
    CohabitantRule,
    ManagementCategory,
    MonitoringPolicy,
    Protocol,
)
from api.protocols.proposing import Rulebook
from api.protocols.queries import FOUR_TO_ONE, TWICE_DAILY, current, policy_of
from api.protocols.timeline import LaidStage, lay_out, moved
from api.protocols.what_if_schemas import FactsTold
from api.quarantines.begin import Course, begin_quarantine
from api.quarantines.ground import refuse_far_start
from api.quarantines.models import PlaceKind, Quarantine, QuarantineReason
from api.quarantines.problems import AlreadyServed
from api.quarantines.schemas import QuarantineBegin, SeatTaken
from api.quarantines.stage_models import Link, QuarantinePlan, QuarantineStage
from api.quarantines.stages import plan_of


@dataclass(frozen=True, kw_only=True)
class PlannedQuarantine:
    """A quarantine that a protocol prescribes, as somebody answerable confirmed it.

    Where no kind of place is told, it is served where its first stage is: at a site, or at home.
    Who joins somebody on a later day than control began serves from then on, and nothing before.
    """

    id: UUID
    resident_id: UUID
    reason: QuarantineReason
    place_kind: PlaceKind | None
    place: str | None
    protocol_id: UUID
    plan_code: str
    clause: str
    facts: Facts
    control_started_on: date
    joins_on: date | None = None
    team: Sequence[SeatTaken] = field(default_factory=tuple)
    performed_by: UUID | None = None
    recorded_at: datetime | None = None
    source: Source | None = None
    arrival_id: UUID | None = None
    linked_quarantine_id: UUID | None = None
    link: Link | None = None


async def begin_by_plan(
    book: Rulebook, caller: Claims, said: PlannedQuarantine, *, within: str = "/body"
) -> tuple[Quarantine, bool]:
    """Begin it with every stage of its plan; returns it and whether it is new (M3.1).

    Problems point below `within`. Raises `AlreadyServed` where every day had passed before control
    began, `NoPolicyInForce`, and whatever beginning a quarantine by hand may raise.
    """
    refuse_far_start(said.control_started_on, pointer=f"{within}/control_started_on")
    protocol = await policy_of(book.session, Protocol, said.protocol_id)
    document = await book.shelf.document(book.session, book.cell, said.protocol_id)
    plan = plan_in(document, said.plan_code)
    laid = lay_out(plan, said.facts, said.control_started_on).stages
    if said.joins_on is not None and said.joins_on > said.control_started_on:
        laid = _joined(laid, said.joins_on)
    if not laid:
        raise AlreadyServed
    course = Course(
        stages=await stages_laid(book.session, laid), plan=_plan_row(caller, said, document)
    )
    begun = _as_begun(said, laid, protocol, course.stages[0].category)
    return await begin_quarantine(book.session, caller, begun, course, within=within)


def _joined(laid: Sequence[LaidStage], on: date) -> tuple[LaidStage, ...]:
    """The stages from the first that asks for those of the house, which begins on that day.

    Nobody is said to have been at the site where the other one was before.
    """
    together = CohabitantRule.quarantine_together
    asking = list(dropwhile(lambda stage: stage.rule.cohabitant_rule is not together, laid))
    by = on - asking[0].starts_on if asking else timedelta()
    return tuple(moved(stage, by) for stage in asking)


def plan_in(document: ProtocolDocument, code: str) -> Plan:
    """The plan of a document by its code, which is one of its own."""
    return next(plan for plan in document.plans if plan.code == code)


def _as_begun(
    said: PlannedQuarantine,
    laid: Sequence[LaidStage],
    protocol: Protocol,
    category: ManagementCategory,
) -> QuarantineBegin:
    first = laid[0].rule
    teams = (stage.rule.care_team_policy for stage in laid)
    told: dict[str, Any] = {
        "id": said.id,
        "resident_id": said.resident_id,
        "reason": said.reason,
        "category": category,
        "place_kind": said.place_kind or served_at(category),
        "place": said.place,
        "started_on": laid[0].starts_on,
        "planned_end_on": laid[-1].ends_on,
        "legal_basis": protocol.legal_basis,
        "care_policy": next(filter(None, teams), FOUR_TO_ONE),
        "monitoring_policy": first.monitoring_policy or TWICE_DAILY,
        "team": [seat.model_dump() for seat in said.team],
        "performed_by": said.performed_by,
        "recorded_at": said.recorded_at,
        "source": said.source,
    }
    return QuarantineBegin.model_validate({k: v for k, v in told.items() if v is not None})


async def control_began(session: AsyncSession, quarantine: Quarantine) -> date:
    """From which day a plan is laid out: of whoever is quarantined along, the other one's."""
    followed, index = await plan_of(session, quarantine.id), quarantine
    while followed is not None and followed.link is Link.cohabitant:
        former = await session.get(Quarantine, followed.linked_quarantine_id)
        if former is None:  # by now they live elsewhere, out of sight
            break
        followed, index = await plan_of(session, former.id), former
    return index.started_on


def served_at(category: ManagementCategory) -> PlaceKind:
    """Where a measure is served unless somebody says otherwise."""
    central = category is ManagementCategory.centralized_quarantine
    return PlaceKind.site if central else PlaceKind.home


def _plan_row(
    caller: Claims, said: PlannedQuarantine, document: ProtocolDocument
) -> QuarantinePlan:
    return QuarantinePlan(
        id=new_id(),
        reach="",  # where its quarantine lies, which is not known before that is kept
        quarantine_id=said.id,
        protocol_id=said.protocol_id,
        plan_code=said.plan_code,
        clause=said.clause,
        facts=facts_told(said.facts),
        alert_policies=dict(document.alert_clocks),
        arrival_id=said.arrival_id,
        linked_quarantine_id=said.linked_quarantine_id,
        link=said.link,
        decided_at=clock.now(),
        decided_by=caller.worker,
    )


async def stages_laid(
    session: AsyncSession, laid: Sequence[LaidStage], *, after: int = 0
) -> list[QuarantineStage]:
    """Stages on the calendar as rows, each with the policies in force on its first day.

    They are numbered on from `after`; where they lie, their quarantine says. Raises
    `NoPolicyInForce`.
    """
    rows: list[QuarantineStage] = []
    for ordinal, stage in enumerate(laid, start=after + 1):
        rule = stage.rule
        row = QuarantineStage(
            id=new_id(),
            reach="",
            quarantine_id=new_id(),
            ordinal=ordinal,
            starts_on=stage.starts_on,
            ends_on=stage.ends_on,
            counted_from=stage.counted_from,
            credited_days=stage.credited_days,
            monitoring_policy_id=await in_force(
                session, MonitoringPolicy, rule.monitoring_policy, stage.starts_on
            ),
            care_policy_id=await in_force(
                session, CareTeamPolicy, rule.care_team_policy, stage.starts_on
            ),
            tests=[test.model_dump(mode="json") for test in rule.tests],
            site_checklist=[item.model_dump() for item in rule.site_checklist or ()],
            **rule.model_dump(include=_AS_RULED),
        )
        rows.append(row)
    return rows


_AS_RULED = {
    "category",
    "day_index_base",
    "test_window_hours",
    "on_missed_test",
    "visits_per_day",
    "calls_per_day",
    "cohabitant_rule",
    "leave_home",
    "fallback_category",
}


async def in_force(
    session: AsyncSession,
    kind: type[MonitoringPolicy | CareTeamPolicy],
    code: str | None,
    on: date,
) -> UUID | None:
    """The revision of a policy in force on a day; none where none is named."""
    return None if code is None else (await current(session, kind, code, on=on)).id


def facts_told(facts: Facts) -> dict[str, Any]:
    """Facts as a row keeps them; days as ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(facts).items()
        if value is not None
    }


def facts_kept(told: dict[str, Any]) -> Facts:
    """The facts that a row keeps."""
    return FactsTold.model_validate(told).facts()
