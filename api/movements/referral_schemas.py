"""What is told of a referral to a hospital and its end, and what is shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, Name, ShortText, Wire
from api.foundation.records import Source
from api.movements.models import ReferralOutcome


class ReferralRecord(FromTheField):
    """Somebody in quarantine is sent to a hospital (送医收治)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8401",
                    "hospital": "县人民医院发热门诊",
                    "escort": "何医生",
                    "reason": "体温38.2℃，干咳",
                    "left_at": "2022-02-10T09:30:00+08:00",
                }
            ]
        }
    )

    hospital: Annotated[ShortText, Field(description="医疗机构")]
    escort: Annotated[Name | None, Field(description="护送人员")] = None
    reason: Annotated[LongText, Field(description="送医的原因，加密保存")]
    alert_id: Annotated[UUID | None, Field(description="由哪条异常引起")] = None
    left_at: Annotated[Instant | None, Field(description="何时离开；不填为现在")] = None


class ReferralReturn(Input):
    """What the hospital decided, and when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "returned", "finding": "核酸阴性，普通感冒，返家继续隔离"}]
        }
    )

    outcome: Annotated[ReferralOutcome, Field(description="结果；收治、确诊的随即终止隔离")]
    finding: Annotated[LongText | None, Field(description="诊疗情况，加密保存")] = None
    ended_at: Annotated[Instant | None, Field(description="何时返回或收治；不填为现在")] = None


class ReferralRead(Wire):
    """A referral to a hospital and what came of it."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="送医的居民")
    resident_name: str = Field(description="姓名")
    grid_id: UUID = Field(description="所在网格")
    alert_id: UUID | None = Field(description="由哪条异常引起")
    hospital: str = Field(description="医疗机构")
    escort: str | None = Field(description="护送人员")
    reason: str = Field(description="送医的原因")
    left_at: datetime = Field(description="何时离开")
    ended_at: datetime | None = Field(description="何时返回或收治；null 为仍在医院")
    outcome: ReferralOutcome | None = Field(description="结果；null 为仍在医院")
    finding: str | None = Field(description="诊疗情况")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际办理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source
