"""Checkpoints on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.checkpoints.models import CheckpointKind
from api.foundation.fields import (
    Input,
    Instant,
    LongText,
    MaskedPhone,
    Name,
    Phone,
    Place,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.protocols.schemas import PolicyCode

_BRIDGE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "name": "青竹大桥卡点",
    "kind": "road",
    "address": "县道217线青竹大桥西端",
    "authority": "青竹乡派出所",
    "head_name": "黄建国",
    "head_phone": "13800005678",
    "place": {"latitude": 22.1372, "longitude": 107.0689, "datum": "wgs84"},
    "rule_code": "three_codes",
    "staffing": {"值班长": 1, "查验": 2},
    "opened_at": "2022-02-10T00:00:00+08:00",
}

CheckpointName = Annotated[Name, Field(description="卡点名称", examples=["青竹大桥卡点"])]
Address = Annotated[ShortText | None, Field(description="位置", examples=["县道217线大桥西端"])]
Authority = Annotated[ShortText | None, Field(description="责任单位", examples=["青竹乡派出所"])]
HeadName = Annotated[Name | None, Field(description="负责人", examples=["黄建国"])]
HeadPhone = Annotated[Phone | None, Field(description="负责人电话，加密保存")]
RuleCode = Annotated[PolicyCode, Field(description="查验规则的代码")]
DutyRole = Annotated[Name, Field(description="班上的分工，与排班时所填的一致")]
Staffing = Annotated[
    dict[DutyRole, Annotated[int, Field(ge=1, le=100)]],
    Field(
        max_length=20,
        description="任何时候各分工最少须有几人在班；空为不作要求",
        examples=[{"值班长": 1, "查验": 2}],
    ),
]
OpenedAt = Annotated[Instant, Field(description="启用时间")]
ClosedAt = Annotated[Instant | None, Field(description="撤除时间；null 为仍在启用")]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["道路改道"])]


class CheckpointRecord(Input):
    """A new checkpoint."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BRIDGE]})

    id: RecordId
    grid_id: Annotated[RecordId, Field(description="所在网格")]
    name: CheckpointName
    kind: Annotated[CheckpointKind, Field(description="卡点类别")] = CheckpointKind.road
    address: Address = None
    authority: Authority = None
    head_name: HeadName = None
    head_phone: HeadPhone = None
    place: Annotated[Place | None, Field(description="坐标")] = None
    rule_code: RuleCode = "three_codes"
    staffing: Staffing | None = None
    opened_at: Annotated[Instant | None, Field(description="启用时间；不填则为现在")] = None


class CheckpointCorrect(Input):
    """What changes of a checkpoint, and why; closing it is telling when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"closed_at": "2022-03-10T00:00:00+08:00", "reason": "疫情解除，撤除"}]
        }
    )

    name: Annotated[CheckpointName, Field(default_factory=unsaid)]
    kind: Annotated[CheckpointKind, Field(description="卡点类别", default_factory=unsaid)]
    address: Address = None
    authority: Authority = None
    head_name: HeadName = None
    head_phone: HeadPhone = None
    place: Annotated[Place | None, Field(description="坐标")] = None
    rule_code: Annotated[RuleCode, Field(default_factory=unsaid)]
    staffing: Annotated[Staffing, Field(default_factory=unsaid)]
    opened_at: Annotated[OpenedAt, Field(default_factory=unsaid)]
    closed_at: ClosedAt = None
    reason: Why


class CheckpointRead(Wire):
    """A checkpoint as it stands; its head's phone masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_BRIDGE,
                    "version": 1,
                    "head_phone": "138****5678",
                    "place": {**_BRIDGE["place"], "accuracy_m": None},
                    "opened_at": "2022-02-09T16:00:00Z",
                    "closed_at": None,
                }
            ]
        }
    )

    id: UUID
    version: int
    grid_id: UUID
    name: str = Field(description="卡点名称")
    kind: CheckpointKind
    address: str | None = Field(description="位置")
    authority: str | None = Field(description="责任单位")
    head_name: str | None = Field(description="负责人")
    head_phone: MaskedPhone | None = Field(description="负责人电话，已脱敏")
    place: Place | None = Field(description="坐标")
    rule_code: str = Field(description="查验规则的代码")
    staffing: dict[str, int] = Field(description="任何时候各分工最少须有几人在班")
    opened_at: datetime = Field(description="启用时间")
    closed_at: datetime | None = Field(description="撤除时间；仍在启用的为 null")
