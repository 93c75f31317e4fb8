"""What is told of leave at each step, and what is shown."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, Name, ShortText, Wire
from api.foundation.records import Source
from api.movements.models import LeaveStatus


class LeaveRequest(FromTheField):
    """Somebody in quarantine asks to leave for a reason, by a route, for some hours (离家外出)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8501",
                    "reason": "每周两次透析",
                    "route": "家—县人民医院透析中心，专车闭环接送",
                    "vehicle": "村委专车 桂F12345",
                    "escort": "何医生",
                    "from_at": "2022-02-10T08:00:00+08:00",
                    "until_at": "2022-02-10T14:00:00+08:00",
                }
            ]
        }
    )

    reason: Annotated[LongText, Field(description="外出的理由，加密保存")]
    route: Annotated[LongText, Field(description="去处和路线，加密保存")]
    vehicle: Annotated[ShortText | None, Field(description="交通工具")] = None
    escort: Annotated[Name | None, Field(description="陪同人员")] = None
    from_at: Annotated[Instant, Field(description="从何时起")]
    until_at: Annotated[
        Instant, Field(description="何时以前返回，最晚为外出后72小时；逾期未归即为擅自外出")
    ]


class LeaveDecision(Input):
    """What was decided, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已联系医院，闭环接送"}]})

    note: Annotated[ShortText | None, Field(description="批注")] = None


class LeaveRejection(Input):
    """Why it was not approved."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "可由村医上门换药"}]})

    note: Annotated[ShortText, Field(description="不批准的理由")]


class LeaveOut(Input):
    """They have left."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"left_at": "2022-02-10T08:10:00+08:00"}]}
    )

    left_at: Annotated[Instant | None, Field(description="何时离开；不填为现在")] = None


class LeaveBack(Input):
    """They are back."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"returned_at": "2022-02-10T13:20:00+08:00"}]}
    )

    returned_at: Annotated[Instant | None, Field(description="何时返回；不填为现在")] = None


class LeaveCancel(Input):
    """Why nobody leaves."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "改为村医上门"}]})

    reason: Annotated[ShortText, Field(description="取消的理由，将被记录")]


class LeaveRead(Wire):
    """Leave, and how far it has come."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8311",
                    "version": 4,
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "resident_name": "黄秀英",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "status": "back",
                    "reason": "血液透析",
                    "route": "家—县医院—家，不在途中停留",
                    "vehicle": "救护车",
                    "escort": "何医生",
                    "from_at": "2022-02-10T00:30:00Z",
                    "until_at": "2022-02-10T05:30:00Z",
                    "decided_at": "2022-02-09T09:00:00Z",
                    "decided_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "left_at": "2022-02-10T00:40:00Z",
                    "returned_at": "2022-02-10T05:20:00Z",
                    "recorded_at": "2022-02-09T08:00:00Z",
                    "received_at": "2022-02-09T08:00:02Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "source": "visit",
                }
            ]
        }
    )

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="外出的居民")
    resident_name: str = Field(description="姓名")
    grid_id: UUID = Field(description="所在网格")
    status: LeaveStatus
    reason: str = Field(description="外出的理由")
    route: str = Field(description="去处和路线")
    vehicle: str | None = Field(description="交通工具")
    escort: str | None = Field(description="陪同人员")
    from_at: datetime = Field(description="从何时起")
    until_at: datetime = Field(description="何时以前返回")
    decided_at: datetime | None = Field(description="何时批准或不批准")
    decided_by: UUID | None = Field(description="由谁批准或不批准")
    decision_note: str | None = Field(description="批注")
    left_at: datetime | None = Field(description="何时离开")
    overdue_at: datetime | None = Field(description="何时发现逾期未归；没有逾期为 null")
    returned_at: datetime | None = Field(description="何时返回")
    cancelled_at: datetime | None = Field(description="何时取消")
    cancelled_reason: str | None = Field(description="取消的理由")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="申请人")
    entered_by: UUID = Field(description="录入的人")
    source: Source
