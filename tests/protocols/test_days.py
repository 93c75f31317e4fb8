"""The algebra of days and clauses: for any document and any facts, whatever they are."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations, pairwise, product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.protocols.clocks import Clocks
from api.protocols.conditions import MatchRule, When
from api.protocols.coverage import covers, disjoint
from api.protocols.documents import Plan, ProtocolDocument
from api.protocols.facts import Facts
from api.protocols.faults import Known, of_document
from api.protocols.matching import considered, decide, unmet
from api.protocols.models import (
    Anchor,
    DiagnosticKind,
    ExposureClass,
    ManagementCategory,
    RiskLevel,
)
from api.protocols.timeline import StageDays, lay_out, shift

CONTROL = date(2022, 2, 20)
DAY = timedelta(days=1)
NOTHING_REFERRED_TO = Known((), (), Clocks((), ()))
DAYS = st.none() | st.integers(-40, 40).map(lambda days: CONTROL + timedelta(days=days))
AREAS = ("45", "4514", "451422", "451422201", "42", "4201")
CODES = ("451422", "451422201", "451422201003", "420100", "110101")
ENDS = (None, 0, 3, 7, 14, 21)
RANGES = [
    {"min": least, "max": most}
    for least, most in product(ENDS, ENDS)
    if (least, most) != (None, None) and (most is None or (least or 0) < most)
]


def some(values: Iterable[Any]) -> st.SearchStrategy[Any]:
    """No condition, or one that one or two of these values meet."""
    told = list(values)
    return st.sampled_from([None, *([value] for value in told), *map(list, combinations(told, 2))])


def ranges() -> st.SearchStrategy[dict[str, int | None] | None]:
    return st.sampled_from([None, *RANGES])


def whens() -> st.SearchStrategy[When]:
    return st.fixed_dictionaries(
        {
            "exposure_classes": some(ExposureClass),
            "risk_levels": some(RiskLevel),
            "area_codes": some(AREAS),
            "days_since_arrival": ranges(),
            "days_since_exposure": ranges(),
            "age": ranges(),
            "vaccinated": st.none() | st.booleans(),
            "occupations": some(("driver", "medic", "student")),
        }
    ).map(When.model_validate)


@st.composite
def stages(draw: st.DrawFn, *, first: bool) -> dict[str, Any]:
    base, days = draw(st.sampled_from((0, 1))), draw(st.integers(1, 21))
    least = 0 if first and base == 0 else 1
    credit = draw(st.booleans())
    anchors = [anchor for anchor in Anchor if anchor is not Anchor.previous_stage_end]
    on_a_day = st.tuples(st.integers(least, days), st.sampled_from(DiagnosticKind))
    tests = draw(st.sets(on_a_day, max_size=6))
    return {
        "category": draw(st.sampled_from(ManagementCategory)),
        "duration_days": days,
        "anchor": draw(st.sampled_from(anchors)) if first else Anchor.previous_stage_end,
        "day_index_base": base,
        "credit_elapsed": credit,
        "credit_cap_days": draw(st.none() | st.integers(0, 10)) if credit else None,
        "tests": [{"day": day, "kind": kind} for day, kind in tests],
        "test_window_hours": draw(st.integers(1, 48)),
    }


def a_plan(code: str, *told: dict[str, Any]) -> dict[str, Any]:
    approver = {"roles": ["grid_leader"], "max_level": 1}
    release = {"approver": approver, "notice_title": "告知书"}
    return {"code": code, "name": "方案", "stages": list(told), "release": release}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan that a sound document may have."""
    later = draw(st.lists(stages(first=False), max_size=3))
    return Plan.model_validate(a_plan("plan", draw(stages(first=True)), *later))


_STAGE = {"category": "home_quarantine", "duration_days": 7, "anchor": "arrival"}


@st.composite
def documents(draw: st.DrawFn) -> ProtocolDocument:
    """Any clauses that say one thing about everybody: no two share a priority."""
    prescribed = draw(st.lists(st.sampled_from(("one_plan", "another")), min_size=1, max_size=4))
    rules = [
        {"priority": priority, "clause": "条款", "when": draw(whens()).model_dump(), "plan": plan}
        for priority, plan in enumerate(prescribed, start=1)
    ]
    told = [a_plan("one_plan", _STAGE), a_plan("another", _STAGE)]
    return ProtocolDocument.model_validate(
        {"look_back_days": 14, "match_rules": draw(st.permutations(rules)), "plans": told}
    )


FACTS = st.builds(
    Facts,
    exposure_class=st.sampled_from(ExposureClass),
    risk_level=st.none() | st.sampled_from(RiskLevel),
    area_codes=st.lists(st.sampled_from(CODES), max_size=2).map(tuple),
    last_exposure_on=DAYS,
    left_risk_area_on=DAYS,
    arrived_on=DAYS,
    age=st.none() | st.integers(0, 100),
    vaccinated=st.none() | st.booleans(),
    occupations=st.lists(st.sampled_from(("driver", "medic", "farmer")), max_size=2).map(tuple),
)


@given(plans(), FACTS)
def test_every_day_belongs_to_exactly_one_stage_or_to_none(plan: Plan, facts: Facts):
    timeline = lay_out(plan, facts, CONTROL)
    assume(timeline.stages)
    first, last = timeline.stages[0].starts_on, timeline.stages[-1].ends_on
    for offset in range(-3, (last - first).days + 4):
        day = first + timedelta(days=offset)
        belongs = [stage for stage in (*timeline.served, *timeline.stages) if day in stage]
        under_control = day >= CONTROL and first <= day <= last
        assert len(belongs) <= 1
        assert (timeline.stage_on(day) is not None) == under_control
        if under_control:
            assert belongs == [timeline.stage_on(day)]


@given(plans(), FACTS)
def test_stages_follow_one_another_without_gap_and_none_is_lost(plan: Plan, facts: Facts):
    timeline = lay_out(plan, facts, CONTROL)
    every = (*timeline.served, *timeline.stages)
    assert [stage.index for stage in every] == list(range(len(plan.stages)))
    assert all(stage.ends_on < CONTROL for stage in timeline.served)
    for earlier, later in pairwise(timeline.stages):
        assert earlier.starts_on <= earlier.ends_on
        assert later.starts_on == earlier.ends_on + DAY
    if timeline.stages:
        first = timeline.stages[0]
        assert first.starts_on == max(CONTROL, first.counted_from)


@given(plans(), FACTS)
def test_a_stage_runs_from_its_first_counted_day_for_as_long_as_its_rule_says(
    plan: Plan, facts: Facts
):
    timeline = lay_out(plan, facts, CONTROL)
    for stage in timeline.stages:
        assert stage.stage_day(stage.counted_from) == stage.rule.day_index_base
        assert stage.stage_day(stage.ends_on) == stage.rule.duration_days
        assert stage.stage_day(stage.starts_on) >= (1 if stage.index else stage.day_index_base)


@given(plans(), FACTS)
def test_days_before_control_count_only_as_far_as_the_stage_credits_them(plan: Plan, facts: Facts):
    timeline = lay_out(plan, facts, CONTROL)
    for stage in (*timeline.served, *timeline.stages):
        cap = stage.rule.credit_cap_days
        most = 0 if not stage.rule.credit_elapsed else 366 if cap is None else cap
        assert 0 <= stage.credited_days <= most
        whole = stage.rule.duration_days + (stage.index == 0 and stage.rule.day_index_base == 0)
        left = (stage.ends_on - stage.starts_on).days + 1
        assert left + (0 if stage in timeline.served else stage.credited_days) == whole


@given(plans(), FACTS, st.integers(0, 30))
def test_where_everything_is_credited_beginning_later_does_not_end_later(
    plan: Plan, facts: Facts, late: int
):
    credited = {"credit_elapsed": True, "credit_cap_days": None}
    plan = plan.model_copy(
        update={"stages": [stage.model_copy(update=credited) for stage in plan.stages]}
    )
    prompt = lay_out(plan, facts, CONTROL)
    assume(prompt.proven and plan.stages[0].anchor is not Anchor.control_start)
    delayed = lay_out(plan, facts, CONTROL + timedelta(days=late))
    ends = {stage.index: stage.ends_on for stage in (*prompt.served, *prompt.stages)}
    assert ends == {stage.index: stage.ends_on for stage in (*delayed.served, *delayed.stages)}


@given(plans(), FACTS)
def test_tests_lie_inside_their_stage_on_the_day_the_rule_says(plan: Plan, facts: Facts):
    for stage in lay_out(plan, facts, CONTROL).stages:
        due = stage.tests()
        assert [test.number for test in due] == list(range(1, len(due) + 1))
        assert [test.on for test in due] == sorted(test.on for test in due)
        for test in due:
            assert test.on in stage
            assert stage.stage_day(test.on) == test.day_index
            assert test.due_at - test.opens_at == timedelta(hours=stage.rule.test_window_hours)
        credited = [
            test for test in stage.rule.tests if test.day < stage.stage_day(stage.starts_on)
        ]
        assert len(due) == len(stage.rule.tests) - len(credited)


@given(plans(), FACTS, st.data())
def test_moving_an_end_moves_only_what_follows(plan: Plan, facts: Facts, data: st.DataObject):
    stages = lay_out(plan, facts, CONTROL).stages
    assume(stages)
    place = data.draw(st.integers(0, len(stages) - 1))
    ends_on = stages[place].starts_on + timedelta(days=data.draw(st.integers(0, 40)))
    by = ends_on - stages[place].ends_on
    moved = shift(stages, place, ends_on)
    assert moved[:place] == list(stages[:place])
    assert (moved[place].starts_on, moved[place].ends_on) == (stages[place].starts_on, ends_on)
    assert moved[place].counted_from == stages[place].counted_from
    for before, after in zip(stages[place + 1 :], moved[place + 1 :], strict=True):
        assert after.starts_on - before.starts_on == by
        assert after.ends_on - before.ends_on == by
        assert [(test.number, test.day_index) for test in before.tests()] == [
            (test.number, test.day_index) for test in after.tests()
        ]
    for earlier, later in pairwise(moved):
        assert later.starts_on == earlier.ends_on + DAY


def test_a_stage_does_not_end_before_it_starts():
    days = StageDays(date(2022, 2, 1), date(2022, 2, 14), date(2022, 2, 1))
    with pytest.raises(ValueError, match="before it starts"):
        shift([days], 0, date(2022, 1, 31))


@given(documents(), FACTS, st.randoms())
def test_the_order_in_which_a_document_lists_its_rules_does_not_decide(
    document: ProtocolDocument, facts: Facts, chance: Any
):
    decision = decide(document, facts, CONTROL)
    shuffled = list(document.match_rules)
    chance.shuffle(shuffled)
    other = document.model_copy(update={"match_rules": shuffled})
    again = decide(other, facts, CONTROL)
    assert (again and again.plan) == (decision and decision.plan)
    if again and decision:
        assert other.match_rules[again.rule_index] == document.match_rules[decision.rule_index]


@given(documents(), FACTS)
def test_exactly_the_rule_that_decided_is_told_to_have_decided(
    document: ProtocolDocument, facts: Facts
):
    decision, looked_at = decide(document, facts, CONTROL), considered(document, facts, CONTROL)
    assert sorted(each.rule_index for each in looked_at) == [*range(len(document.match_rules))]
    assert [each.rule.priority for each in looked_at] == sorted(
        rule.priority for rule in document.match_rules
    )
    decided = [each for each in looked_at if each.decided]
    fitting = [each for each in looked_at if not each.unmet]
    assert decided == fitting[:1]
    assert [each.rule_index for each in decided] == ([decision.rule_index] if decision else [])


@given(documents(), FACTS, FACTS)
def test_facts_that_no_rule_asks_for_decide_nothing(
    document: ProtocolDocument, facts: Facts, others: Facts
):
    asked = [rule.when for rule in document.match_rules]
    told: dict[str, Any] = {
        "risk_level": (others.risk_level, "risk_levels"),
        "area_codes": (others.area_codes, "area_codes"),
        "last_exposure_on": (others.last_exposure_on, "days_since_exposure"),
        "arrived_on": (others.arrived_on, "days_since_arrival"),
        "age": (others.age, "age"),
        "vaccinated": (others.vaccinated, "vaccinated"),
        "occupations": (others.occupations, "occupations"),
    }
    unasked = {
        name: value
        for name, (value, condition) in told.items()
        if all(getattr(when, condition) is None for when in asked)
    }
    known = {name: getattr(facts, name) for name in Facts.__dataclass_fields__}
    assert decide(document, Facts(**{**known, **unasked}), CONTROL) == decide(
        document, facts, CONTROL
    )


@given(whens(), whens(), FACTS)
def test_clauses_said_to_lie_apart_never_concern_the_same_person(
    one: When, other: When, facts: Facts
):
    if disjoint(one, other):
        assert unmet(one, facts, CONTROL) or unmet(other, facts, CONTROL)


@given(whens(), whens(), FACTS)
def test_a_clause_said_to_cover_another_concerns_everybody_whom_that_concerns(
    outer: When, inner: When, facts: Facts
):
    assert covers(outer, outer)
    if covers(outer, inner) and not unmet(inner, facts, CONTROL):
        assert not unmet(outer, facts, CONTROL)


@given(documents(), plans())
def test_a_document_reads_back_as_it_was_written(document: ProtocolDocument, plan: Plan):
    document = document.model_copy(update={"plans": [plan]})
    assert ProtocolDocument.model_validate(document.model_dump(mode="json")) == document


@given(documents())
def test_rules_each_with_a_priority_of_their_own_are_at_fault_only_where_unreachable(
    document: ProtocolDocument,
):
    at_fault = {place for place, _ in of_document(document, NOTHING_REFERRED_TO)}
    assert all(place.startswith("document/match_rules/") for place in at_fault)
    unreachable = {
        f"document/match_rules/{number}/when"
        for number, rule in enumerate(document.match_rules)
        if any(_shadows(earlier, rule) for earlier in document.match_rules)
    }
    assert at_fault == unreachable


def _shadows(earlier: MatchRule, rule: MatchRule) -> bool:
    return earlier.priority < rule.priority and covers(earlier.when, rule.when)
