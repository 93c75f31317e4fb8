"""What a rule can say, whatever it says: unavailable is no green, and red never goes through."""

from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.checkpoints.models import GateDecision, WhenUnavailable
from api.checkpoints.rule_schemas import (
    HealthCodeProof,
    NegativeTestProof,
    TravelCardProof,
    VaccinationProof,
)
from api.checkpoints.usual import Recollection, bounds
from api.checkpoints.verdicts import (
    About,
    Card,
    Code,
    Finding,
    Rule,
    Sample,
    Standing,
    verdict,
    worst,
)
from api.health_records.models import CodeState, DiagnosticOutcome
from api.health_records.validity_models import ValidityAnchor

NOW = datetime(2022, 2, 15, 8, tzinfo=UTC)
DECISIONS = st.sampled_from(GateDecision)
INSTANTS = st.integers(-20_000, 10).map(lambda minutes: NOW + timedelta(minutes=minutes))
SYSTEMS = st.sampled_from(("gx_code", "gd_code", "manual"))
STATES = st.sampled_from(CodeState)

MEANS = st.dictionaries(
    st.sampled_from(sorted(set(CodeState) - {CodeState.green, CodeState.unavailable})), DECISIONS
)
CODE_PROOFS = st.builds(
    HealthCodeProof,
    proof=st.just("health_code"),
    systems=st.lists(SYSTEMS, max_size=2),
    fresh_minutes=st.integers(1, 10_080),
    means=MEANS,
)
OTHER_PROOFS = st.one_of(
    st.builds(TravelCardProof, proof=st.just("travel_card"), at_risk=DECISIONS, missing=DECISIONS),
    st.builds(
        NegativeTestProof,
        proof=st.just("negative_test"),
        hours=st.integers(1, 720),
        anchor=st.sampled_from(ValidityAnchor),
        missing=DECISIONS,
    ),
    st.builds(
        VaccinationProof,
        proof=st.just("vaccination"),
        doses=st.integers(1, 9),
        missing=DECISIONS,
    ),
)
CODES = st.builds(
    Code, st.none() | SYSTEMS, STATES, INSTANTS, st.none() | INSTANTS.map(lambda at: at)
)
STANDINGS = st.builds(
    Standing,
    codes=st.lists(CODES, max_size=4).map(tuple),
    cards=st.lists(st.builds(Card, st.booleans(), INSTANTS), max_size=2).map(tuple),
    samples=st.lists(
        st.builds(Sample, st.sampled_from(DiagnosticOutcome), INSTANTS, st.none() | INSTANTS),
        max_size=3,
    ).map(tuple),
    doses=st.integers(0, 4),
    exempt=st.booleans(),
    controlled=st.booleans(),
)


def _rule(*proofs: Any, unavailable: WhenUnavailable = WhenUnavailable.hold) -> Rule:
    return Rule(
        id=UUID(int=1),
        code="three_codes",
        proofs=proofs,
        on_unavailable=unavailable,
        recheck=timedelta(minutes=10),
        recheck_for=timedelta(hours=24),
        answer_kept=timedelta(hours=1),
    )


RULES = st.builds(
    lambda codes, others, unavailable: _rule(*codes, *others, unavailable=unavailable),
    st.lists(CODE_PROOFS, max_size=1),
    st.lists(OTHER_PROOFS, max_size=3),
    st.sampled_from(WhenUnavailable),
)


@given(RULES, STANDINGS)
def test_red_is_held_or_turned_back_by_every_rule(rule: Rule, standing: Standing):
    red = Code("gx_code", CodeState.red, NOW)
    judged = verdict(rule, standing.with_(Standing(codes=(red,))), NOW)
    assert judged.decision is not GateDecision.through
    assert judged.red


@given(RULES, STANDINGS)
def test_unavailable_never_counts_as_green(rule: Rule, standing: Standing):
    unknown = Code(None, CodeState.unavailable, NOW)
    judged = verdict(rule, standing, NOW)
    assert verdict(rule, standing.with_(Standing(codes=(unknown,))), NOW) == judged


@given(CODE_PROOFS, st.sampled_from(WhenUnavailable))
def test_where_nothing_is_known_the_rule_for_that_holds_and_it_is_asked_again(
    proof: HealthCodeProof, unavailable: WhenUnavailable
):
    judged = verdict(_rule(proof, unavailable=unavailable), Standing(), NOW)
    assert judged.recheck
    assert [reason.finding for reason in judged.reasons] == [Finding.unavailable]
    through = judged.decision is GateDecision.through
    assert through == (unavailable is WhenUnavailable.through_with_recheck)


@given(RULES, STANDINGS)
def test_the_verdict_is_the_strictest_of_its_reasons(rule: Rule, standing: Standing):
    judged = verdict(rule, standing, NOW)
    assert judged.decision is worst(reason.decision for reason in judged.reasons)
    assert {reason.about for reason in judged.reasons} <= set(About)


@given(RULES, STANDINGS)
def test_who_should_be_at_home_does_not_go_through(rule: Rule, standing: Standing):
    judged = verdict(rule, standing.with_(Standing(controlled=True)), NOW)
    assert judged.decision is not GateDecision.through


@given(RULES, STANDINGS, STANDINGS)
def test_more_that_is_green_and_valid_never_makes_it_stricter_for_codes(
    rule: Rule, standing: Standing, other: Standing
):
    assert standing.with_(other).doses == max(standing.doses, other.doses)
    green = Standing(codes=(Code(None, CodeState.green, NOW),))
    before, after = verdict(rule, standing, NOW), verdict(rule, standing.with_(green), NOW)
    if not before.recheck:
        assert worst([before.decision, after.decision]) is before.decision
    assert not after.recheck


def _code(state: str, *, hours: float = 0, system: str | None = None) -> Code:
    return Code(system, CodeState(state), NOW - timedelta(hours=hours))


GX = HealthCodeProof(proof="health_code", systems=["gx_code"], fresh_minutes=720, means={})
ANY = HealthCodeProof(
    proof="health_code", systems=[], means={CodeState.yellow: GateDecision.turn_back}
)


@pytest.mark.parametrize(
    ("proof", "codes", "finding", "decision"),
    [
        (ANY, [_code("green")], "green", "through"),
        (ANY, [_code("yellow"), _code("green")], "yellow", "turn_back"),
        (ANY, [_code("grey")], "grey", "hold"),
        (ANY, [_code("not_found"), _code("green")], "green", "through"),
        (ANY, [_code("not_found")], "not_found", "hold"),
        (ANY, [_code("green", hours=25)], "unavailable", "hold"),
        (GX, [_code("green", system="gd_code")], "unavailable", "hold"),
        (GX, [_code("green", system="gx_code", hours=11)], "green", "through"),
        (GX, [_code("green", system="gx_code", hours=13)], "unavailable", "hold"),
        (GX, [_code("popup", system="gx_code")], "popup", "hold"),
    ],
)
def test_a_code_is_read_as_its_proof_says(
    proof: HealthCodeProof, codes: list[Code], finding: str, decision: str
):
    judged = verdict(_rule(proof), Standing(codes=tuple(codes)), NOW)
    assert [(each.finding, each.decision) for each in judged.reasons] == [(finding, decision)]


def _sample(outcome: str, *, hours: float, reported: float | None = None) -> Sample:
    told = None if reported is None else NOW - timedelta(hours=reported)
    return Sample(DiagnosticOutcome(outcome), NOW - timedelta(hours=hours), told)


SAMPLED = NegativeTestProof(proof="negative_test", hours=48)
REPORTED = NegativeTestProof(proof="negative_test", hours=24, anchor=ValidityAnchor.reported)


@pytest.mark.parametrize(
    ("proof", "samples", "finding"),
    [
        (SAMPLED, [], "missing"),
        (SAMPLED, [_sample("negative", hours=47)], "valid"),
        (SAMPLED, [_sample("negative", hours=49, reported=20)], "stale"),
        (SAMPLED, [_sample("pending", hours=1), _sample("negative", hours=30)], "valid"),
        (SAMPLED, [_sample("negative", hours=30), _sample("positive", hours=2)], "positive"),
        (SAMPLED, [_sample("positive", hours=90), _sample("negative", hours=2)], "valid"),
        (REPORTED, [_sample("negative", hours=40, reported=20)], "valid"),
        (REPORTED, [_sample("negative", hours=20)], "stale"),
    ],
)
def test_a_test_counts_from_its_anchor(
    proof: NegativeTestProof, samples: list[Sample], finding: str
):
    judged = verdict(_rule(proof), Standing(samples=tuple(samples)), NOW)
    assert [each.finding for each in judged.reasons] == [finding]


def test_a_travel_card_of_yesterday_at_risk_is_told_apart_from_an_old_one():
    proof = TravelCardProof(proof="travel_card", at_risk=GateDecision.turn_back)
    for card, finding in (
        (Card(at_risk=False, updated_at=NOW), "valid"),
        (Card(at_risk=True, updated_at=NOW), "at_risk"),
        (Card(at_risk=True, updated_at=NOW - timedelta(days=2)), "stale"),
    ):
        judged = verdict(_rule(proof), Standing(cards=(card,)), NOW)
        assert [each.finding for each in judged.reasons] == [finding]


def test_who_must_not_be_vaccinated_needs_no_doses():
    proof = VaccinationProof(proof="vaccination", doses=2, missing=GateDecision.hold)
    assert verdict(_rule(proof), Standing(doses=1), NOW).decision is GateDecision.hold
    assert verdict(_rule(proof), Standing(doses=2), NOW).decision is GateDecision.through
    assert verdict(_rule(proof), Standing(exempt=True), NOW).decision is GateDecision.through


@given(RULES, STANDINGS, STANDINGS)
def test_who_stands_alike_between_the_bounds_is_judged_alike(
    rule: Rule, known: Standing, shown: Standing
):
    between = bounds(rule, shown, NOW)

    def moved(at: datetime) -> datetime:
        """As early as it can lie within the same bounds."""
        rank = bisect_right(between, at)
        return between[rank - 1] if rank else datetime.min.replace(tzinfo=UTC)

    alike = replace(
        known,
        codes=tuple(
            replace(
                each,
                seen_at=moved(each.seen_at),
                valid_until=each.valid_until and moved(each.valid_until),
            )
            for each in known.codes
        ),
        cards=tuple(replace(each, updated_at=moved(each.updated_at)) for each in known.cards),
        # Of tests the database tells the latest alone.
        samples=tuple(
            replace(
                each,
                sampled_at=moved(each.sampled_at),
                reported_at=each.reported_at and moved(each.reported_at),
            )
            for each in known.samples[:1]
        ),
    )
    known = replace(known, samples=known.samples[:1])
    assert verdict(rule, alike.with_(shown), NOW) == verdict(rule, known.with_(shown), NOW)


def test_what_is_usual_is_remembered_by_the_rule_in_force_alone():
    gates, gate, day = Recollection(), UUID(int=2), NOW.date()
    former = gates.by(_rule(), gate, day)
    assert gates.at(gate, day) is gates.by(_rule(), gate, day) is former
    assert gates.by(replace(_rule(), id=UUID(int=3)), gate, day) is not former
    assert gates.at(gate, day) is not former
