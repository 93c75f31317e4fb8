"""Beginning a quarantine by a person's facts: the protocols in force decide by which plan."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, RecordDiffers
from api.protocols.problems import NoRuleApplies
from api.protocols.proposing import Rulebook
from api.protocols.what_if import refuse_days_to_come, what_if
from api.protocols.what_if_schemas import WhatIf
from api.quarantines.models import Quarantine
from api.quarantines.plan_schemas import QuarantineByPlan
from api.quarantines.planned import PlannedQuarantine, begin_by_plan, facts_kept
from api.quarantines.problems import LinkedQuarantineUnknown, NotACohabitant
from api.quarantines.stage_models import Link, QuarantinePlan
from api.quarantines.tested import warn_of_contact
from api.registry.models import Resident


@dataclass(frozen=True, slots=True)
class Prescribed:
    """A plan of a protocol, and the clause that decided for it."""

    protocol_id: UUID
    plan_code: str
    clause: str


async def begin_as_prescribed(
    book: Rulebook, caller: Claims, said: QuarantineByPlan
) -> tuple[Quarantine, bool]:
    """Begin what the protocols in force on the first day of control prescribe (M3.1).

    Sent again it is what was decided first, whatever is in force by then. Raises `NotFound`,
    `NoRuleApplies`, `InvalidInput`, `LinkedQuarantineUnknown`, `NotACohabitant`, `RecordDiffers`,
    and whatever beginning by a plan may raise.
    """
    _refuse_half_a_link(said)
    first = await first_plan(book.session, said.id)
    if first is None:
        await _refuse_wrong_link(book.session, said)
    prescribed = _kept(first) if first else await _decided(book, said)
    quarantine, created = await begin_by_plan(book, caller, _planned(said, prescribed))
    if not created:
        _refuse_another(said, await first_plan(book.session, said.id))
    elif said.link is Link.secondary_contact:
        await warn_of_contact(book.session, caller, quarantine.id)
    return quarantine, created


def _refuse_half_a_link(said: QuarantineByPlan) -> None:
    if (said.link is None) != (said.linked_quarantine_id is None):
        raise InvalidInput("所跟随的隔离和为何跟随须一并填写。", pointer="/body/link")
    if said.linked_quarantine_id == said.id:
        raise InvalidInput("隔离不能跟随自己。", pointer="/body/linked_quarantine_id")


async def _refuse_wrong_link(session: AsyncSession, said: QuarantineByPlan) -> None:
    """Nobody follows themselves, nor a stranger as if they lived together.

    A contact may live out of sight. Raises `InvalidInput`, `NotACohabitant`,
    `LinkedQuarantineUnknown`.
    """
    if said.linked_quarantine_id is None:
        return
    linked = await session.get(Quarantine, said.linked_quarantine_id)
    refuse_oneself(linked, said.resident_id)
    if said.link is Link.cohabitant:
        if linked is None:
            raise LinkedQuarantineUnknown
        resident = await session.get(Resident, said.resident_id)
        if resident is not None and resident.household_id != linked.household_id:
            raise NotACohabitant(pointer="/body/linked_quarantine_id")


def refuse_oneself(linked: Quarantine | None, resident: UUID) -> None:
    """Raise `InvalidInput` for who would follow another quarantine of their own."""
    if linked is not None and linked.resident_id == resident:
        told = "不能跟随本人的另一次隔离。"
        raise InvalidInput(told, pointer="/body/linked_quarantine_id")


async def first_plan(session: AsyncSession, quarantine_id: UUID) -> QuarantinePlan | None:
    """The plan that a quarantine began with; None where there is none in sight."""
    statement = (
        select(QuarantinePlan)
        .where(col(QuarantinePlan.quarantine_id) == quarantine_id)
        .order_by(col(QuarantinePlan.decided_at))
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


def _kept(first: QuarantinePlan) -> Prescribed:
    return Prescribed(first.protocol_id, first.plan_code, first.clause)


async def _decided(book: Rulebook, said: QuarantineByPlan) -> Prescribed:
    on, today = said.control_started_on, clock.today()
    refuse_days_to_come(said.facts, known_on=today, starts_on=max(on, today))
    if said.protocol_id is not None:
        standing = await book.standing(on)
        if said.protocol_id not in {each.protocol.id for each in standing}:
            raise NotFound("没有找到该方案，或该日没有施行。", pointer="/body/protocol_id")
    asked = said.model_dump(include={"facts", "disease", "protocol_id"})
    answer = await what_if(book, WhatIf(**asked, on=on, control_starts_on=on))
    if answer.plan is None:
        raise NoRuleApplies(considered=[rule.model_dump(mode="json") for rule in answer.considered])
    return Prescribed(answer.plan.protocol.id, answer.plan.code, answer.plan.clause)


def _planned(said: QuarantineByPlan, prescribed: Prescribed) -> PlannedQuarantine:
    told: dict[str, Any] = {name: getattr(said, name) for name in _TOLD}
    return PlannedQuarantine(
        **told,
        facts=said.facts.facts(),
        protocol_id=prescribed.protocol_id,
        plan_code=prescribed.plan_code,
        clause=prescribed.clause,
    )


_TOLD = (
    "id",
    "resident_id",
    "reason",
    "place_kind",
    "place",
    "control_started_on",
    "team",
    "performed_by",
    "recorded_at",
    "source",
    "linked_quarantine_id",
    "link",
)


def _refuse_another(said: QuarantineByPlan, first: QuarantinePlan | None) -> None:
    """Raise `RecordDiffers` where the same id began by other facts, or by hand."""
    if first is None:
        raise RecordDiffers(fields=["facts"])
    differing = [
        name
        for name in ("linked_quarantine_id", "link")
        if getattr(said, name) != getattr(first, name)
    ]
    if said.protocol_id not in (None, first.protocol_id):
        differing.append("protocol_id")
    if facts_kept(first.facts) != said.facts.facts():
        differing.append("facts")
    if differing:
        raise RecordDiffers(fields=differing)
