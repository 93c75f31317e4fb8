"""Rules of checkpoints on the wire: which proofs are asked for, how fresh, and what each means."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.checkpoints.models import GateDecision, WhenUnavailable
from api.foundation.fields import Input
from api.foundation.tagged import TOLD_IN_PLACE
from api.health_records.models import CodeState
from api.health_records.validity_models import ValidityAnchor
from api.protocols.schemas import PolicyRead, PolicyRecord

SystemCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{1,39}$",
        description="健康码系统的代码",
        examples=["gx_health_code"],
    ),
]
FreshMinutes = Annotated[
    int, Field(ge=1, le=10_080, description="多少分钟以内的才算有效", examples=[1440])
]
Missing = Annotated[GateDecision, Field(description="没有或已过期的如何处理")]


class HealthCodeProof(Input):
    """A health code of one of the systems; none named means any."""

    proof: Annotated[Literal["health_code"], Field(description="哪一项查验")]
    systems: Annotated[
        list[SystemCode],
        Field(max_length=10, description="认可的健康码系统；空为都认可", default_factory=list),
    ]
    fresh_minutes: FreshMinutes = 1440
    means: Annotated[
        dict[CodeState, GateDecision],
        Field(
            max_length=len(CodeState),
            description="各种状态如何处理；未列的暂留，红码不得放行，绿码放行",
            default_factory=dict,
        ),
    ]


class TravelCardProof(Input):
    """A travel card; one that is not green, or marks a place at risk, is told apart."""

    proof: Annotated[Literal["travel_card"], Field(description="哪一项查验")]
    fresh_minutes: FreshMinutes = 1440
    at_risk: Annotated[
        GateDecision, Field(description="卡不是绿色、或到过有风险地区的城市的，如何处理")
    ] = GateDecision.hold
    missing: Missing = GateDecision.hold


class NegativeTestProof(Input):
    """A negative nucleic-acid test of so many hours, from sampling or from the result."""

    proof: Annotated[Literal["negative_test"], Field(description="哪一项查验")]
    hours: Annotated[int, Field(ge=1, le=720, description="多少小时以内的阴性", examples=[48])] = 48
    anchor: Annotated[ValidityAnchor, Field(description="从何时起算")] = ValidityAnchor.sampled
    missing: Missing = GateDecision.hold


class VaccinationProof(Input):
    """So many doses; who must not be vaccinated needs none."""

    proof: Annotated[Literal["vaccination"], Field(description="哪一项查验")]
    doses: Annotated[int, Field(ge=1, le=9, description="至少接种几剂")] = 2
    missing: Missing = GateDecision.through


Proof = Annotated[
    HealthCodeProof | TravelCardProof | NegativeTestProof | VaccinationProof,
    Field(discriminator="proof", title="RequiredProof"),
    TOLD_IN_PLACE,
]
Proofs = Annotated[
    list[Proof], Field(min_length=1, max_length=4, description="须查验的各项，每项一次")
]
OnUnavailable = Annotated[WhenUnavailable, Field(description="健康码查询不到时如何处理")]
Retention = Annotated[int, Field(ge=1, le=180, description="通行记录保存几天，逾期删除")]
Recheck = Annotated[int, Field(ge=1, le=1440, description="查询不到的，多少分钟后复查")]
RecheckHours = Annotated[int, Field(ge=1, le=168, description="多少小时后仍查不到即不再复查")]
AnswerMinutes = Annotated[
    int, Field(ge=1, le=1440, description="查询他网格人员的结果，卡点可保留多少分钟")
]

_THREE: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e05",
    "code": "county_road",
    "name": "县道卡点三码联查",
    "legal_basis": "青竹乡防控指挥部〔2022〕6号",
    "effective_from": "2022-02-10",
    "proofs": [
        {
            "proof": "health_code",
            "systems": ["gx_health_code"],
            "fresh_minutes": 1440,
            "means": {"red": "turn_back", "yellow": "hold"},
        },
        {
            "proof": "travel_card",
            "fresh_minutes": 1440,
            "at_risk": "hold",
            "missing": "hold",
        },
        {"proof": "negative_test", "hours": 48, "anchor": "sampled", "missing": "hold"},
    ],
    "on_unavailable": "hold",
    "retention_days": 30,
    "recheck_minutes": 10,
    "recheck_hours": 24,
    "answer_minutes": 60,
}


class CheckpointRuleRecord(PolicyRecord):
    """A new rule of checkpoints, or the next revision of one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_THREE]})

    proofs: Proofs
    on_unavailable: OnUnavailable = WhenUnavailable.hold
    retention_days: Retention = 30
    recheck_minutes: Recheck = 10
    recheck_hours: RecheckHours = 24
    answer_minutes: AnswerMinutes = 60


class CheckpointRuleRead(PolicyRead):
    """A revision of a rule of checkpoints."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_THREE, "revision": 1, "effective_to": None}]}
    )

    proofs: Proofs
    on_unavailable: OnUnavailable
    retention_days: Retention
    recheck_minutes: Recheck
    recheck_hours: RecheckHours
    answer_minutes: AnswerMinutes
