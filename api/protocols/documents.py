"""A protocol's document: all that an epidemic rule decides, each with the clause it is from."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.foundation.fields import ShortText
from api.protocols.conditions import Days, MatchRule, Part, Token
from api.protocols.models import (
    Anchor,
    CohabitantRule,
    DiagnosticKind,
    LeaveHome,
    ManagementCategory,
    MissedTest,
)
from api.protocols.schemas import PolicyCode

Hours = Annotated[int, Field(ge=1, le=8784)]


class PlannedTest(Part):
    """A test on a day of its stage, counted as the stage counts its days."""

    day: Annotated[Days, Field(description="本阶段第几天；首日为0还是1见day_index_base")]
    kind: Annotated[DiagnosticKind, Field(description="检测方式")]
    samples: Annotated[
        Literal[1, 2], Field(description="采样份数；2为双采双检（第八版）", examples=[1])
    ] = 1


class ChecklistItem(Part):
    """One thing that a home must have before somebody is quarantined in it (domain 3.6)."""

    code: Annotated[Token, Field(description="核查项代码")]
    label: Annotated[ShortText, Field(description="核查项", examples=["有独立卫生间"])]


class Stage(Part):
    """A period under one measure: how it is counted, what is due in it, and where it is served.

    Counted from day 1, the anchor is day 1 and day `duration_days` the last; counted from day 0,
    the anchor is day 0 and day `duration_days` again the last.
    """

    category: Annotated[ManagementCategory, Field(description="管理措施")]
    duration_days: Annotated[int, Field(ge=1, le=366, description="满多少天")]
    anchor: Annotated[Anchor, Field(description="自何日起算；第二阶段起须为previous_stage_end")]
    day_index_base: Annotated[
        Literal[0, 1], Field(description="起算日算第0天还是第1天（domain 3.3.3）", examples=[1])
    ] = 1
    credit_elapsed: Annotated[
        bool, Field(description="开始管控前已过的天数是否抵扣（填平补齐）")
    ] = False
    credit_cap_days: Annotated[Days | None, Field(description="最多抵扣多少天；不填则不限")] = None
    tests: Annotated[
        list[PlannedTest], Field(max_length=60, description="检测日", default_factory=list)
    ]
    test_window_hours: Annotated[
        int, Field(ge=1, le=168, description="检测日零时起多少小时内采样")
    ] = 24
    on_missed_test: Annotated[MissedTest, Field(description="漏检的后果")] = MissedTest.reschedule
    monitoring_policy: Annotated[
        PolicyCode | None, Field(description="测温规则代码；不测温的不填")
    ] = None
    care_team_policy: Annotated[
        PolicyCode | None, Field(description="包保规则代码；不安排包保的不填")
    ] = None
    visits_per_day: Annotated[
        int, Field(ge=0, le=24, description="每日上门次数；上门测温也算一次")
    ] = 0
    calls_per_day: Annotated[int, Field(ge=0, le=24, description="每日问候电话次数")] = 0
    cohabitant_rule: Annotated[CohabitantRule, Field(description="对同住人员的要求")] = (
        CohabitantRule.none
    )
    leave_home: Annotated[LeaveHome, Field(description="能否离开住所")] = LeaveHome.never
    site_checklist: Annotated[
        list[ChecklistItem] | None,
        Field(min_length=1, max_length=40, description="住所须逐项符合；不核查的不填"),
    ] = None
    fallback_category: Annotated[
        ManagementCategory | None, Field(description="住所不符合时改用的措施")
    ] = None


class Approver(Part):
    """Who may release: one of these roles, at this level of the tree or above."""

    roles: Annotated[
        list[Role], Field(min_length=1, max_length=len(Role), description="可批准解除的身份")
    ]
    max_level: Annotated[int, Field(ge=1, le=10, description="任职网格的最低层级，1为乡镇")]


class ReleaseRule(Part):
    """What must hold before somebody is released; the period being complete always must (M3.8)."""

    all_tests_negative: Annotated[bool, Field(description="须各次检测均为阴性")] = True
    no_open_alert: Annotated[bool, Field(description="须无未办结的异常")] = True
    linked_contact_tests: Annotated[
        int,
        Field(ge=0, le=20, description="须所关联密接的前几次检测均为阴性；0为不要求"),
    ] = 0
    approver: Annotated[Approver, Field(description="由谁批准")]
    notice_title: Annotated[
        ShortText, Field(description="解除告知书标题", examples=["解除隔离医学观察告知书"])
    ]


class Plan(Part):
    """What somebody whom a clause concerns goes through, stage after stage."""

    code: Annotated[PolicyCode, Field(description="管理方案代码，在本文件内唯一")]
    name: Annotated[ShortText, Field(description="管理方案名称")]
    stages: Annotated[list[Stage], Field(min_length=1, max_length=6, description="依次各阶段")]
    release: Annotated[ReleaseRule, Field(description="解除条件")]
    follow_up_days: Annotated[
        list[Annotated[int, Field(ge=1, le=366)]],
        Field(max_length=30, description="解除后第几天随访", default_factory=list),
    ]


EXAMPLE: dict[str, Any] = {
    "look_back_days": 7,
    "pre_report_hours": 24,
    "post_arrival_report_hours": 12,
    "test_validity_hours": 48,
    "match_rules": [
        {
            "priority": 10,
            "clause": "七日内有中风险区旅居史的返乡人员，居家隔离医学观察7天。",
            "when": {"exposure_classes": ["returnee"], "risk_levels": ["medium"]},
            "plan": "home_7",
        }
    ],
    "plans": [
        {
            "code": "home_7",
            "name": "居家隔离7天",
            "stages": [
                {
                    "category": "home_quarantine",
                    "duration_days": 7,
                    "anchor": "left_risk_area",
                    "credit_elapsed": True,
                    "tests": [
                        {"day": 1, "kind": "nucleic_acid"},
                        {"day": 4, "kind": "nucleic_acid"},
                        {"day": 7, "kind": "nucleic_acid"},
                    ],
                    "monitoring_policy": "twice_daily",
                    "care_team_policy": "four_to_one",
                    "cohabitant_rule": "quarantine_together",
                }
            ],
            "release": {
                "approver": {"roles": ["grid_leader"], "max_level": 1},
                "notice_title": "解除居家隔离医学观察告知书",
            },
            "follow_up_days": [1, 7],
        }
    ],
    "alert_clocks": {},
}


class ProtocolDocument(Part):
    """Whom the protocol concerns, what they go through, and by which clocks it is reported."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    look_back_days: Annotated[Days, Field(description="旅居史追溯天数")]
    pre_report_hours: Annotated[
        Hours | None, Field(description="须提前多少小时报备；不要求的不填")
    ] = None
    post_arrival_report_hours: Annotated[
        Hours | None, Field(description="抵达后须在多少小时内报告；不要求的不填")
    ] = None
    test_validity_hours: Annotated[
        Hours | None, Field(description="检测阴性证明多少小时内有效；不要求的不填")
    ] = None
    match_rules: Annotated[
        list[MatchRule], Field(min_length=1, max_length=100, description="逐条适用规则")
    ]
    plans: Annotated[list[Plan], Field(min_length=1, max_length=60, description="各管理方案")]
    alert_clocks: Annotated[
        dict[Token, PolicyCode],
        Field(
            max_length=40,
            description="各类异常适用的时限规则代码；未列的按默认时限",
            default_factory=dict,
        ),
    ]


def document_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a protocol's document, for whoever writes one."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **ProtocolDocument.model_json_schema()}
