"""Policies on the wire: how a rule is proposed, and how it reads afterwards."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, WithJsonSchema

from api.access.permissions import Role
from api.foundation.fields import Celsius, Day, Input, LongText, RecordId, ShortText, Wire
from api.protocols.models import Comparator, WhereaboutsKind

PolicyCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{2,39}$",
        description="规则代码：小写字母开头，由小写字母、数字、下划线组成；同一代码的各版前后相继",
        examples=["four_to_one"],
    ),
]
ClockTime = Annotated[
    str,
    Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="当地时间，时：分",
        examples=["06:00"],
    ),
]
BodyCelsius = Annotated[
    Celsius,
    Field(ge=34, le=43),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 34,
            "maximum": 43,
            "description": "体温，摄氏度，34.0 至 43.0，最多一位小数",
            "examples": [37.3],
        }
    ),
]
"""A temperature that a living body can have (domain 3.5)."""

Headcount = Annotated[int, Field(ge=0, le=20)]


_FIVE_TO_ONE: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e01",
    "code": "five_to_one",
    "name": "五包一",
    "legal_basis": "青竹乡防控指挥部〔2022〕3号",
    "effective_from": "2022-02-10",
    "size": 5,
    "min_party_members": 1,
    "role_minima": {"village_doctor": 1, "police_officer": 1},
    "max_persons_per_worker": 10,
}
_THREE_TIMES: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e02",
    "code": "three_times_daily",
    "name": "每日三次测温",
    "legal_basis": "青竹乡防控指挥部〔2022〕3号",
    "effective_from": "2022-02-10",
    "windows": [
        {"name": "morning", "label": "早", "opens": "06:00", "closes": "09:00"},
        {"name": "noon", "label": "中", "opens": "11:30", "closes": "14:00"},
        {"name": "evening", "label": "晚", "opens": "17:00", "closes": "21:00"},
    ],
    "fever_threshold_c": 37.3,
    "comparator": "gte",
    "low_threshold_c": 35.0,
    "plausible_min_c": 34.0,
    "plausible_max_c": 43.0,
    "exempt_whereabouts": ["in_hospital", "transferred"],
}
_IN_FORCE = {"revision": 1, "effective_to": None}


class PolicyRecord(Input):
    """What every policy is told with."""

    id: RecordId
    code: PolicyCode
    name: Annotated[ShortText, Field(description="规则名称")]
    legal_basis: Annotated[LongText, Field(description="依据：文件名称、文号或当地做法")]
    effective_from: Annotated[Day, Field(description="施行日期；前一版于前一日止")]


class CareTeamPolicyRecord(PolicyRecord):
    """A new care-team policy, or the next revision of one."""

    size: Annotated[int, Field(ge=1, le=20, description="每名隔离人员须由几人包保")]
    min_party_members: Annotated[Headcount, Field(description="其中至少几名党员")]
    role_minima: Annotated[
        dict[Role, Annotated[int, Field(ge=1, le=20)]],
        Field(
            default_factory=dict,
            max_length=len(Role),
            description="各类人员至少几名；不作要求的不填",
        ),
    ]
    max_persons_per_worker: Annotated[
        int | None, Field(ge=1, le=1000, description="一人最多同时包保几名隔离人员；不填则不限")
    ] = None

    model_config = ConfigDict(json_schema_extra={"examples": [_FIVE_TO_ONE]})


class MonitoringWindow(Input):
    """A part of the local day in which a temperature is due."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,19}$",
            description="时段代码，体温记录以此指明时段",
            examples=["morning"],
        ),
    ]
    label: Annotated[
        str, Field(pattern=r"^[\u4e00-\u9fff]{1,10}$", description="时段名称", examples=["早"])
    ]
    opens: Annotated[ClockTime, Field(description="开始时间（含），时：分")]
    closes: Annotated[ClockTime, Field(description="结束时间（不含），时：分")]


class MonitoringPolicyRecord(PolicyRecord):
    """A new monitoring policy, or the next revision of one."""

    windows: Annotated[
        list[MonitoringWindow],
        Field(min_length=1, max_length=12, description="每日测温时段，按先后排列，互不重叠"),
    ]
    fever_threshold_c: Annotated[BodyCelsius, Field(description="发热界限，摄氏度")]
    comparator: Annotated[Comparator, Field(description="等于界限时是否算发热")]
    low_threshold_c: Annotated[BodyCelsius, Field(description="低于此值提示体温偏低，摄氏度")]
    plausible_min_c: Annotated[
        BodyCelsius, Field(description="低于此值不予登记，须复测，摄氏度")
    ] = 34.0
    plausible_max_c: Annotated[
        BodyCelsius, Field(description="高于此值不予登记，须复测，摄氏度")
    ] = 43.0
    exempt_whereabouts: Annotated[
        list[WhereaboutsKind],
        Field(
            default_factory=list,
            max_length=len(WhereaboutsKind),
            description="去向为这些时不要求测温",
        ),
    ]

    model_config = ConfigDict(json_schema_extra={"examples": [_THREE_TIMES]})


class PolicyRead(Wire):
    id: UUID
    code: Annotated[str, Field(description="规则代码")]
    revision: Annotated[int, Field(description="第几版，从 1 起")]
    name: Annotated[str, Field(description="规则名称")]
    legal_basis: Annotated[str, Field(description="依据")]
    effective_from: Annotated[date, Field(description="施行日期")]
    effective_to: Annotated[date | None, Field(description="最后施行日；现行版为 null")]


class CareTeamPolicyRead(PolicyRead):
    """A revision of a care-team policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_FIVE_TO_ONE, **_IN_FORCE}]})

    size: Annotated[int, Field(description="每名隔离人员须由几人包保")]
    min_party_members: Annotated[int, Field(description="其中至少几名党员")]
    role_minima: Annotated[dict[Role, int], Field(description="各类人员至少几名")]
    max_persons_per_worker: Annotated[
        int | None, Field(description="一人最多同时包保几名隔离人员；null 为不限")
    ]


class MonitoringPolicyRead(PolicyRead):
    """A revision of a monitoring policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_THREE_TIMES, **_IN_FORCE}]})

    windows: Annotated[list[MonitoringWindow], Field(description="每日测温时段")]
    fever_threshold_c: Annotated[float, Field(description="发热界限，摄氏度")]
    comparator: Annotated[Comparator, Field(description="等于界限时是否算发热")]
    low_threshold_c: Annotated[float, Field(description="体温偏低的界限，摄氏度")]
    plausible_min_c: Annotated[float, Field(description="可登记的最低体温，摄氏度")]
    plausible_max_c: Annotated[float, Field(description="可登记的最高体温，摄氏度")]
    exempt_whereabouts: Annotated[
        list[WhereaboutsKind], Field(description="去向为这些时不要求测温")
    ]
