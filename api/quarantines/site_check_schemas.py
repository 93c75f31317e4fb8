"""The check of a home on the wire: item by item, and what follows where it is not fit."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool

from api.foundation.field_records import FromTheField
from api.foundation.fields import Instant, LongText, Wire
from api.foundation.records import Source
from api.protocols.conditions import Token
from api.protocols.models import ManagementCategory


class SiteCheckRecord(FromTheField):
    """Whether a home has what its stage asks for, every item told (domain 3.6)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8601",
                    "items": {"separate_room": True, "own_toilet": False, "supplies": True},
                    "checked_at": "2022-02-09T10:30:00+08:00",
                    "note": "卫生间与邻户共用",
                }
            ]
        }
    )

    items: Annotated[
        dict[Token, StrictBool],
        Field(min_length=1, max_length=40, description="逐项是否符合，须与阶段的核查项一致"),
    ]
    checked_at: Annotated[
        Instant | None, Field(description="何时核查；不填则为手机上记下的时间")
    ] = None
    medic_id: Annotated[UUID | None, Field(description="一同核查的医务人员")] = None
    note: Annotated[LongText | None, Field(description="情况说明，加密保存")] = None


class SiteCheckRead(Wire):
    """A check as it was made, and what follows from it."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    quarantine_id: UUID = Field(description="所属隔离")
    grid_id: UUID = Field(description="所在网格")
    items: dict[str, bool] = Field(description="逐项是否符合")
    fit: bool = Field(description="是否各项均符合")
    fallback_category: ManagementCategory | None = Field(
        description="因住所不符合而改用的措施；没有改用的为 null"
    )
    transfer_to_order: bool = Field(
        description="是否须申请转运：措施已改为集中隔离，人尚未安排转运"
    )
    checked_at: datetime = Field(description="何时核查")
    medic_id: UUID | None = Field(description="一同核查的医务人员")
    note: str | None = Field(description="情况说明")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="核查的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source


class SiteChecksRead(Wire):
    """The checks of one quarantine, the latest first."""

    items: list[SiteCheckRead] = Field(description="由新到旧")
