"""Those who live with a quarantined person: who must follow by the stage's rule, and who does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.batches import Unread
from api.foundation.database import keyring_of
from api.foundation.problems import RecordDiffers
from api.foundation.records import BatchOutcome, ItemOutcome, attempt
from api.protocols.models import CohabitantRule
from api.protocols.proposing import Rulebook
from api.quarantines.cohabitant_schemas import (
    CohabitantFollows,
    CohabitantRead,
    CohabitantsRead,
    CohabitantStanding,
)
from api.quarantines.following import catch_up
from api.quarantines.models import EndReason, PlaceKind, Quarantine
from api.quarantines.planned import (
    PlannedQuarantine,
    begin_by_plan,
    control_began,
    facts_kept,
)
from api.quarantines.prescribed import first_plan
from api.quarantines.problems import NobodyFollows, NotACohabitant
from api.quarantines.queries import RUNNING, in_charge, quarantine_of, standing
from api.quarantines.stage_models import Link, QuarantinePlan, QuarantineStage
from api.quarantines.stages import fallen_back, plan_of, stage_on, stages_of, together_since
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.queries import living_in


@dataclass(frozen=True, slots=True)
class Followed:
    """A quarantine whose cohabitants follow, with what begins theirs."""

    quarantine: Quarantine
    rule: CohabitantRule
    plan: QuarantinePlan | None
    controlled_since: date
    together_since: date | None
    place_kind: PlaceKind | None
    place: str | None
    cohabitants: frozenset[UUID]


async def cohabitants_of(session: AsyncSession, quarantine_id: UUID) -> CohabitantsRead:
    """Who lives with the person, and whether each is quarantined with them; raises `NotFound`."""
    quarantine = await quarantine_of(session, quarantine_id)
    rule = _rule(_stage_today(await stages_of(session, quarantine.id), quarantine))
    people = await _others(session, quarantine)
    theirs = await _quarantines_of(session, [each.id for each in people])
    items = [_shown(each, rule, quarantine, theirs.get(each.id, [])) for each in people]
    return CohabitantsRead(
        quarantine_id=quarantine.id,
        household_id=quarantine.household_id,
        rule=rule,
        must_follow=sum(each.standing is CohabitantStanding.must_follow for each in items),
        items=items,
    )


def _stage_today(
    stages: Sequence[QuarantineStage], quarantine: Quarantine
) -> QuarantineStage | None:
    """The stage of today; outside the stages, and once it is over, none."""
    return stage_on(stages, clock.today()) if quarantine.status in RUNNING else None


def _rule(stage: QuarantineStage | None) -> CohabitantRule:
    return stage.cohabitant_rule if stage else CohabitantRule.none


async def _others(session: AsyncSession, quarantine: Quarantine) -> list[Resident]:
    at_home = await living_in(session, quarantine.household_id)
    return [each for each in at_home if each.id != quarantine.resident_id]


Theirs = tuple[Quarantine, UUID | None]
"""A quarantine, and the one it follows."""


async def _quarantines_of(
    session: AsyncSession, residents: Sequence[UUID]
) -> dict[UUID, list[Theirs]]:
    """Every quarantine of these residents but those entered in error, the latest first."""
    statement = (
        select(Quarantine, QuarantinePlan.linked_quarantine_id)
        .outerjoin(
            QuarantinePlan,
            (col(QuarantinePlan.quarantine_id) == Quarantine.id)
            & col(QuarantinePlan.ended_at).is_(None),
        )
        .where(
            col(Quarantine.resident_id).in_(residents),
            col(Quarantine.end_reason).is_distinct_from(EndReason.entered_in_error),
        )
        .order_by(col(Quarantine.started_on).desc(), col(Quarantine.id).desc())
    )
    found: dict[UUID, list[Theirs]] = {}
    for each, linked in await session.execute(statement):
        found.setdefault(each.resident_id, []).append((each, linked))
    return found


def _shown(
    resident: Resident, rule: CohabitantRule, index: Quarantine, theirs: Sequence[Theirs]
) -> CohabitantRead:
    linked = next((each for each, followed in theirs if followed == index.id), None)
    running = next((each for each, _ in theirs if each.status in RUNNING), None)
    shown = running or linked
    told: dict[str, Any] = {"quarantine_id": None, "started_on": None, "planned_end_on": None}
    if shown is not None:
        told |= {"quarantine_id": shown.id, **shown.model_dump(include=set(told))}
    return CohabitantRead(
        resident_id=resident.id,
        resident_name=resident.name,
        standing=_standing(rule, running, linked),
        quarantine_status=standing(shown, clock.today()) if shown else None,
        **told,
    )


_BY_RULE = {
    CohabitantRule.none: CohabitantStanding.not_asked,
    CohabitantRule.quarantine_together: CohabitantStanding.must_follow,
    CohabitantRule.same_test_days: CohabitantStanding.same_test_days,
}


def _standing(
    rule: CohabitantRule, running: Quarantine | None, linked: Quarantine | None
) -> CohabitantStanding:
    if running is not None:
        follows = linked is not None and running.id == linked.id
        return CohabitantStanding.follows if follows else CohabitantStanding.own_quarantine
    return CohabitantStanding.followed if linked is not None else _BY_RULE[rule]


async def begin_cohabitants(
    book: Rulebook, caller: Claims, quarantine_id: UUID, items: Sequence[CohabitantFollows | Unread]
) -> BatchOutcome:
    """Quarantine cohabitants by the same plan and facts, since they are asked for; item by item.

    Raises `NotFound`, `OutsideYourGrid`; an item is refused with `NobodyFollows`,
    `NotACohabitant`, or whatever beginning by a plan may raise.
    """
    session = book.session
    quarantine = await in_charge(session, quarantine_id)
    stages = await stages_of(session, quarantine.id)
    stage = _stage_today(stages, quarantine)
    since = together_since(stages, stage)
    followed = Followed(
        quarantine,
        _rule(stage),
        await plan_of(session, quarantine.id),
        await control_began(session, quarantine),
        since,
        *_place(session, quarantine, stage, since),
        frozenset(each.id for each in await _others(session, quarantine)),
    )
    outcomes: list[ItemOutcome] = []
    for at, item in enumerate(items):
        if isinstance(item, Unread):
            outcomes.append(item.outcome(at))
            continue
        keep = partial(_begin, book, caller, followed, item, f"/body/items/{at}")
        outcomes.append(await attempt(session, item.id, keep))
    return BatchOutcome.of(outcomes)


def _place(
    session: AsyncSession, quarantine: Quarantine, stage: QuarantineStage | None, since: date | None
) -> tuple[PlaceKind | None, str | None]:
    """Where they are quarantined together.

    At a site for an unfit home, or for the days before, somebody is alone: others begin elsewhere.
    """
    alone = (stage and fallen_back(stage)) or (since and since > quarantine.started_on)
    if alone and quarantine.place_kind is PlaceKind.site:
        return None, None
    place = opened(keyring_of(session), quarantine.place_sealed, context="quarantines.place")
    return quarantine.place_kind, place


async def _begin(
    book: Rulebook, caller: Claims, followed: Followed, said: CohabitantFollows, within: str
) -> bool:
    first = await first_plan(book.session, said.id)
    plan = first or _plan_to_follow(followed, said, within)
    planned = _planned(followed, plan, said)
    if first and (before := await book.session.get(Quarantine, said.id)):
        planned = _as_before(planned, before)
    _, created = await begin_by_plan(book, caller, planned, within=within)
    if created:
        await catch_up(book, caller, said.id, followed.quarantine)
    else:
        kept = await first_plan(book.session, said.id)
        if kept is None or kept.linked_quarantine_id != followed.quarantine.id:
            raise RecordDiffers(fields=["quarantine_id"])
    return created


def _as_before(planned: PlannedQuarantine, kept: Quarantine) -> PlannedQuarantine:
    """Where and since when it began, the other one's course said then, and may not now."""
    place = planned.place if planned.place_kind is kept.place_kind else None
    return replace(planned, joins_on=kept.started_on, place_kind=kept.place_kind, place=place)


def _plan_to_follow(followed: Followed, said: CohabitantFollows, within: str) -> QuarantinePlan:
    if followed.rule is not CohabitantRule.quarantine_together or followed.plan is None:
        raise NobodyFollows
    if said.resident_id not in followed.cohabitants:
        raise NotACohabitant(pointer=f"{within}/resident_id")
    return followed.plan


def _planned(
    followed: Followed, plan: QuarantinePlan, said: CohabitantFollows
) -> PlannedQuarantine:
    index = followed.quarantine
    return PlannedQuarantine(
        id=said.id,
        resident_id=said.resident_id,
        reason=index.reason,
        place_kind=followed.place_kind,
        place=followed.place,
        protocol_id=plan.protocol_id,
        plan_code=plan.plan_code,
        clause=plan.clause,
        facts=facts_kept(plan.facts),
        control_started_on=followed.controlled_since,
        joins_on=followed.together_since,
        team=said.team,
        performed_by=said.performed_by,
        recorded_at=said.recorded_at,
        source=said.source,
        linked_quarantine_id=index.id,
        link=Link.cohabitant,
    )
