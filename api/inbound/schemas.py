"""What other systems tell, ask and are answered, on the wire."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from api.foundation.fields import Input, LongText, ShortText, Wire
from api.foundation.labels import Labelled
from api.health_records.models import CodeState, DiagnosticOutcome
from api.inbound.items import InTurn
from api.inbound.people import AboutAPerson
from api.protocols.models import DiagnosticKind

LARGEST_REQUEST = 1000
LARGEST_QUERY = 100


def _written(value: Any) -> Any:
    if isinstance(value, str) and len(value) in _WRITTEN and value[10] in "Tt":
        return value
    raise PydanticCustomError(
        "instant", "时间应带日期和时区，例如{example}", {"example": "2022-02-15T08:30:00+08:00"}
    )


_WRITTEN = range(20, 36)
_SOMEWHEN = Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))
Moment = Annotated[
    AwareDatetime,
    _SOMEWHEN,
    BeforeValidator(_written),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2022-02-15T08:30:00+08:00"]}
    ),
]
"""As `Instant`, but read by the parser itself, since a request has two thousand of them."""


class Fate(Labelled):
    """What became of one item; nothing is lost silently."""

    created = "created", "已保存"
    unchanged = "unchanged", "同一内容此前已收到"
    corrected = "corrected", "已更正同一样本此前报送的结果"
    superseded = "superseded", "已保存为历史，已有更新的状态或结果"
    held = "held", "本地没有此人，暂存待匹配，到期清除"
    refused = "refused", "未保存"


EventId = Annotated[
    str,
    Field(
        pattern=r"^[\x21-\x7e]{1,64}$",
        description="发送方的事件编号：同一编号只收一次",
        examples=["gx-20220215-000731"],
    ),
]
System = Annotated[
    str | None,
    Field(
        pattern=r"^[a-z0-9_.-]{1,40}$",
        description="健康码系统的代码；不填为本接入自成一个系统。新旧先后只在同一系统内比较",
        examples=["guangxi"],
    ),
]


def _said_of_a_code(state: CodeState) -> CodeState:
    if state is CodeState.unavailable:
        raise PydanticCustomError("code_state", "unavailable 是查询不到时的记录，不能报送")
    return state


_ABOUT: dict[str, Any] = {
    "document_kind": "resident_identity",
    "document": "451422199001010012",
}
_CHANGE: dict[str, Any] = {
    "event_id": "gx-20220215-000731",
    **_ABOUT,
    "state": "red",
    "changed_at": "2022-02-15T08:30:00+08:00",
    "reported_at": "2022-02-15T08:31:00+08:00",
    "reason": "与确诊病例时空伴随",
    "system": "guangxi",
}
_RESULT: dict[str, Any] = {
    "event_id": "lab-7-20220215-0012",
    **_ABOUT,
    "kind": "nucleic_acid",
    "outcome": "negative",
    "sampled_at": "2022-02-15T08:30:00+08:00",
    "reported_at": "2022-02-15T20:10:00+08:00",
    "laboratory": "县疾控中心",
}


class CodeChange(AboutAPerson):
    """One change of one person's code."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHANGE]})

    event_id: EventId
    state: Annotated[CodeState, AfterValidator(_said_of_a_code), Field(description="归一后的状态")]
    changed_at: Annotated[Moment, Field(description="在来源系统何时变为此状态")]
    reported_at: Annotated[Moment | None, Field(description="来源系统何时给出；不填则为现在")] = (
        None
    )
    reason: Annotated[LongText | None, Field(description="变化的原因，加密保存")] = None
    system: System = None


class SampleResult(AboutAPerson):
    """One result of one person's sample."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RESULT]})

    event_id: EventId
    kind: Annotated[DiagnosticKind, Field(description="检测方式")] = DiagnosticKind.nucleic_acid
    outcome: Annotated[DiagnosticOutcome, Field(description="结果；pending 不能报送")]
    sampled_at: Annotated[Moment, Field(description="采样时间")]
    reported_at: Annotated[Moment | None, Field(description="出结果的时间；不填则为现在")] = None
    laboratory: Annotated[ShortText | None, Field(description="检测机构")] = None
    tube_code: Annotated[
        ShortText | None,
        Field(
            description="采样管编号；填写的按此对应已登记的样本，以后可按此更正结果。"
            "混采的请一律填写，否则阳性会记为本人阳性"
        ),
    ] = None

    @model_validator(mode="after")
    def _is_a_result(self) -> Self:
        if self.outcome is DiagnosticOutcome.pending:
            raise PydanticCustomError("no_result", "pending 不是结果，出结果后再报送")
        if self.reported_at is not None and self.reported_at < self.sampled_at:
            raise PydanticCustomError("order", "出结果的时间不能早于采样时间")
        return self


class CodeChanges(Input):
    """Up to a thousand changes; each for itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_CHANGE]}]})

    items: Annotated[
        list[Annotated[Any, InTurn(CodeChange)]],
        Field(min_length=1, max_length=LARGEST_REQUEST, description="逐条收下，互不影响"),
    ]


class SampleResults(Input):
    """Up to a thousand results; each for itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_RESULT]}]})

    items: Annotated[
        list[Annotated[Any, InTurn(SampleResult)]],
        Field(min_length=1, max_length=LARGEST_REQUEST, description="逐条收下，互不影响"),
    ]


class ItemFate(Wire):
    """What became of one item."""

    event_id: Annotated[str | None, Field(description="发送方的事件编号；无法读出的为 null")]
    outcome: Fate
    problem: Annotated[
        dict[str, Any] | None, Field(description="未保存的原因，格式同其他接口的错误")
    ]


class InboundOutcome(Wire):
    """Per item outcomes, in the order sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"event_id": "gx-20220215-000731", "outcome": "created", "problem": None}
                    ],
                    **dict.fromkeys(Fate.labels(), 0),
                    "created": 1,
                }
            ]
        }
    )

    items: list[ItemFate]
    created: Annotated[int, Field(description="新保存的条数")]
    unchanged: Annotated[int, Field(description="此前已收到的条数")]
    corrected: Annotated[int, Field(description="更正此前结果的条数")]
    superseded: Annotated[int, Field(description="保存为历史的条数")]
    held: Annotated[int, Field(description="暂存待匹配的条数")]
    refused: Annotated[int, Field(description="未保存的条数")]

    @classmethod
    def of(cls, items: list[ItemFate]) -> "InboundOutcome":
        counted = Counter(item.outcome for item in items)
        return cls(items=items, **{fate.value: counted[fate] for fate in Fate})


class StatusAsked(AboutAPerson):
    """Somebody whose status another system needs to know."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ABOUT]})


class StatusQuery(Input):
    """Up to a hundred people. What identifies them stays out of addresses, so this is a POST."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ABOUT]}]})

    items: Annotated[
        list[StatusAsked],
        Field(min_length=1, max_length=LARGEST_QUERY, description="逐人查询"),
    ]


_CODE: dict[str, Any] = {
    "system": "guangxi",
    "state": "green",
    "changed_at": "2022-02-14T00:30:00Z",
    "fetched_at": "2022-02-15T00:30:00Z",
    "valid_until": "2022-02-16T00:30:00Z",
}
_NEGATIVE: dict[str, Any] = {
    "sampled_at": "2022-02-14T00:30:00Z",
    "reported_at": "2022-02-14T12:10:00Z",
    "valid_until": "2022-02-16T00:30:00Z",
}


class CodeTold(Wire):
    """The code state that counts."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CODE]})

    system: Annotated[str, Field(description="健康码系统的代码")]
    state: CodeState
    changed_at: Annotated[datetime, Field(description="何时变为此状态")]
    fetched_at: Annotated[datetime, Field(description="何时从该系统得知")]
    valid_until: Annotated[datetime | None, Field(description="有效至；不能作为凭据的为 null")]


class NegativeTold(Wire):
    """The negative test that holds longest."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NEGATIVE]})

    sampled_at: Annotated[datetime, Field(description="采样时间")]
    reported_at: Annotated[datetime, Field(description="出结果的时间")]
    valid_until: Annotated[datetime | None, Field(description="按现行规定有效至")]


class StatusTold(Wire):
    """What may be known of one person. Somebody unknown and somebody elsewhere are told alike."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "known": True,
                    "code": _CODE,
                    "in_quarantine": True,
                    "quarantined_until": "2022-02-20",
                    "last_negative": _NEGATIVE,
                }
            ]
        }
    )

    known: Annotated[bool, Field(description="是否为该系统看得到的本地居民")]
    code: Annotated[CodeTold | None, Field(description="现在的健康码状态；没有记录的为 null")]
    in_quarantine: Annotated[bool | None, Field(description="是否在隔离管控中；不认识的为 null")]
    quarantined_until: Annotated[date | None, Field(description="计划管控到哪天（含）")]
    last_negative: Annotated[
        NegativeTold | None, Field(description="有效期最长的阴性结果；没有的为 null")
    ]


class StatusAnswer(Wire):
    """The answers, in the order asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "known": False,
                            "code": None,
                            "in_quarantine": None,
                            "quarantined_until": None,
                            "last_negative": None,
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[list[StatusTold], Field(description="按查询的次序")]
