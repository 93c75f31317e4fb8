"""What a checkpoint's rule says of what is shown and known of somebody: a pure function (M2.8).

Two things no rule can change: a code that nobody can tell is never taken for green, and red is
never let through (domain 2.4).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.checkpoints.models import GateDecision, WhenUnavailable
from api.checkpoints.rule_schemas import (
    HealthCodeProof,
    NegativeTestProof,
    TravelCardProof,
    VaccinationProof,
)
from api.foundation.field_records import CLOCK_SKEW
from api.foundation.labels import Labelled
from api.health_records.models import CodeState, DiagnosticOutcome
from api.health_records.validity_models import ValidityAnchor

Proof = HealthCodeProof | TravelCardProof | NegativeTestProof | VaccinationProof


class About(Labelled):
    """What a reason is about."""

    health_code = "health_code", "健康码"
    travel_card = "travel_card", "行程卡"
    negative_test = "negative_test", "核酸检测"
    vaccination = "vaccination", "疫苗接种"
    control = "control", "管控"


class Finding(Labelled):
    """What was found of one proof; the states of a health code stand for themselves."""

    valid = "valid", "符合"
    missing = "missing", "没有"
    stale = "stale", "已过期"
    at_risk = "at_risk", "卡不是绿色，或到过有风险地区的城市"
    positive = "positive", "阳性"
    inconclusive = "inconclusive", "待复检"
    under_control = "under_control", "应在隔离管控中"
    green = "green", "绿码"
    yellow = "yellow", "黄码"
    red = "red", "红码"
    grey = "grey", "灰码"
    popup = "popup", "弹窗"
    expired = "expired", "码已过期"
    not_found = "not_found", "查无此人"
    unavailable = "unavailable", "查询不到"


@dataclass(frozen=True, slots=True)
class Rule:
    """A revision of a rule, as it is gone by."""

    id: UUID
    code: str
    proofs: tuple[Proof, ...]
    on_unavailable: WhenUnavailable
    recheck: timedelta
    recheck_for: timedelta
    answer_kept: timedelta


@dataclass(frozen=True, slots=True)
class Code:
    """A code's state, of a system if one is named, and when it was seen."""

    system: str | None
    state: CodeState
    seen_at: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A travel card: whether it shows any risk, and when it was brought up to date."""

    at_risk: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """A nucleic-acid test with its result."""

    outcome: DiagnosticOutcome
    sampled_at: datetime
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything shown and known of somebody; nothing of it is needed."""

    codes: tuple[Code, ...] = ()
    cards: tuple[Card, ...] = ()
    samples: tuple[Sample, ...] = ()
    doses: int = 0
    exempt: bool = False
    controlled: bool = False

    def with_(self, other: "Standing") -> "Standing":
        """Both together."""
        return Standing(
            codes=self.codes + other.codes,
            cards=self.cards + other.cards,
            samples=self.samples + other.samples,
            doses=max(self.doses, other.doses),
            exempt=self.exempt or other.exempt,
            controlled=self.controlled or other.controlled,
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """What one proof, or being under control, comes to."""

    about: About
    finding: Finding
    decision: GateDecision


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says, and why; `recheck` where a code is to be asked for again."""

    decision: GateDecision
    reasons: tuple[Reason, ...]
    recheck: bool

    @property
    def red(self) -> bool:
        return any(reason.finding is Finding.red for reason in self.reasons)


_MILDEST_FIRST = tuple(GateDecision)
_SAYS_NOTHING = frozenset({CodeState.not_found, CodeState.expired})
"""A system that knows nothing, beside another that does."""


def worst(decisions: Iterable[GateDecision]) -> GateDecision:
    """The strictest of some decisions; through where there is none."""
    return max(decisions, key=_MILDEST_FIRST.index, default=GateDecision.through)


def verdict(rule: Rule, standing: Standing, at: datetime) -> Verdict:
    """What the rule says of a standing at an instant: the strictest of what each proof comes to."""
    reasons = (*_overriding(rule, standing), *_of_proofs(rule, standing, at))
    unavailable = any(reason.finding is Finding.unavailable for reason in reasons)
    return Verdict(worst(reason.decision for reason in reasons), reasons, unavailable)


def _overriding(rule: Rule, standing: Standing) -> Iterator[Reason]:
    if standing.controlled:
        yield Reason(About.control, Finding.under_control, GateDecision.hold)
    if any(code.state is CodeState.red for code in standing.codes):
        means = [_meaning(each, CodeState.red) for each in _code_proofs(rule)]
        decision = worst([GateDecision.hold, *means])
        yield Reason(About.health_code, Finding.red, decision)


def _code_proofs(rule: Rule) -> list[HealthCodeProof]:
    return [each for each in rule.proofs if isinstance(each, HealthCodeProof)]


def _of_proofs(rule: Rule, standing: Standing, at: datetime) -> Iterator[Reason]:
    for proof in rule.proofs:
        match proof:
            case HealthCodeProof():
                yield _of_code(rule, proof, standing.codes, at)
            case TravelCardProof():
                yield _of_card(proof, standing.cards, at)
            case NegativeTestProof():
                yield _of_test(proof, standing.samples, at)
            case VaccinationProof():
                enough = standing.exempt or standing.doses >= proof.doses
                yield _reason(About.vaccination, proof.missing, Finding.missing, enough=enough)


def _of_code(rule: Rule, proof: HealthCodeProof, codes: Sequence[Code], at: datetime) -> Reason:
    oldest = at - timedelta(minutes=proof.fresh_minutes)
    fresh = [
        code.state
        for code in codes
        if oldest <= code.seen_at <= at + CLOCK_SKEW
        and (code.valid_until is None or code.valid_until > at)
        and (code.system is None or not proof.systems or code.system in proof.systems)
        and code.state is not CodeState.unavailable
    ]
    told = [state for state in fresh if state not in _SAYS_NOTHING] or fresh
    if not told:
        decision = _WHEN_UNAVAILABLE[rule.on_unavailable]
        return Reason(About.health_code, Finding.unavailable, decision)
    state = max(told, key=lambda each: _MILDEST_FIRST.index(_meaning(proof, each)))
    return Reason(About.health_code, Finding(state.value), _meaning(proof, state))


_WHEN_UNAVAILABLE = {
    WhenUnavailable.hold: GateDecision.hold,
    WhenUnavailable.through_with_recheck: GateDecision.through,
    WhenUnavailable.turn_back: GateDecision.turn_back,
}


def _meaning(proof: HealthCodeProof, state: CodeState) -> GateDecision:
    if state is CodeState.green:
        return GateDecision.through
    told = proof.means.get(state, GateDecision.hold)
    return worst([told, GateDecision.hold]) if state is CodeState.red else told


def _of_card(proof: TravelCardProof, cards: Sequence[Card], at: datetime) -> Reason:
    oldest = at - timedelta(minutes=proof.fresh_minutes)
    fresh = [card for card in cards if oldest <= card.updated_at <= at + CLOCK_SKEW]
    if any(card.at_risk for card in fresh):
        return Reason(About.travel_card, Finding.at_risk, proof.at_risk)
    lacking = Finding.stale if cards else Finding.missing
    return _reason(About.travel_card, proof.missing, lacking, enough=bool(fresh))


def _of_test(proof: NegativeTestProof, samples: Sequence[Sample], at: datetime) -> Reason:
    done = [
        each for each in samples if each.outcome in _TELLING and each.sampled_at <= at + CLOCK_SKEW
    ]
    if not done:
        return Reason(About.negative_test, Finding.missing, proof.missing)
    newest = max(done, key=lambda each: each.sampled_at)
    if newest.outcome is not DiagnosticOutcome.negative:
        decision = worst([proof.missing, GateDecision.hold])
        return Reason(About.negative_test, Finding(newest.outcome.value), decision)
    anchor = newest.reported_at if proof.anchor is ValidityAnchor.reported else newest.sampled_at
    fresh = anchor is not None and anchor >= at - timedelta(hours=proof.hours)
    return _reason(About.negative_test, proof.missing, Finding.stale, enough=fresh)


_TELLING = frozenset(
    {DiagnosticOutcome.negative, DiagnosticOutcome.positive, DiagnosticOutcome.inconclusive}
)


def _reason(about: About, missing: GateDecision, lacking: Finding, *, enough: bool) -> Reason:
    if enough:
        return Reason(about, Finding.valid, GateDecision.through)
    return Reason(about, lacking, missing)


def reasons_told(judged: Verdict) -> list[dict[str, str]]:
    """The reasons of a verdict as a pass keeps them."""
    return [
        {
            "about": reason.about.value,
            "finding": reason.finding.value,
            "decision": reason.decision.value,
        }
        for reason in judged.reasons
    ]
