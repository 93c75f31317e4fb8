"""The stages of a quarantine with their days: which one a day belongs to, what is due in it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation.records import new_id
from api.protocols.documents import PlannedTest
from api.protocols.models import CohabitantRule, LeaveHome, MissedTest
from api.protocols.timeline import DueTest, StageDays, due_tests
from api.quarantines.models import Quarantine
from api.quarantines.stage_models import QuarantinePlan, QuarantineStage


def stage_by_hand(quarantine: Quarantine) -> QuarantineStage:
    """The one stage of a quarantine that was begun by hand: its whole period, no tests.

    Leave for a doctor may be approved, as it always could be.
    """
    return QuarantineStage(
        id=new_id(),
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        ordinal=1,
        category=quarantine.category,
        starts_on=quarantine.started_on,
        ends_on=quarantine.planned_end_on,
        counted_from=quarantine.started_on,
        day_index_base=1,
        credited_days=0,
        monitoring_policy_id=quarantine.monitoring_policy_id,
        care_policy_id=quarantine.care_policy_id,
        tests=[],
        test_window_hours=24,
        on_missed_test=MissedTest.reschedule,
        visits_per_day=0,
        calls_per_day=0,
        cohabitant_rule=CohabitantRule.none,
        leave_home=LeaveHome.approved_medical,
        site_checklist=[],
    )


async def stages_of(session: AsyncSession, quarantine_id: UUID) -> list[QuarantineStage]:
    """The stages of one quarantine by day; those that a change replaced are left out."""
    return (await stages_of_all(session, [quarantine_id])).get(quarantine_id, [])


async def stages_of_all(
    session: AsyncSession, quarantines: Collection[UUID]
) -> dict[UUID, list[QuarantineStage]]:
    """The same of several quarantines, in one statement."""
    statement = (
        select(QuarantineStage)
        .where(
            col(QuarantineStage.quarantine_id).in_(quarantines),
            col(QuarantineStage.discarded_at).is_(None),
        )
        .order_by(col(QuarantineStage.starts_on))
    )
    found: dict[UUID, list[QuarantineStage]] = {}
    for stage in await session.scalars(statement):
        found.setdefault(stage.quarantine_id, []).append(stage)
    return found


async def plan_of(session: AsyncSession, quarantine_id: UUID) -> QuarantinePlan | None:
    """By what a quarantine runs now; None where it was begun by hand."""
    statement = select(QuarantinePlan).where(
        col(QuarantinePlan.quarantine_id) == quarantine_id, col(QuarantinePlan.ended_at).is_(None)
    )
    return (await session.scalars(statement)).one_or_none()


def days_of(stage: QuarantineStage) -> StageDays:
    """The days of a kept stage, as the calendar's rules speak of them."""
    return StageDays(stage.starts_on, stage.ends_on, stage.counted_from)


class Whole(NamedTuple):
    """A stage of a plan with all its parts; where a home was found unfit it was cut in two."""

    parts: tuple[QuarantineStage, ...]

    @property
    def days(self) -> StageDays:
        first = self.parts[0]
        return StageDays(first.starts_on, self.parts[-1].ends_on, first.counted_from)


def whole(stages: Iterable[QuarantineStage]) -> list[Whole]:
    """Stages in their order as their plan has them."""
    return [Whole(tuple(parts)) for _, parts in groupby(stages, key=attrgetter("ordinal"))]


def fallen_back(stage: QuarantineStage) -> bool:
    """Whether a home was found unfit for it and the other measure has taken its place."""
    return bool(stage.site_checklist) and stage.category is stage.fallback_category


def stage_on(stages: Iterable[QuarantineStage], day: date) -> QuarantineStage | None:
    """The stage to which a day belongs, or None: then nothing is due on it."""
    return next((stage for stage in stages if day in days_of(stage)), None)


def stage_shown(stages: Sequence[QuarantineStage], day: date) -> QuarantineStage | None:
    """The stage of a day; before the first and after the last, the nearest one."""
    begun = [stage for stage in stages if stage.starts_on <= day]
    return begun[-1] if begun else next(iter(stages), None)


def judging_policy(stages: Iterable[QuarantineStage], quarantine: Quarantine, day: date) -> UUID:
    """The monitoring policy that judges a temperature of a day (`readings.queries.JUDGED_BY`)."""
    begun = [
        stage.monitoring_policy_id
        for stage in stages
        if stage.monitoring_policy_id and stage.starts_on <= day
    ]
    return begun[-1] if begun else quarantine.monitoring_policy_id


def together_since(stages: Iterable[QuarantineStage], today: QuarantineStage | None) -> date | None:
    """Since when those of the house are asked for as they are today; None where they are not."""
    since: date | None = None
    for stage in stages:
        asks = stage.cohabitant_rule is CohabitantRule.quarantine_together
        since = (since or stage.starts_on) if asks else None
        if today is not None and stage.id == today.id:
            return since
    return None


def stage_day(stage: QuarantineStage, day: date) -> int:
    """The index of a day within its stage, as its rule counts (domain 3.3.3)."""
    return (day - stage.counted_from).days + stage.day_index_base


def tests_due(stage: QuarantineStage) -> tuple[DueTest, ...]:
    """The tests that fall on the days of a kept stage, by day."""
    return due_tests(
        [PlannedTest.model_validate(each) for each in stage.tests],
        days_of(stage),
        day_index_base=stage.day_index_base,
        window_hours=stage.test_window_hours,
    )
