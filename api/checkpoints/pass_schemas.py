"""Passes on the wire: who came by, what they showed, what the rule said, what was decided."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from api.checkpoints.models import GateDecision, RecheckState
from api.checkpoints.rule_schemas import SystemCode
from api.checkpoints.verdicts import About, Finding
from api.foundation.field_records import FromTheField
from api.foundation.fields import (
    Input,
    Instant,
    LongText,
    MaskedDocument,
    MaskedPhone,
    PersonName,
    Phone,
    RecordId,
    ShortText,
    Wire,
)
from api.foundation.identity import DocumentKind
from api.foundation.records import Source
from api.foundation.tagged import TOLD_IN_PLACE
from api.health_records.models import CardColour, CodeState, DiagnosticOutcome
from api.registry.resident_schemas import DocumentNumber, whole_document


class Documented(Input):
    """How somebody is told apart at a gate: by a document, or by a phone."""

    document_kind: Annotated[DocumentKind | None, Field(description="证件类型")] = None
    document: DocumentNumber | None = Field(
        None, validate_default=True, description="证件号码，须与证件类型一起填写"
    )
    phone: Phone | None = None

    @field_validator("document")
    @classmethod
    def _document_proves_itself(cls, number: str | None, info: ValidationInfo) -> str | None:
        return whole_document(info.data.get("document_kind"), number)


class Passer(Documented):
    """Somebody at a gate, as far as they are told apart; at least one member is filled in."""

    resident_id: Annotated[RecordId | None, Field(description="已知的居民")] = None
    name: Annotated[PersonName | None, Field(description="姓名")] = None

    @model_validator(mode="after")
    def _is_somebody(self) -> "Passer":
        if not (self.resident_id or self.document or self.phone or self.name):
            raise PydanticCustomError("passer", "姓名、证件、电话、居民编号至少填写一项")
        return self


class ShownCode(Input):
    """A health code on a phone, as the guard saw it."""

    proof: Annotated[Literal["health_code"], Field(description="哪一项查验")]
    system: Annotated[SystemCode | None, Field(description="哪个系统的码；不填为未分辨")] = None
    state: Annotated[CodeState, Field(description="码的状态；扫不出来的填查询不到")]


class ShownCard(Input):
    """A travel card on a phone."""

    proof: Annotated[Literal["travel_card"], Field(description="哪一项查验")]
    colour: Annotated[CardColour, Field(description="行程卡颜色")] = CardColour.green
    at_risk: Annotated[bool, Field(description="是否到过有风险地区的城市（带星号）")] = False
    updated_at: Annotated[Instant | None, Field(description="更新时间；不填为刚刚")] = None


class ShownTest(Input):
    """A nucleic-acid result on a phone or on paper."""

    proof: Annotated[Literal["negative_test"], Field(description="哪一项查验")]
    outcome: Annotated[DiagnosticOutcome, Field(description="结果")] = DiagnosticOutcome.negative
    sampled_at: Annotated[Instant, Field(description="采样时间")]
    reported_at: Annotated[Instant | None, Field(description="出结果时间")] = None


class ShownDoses(Input):
    """A record of vaccination."""

    proof: Annotated[Literal["vaccination"], Field(description="哪一项查验")]
    doses: Annotated[int, Field(ge=0, le=9, description="已接种几剂")]


Shown = Annotated[
    ShownCode | ShownCard | ShownTest | ShownDoses,
    Field(discriminator="proof", title="ShownProof"),
    TOLD_IN_PLACE,
]
Plate = Annotated[ShortText | None, Field(description="车牌号，加密保存", examples=["桂F12345"])]
FromPlace = Annotated[
    ShortText | None, Field(description="从哪里来，加密保存", examples=["百色市"])
]
ToPlace = Annotated[ShortText | None, Field(description="到哪里去，加密保存", examples=["柳村"])]

_PASS: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "person": {
        "document_kind": "resident_identity",
        "document": "451422199001010012",
        "phone": "13800005678",
        "resident_id": None,
        "name": "黄秀英",
    },
    "vehicle_plate": "桂F12345",
    "from_place": "百色市德保县",
    "to_place": "柳村",
    "shown": [
        {"proof": "health_code", "system": None, "state": "green"},
        {
            "proof": "negative_test",
            "outcome": "negative",
            "sampled_at": "2022-02-14T09:00:00+08:00",
            "reported_at": None,
        },
    ],
    "passed_at": "2022-02-15T08:10:00+08:00",
}


class PassRecord(FromTheField):
    """Somebody at a checkpoint; one call, whatever other systems do meanwhile (M2.8)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PASS]})

    person: Annotated[Passer, Field(description="何人")]
    vehicle_plate: Plate = None
    from_place: FromPlace = None
    to_place: ToPlace = None
    shown: Annotated[
        list[Shown],
        Field(max_length=10, description="当场出示的；没有的为空", default_factory=list),
    ]
    decision: Annotated[
        GateDecision | None, Field(description="如何处理；不填则按规则。与规则不一致的须说明理由")
    ] = None
    decision_reason: Annotated[
        LongText | None, Field(description="与规则不一致的理由", examples=["急救车辆，先行放行"])
    ] = None
    passed_at: Annotated[Instant | None, Field(description="通过时间；不填则为现在")] = None


class ReasonRead(Wire):
    """What one proof came to."""

    about: About = Field(description="关于哪一项")
    finding: Finding = Field(description="查验的结果")
    decision: GateDecision = Field(description="因此如何处理")


_REASONS: Any = [
    {"about": "health_code", "finding": "unavailable", "decision": "hold"},
    {"about": "negative_test", "finding": "valid", "decision": "through"},
]


class PassRead(Wire):
    """A pass as it is kept; what identifies the person is masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "version": 1,
                    "checkpoint_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "passed_at": "2022-02-15T00:10:00Z",
                    "name": "黄*",
                    "document_kind": "resident_identity",
                    "document": "451***********0012",
                    "phone": "138****5678",
                    "vehicle_plate": "桂F12345",
                    "from_place": "百色市德保县",
                    "to_place": "柳村",
                    "verdict": "hold",
                    "reasons": _REASONS,
                    "decision": "hold",
                    "decision_reason": None,
                    "recheck": True,
                    "later_verdict": None,
                    "later_reasons": None,
                    "rechecked_at": None,
                    "rule_id": "01890a5d-ac96-774b-bcce-b302099a805a",
                    "recorded_at": "2022-02-15T00:10:05Z",
                    "received_at": "2022-02-15T00:10:06Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a805b",
                    "source": "visit",
                    "discarded_at": None,
                }
            ]
        }
    )

    id: UUID
    version: int
    checkpoint_id: UUID
    grid_id: UUID
    passed_at: datetime = Field(description="通过时间")
    name: str | None = Field(description="姓名，已脱敏")
    document_kind: DocumentKind | None = Field(description="证件类型")
    document: MaskedDocument | None = Field(description="证件号码，已脱敏")
    phone: MaskedPhone | None = Field(description="电话，已脱敏")
    vehicle_plate: str | None = Field(description="车牌号")
    from_place: str | None = Field(description="从哪里来")
    to_place: str | None = Field(description="到哪里去")
    verdict: GateDecision = Field(description="按规则如何处理")
    reasons: list[ReasonRead] = Field(description="各项查验的结果")
    decision: GateDecision = Field(description="实际如何处理")
    decision_reason: str | None = Field(description="与规则不一致的理由")
    recheck: bool = Field(description="是否有查询不到、须复查的健康码")
    later_verdict: GateDecision | None = Field(description="复查后按规则应如何处理；未复查为 null")
    later_reasons: list[ReasonRead] | None = Field(description="复查的各项结果")
    rechecked_at: datetime | None = Field(description="复查时间")
    rule_id: UUID = Field(description="所依据的查验规则的那一版")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
    source: Source
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")


class RecheckRead(Wire):
    """A pass whose code is asked for again, and how that goes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pass_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "checkpoint_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "state": "waiting",
                    "since_at": "2022-02-15T00:10:00Z",
                    "next_at": "2022-02-15T00:40:00Z",
                    "give_up_at": "2022-02-16T00:10:00Z",
                    "tries": 1,
                    "tried_at": "2022-02-15T00:20:00Z",
                    "last_answer": "timed_out",
                }
            ]
        }
    )

    pass_id: UUID
    checkpoint_id: UUID
    state: RecheckState
    since_at: datetime = Field(description="从何时起等待")
    next_at: datetime = Field(description="下一次何时复查")
    give_up_at: datetime = Field(description="何时起不再复查")
    tries: int = Field(description="已复查几次")
    tried_at: datetime | None = Field(description="最近一次复查的时间；没有的为 null")
    last_answer: str | None = Field(description="最近一次的结果：码的状态，或查不到的原因")


class PassHourTally(Wire):
    """How many came by in one hour of the local day, by what was decided."""

    hour: int = Field(ge=0, le=23, description="几点（北京时间）")
    through: int = Field(description="放行人次")
    hold: int = Field(description="暂留人次")
    turn_back: int = Field(description="劝返人次")


class PassTally(Wire):
    """The counts of one day at a checkpoint; an hour in which nobody came is left out."""

    hours: list[PassHourTally] = Field(description="逐小时")
    through: int = Field(description="放行人次")
    hold: int = Field(description="暂留人次")
    turn_back: int = Field(description="劝返人次")
    red: int = Field(description="其中出示或查到红码的人次")
