"""What is sent, as the contract shows it to whoever receives it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from api.alerts.models import AlertStatus, Cause
from api.foundation.contract import operation_name
from api.foundation.fields import MaskedDocument, Wire, unsaid
from api.health_records.models import DiagnosticOutcome
from api.protocols.models import DiagnosticKind, ManagementCategory
from api.quarantines.models import EndReason, PlaceKind, QuarantineReason, QuarantineStatus
from api.webhooks.event_types import PING, WebhookEventType


class WebhookPerson(Wire):
    """Who it is about; only with `persons:identify`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "黄秀英", "document": "451***********0012"}]}
    )

    name: Annotated[str, Field(description="居民姓名")]
    document: Annotated[MaskedDocument | None, Field(description="脱敏的证件号码")]


class WebhookQuarantineState(Wire):
    """How a quarantine stands when the message is sent; only with `status:read`."""

    status: QuarantineStatus
    reason: QuarantineReason
    category: ManagementCategory
    place_kind: PlaceKind
    started_on: Annotated[date, Field(description="开始日期")]
    planned_end_on: Annotated[date, Field(description="计划解除日期")]
    ended_on: Annotated[date | None, Field(description="结束日期；没有结束的为 null")]
    end_reason: Annotated[EndReason | None, Field(description="结束的原因；没有结束的为 null")]


class WebhookReadingState(Wire):
    """A reading when the message is sent; only with `status:read`."""

    measured_at: datetime
    day: date
    window: str
    value_c: Annotated[float, Field(description="摄氏度")]
    symptoms: list[str]
    abnormal: bool
    discarded_at: datetime | None


class WebhookTestState(Wire):
    """A test when the message is sent; only with `status:read`."""

    kind: DiagnosticKind
    outcome: DiagnosticOutcome
    sampled_at: Annotated[datetime, Field(description="采样时间")]
    reported_at: Annotated[datetime | None, Field(description="出结果的时间")]
    discarded_at: datetime | None


class WebhookAlertState(Wire):
    """An alert when the message is sent; only with `status:read`."""

    cause: Cause
    status: AlertStatus
    hop: Annotated[int, Field(description="已逐级通知几次")]
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    verified_at: datetime | None


_STATE = "推送时的状态；须有 status:read，否则没有此项"
_PERSON = "所涉的人；须有 persons:identify，否则没有此项"
PersonTold = Annotated[WebhookPerson, Field(description=_PERSON)]


class _About(Wire):
    subject_id: Annotated[UUID, Field(description="所涉记录的编号；同一记录的事件依次推送")]
    version: Annotated[int, Field(description="所涉记录的版本号，越大越新")]
    resident_id: UUID | None
    grid_id: UUID
    person: PersonTold = unsaid()


class WebhookQuarantine(_About):
    """A quarantine that an event is about."""

    quarantine_id: UUID
    household_id: UUID
    state: Annotated[WebhookQuarantineState, Field(description=_STATE)] = unsaid()


class WebhookReading(_About):
    """A reading that an event is about."""

    reading_id: UUID
    quarantine_id: UUID
    state: Annotated[WebhookReadingState, Field(description=_STATE)] = unsaid()


class WebhookTest(_About):
    """A test that an event is about."""

    test_id: UUID
    quarantine_id: UUID | None
    state: Annotated[WebhookTestState, Field(description=_STATE)] = unsaid()


class WebhookAlert(_About):
    """An alert that an event is about."""

    alert_id: UUID
    quarantine_id: UUID | None
    household_id: UUID | None
    state: Annotated[WebhookAlertState, Field(description=_STATE)] = unsaid()


class WebhookPing(Wire):
    """What a trial is about."""

    subject_id: Annotated[UUID, Field(description="试推自身的编号")]


_ID = "01890a5d-ac96-774b-bcce-b302099a80{:02d}".format
_EXAMPLE: dict[str, Any] = {
    "type": "alert.opened",
    "timestamp": "2022-02-15T00:31:00Z",
    "data": {
        "subject_id": _ID(57),
        "alert_id": _ID(57),
        "version": 1,
        "resident_id": _ID(58),
        "grid_id": _ID(1),
        "quarantine_id": _ID(60),
        "household_id": _ID(61),
    },
}


class WebhookMessage(Wire):
    """One event as it is sent (Standard Webhooks)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    type: Annotated[
        str,
        Field(
            description="事件类型，试推的为 ping",
            json_schema_extra={"enum": [*WebhookEventType.labels(), PING]},
        ),
    ]
    timestamp: Annotated[datetime, Field(description="事件发生的时间")]
    data: Annotated[
        WebhookAlert | WebhookQuarantine | WebhookReading | WebhookTest | WebhookPing,
        Field(description="所涉的记录，按订阅方的网格和权限给出"),
    ]


# A room of its own: generators make one class of all operations with a tag, those received last.
told = APIRouter(tags=["webhook_receiver"], generate_unique_id_function=operation_name)


@told.post(
    "event",
    status_code=204,
    response_class=Response,
    responses={
        "default": {
            "description": "不是 2xx 的，退避后重试（429、503 照 Retry-After）；410 为暂停该订阅"
        }
    },
)
async def receive_webhook(message: WebhookMessage) -> None:
    """事件推送到订阅的 url。

    请求头 webhook-id、webhook-timestamp、webhook-signature 按 Standard Webhooks；请以验签密钥
    核对签名，按 webhook-id 去重，在 10 秒内答 2xx。同一记录的事件依次推送，内容为推送时的状态。
    """
