"""Events on the wire: ids and what happened, nothing about a person."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled

_MARK = "1042:1050:1043,1045"


class EventKind(Labelled):
    """What happened. Rooms tell these by `foundation.live.tell`."""

    alert_opened = "alert.opened", "异常发生"
    alert_climbed = "alert.climbed", "异常上报上一级"
    alert_acknowledged = "alert.acknowledged", "异常已响应"
    alert_handling = "alert.handling", "异常处置中"
    alert_resolved = "alert.resolved", "异常处置完毕"
    alert_verified = "alert.verified", "异常已核实"
    alert_reopened = "alert.reopened", "异常重新打开"
    alert_evidence = "alert.evidence", "异常有新的情况"
    duties_changed = "duties.changed", "待办有变化"
    directive_issued = "directive.issued", "下达指令"
    directive_reminded = "directive.reminded", "催办指令"
    directive_answered = "directive.answered", "指令已反馈"
    quarantine_started = "quarantine.started", "隔离已登记"
    quarantine_changed = "quarantine.changed", "隔离的安排、地点或办理进度有变化"
    quarantine_released = "quarantine.released", "隔离已解除或终止"
    reading_abnormal = "reading.abnormal", "体温异常或有症状，或此后更正、作废"
    test_result = "test.result", "检测出结果，或结果更正、撤回、作废"
    webhook_paused = "webhook.paused", "向第三方系统的推送已自动暂停"


class EventRead(Wire):
    """One event; what it is about is read by its id."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": 887,
                    "kind": "alert.opened",
                    "at": "2022-02-15T00:31:00Z",
                    "subject_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8060",
                }
            ]
        }
    )

    event_id: Annotated[int, Field(description="事件编号；重复收到的，按此编号忽略")]
    kind: EventKind
    at: Annotated[datetime, Field(description="发生时间")]
    subject_id: Annotated[UUID, Field(description="所涉记录（异常、指令等）的编号")]
    grid_id: Annotated[UUID | None, Field(description="所在网格")]
    quarantine_id: Annotated[UUID | None, Field(description="所涉隔离")]


_EVENT: dict[str, Any] = EventRead.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index,call-overload]


class EventsPage(Wire):
    """What happened since a mark, and the mark to ask from next."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_EVENT], "next": _MARK, "resync": False}]}
    )

    items: list[EventRead]
    next: Annotated[str, Field(description="下次作为 after 传回", examples=[_MARK])]
    resync: Annotated[bool, Field(description="为 true 时此前的事件已不全，请重新读取全部数据")]
