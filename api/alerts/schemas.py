"""Alerts on the wire: reported by hand, listed, answered, and read as a whole timeline."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.access.permissions import Role
from api.alerts.models import AlertStatus, AlertVerb, Cause, EvidenceKind
from api.foundation.fields import Input, Instant, LongText, RecordId, Wire

_ID = "01890a5d-ac96-774b-bcce-b302099a80{}".format
_ALERT: dict[str, Any] = {
    "id": _ID(90),
    "version": 2,
    "cause": "fever",
    "status": "open",
    "grid_id": _ID(10),
    "household_id": _ID(50),
    "household_name": "黄秀英户",
    "resident_id": _ID(59),
    "resident_name": "黄秀英",
    "quarantine_id": _ID(58),
    "policy_id": "01900000-0000-7000-8000-000000000901",
    "opened_at": "2022-02-15T00:12:03Z",
    "opened_by": _ID(31),
    "hop": 2,
    "climbs_at": "2022-02-15T00:57:07Z",
    "answer_by": "2022-02-15T02:12:03Z",
    "overdue": False,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "handled_at": None,
    "handled_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "verified_at": None,
    "verified_by": None,
}
_REPORT: dict[str, Any] = {
    "id": _ID(91),
    "cause": "reported",
    "resident_id": _ID(59),
    "note": "老人独自在家，敲门无人应答，邻居称昨晚起未见。",
}


class AlertReport(Input):
    """Something abnormal that somebody saw, about a person, a household or a grid."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT]})

    id: RecordId
    cause: Annotated[
        Cause, Field(description="何种异常；其他的为人工上报。漏测、人员不齐和逾期由系统发现")
    ] = Cause.reported
    resident_id: Annotated[RecordId | None, Field(description="关于该居民")] = None
    household_id: Annotated[RecordId | None, Field(description="关于该户")] = None
    grid_id: Annotated[RecordId | None, Field(description="关于该网格")] = None
    note: Annotated[LongText | None, Field(description="情况说明（加密保存）")] = None
    recorded_at: Annotated[
        Instant | None, Field(description="发现的时间，一年以内；不填则为现在")
    ] = None

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        told = (self.resident_id, self.household_id, self.grid_id)
        if sum(each is not None for each in told) != 1:
            raise PydanticCustomError("about_one", "请填写居民、户或网格中的一项")
        return self


class AlertHandle(Input):
    """What is being done, where there is something to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "已联系乡卫生院派车"}]})

    note: Annotated[LongText | None, Field(description="处置措施（加密保存）")] = None


class AlertResolve(Input):
    """What was done about it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"note": "已送县医院发热门诊，核酸阴性，诊断为普通感冒。"}]}
    )

    note: Annotated[LongText, Field(description="处置结果（加密保存）")]


class AlertVerify(Input):
    """What somebody else found when they looked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "回访体温正常"}]})

    note: Annotated[LongText | None, Field(description="核实情况（加密保存）")] = None


class AlertReopen(Input):
    """Why it is not over."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "回访时又发热"}]})

    reason: Annotated[LongText, Field(description="重新打开的理由（加密保存）")]


class AlertRead(Wire):
    """An alert, and how far it has come."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ALERT]})

    id: UUID
    version: int
    cause: Cause
    status: AlertStatus
    grid_id: UUID
    household_id: UUID | None
    household_name: str | None = Field(description="户名；不关于某户或不在您的范围内时为 null")
    resident_id: UUID | None
    resident_name: str | None = Field(description="姓名；不关于某人或不在您的范围内时为 null")
    quarantine_id: UUID | None = Field(description="该居民发生异常时的隔离")
    policy_id: UUID = Field(description="适用的时限规则的版本")
    opened_at: datetime
    opened_by: UUID | None = Field(description="发现人；由系统发现的为 null")
    hop: int = Field(description="已通知到第几级，自发生起计数")
    climbs_at: datetime | None = Field(
        description="届时无人响应即上报下一级；已响应或已无上级的为 null"
    )
    answer_by: datetime = Field(description="最迟须有人响应的时间")
    overdue: bool = Field(description="过了最迟时间仍无人响应")
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    handled_at: datetime | None
    handled_by: UUID | None
    resolved_at: datetime | None
    resolved_by: UUID | None
    verified_at: datetime | None
    verified_by: UUID | None


class AlertReported(Wire):
    """A report as it is kept, and the alert that it opened or was added to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID(91), "alert": _ALERT}]})

    id: UUID = Field(description="上报的编号")
    alert: AlertRead


class EvidenceRead(Wire):
    """A record that shows it."""

    kind: EvidenceKind
    record_id: UUID = Field(description="该记录的编号；漏测、人员不齐的为隔离记录的编号")
    key: str = Field(description="同一记录所示的哪一项；漏测的为日期和时段")
    found_at: datetime
    told_by: UUID | None = Field(description="由谁记录；由系统发现的为 null")
    note: str | None
    added_at: datetime
    discarded_at: datetime | None = Field(description="该记录何时作废；null 为有效")


class TellingRead(Wire):
    """Somebody who was told, and what they did of it."""

    worker_id: UUID
    worker_name: str
    post_id: UUID
    told_at: datetime
    seen_at: datetime | None
    acknowledged_at: datetime | None


class HopRead(Wire):
    """One step up."""

    number: int = Field(description="第几级，自发生起计数")
    step: int = Field(description="时限规则的第几步；多出的一步为乡镇负责人")
    told_grid_id: UUID | None = Field(description="被通知人员所在的网格；没有这类网格的为 null")
    roles: list[Role]
    told_at: datetime
    due_at: datetime = Field(description="应在此前响应")
    vacant: bool = Field(description="该级无人在任，已直接上报下一级")
    told: list[TellingRead]


class ActionRead(Wire):
    """What somebody did about it."""

    verb: AlertVerb
    at: datetime
    worker_id: UUID | None = Field(
        description="由谁办理；因新的情况自行重新打开、因依据不再成立或不再逾期自行关闭的为 null"
    )
    post_id: UUID | None
    note: str | None


class AlertDetail(AlertRead):
    """An alert with its whole timeline: what shows it, who was told, what was done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_ALERT,
                    "evidence": [
                        {
                            "kind": "reading",
                            "record_id": _ID(57),
                            "key": "fever",
                            "found_at": "2022-02-15T00:10:00Z",
                            "told_by": _ID(31),
                            "note": None,
                            "added_at": "2022-02-15T00:12:03Z",
                            "discarded_at": None,
                        }
                    ],
                    "hops": [
                        {
                            "number": 1,
                            "step": 1,
                            "told_grid_id": _ID(11),
                            "roles": ["grid_leader"],
                            "told_at": "2022-02-15T00:12:03Z",
                            "due_at": "2022-02-15T00:27:03Z",
                            "vacant": False,
                            "told": [
                                {
                                    "worker_id": _ID(32),
                                    "worker_name": "林支书",
                                    "post_id": _ID(33),
                                    "told_at": "2022-02-15T00:12:03Z",
                                    "seen_at": None,
                                    "acknowledged_at": None,
                                }
                            ],
                        }
                    ],
                    "actions": [],
                }
            ]
        }
    )

    evidence: list[EvidenceRead]
    hops: list[HopRead]
    actions: list[ActionRead]
