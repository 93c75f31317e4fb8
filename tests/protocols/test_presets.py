"""Every date of every preset, worked out by hand on a calendar and not by the code."""

from datetime import date
from typing import Any

import pytest

from api.protocols.clocks import Clocks
from api.protocols.facts import Facts
from api.protocols.faults import Known, of_document
from api.protocols.matching import decide
from api.protocols.models import ExposureClass, ManagementCategory, RiskLevel
from api.protocols.queries import FOUR_TO_ONE, TWICE_DAILY
from api.protocols.shipped import presets
from api.protocols.timeline import LaidStage, lay_out
from tests.protocols.preset_dates import CASES, CENTRAL, NOBODY, Case, Told

KNOWN = Known({TWICE_DAILY, "site_twice_daily"}, {FOUR_TO_ONE}, Clocks((), ()))
"""What every cell begins with."""


def facts_of(told: dict[str, Any]) -> Facts:
    days = {name: date.fromisoformat(value) for name, value in told.items() if name.endswith("_on")}
    kinds: dict[str, Any] = {"exposure_class": ExposureClass(told["exposure_class"])}
    if "risk_level" in told:
        kinds["risk_level"] = RiskLevel(told["risk_level"])
    return Facts(**{**told, **days, **kinds})


def as_on_the_wall(stage: LaidStage) -> Told:
    days = (f"{test.on:%m-%d}" for test in stage.tests())
    return Told(
        stage.category.value,
        f"{stage.starts_on:%m-%d}",
        f"{stage.ends_on:%m-%d}",
        " ".join(days),
    )


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.preset} {case.plan} {case.control}"
)
def test_every_date_is_the_one_on_the_calendar(case: Case):
    control = date.fromisoformat(case.control)
    facts = facts_of(case.facts)
    decision = decide(presets()[case.preset].document, facts, control)
    assert decision is not None
    assert decision.plan.code == case.plan
    timeline = lay_out(decision.plan, facts, control)
    assert [as_on_the_wall(stage) for stage in timeline.stages] == case.stages
    assert timeline.proven is case.proven
    assert timeline.already_served is (not case.stages)


@pytest.mark.parametrize(("preset", "on", "told"), NOBODY)
def test_whom_no_clause_concerns_is_left_alone(preset: str, on: str, told: dict[str, Any]):
    document = presets()[preset].document
    assert decide(document, facts_of(told), date.fromisoformat(on)) is None


def test_every_plan_of_every_preset_is_in_the_table():
    told = {(case.preset, case.plan) for case in CASES}
    assert told == {
        (preset.code, plan.code) for preset in presets().values() for plan in preset.document.plans
    }


@pytest.mark.parametrize("code", presets())
def test_a_preset_is_a_sound_protocol_that_says_where_it_is_from(code: str):
    preset = presets()[code]
    assert list(of_document(preset.document, KNOWN)) == []
    assert len(preset.source) > 20
    assert len(preset.legal_basis) > 10


def test_not_every_preset_is_about_one_disease():
    assert len({preset.disease for preset in presets().values()}) == 2


def test_the_release_of_a_secondary_contact_waits_for_two_tests_of_the_linked_contact():
    for code, name in (("cn_v8", "secondary_7"), ("cn_v9", "secondary_home_7")):
        plans = {plan.code: plan for plan in presets()[code].document.plans}
        assert plans.pop(name).release.linked_contact_tests == 2
        assert {plan.release.linked_contact_tests for plan in plans.values()} == {0}


def test_the_eighth_edition_takes_two_samples_before_central_quarantine_ends():
    (central, home) = presets()["cn_v8"].document.plans[0].stages
    assert [(test.day, test.samples) for test in central.tests] == [(1, 1), (4, 1), (7, 1), (14, 2)]
    assert [(test.day, test.samples) for test in home.tests] == [(2, 1), (7, 1)]


def test_guangxi_wants_to_know_a_day_before_and_half_a_day_after_arrival():
    document = presets()["gx_2022_0118"].document
    assert (document.pre_report_hours, document.post_arrival_report_hours) == (24, 12)
    assert document.look_back_days == 14


def test_every_home_is_checked_and_an_unfit_one_falls_back_to_central_quarantine():
    for preset in presets().values():
        for stage in (stage for plan in preset.document.plans for stage in plan.stages):
            assert (stage.site_checklist is None) is (stage.fallback_category is None)
            assert stage.site_checklist or stage.category is not ManagementCategory.home_quarantine
            if stage.fallback_category is not None:
                assert stage.fallback_category == CENTRAL
