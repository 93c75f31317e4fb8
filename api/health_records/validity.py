"""How long what is known of a person's health holds, by the policy of the day: pure rules."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from api.foundation import clock
from api.foundation.labels import Labelled
from api.health_records.models import (
    CardColour,
    CodeState,
    DiagnosticOutcome,
    VaccinationOutcome,
    VaccineTechnology,
)
from api.health_records.validity_models import ValidityAnchor
from api.protocols.models import DiagnosticKind


class VaccinationStatus(Labelled):
    """How far somebody is vaccinated (domain 2.6)."""

    unvaccinated = "unvaccinated", "未接种"
    partial = "partial", "未完成全程接种"
    full = "full", "已完成全程接种"
    booster = "booster", "已加强接种"
    contraindicated = "contraindicated", "有禁忌，不宜接种"


class Course(NamedTuple):
    """With how many doses somebody is fully vaccinated, and with how many boosted."""

    full: int
    boosted: int


class CardRule(NamedTuple):
    """What a travel card must show, how fresh, and whether it marks risk (domain 2.5)."""

    window_days: int
    hours: int
    marks_risk: bool


@dataclass(frozen=True, slots=True)
class ValidityRule:
    """One revision of a validity policy; without `card` no travel card is asked for."""

    name: str
    revision: int
    negative_test_hours: int
    negative_antigen_hours: int | None
    anchor: ValidityAnchor
    code_state_hours: int
    card: CardRule | None
    courses: Mapping[VaccineTechnology, Course]
    no_sampling_hours: int
    retest_hours: int

    def clause(self, said: str) -> str:
        """What the rule says, and where it says it."""
        return f"{said}（《{self.name}》第{self.revision}版）"


class Held(NamedTuple):
    """Until when something holds and by which clause; None is what holds for nothing."""

    until: datetime | None
    clause: str


def code_held(
    rule: ValidityRule, state: CodeState, fetched_at: datetime, told_until: datetime | None
) -> Held:
    """How long a state of a code counts as what the code is; no answer counts for nothing."""
    if state in SAYING_NOTHING:
        return Held(None, rule.clause(f"{state.label}，不能作为凭据"))
    ours = fetched_at + timedelta(hours=rule.code_state_hours)
    if told_until is not None and told_until < ours:
        return Held(told_until, "有效期由健康码系统告知")
    return Held(ours, rule.clause(f"健康码自查得起{rule.code_state_hours}小时内有效"))


SAYING_NOTHING = frozenset({CodeState.unavailable, CodeState.not_found, CodeState.expired})
"""Answers that prove nothing, least of all that a code is green."""


def test_held(
    rule: ValidityRule, kind: DiagnosticKind, sampled_at: datetime, reported_at: datetime
) -> Held:
    """How long a negative test proves something, from the policy's anchor (domain 2.6)."""
    hours = rule.negative_test_hours
    if kind is DiagnosticKind.antigen:
        if rule.negative_antigen_hours is None:
            return Held(None, rule.clause("抗原阴性不作为凭据"))
        hours = rule.negative_antigen_hours
    since = sampled_at if rule.anchor is ValidityAnchor.sampled else reported_at
    said = f"{kind.label}阴性自{rule.anchor.label}起{hours}小时内有效"
    return Held(since + timedelta(hours=hours), rule.clause(said))


def card_held(rule: ValidityRule, updated_at: datetime, window_days: int) -> Held:
    """How long a travel card may be relied on, from when it was brought up to date itself."""
    if rule.card is None:
        return Held(None, rule.clause("行程卡不再查验"))
    if window_days < rule.card.window_days:
        return Held(None, rule.clause(f"行程卡须显示前{rule.card.window_days}天的到访地"))
    said = f"行程卡自更新起{rule.card.hours}小时内有效"
    return Held(updated_at + timedelta(hours=rule.card.hours), rule.clause(said))


def card_at_risk(
    rule: ValidityRule, colour: CardColour, cities: Iterable[Mapping[str, object]]
) -> bool:
    """Whether a card shows risk: by its colour, and by marked cities while cards mark them."""
    marked = any(city.get("at_risk") for city in cities)
    marks = rule.card is not None and rule.card.marks_risk
    return colour is not CardColour.green or (marks and marked)


class Dose(NamedTuple):
    """What is known of one appointment; without a number there was no dose."""

    outcome: VaccinationOutcome
    given_on: date
    dose_number: int | None
    technology: VaccineTechnology | None


def vaccination_status(rule: ValidityRule, doses: Collection[Dose]) -> VaccinationStatus:
    """How far these doses go: by the course of the first one's technology, whatever followed it.

    The third dose on record says that there were two before it, here or elsewhere.
    """
    in_order = sorted(doses, key=lambda dose: (dose.given_on, dose.dose_number or 0))
    if not in_order:
        return VaccinationStatus.unvaccinated
    if in_order[-1].outcome is VaccinationOutcome.contraindicated:
        return VaccinationStatus.contraindicated
    given = [dose for dose in in_order if dose.dose_number is not None]
    first = min(given, key=lambda dose: dose.dose_number or 0)
    course = rule.courses[first.technology or VaccineTechnology.other]
    number = max(dose.dose_number or 0 for dose in given)
    if number >= course.boosted:
        return VaccinationStatus.booster
    return VaccinationStatus.full if number >= course.full else VaccinationStatus.partial


def no_sampling_until(rule: ValidityRule, doses: Iterable[Dose]) -> datetime | None:
    """Until when samples had better not be taken after the last dose (domain 2.6).

    Only the day of a dose is known: it is counted from that day's end.
    """
    days = [dose.given_on for dose in doses if dose.dose_number is not None]
    if not days or not rule.no_sampling_hours:
        return None
    _, ends = clock.day_bounds(max(days))
    return ends + timedelta(hours=rule.no_sampling_hours)


def of_members(outcome: DiagnosticOutcome, members: int) -> DiagnosticOutcome:
    """What a tube's result says of each whose sample is in it.

    A pool that is not negative says of nobody who it is: each is to be tested alone (单采复核).
    """
    unclear = {DiagnosticOutcome.positive, DiagnosticOutcome.inconclusive}
    return DiagnosticOutcome.inconclusive if members > 1 and outcome in unclear else outcome
