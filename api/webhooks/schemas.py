"""Subscriptions, deliveries and attempts on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from api.foundation.fields import Input, RecordId, ShortText, Wire, unsaid
from api.webhooks.event_types import WebhookEventType
from api.webhooks.models import DeliveryStatus, Failure, PauseReason, SkipReason

LONGEST_URL = 2000

Url = Annotated[
    str,
    Field(max_length=LONGEST_URL),
    WithJsonSchema(
        {
            "type": "string",
            "format": "uri",
            "pattern": "^https?://.*$",
            "maxLength": LONGEST_URL,
            "description": "接收地址，须为 https，不能是内部网络的地址；不跟随跳转",
            "examples": ["https://hooks.example.com/onegrid"],
        }
    ),
]


def _each_once(types: list[WebhookEventType]) -> list[WebhookEventType]:
    return sorted(set(types))


EventTypes = Annotated[
    list[WebhookEventType],
    Field(min_length=1, max_length=len(WebhookEventType), description="要接收哪些事件"),
    AfterValidator(_each_once),
]

_ASKED: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "url": "https://hooks.example.com/onegrid",
    "event_types": ["alert.opened", "quarantine.released", "quarantine.started"],
}


class WebhookSubscribe(Input):
    """An address that is to be told of events."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASKED]})

    id: RecordId
    url: Url
    event_types: EventTypes


class WebhookSubscriptionChange(Input):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    url: Url = unsaid()
    event_types: EventTypes = unsaid()
    active: Annotated[bool, Field(description="false 为暂停：其间的事件保留 30 天，恢复后补推")] = (
        unsaid()
    )


class WebhookSecretRotate(Input):
    """How long the former secret signs beside the new one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[
        int, Field(ge=0, le=168, description="原密钥还同时签名多少小时；0 为立即停用")
    ] = 24


class WebhookPause(Input):
    """Why the township has nothing sent any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "对方系统正在整改"}]})

    reason: Annotated[ShortText, Field(description="暂停的理由，留存备查")]


_KEPT: dict[str, Any] = {
    **_ASKED,
    "version": 1,
    "client_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "active": True,
    "paused_at": None,
    "paused_because": None,
    "created_at": "2022-02-15T01:00:00Z",
    "failing_since": None,
    "rest_until": None,
    "delivered_at": "2022-02-15T01:05:00Z",
    "former_secret_until": None,
    "waiting": 0,
    "parked": 0,
}


class WebhookSubscriptionRead(Wire):
    """A subscription and how it stands; its secret is nowhere."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEPT]})

    id: UUID
    version: int
    client_id: UUID
    url: Annotated[str, Field(description="接收地址")]
    event_types: Annotated[list[WebhookEventType], Field(description="接收哪些事件")]
    active: Annotated[bool, Field(description="是否在推送；false 为已暂停")]
    paused_at: Annotated[datetime | None, Field(description="何时暂停；没有暂停的为 null")]
    paused_because: Annotated[PauseReason | None, Field(description="为何暂停")]
    created_at: Annotated[datetime, Field(description="何时订阅")]
    failing_since: Annotated[
        datetime | None, Field(description="自何时起没有一次成功；最近一次成功的为 null")
    ]
    rest_until: Annotated[
        datetime | None, Field(description="连续失败或对方要求稍后再试（Retry-After）的，何时再试")
    ]
    delivered_at: Annotated[datetime | None, Field(description="最近一次送达的时间")]
    former_secret_until: Annotated[
        datetime | None, Field(description="原密钥同时签名到何时；没有轮换的为 null")
    ]
    waiting: Annotated[int, Field(description="待推送（含等待重试）的条数")]
    parked: Annotated[int, Field(description="多次失败、等待人工重推的条数")]


class WebhookSubscriptionWithSecret(WebhookSubscriptionRead):
    """The one answer that carries the secret."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_KEPT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}]
        }
    )

    secret: Annotated[
        str | None,
        Field(description="验签密钥（Standard Webhooks），只在此处显示一次；重复提交的为 null"),
    ]


_DELIVERY: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8059",
    "webhook_id": "msg_01890a5dac96774bbcceb302099a8059",
    "type": "alert.opened",
    "subject_id": "01890a5d-ac96-774b-bcce-b302099a805a",
    "at": "2022-02-15T01:05:00Z",
    "status": "delivered",
    "reason": None,
    "attempts": 2,
    "next_at": None,
    "done_at": "2022-02-15T01:05:08Z",
}


class WebhookDeliveryRead(Wire):
    """One event for one subscription, and where its delivery stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELIVERY]})

    id: UUID
    webhook_id: Annotated[str, Field(description="推送时的 webhook-id；重推不变，接收方据此去重")]
    type: Annotated[str, Field(description="事件类型；试推的为 ping")]
    subject_id: Annotated[UUID, Field(description="所涉记录的编号；同一记录的事件依次推送")]
    at: Annotated[datetime, Field(description="事件发生的时间")]
    status: DeliveryStatus
    reason: Annotated[SkipReason | None, Field(description="不推送的原因")]
    attempts: Annotated[int, Field(description="已推送多少次")]
    next_at: Annotated[datetime | None, Field(description="何时（再）推送；已完结的为 null")]
    done_at: Annotated[datetime | None, Field(description="何时完结；未完结的为 null")]


_ATTEMPT: dict[str, Any] = {
    "at": "2022-02-15T01:05:01Z",
    "status_code": 503,
    "took_ms": 87,
    "failure": "status",
}


class WebhookAttemptRead(Wire):
    """One attempt."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ATTEMPT]})

    at: Annotated[datetime, Field(description="推送的时间")]
    status_code: Annotated[int | None, Field(description="对方答复的状态码；没有答复的为 null")]
    took_ms: Annotated[int, Field(description="用时，毫秒")]
    failure: Annotated[Failure | None, Field(description="失败的原因；成功的为 null")]


class WebhookDeliveryDetail(WebhookDeliveryRead):
    """A delivery with its attempts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_DELIVERY, "attempted": [_ATTEMPT]}]}
    )

    attempted: Annotated[
        list[WebhookAttemptRead], Field(description="各次推送，最近的在前，最多 100 次")
    ]


class WebhooksRedriven(Wire):
    """How many are sent again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"redriven": 17}]})

    redriven: Annotated[int, Field(description="重推多少条")]
