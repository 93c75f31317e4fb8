"""What a document may not say: each fault is told with its place, and all of them at once."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.foundation.problems import InvalidInput
from api.foundation.records import new_id
from api.protocols.clocks import Clocks
from api.protocols.documents import EXAMPLE, ProtocolDocument
from api.protocols.faults import Known, of_document
from tests.cast import Town, assert_problem

COMMITTED = Path(__file__).parents[2] / "openapi" / "protocol.schema.json"
KNOWN = Known({"twice_daily"}, {"four_to_one"}, Clocks((), ()))
RULE, PLAN = EXAMPLE["match_rules"][0], EXAMPLE["plans"][0]
STAGE = PLAN["stages"][0]
LATER = STAGE | {"anchor": "previous_stage_end"}
NAT = {"day": 1, "kind": "nucleic_acid"}


def document(**changes: Any) -> dict[str, Any]:
    return deepcopy(EXAMPLE) | changes


def staged(*stages: dict[str, Any]) -> dict[str, Any]:
    return document(plans=[PLAN | {"stages": list(stages)}])


def ruled(*rules: dict[str, Any]) -> dict[str, Any]:
    return document(match_rules=[RULE | rule for rule in rules])


def released_by(*roles: str, max_level: int = 1) -> dict[str, Any]:
    approver = {"roles": list(roles), "max_level": max_level}
    return document(plans=[PLAN | {"release": PLAN["release"] | {"approver": approver}}])


def places(told: dict[str, Any]) -> list[str]:
    faults = of_document(ProtocolDocument.model_validate(told), KNOWN)
    return [place.removeprefix("document/") for place, _ in faults]


def tiers(*ends: tuple[int | None, int | None]) -> dict[str, Any]:
    return ruled(
        *(
            {"when": {"days_since_arrival": {"min": least, "max": most}}, "priority": 10}
            for least, most in ends
        )
    )


@pytest.mark.parametrize(
    ("told", "place"),
    [
        (ruled({"plan": "no_such_plan"}), "match_rules/0/plan"),
        (tiers((7, 7)), "match_rules/0/when/days_since_arrival/max"),
        (tiers((None, None)), "match_rules/0/when/days_since_arrival"),
        (tiers((0, 8), (7, 14)), "match_rules/1/priority"),
        (tiers((7, None), (None, 8)), "match_rules/1/priority"),
        (ruled({}, {"when": {}}), "match_rules/1/priority"),
        (ruled({"priority": 1, "when": {}}, {"priority": 2}), "match_rules/1/when"),
        (ruled({"priority": 2}, {"priority": 1, "when": {}}), "match_rules/0/when"),
        (
            ruled(
                {"priority": 1, "when": {"area_codes": ["45"]}},
                {"priority": 2, "when": {"area_codes": ["451422", "4514"], "vaccinated": True}},
            ),
            "match_rules/1/when",
        ),
        (document(plans=[PLAN, PLAN]), "plans/1/code"),
        (staged(LATER), "plans/0/stages/0/anchor"),
        (staged(STAGE, STAGE), "plans/0/stages/1/anchor"),
        (staged(STAGE | {"tests": [NAT | {"day": 8}]}), "plans/0/stages/0/tests/0/day"),
        (staged(STAGE | {"tests": [NAT | {"day": 0}]}), "plans/0/stages/0/tests/0/day"),
        (
            staged(STAGE, LATER | {"day_index_base": 0, "tests": [NAT | {"day": 0}]}),
            "plans/0/stages/1/tests/0/day",
        ),
        (staged(STAGE | {"tests": [NAT, NAT | {"samples": 2}]}), "plans/0/stages/0/tests/1"),
        (
            staged(STAGE | {"monitoring_policy": "hourly"}),
            "plans/0/stages/0/monitoring_policy",
        ),
        (staged(STAGE | {"care_team_policy": "alone"}), "plans/0/stages/0/care_team_policy"),
        (
            staged(STAGE | {"credit_elapsed": False, "credit_cap_days": 3}),
            "plans/0/stages/0/credit_cap_days",
        ),
        (
            staged(STAGE | {"site_checklist": [{"code": "toilet", "label": "有独立卫生间"}]}),
            "plans/0/stages/0/fallback_category",
        ),
        (
            staged(STAGE | {"fallback_category": STAGE["category"]}),
            "plans/0/stages/0/fallback_category",
        ),
        (
            staged(
                STAGE
                | {
                    "site_checklist": [{"code": "toilet", "label": "有独立卫生间"}] * 2,
                    "fallback_category": "centralized_quarantine",
                }
            ),
            "plans/0/stages/0/site_checklist/1/code",
        ),
        (document(plans=[PLAN | {"follow_up_days": [1, 7, 7]}]), "plans/0/follow_up_days/2"),
        (released_by("police_officer"), "plans/0/release/approver/roles/0"),
        (released_by("medic", "volunteer"), "plans/0/release/approver/roles/1"),
    ],
)
def test_a_fault_is_told_with_its_place(told: dict[str, Any], place: str):
    assert places(told) == [place]


@pytest.mark.parametrize(
    "told",
    [
        document(),
        tiers((0, 7), (7, 14), (14, None)),
        ruled({"priority": 1}, {"priority": 2, "when": {}}),
        ruled(
            {"when": {"exposure_classes": ["returnee"]}},
            {"when": {"exposure_classes": ["entrant", "close_contact"]}},
        ),
        ruled({"when": {"vaccinated": True}}, {"when": {"vaccinated": False}}),
        ruled({"when": {"age": {"max": 14}}}, {"when": {"age": {"min": 14}}}),
        staged(STAGE | {"day_index_base": 0, "tests": [NAT | {"day": 0}, NAT | {"day": 7}]}),
        staged(STAGE | {"tests": [NAT, {"day": 1, "kind": "antigen"}]}),
        staged(STAGE, *[LATER] * 5),
        released_by("village_doctor", "medic", "cadre", "grid_worker", max_level=10),
    ],
)
def test_what_says_one_thing_about_everybody_is_sound(told: dict[str, Any]):
    assert places(told) == []


def test_where_somebody_was_and_what_they_do_keep_no_two_clauses_of_one_priority_apart():
    """Somebody may have been in both places and do both."""
    assert places(ruled({"when": {"area_codes": ["45"]}}, {"when": {"area_codes": ["42"]}})) == [
        "match_rules/1/priority"
    ]
    assert places(
        ruled({"when": {"occupations": ["driver"]}}, {"when": {"occupations": ["medic"]}})
    ) == ["match_rules/1/priority"]


def body(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "code": "at_fault",
        "name": "试行方案",
        "disease": "麻疹",
        "issuing_body": "青竹乡防控指挥部",
        "legal_basis": "青竹乡防控指挥部〔2022〕7号",
        "source": "试拟",
        "effective_from": "2022-07-01",
        "document": told,
    }


def pointers(answer: httpx.Response) -> list[str]:
    return [each["pointer"] for each in assert_problem(answer, InvalidInput)["errors"]]


async def test_every_fault_is_told_at_once_and_nothing_is_kept(town: Town):
    zhou = await town.as_("zhou")
    stage = STAGE | {"tests": [NAT | {"day": 30}], "care_team_policy": "alone"}
    told = document(match_rules=[RULE | {"plan": "no_such"}], plans=[PLAN | {"stages": [stage]}])
    assert pointers(await zhou.post("/v1/protocols", json=body(told))) == [
        "/body/document/match_rules/0/plan",
        "/body/document/plans/0/stages/0/tests/0/day",
        "/body/document/plans/0/stages/0/care_team_policy",
    ]
    listed = await zhou.get("/v1/protocols", params={"code": "at_fault"})
    assert listed.json()["items"] == []


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        (staged(STAGE | {"duration_days": 0}), "plans/0/stages/0/duration_days"),
        (staged(STAGE | {"duration_days": 10**20}), "plans/0/stages/0/duration_days"),
        (staged(STAGE | {"day_index_base": 2}), "plans/0/stages/0/day_index_base"),
        (staged(STAGE | {"anchor": "birthday"}), "plans/0/stages/0/anchor"),
        (staged(STAGE | {"temperature": 37.3}), "plans/0/stages/0/temperature"),
        (staged(), "plans/0/stages"),
        (staged(*[STAGE] * 7), "plans/0/stages"),
        (ruled({"priority": 0}), "match_rules/0/priority"),
        (ruled({"clause": " "}), "match_rules/0/clause"),
        (ruled({"when": {"area_codes": ["451"]}}), "match_rules/0/when/area_codes/0"),
        (ruled({"when": {"risk_levels": []}}), "match_rules/0/when/risk_levels"),
        (document(look_back_days=-1), "look_back_days"),
        (document(alert_clocks={"Fever": "quick"}), "alert_clocks/Fever"),
    ],
)
async def test_what_is_no_document_at_all_is_pointed_at_too(
    town: Town, told: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    answer = await zhou.post("/v1/protocols", json=body(told))
    assert f"/body/document/{pointer}" in pointers(answer)


async def test_the_schema_is_the_one_that_is_committed(town: Town):
    ming = await town.as_("ming")
    schema = (await ming.get("/v1/protocols/schema")).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(COMMITTED.read_text("utf-8")) == schema
