"""Health codes and travel cards on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.batches import EACH_ALONE
from api.foundation.corrections import Replaced
from api.foundation.fields import DivisionCode, Input, Instant, LongText, ShortText, Wire, unsaid
from api.foundation.records import Source
from api.health_records.models import CardColour, CodeState
from api.health_records.people import AboutAResident
from api.health_records.schemas import Why

LARGEST_BATCH = 500
MOST_CITIES = 60

SystemCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{1,39}$",
        description="健康码系统的代码；manual 为工作人员当面查看",
        examples=["manual"],
    ),
]

_STATE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8061",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "state": "yellow",
    "changed_at": "2022-02-15T08:30:00+08:00",
    "reason": "七日内到过有疫情的县",
}
_CARD: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8062",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "updated_at": "2022-02-15T08:25:00+08:00",
    "colour": "green",
    "cities": [
        {"code": "450100", "name": "广西壮族自治区南宁市", "at_risk": False},
        {"code": "451000", "name": "广西壮族自治区百色市", "at_risk": True},
    ],
    "window_days": 14,
}
_KEPT: dict[str, Any] = {
    "version": 1,
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "recorded_at": "2022-02-15T00:31:00Z",
    "received_at": "2022-02-15T00:31:05Z",
    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8003",
    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8003",
    "source": "visit",
    "discarded_at": None,
}


class CodeStateRecord(AboutAResident):
    """A health code as a worker saw it on somebody's phone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATE]})

    state: CodeState
    changed_at: Annotated[
        Instant | None, Field(description="自何时起为该状态；不填则为看到的时间")
    ] = None
    fetched_at: Annotated[Instant | None, Field(description="看到的时间；不填则为现在")] = None
    reason: Annotated[LongText | None, Field(description="码上显示的原因，加密保存")] = None


class CodeStateCorrect(Input):
    """What was told wrong of a health code: only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"state": "yellow", "reason": "录入时看错颜色"}]}
    )

    state: Annotated[CodeState, Field(default_factory=unsaid)]
    changed_at: Annotated[Instant, Field(description="自何时起为该状态", default_factory=unsaid)]
    fetched_at: Annotated[Instant, Field(description="看到的时间", default_factory=unsaid)]
    reason: Why


class CodeStateBatch(Input):
    """The codes seen on a round: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_STATE]}]})

    items: Annotated[
        list[Annotated[CodeStateRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class RecordDiscard(Input):
    """Why a record is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人名下"}]})

    reason: Annotated[LongText, Field(description="理由，留存备查", examples=["登记到了别人名下"])]


class HealthRecordRead(Wire):
    """What every record of somebody's health says of itself."""

    id: UUID
    version: int = Field(description="版本号，更正、作废时填入 If-Match")
    resident_id: UUID
    grid_id: UUID = Field(description="所在网格")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
    source: Source
    discarded_at: datetime | None


class CodeStateRead(HealthRecordRead):
    """A state of somebody's health code, from one system."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_STATE,
                    **_KEPT,
                    "system": "manual",
                    "changed_at": "2022-02-15T00:30:00Z",
                    "fetched_at": "2022-02-15T00:30:00Z",
                    "valid_until": None,
                    "event_id": None,
                }
            ]
        }
    )

    system: SystemCode
    state: CodeState
    changed_at: datetime = Field(description="自何时起为该状态；先后以此为准")
    fetched_at: datetime = Field(description="查得或看到的时间")
    valid_until: datetime | None = Field(description="来源系统告知的有效期；没有告知的为 null")
    reason: str | None = Field(description="来源系统或码上显示的原因")
    event_id: str | None = Field(description="来源系统的事件编号；没有的为 null")


class CodeStateRevision(Replaced, Wire):
    """What was said of a health code before a correction."""

    code_state: CodeStateRead = Field(description="更正前的内容")


class CodeStateHistory(Wire):
    """Every former version, oldest first."""

    items: list[CodeStateRevision]


class City(Input):
    """A city on a travel card."""

    code: Annotated[DivisionCode | None, Field(description="行政区划代码；不知道的不填")] = None
    name: Annotated[ShortText, Field(description="卡上显示的地名", examples=["广西南宁市"])]
    at_risk: Annotated[bool, Field(description="是否标注星号（当前有中高风险地区）")] = False


Cities = Annotated[
    list[City], Field(max_length=MOST_CITIES, description="卡上显示的到达或途经的城市")
]
UpdatedAt = Annotated[Instant, Field(description="卡上的更新时间")]
WindowDays = Annotated[int, Field(ge=1, le=28, description="卡上显示的是前几天的到访地")]


class TravelCardRecord(AboutAResident):
    """A travel card as a worker saw it on somebody's phone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CARD]})

    seen_at: Annotated[Instant | None, Field(description="看到的时间；不填则为现在")] = None
    updated_at: UpdatedAt
    colour: CardColour
    cities: Cities
    window_days: WindowDays


class TravelCardBatch(Input):
    """The cards seen on a round: each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_CARD]}]})

    items: Annotated[
        list[Annotated[TravelCardRecord, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_BATCH, description="逐条登记，互不影响"),
    ]


class TravelCardCorrect(Input):
    """What was told wrong of a travel card: only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"colour": "yellow", "reason": "录入时看错颜色"}]}
    )

    seen_at: Annotated[Instant, Field(description="看到的时间", default_factory=unsaid)]
    updated_at: Annotated[UpdatedAt, Field(default_factory=unsaid)]
    colour: Annotated[CardColour, Field(default_factory=unsaid)]
    cities: Annotated[Cities, Field(default_factory=unsaid)]
    window_days: Annotated[WindowDays, Field(default_factory=unsaid)]
    reason: Why


class CityRead(Wire):
    """A city on a travel card as it was seen."""

    code: str | None = Field(description="行政区划代码")
    name: str = Field(description="卡上显示的地名")
    at_risk: bool = Field(description="是否标注星号")


class TravelCardRead(HealthRecordRead):
    """A travel card as it was seen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_CARD,
                    **_KEPT,
                    "seen_at": "2022-02-15T00:30:00Z",
                    "updated_at": "2022-02-15T00:25:00Z",
                }
            ]
        }
    )

    seen_at: datetime = Field(description="看到的时间")
    updated_at: datetime = Field(description="卡上的更新时间")
    colour: CardColour
    cities: list[CityRead] = Field(description="卡上显示的城市")
    window_days: int = Field(description="卡上显示的是前几天的到访地")


class TravelCardRevision(Replaced, Wire):
    """What was said of a travel card before a correction."""

    card: TravelCardRead = Field(description="更正前的内容")


class TravelCardHistory(Wire):
    """Every former version, oldest first."""

    items: list[TravelCardRevision]
