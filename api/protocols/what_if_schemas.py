"""“What if” on the wire: a person's facts and a day in, a plan laid out on the calendar out."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Day, DivisionCode, Input, Name, Wire
from api.protocols.conditions import Token
from api.protocols.documents import Stage
from api.protocols.facts import Facts
from api.protocols.models import DiagnosticKind, ExposureClass, ManagementCategory, RiskLevel

PlanningDay = Annotated[
    Day, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31), description="1900至2199年间的一天")
]
"""A day that stages can be counted from without leaving the calendar."""

_FACTS: dict[str, Any] = {
    "exposure_class": "returnee",
    "risk_level": "medium",
    "area_codes": ["451023"],
    "left_risk_area_on": "2022-02-08",
    "arrived_on": "2022-02-09",
}


class FactsTold(Input):
    """What is known of the person; what is not known is left out."""

    exposure_class: Annotated[ExposureClass, Field(description="接触类别")]
    risk_level: Annotated[RiskLevel | None, Field(description="来源地风险等级")] = None
    area_codes: Annotated[
        list[DivisionCode],
        Field(max_length=200, description="到过的地区", default_factory=list),
    ]
    last_exposure_on: Annotated[PlanningDay | None, Field(description="末次暴露日期")] = None
    left_risk_area_on: Annotated[PlanningDay | None, Field(description="离开风险区日期")] = None
    arrived_on: Annotated[PlanningDay | None, Field(description="抵达日期")] = None
    age: Annotated[int | None, Field(ge=0, le=150, description="周岁")] = None
    vaccinated: Annotated[bool | None, Field(description="是否全程接种疫苗")] = None
    occupations: Annotated[
        list[Token], Field(max_length=20, description="职业代码", default_factory=list)
    ]

    model_config = ConfigDict(json_schema_extra={"examples": [_FACTS]})

    def facts(self) -> Facts:
        """The same, as rules are asked about it."""
        told: dict[str, Any] = self.model_dump()
        told |= {name: tuple(told[name]) for name in ("area_codes", "occupations")}
        return Facts(**told)


class WhatIf(Input):
    """A person's facts and the day on which it is decided."""

    facts: FactsTold
    on: Annotated[PlanningDay | None, Field(description="在哪一天决定；不填为今天")] = None
    control_starts_on: Annotated[
        PlanningDay | None, Field(description="哪一天开始管控；不填为决定当天")
    ] = None
    disease: Annotated[
        Name | None, Field(description="疾病名称；当日施行的方案涉及多种疾病时须填写")
    ] = None
    protocol_id: Annotated[
        UUID | None, Field(description="只按这一版方案试算，草稿也可；不填按当日施行的各方案")
    ] = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"facts": _FACTS, "on": "2022-02-10"}]}
    )


class ProtocolNamed(Wire):
    """The revision that decided, or was asked."""

    id: UUID
    code: Annotated[str, Field(description="方案代码")]
    revision: Annotated[int, Field(description="第几版")]
    name: Annotated[str, Field(description="方案名称")]
    disease: Annotated[str, Field(description="疾病名称")]
    legal_basis: Annotated[str, Field(description="依据")]
    region_code: Annotated[str | None, Field(description="适用地区代码前段；null 为不限")]


class TestDay(Wire):
    """One test with its window."""

    number: Annotated[int, Field(description="本阶段第几次，从1起")]
    day_index: Annotated[int, Field(description="本阶段第几天")]
    on: Annotated[date, Field(description="检测日期")]
    opens_at: Annotated[datetime, Field(description="最早采样时间")]
    due_at: Annotated[datetime, Field(description="最迟采样时间")]
    kind: DiagnosticKind
    samples: Annotated[int, Field(description="采样份数")]


class StageLaid(Wire):
    """One stage on the calendar; both its days belong to it."""

    index: Annotated[int, Field(description="管理方案中第几阶段，从0起")]
    category: ManagementCategory
    starts_on: Annotated[date, Field(description="首日（含）")]
    ends_on: Annotated[date, Field(description="末日（含）")]
    counted_from: Annotated[date, Field(description="起算日")]
    day_index_base: Annotated[int, Field(description="起算日算第几天：0或1")]
    credited_days: Annotated[int, Field(description="抵扣的天数（填平补齐）")]
    tests: Annotated[list[TestDay], Field(description="须做的检测")]
    rule: Annotated[Stage, Field(description="本阶段的要求")]


class RuleConsidered(Wire):
    """A clause that was looked at, and what kept it from deciding."""

    protocol_id: UUID
    rule_index: Annotated[int, Field(description="方案中第几条，从0起")]
    priority: Annotated[int, Field(description="先后")]
    clause: Annotated[str, Field(description="条款")]
    plan: Annotated[str, Field(description="管理方案代码")]
    decided: Annotated[bool, Field(description="是否由本条决定")]
    unmet: Annotated[
        list[str], Field(description="不符合的条件；为空而未由本条决定的，在先的条款已决定")
    ]


class PlanLaid(Wire):
    """The plan that would apply, laid out on the calendar."""

    protocol: Annotated[ProtocolNamed, Field(description="作出决定的方案")]
    rule_index: Annotated[int, Field(description="由第几条决定，从0起")]
    clause: Annotated[str, Field(description="作出决定的条款")]
    code: Annotated[str, Field(description="管理方案代码")]
    name: Annotated[str, Field(description="管理方案名称")]
    proven: Annotated[bool, Field(description="起算日是否有据；否则自开始管控之日起算")]
    already_served: Annotated[bool, Field(description="开始管控前是否已全部期满")]
    stages: Annotated[list[StageLaid], Field(description="须执行的各阶段，首尾相接")]
    served: Annotated[list[StageLaid], Field(description="开始管控前已满的各阶段")]
    follow_ups_on: Annotated[list[date], Field(description="按期解除的，各随访日期")]


_CLAUSE = "7天内有中风险区旅居史的人员：7天居家隔离医学观察，第1、4、7天核酸。"
_LAID: dict[str, Any] = {
    "protocol": {
        "id": "01890a5d-ac96-774b-bcce-b302099a8701",
        "code": "cn_v9",
        "revision": 1,
        "name": "新型冠状病毒肺炎防控方案（第九版）",
        "disease": "新型冠状病毒肺炎",
        "legal_basis": "新型冠状病毒肺炎防控方案（第九版），2022年6月",
        "region_code": None,
    },
    "rule_index": 4,
    "clause": _CLAUSE,
    "code": "medium_risk_home_7",
    "name": "中风险区：居家隔离7天",
    "proven": True,
    "already_served": False,
    "stages": [
        {
            "index": 0,
            "category": "home_quarantine",
            "starts_on": "2022-02-10",
            "ends_on": "2022-02-14",
            "counted_from": "2022-02-08",
            "day_index_base": 1,
            "credited_days": 2,
            "tests": [
                {
                    "number": 1,
                    "day_index": 4,
                    "on": "2022-02-11",
                    "opens_at": "2022-02-10T16:00:00Z",
                    "due_at": "2022-02-11T16:00:00Z",
                    "kind": "nucleic_acid",
                    "samples": 1,
                },
                {
                    "number": 2,
                    "day_index": 7,
                    "on": "2022-02-14",
                    "opens_at": "2022-02-13T16:00:00Z",
                    "due_at": "2022-02-14T16:00:00Z",
                    "kind": "nucleic_acid",
                    "samples": 1,
                },
            ],
            "rule": {
                "category": "home_quarantine",
                "duration_days": 7,
                "anchor": "left_risk_area",
                "credit_elapsed": True,
            },
        }
    ],
    "served": [],
    "follow_ups_on": ["2022-02-15", "2022-02-16"],
}
_CONSIDERED: dict[str, Any] = {
    "protocol_id": "01890a5d-ac96-774b-bcce-b302099a8701",
    "rule_index": 4,
    "priority": 30,
    "clause": _CLAUSE,
    "plan": "medium_risk_home_7",
    "decided": True,
    "unmet": [],
}


class WhatIfRead(Wire):
    """What would apply; nothing was stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "on": "2022-02-10",
                    "control_starts_on": "2022-02-10",
                    "plan": _LAID,
                    "considered": [_CONSIDERED],
                }
            ]
        }
    )

    on: Annotated[date, Field(description="决定日期")]
    control_starts_on: Annotated[date, Field(description="开始管控日期")]
    plan: Annotated[PlanLaid | None, Field(description="适用的管理方案；null 为没有适用的条款")]
    considered: Annotated[
        list[RuleConsidered],
        Field(description="逐条考虑的结果，按先后；为空的，当日没有施行的方案"),
    ]
