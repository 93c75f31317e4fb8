"""What must hold before somebody is released, weighed from the records alone (domain 3.7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from api.alerts.models import BY_THE_CLOCK, Cause
from api.foundation import clock
from api.foundation.labels import Labelled
from api.health_records.answers import TO_BE_TAKEN_AGAIN, Answer, answered
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.protocols.documents import Plan
from api.protocols.models import DiagnosticKind
from api.protocols.timeline import DueTest

ABOUT_THE_PERSON = frozenset(Cause) - BY_THE_CLOCK
"""Open alerts that bar a release. What those who serve left undone keeps nobody longer (九不准)."""


class ConditionKind(Labelled):
    """What a release waits for."""

    period_complete = "period_complete", "期限已满"
    tests_negative = "tests_negative", "各次检测均为阴性"
    no_open_alert = "no_open_alert", "没有未办结的异常"
    linked_contact = "linked_contact", "所跟随的密接检测均为阴性"
    no_open_movement = "no_open_movement", "没有未办结的转运、送医和外出"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Whether a condition holds, why in a sentence, and the records that show it."""

    kind: ConditionKind
    holds: bool
    detail: str
    evidence: tuple[UUID, ...] = ()


class OpenAlert(NamedTuple):
    """An alert that nobody has verified yet."""

    id: UUID
    cause: Cause


class LinkedSample(NamedTuple):
    """A test of the contact whom a secondary contact follows."""

    id: UUID
    kind: DiagnosticKind
    outcome: DiagnosticOutcome
    sampled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is known of one quarantine and that a release depends on.

    `plan` is None where it was begun by hand: then no test is asked for. Lists are by time.
    `linked` is None where nobody told which contact the person follows.
    """

    planned_end_on: date
    plan: Plan | None
    due: Sequence[DueTest]
    tests: Sequence[DiagnosticTest]
    alerts: Sequence[OpenAlert]
    linked: Sequence[LinkedSample] | None
    movements: Sequence[UUID]
    at: datetime


def weigh(dossier: Dossier, on: date) -> list[Condition]:
    """The conditions of a release on a local day, each with its evidence.

    Released on the last day, after its tests (domain 3.7); the period is never longer than planned.
    A release may be told later than it was, but is not dated before the samples that it rests on.
    """
    plan = dossier.plan
    release = plan.release if plan else None
    told: list[Condition] = [_period(dossier, on)]
    if release and release.all_tests_negative:
        told.append(_tests(dossier, on))
    if release is None or release.no_open_alert:
        told.append(_alerts(dossier))
    if plan and plan.release.linked_contact_tests:
        told.append(_linked(dossier.linked, plan, on))
    told.append(_movements(dossier))
    return told


def _period(dossier: Dossier, on: date) -> Condition:
    holds = on >= dossier.planned_end_on
    last = _day(dossier.planned_end_on)
    return Condition(
        kind=ConditionKind.period_complete,
        holds=holds,
        detail=f"计划解除日期为{last}，{'已到期' if holds else '尚未到期'}。",
    )


def _tests(dossier: Dossier, on: date) -> Condition:
    """Each test that fell due, and none that was positive meanwhile, asked for or not."""
    answers = answered(dossier.due, dossier.tests)
    positive = [each for each in dossier.tests if each.outcome is DiagnosticOutcome.positive]
    told = [f"{_day(answer.due.on)}{_told(answer, dossier.at, on)}" for answer in answers]
    told += [f"{_day(each.sampled_at)}采样阳性" for each in positive if not _in(each, answers)]
    shown = [sample.id for answer in answers for sample in answer.samples]
    shown += [each.id for each in positive if each.id not in shown]
    return Condition(
        kind=ConditionKind.tests_negative,
        holds=not positive
        and all(answer.negative and _sampled_last(answer) <= on for answer in answers),
        detail=f"{'；'.join(told)}。" if told else "至今没有应做的检测。",
        evidence=tuple(shown),
    )


def _in(test: DiagnosticTest, answers: Iterable[Answer[DueTest, DiagnosticTest]]) -> bool:
    return any(test.id == sample.id for answer in answers for sample in answer.samples)


def _sampled_last(answer: Answer[DueTest, DiagnosticTest]) -> date:
    """The day of the last sample of an answer; there is one."""
    return max(clock.local_day(sample.sampled_at) for sample in answer.samples)


def _told(answer: Answer[DueTest, DiagnosticTest], at: datetime, on: date) -> str:
    outcomes = {sample.outcome for sample in answer.samples}
    if DiagnosticOutcome.positive in outcomes:
        return "阳性"
    if not answer.complete:
        return "尚未采样" if at <= answer.due.due_at else "漏检，尚未补测"
    late = "补测" if answer.late else ""
    last = _sampled_last(answer)
    if last > on:
        return f"的检测{_day(last)}才采样，解除日期不能早于该日"
    return f"{late}阴性" if answer.negative else f"{late}待出结果"


def _alerts(dossier: Dossier) -> Condition:
    barring = [alert for alert in dossier.alerts if alert.cause in ABOUT_THE_PERSON]
    causes = "、".join(dict.fromkeys(alert.cause.label for alert in barring))
    return Condition(
        kind=ConditionKind.no_open_alert,
        holds=not barring,
        detail=f"尚未核实关闭：{causes}。" if barring else "没有未办结的异常。",
        evidence=tuple(alert.id for alert in barring),
    )


def _linked(linked: Sequence[LinkedSample] | None, plan: Plan, on: date) -> Condition:
    """The linked contact's first tests (v8, v9); what a positive one means, a leader decides."""
    wanted = plan.release.linked_contact_tests
    usable = [each for each in linked or () if each.outcome not in TO_BE_TAKEN_AGAIN]
    first = _first(usable, plan)
    negative = [
        each
        for each in first
        if each.outcome is DiagnosticOutcome.negative and clock.local_day(each.sampled_at) <= on
    ]
    positive = [each for each in usable if each.outcome is DiagnosticOutcome.positive]
    if positive:
        sampled = _day(positive[0].sampled_at)
        detail = f"所跟随的密接{sampled}检测阳性，须重新研判，改按密切接触者管理。"
    elif linked is None:
        detail = "没有登记所跟随的密接；无法取得其结果的，须改按密切接触者管理。"
    else:
        detail = f"所跟随的密接前{wanted}次检测，已有{len(negative)}次阴性。"
    return Condition(
        kind=ConditionKind.linked_contact,
        holds=not positive and len(negative) == wanted,
        detail=detail,
        evidence=tuple(each.id for each in (positive or first)),
    )


def _first(linked: Sequence[LinkedSample], plan: Plan) -> list[LinkedSample]:
    """The tests that are waited for, of the kinds that the plan itself tests with.

    A quick test at home is none of the two that the clause means.
    """
    meant = {test.kind for stage in plan.stages for test in stage.tests} or set(DiagnosticKind)
    return [each for each in linked if each.kind in meant][: plan.release.linked_contact_tests]


def _movements(dossier: Dossier) -> Condition:
    return Condition(
        kind=ConditionKind.no_open_movement,
        holds=not dossier.movements,
        detail="有未办结的转运、送医或外出。"
        if dossier.movements
        else "没有未办结的转运、送医和外出。",
        evidence=tuple(dossier.movements),
    )


def _day(when: date | datetime) -> str:
    day = clock.local_day(when) if isinstance(when, datetime) else when
    return f"{day.month}月{day.day}日"
