"""A plan laid out on the calendar: which stage each day belongs to, and when tests are due.

All days are the township's and both ends of a stage belong to it. Sources of the counting rules:
domain 3.3 (anchors, 填平补齐, stage-local days, day 0 or 1) and 九不准 no. 5 (nothing is lengthened
by itself).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from api.foundation import clock
from api.protocols.documents import Plan, PlannedTest, Stage
from api.protocols.facts import Facts
from api.protocols.models import Anchor, DiagnosticKind, ManagementCategory


@dataclass(frozen=True, slots=True)
class StageDays:
    """The days of one stage; `counted_from` is the day whose index is the stage's first index."""

    starts_on: date
    ends_on: date
    counted_from: date

    def __contains__(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on


@dataclass(frozen=True, slots=True)
class DueTest:
    """A test that falls due: from the first instant of its day until its window has passed."""

    number: int
    day_index: int
    on: date
    opens_at: datetime
    due_at: datetime
    kind: DiagnosticKind
    samples: int


@dataclass(frozen=True, slots=True)
class LaidStage(StageDays):
    """A stage of a plan with its days; `credited_days` of it had passed when control began."""

    index: int
    credited_days: int
    rule: Stage

    @property
    def category(self) -> ManagementCategory:
        return self.rule.category

    @property
    def day_index_base(self) -> int:
        return self.rule.day_index_base

    def stage_day(self, on: date) -> int:
        """The index of a day within this stage, as its rule counts (domain 3.3.3)."""
        return (on - self.counted_from).days + self.rule.day_index_base

    def tests(self) -> tuple[DueTest, ...]:
        """The tests of this stage that are still to be taken, by day."""
        rule = self.rule
        return due_tests(
            rule.tests,
            self,
            day_index_base=rule.day_index_base,
            window_hours=rule.test_window_hours,
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """The stages to serve, without gap or overlap, and those that had passed before control began.

    `proven` is false where the anchor's day is not known, so that counting began with control.
    """

    stages: tuple[LaidStage, ...]
    served: tuple[LaidStage, ...]
    proven: bool

    @property
    def already_served(self) -> bool:
        """Whether every day was over before control began: nothing is left to serve."""
        return not self.stages

    def stage_on(self, day: date) -> LaidStage | None:
        """The stage to which a day belongs, or None."""
        return next((stage for stage in self.stages if day in stage), None)


def lay_out(plan: Plan, facts: Facts, control_started_on: date) -> Timeline:
    """The days of every stage of `plan` for a person whose control began on a local day.

    The first stage is counted from its anchor, and begins with it where that lies after the first
    day of control; without the anchor's day known, it is counted from the first day of control
    (2020: no ticket, so from the first day of observation). Each later stage follows the one
    before without gap. Days before control count only where the stage credits them (填平补齐), up
    to its cap; a stage that was wholly over by then is served.
    """
    anchor = anchor_day(plan.stages[0].anchor, facts, control_started_on)
    every: list[LaidStage] = []
    for index, rule in enumerate(plan.stages):
        before = every[-1].ends_on if every else None
        begins = before + _DAY if before else anchor or control_started_on
        every.append(_laid(index, rule, begins=begins, control_started_on=control_started_on))
    return Timeline(
        stages=tuple(stage for stage in every if stage.ends_on >= control_started_on),
        served=tuple(stage for stage in every if stage.ends_on < control_started_on),
        proven=anchor is not None,
    )


_DAY = timedelta(days=1)


def anchor_day(anchor: Anchor, facts: Facts, control_started_on: date) -> date | None:
    """The day of an anchor, or None where it is not known."""
    return {
        Anchor.last_exposure: facts.last_exposure_on,
        Anchor.left_risk_area: facts.left_risk_area_on,
        Anchor.arrival: facts.arrived_on,
        Anchor.control_start: control_started_on,
        Anchor.previous_stage_end: None,
    }[anchor]


def _laid(index: int, rule: Stage, *, begins: date, control_started_on: date) -> LaidStage:
    """A stage whose first day would be `begins`, without what control began too late to credit.

    Counted from 0, a later stage's day 0 is the last day of the one before.
    """
    begins = max(begins, _earliest_credited(rule, control_started_on) or begins)
    counted_from = begins - _DAY if index and not rule.day_index_base else begins
    ends_on = counted_from + timedelta(days=rule.duration_days - rule.day_index_base)
    return LaidStage(
        starts_on=max(begins, control_started_on) if ends_on >= control_started_on else begins,
        ends_on=ends_on,
        counted_from=counted_from,
        index=index,
        credited_days=max(0, (min(control_started_on, ends_on + _DAY) - begins).days),
        rule=rule,
    )


def _earliest_credited(rule: Stage, control_started_on: date) -> date | None:
    if not rule.credit_elapsed:
        return control_started_on
    cap = rule.credit_cap_days
    return None if cap is None else control_started_on - timedelta(days=cap)


def due_tests(
    tests: Iterable[PlannedTest], days: StageDays, *, day_index_base: int, window_hours: int
) -> tuple[DueTest, ...]:
    """The tests that fall on the days of a stage, numbered by day; those before it are credited."""
    planned = sorted(tests, key=lambda test: (test.day, test.kind))
    dated = (
        (test, days.counted_from + timedelta(days=test.day - day_index_base)) for test in planned
    )
    within = ((test, on) for test, on in dated if on in days)
    return tuple(
        _due(number, test, on, window_hours) for number, (test, on) in enumerate(within, start=1)
    )


def _due(number: int, test: PlannedTest, on: date, window_hours: int) -> DueTest:
    opens_at, _ = clock.day_bounds(on)
    return DueTest(
        number=number,
        day_index=test.day,
        on=on,
        opens_at=opens_at,
        due_at=opens_at + timedelta(hours=window_hours),
        kind=test.kind,
        samples=test.samples,
    )


S = TypeVar("S", bound=StageDays)


def shift(stages: Sequence[S], place: int, ends_on: date) -> list[S]:
    """Move the last day of one stage; the later ones follow and keep their length (M3.8).

    What was counted from where stays as it is within each stage. Raises ValueError where the
    stage would end before it starts.
    """
    if ends_on < stages[place].starts_on:
        raise ValueError("a stage does not end before it starts")
    by = ends_on - stages[place].ends_on
    return [
        *stages[:place],
        replace(stages[place], ends_on=ends_on),
        *(moved(stage, by) for stage in stages[place + 1 :]),
    ]


def moved(stage: S, by: timedelta) -> S:
    """A stage that begins, ends and is counted from so much later."""
    return replace(
        stage,
        starts_on=stage.starts_on + by,
        ends_on=stage.ends_on + by,
        counted_from=stage.counted_from + by,
    )
