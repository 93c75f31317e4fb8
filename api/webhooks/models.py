"""Who asked to be told of what, each telling that is owed, and every attempt at it.

A delivery is written once for an event and a subscription, in the transaction that notes how far
the events were read. It keeps of the event what sending needs, so that events may be forgotten.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, LargeBinary, String, text
from sqlmodel import Field, SQLModel

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned, Xid8


class PauseReason(Labelled):
    """Why nothing is sent to a subscription; what happens meanwhile is kept and sent later."""

    client = "client", "订阅方暂停"
    township = "township", "乡镇暂停"
    failing = "failing", "连续失败，自动暂停"
    gone = "gone", "对方答复 410，自动暂停"


class DeliveryStatus(Labelled):
    """Where a delivery stands."""

    pending = "pending", "待推送（含等待重试）"
    delivered = "delivered", "已送达"
    skipped = "skipped", "不推送"
    parked = "parked", "多次失败，等待人工重推"


class SkipReason(Labelled):
    """Why a delivery was not sent although nothing failed."""

    out_of_sight = "out_of_sight", "记录不在该系统的范围内或已不存在"


class Failure(Labelled):
    """What went wrong with an attempt."""

    status = "status", "对方答复的状态码不是 2xx"
    timeout = "timeout", "超时"
    unresolved = "unresolved", "域名无法解析"
    address_refused = "address_refused", "地址不允许"
    unreachable = "unreachable", "无法连接或连接中断"
    insecure = "insecure", "TLS 握手或证书有误"


class EventCursor(SQLModel, table=True):
    """Which events a reader was told of: all that the snapshot sees (docs/decisions/0014).

    `seq` is the last of them. It is what is gone by in a database restored into another cluster,
    whose transactions are counted anew. No event is forgotten before every reader was told of it.
    """

    __tablename__: ClassVar[Any] = "event_cursors"

    name: str = Field(sa_column=Column("name", String(40), primary_key=True, nullable=False))
    told: str = Field(sa_column=Column("told", String, nullable=False))
    seq: int = Field(sa_column=Column("seq", BigInteger, nullable=False))


class WebhookSubscription(Versioned, Reached, table=True):
    """An address of a machine client that is told of some kinds of events within its grid.

    The events numbered up to `after_seq` happened before it was asked for.
    `failures` counts the rounds that failed since the last that did not; from `rest_until` on the
    address is tried again, with one delivery.
    """

    __tablename__: ClassVar[Any] = "webhook_subscriptions"
    __table_args__ = (
        Index("ix_webhook_subscriptions_client_id", "client_id", "id"),
        Index("ix_webhook_subscriptions_reach", "reach"),
        CheckConstraint("(paused_at IS NULL) = (paused_because IS NULL)", name="paused"),
    )

    client_id: UUID
    url: str = Field(sa_type=String(2000))  # pyright: ignore[reportArgumentType]
    event_types: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    after_seq: int = Field(sa_column=Column("after_seq", BigInteger, nullable=False))
    secret_sealed: bytes = Field(sa_type=LargeBinary)
    former_secret_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    former_secret_until: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    paused_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    paused_because: PauseReason | None = Field(
        default=None,
        sa_type=enum_column_type(PauseReason, name="paused_because"),  # pyright: ignore[reportArgumentType]
    )
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    failures: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    rest_until: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class _Sent(Reached):
    """Written often, pulled by nobody: which transaction wrote it needs no index."""

    id: UUID = Field(primary_key=True)
    changed_xid: int | None = Field(
        default=None,
        sa_type=Xid8,
        sa_column_kwargs={"server_default": text("pg_current_xact_id()"), "nullable": False},
    )
    subscription_id: UUID


class WebhookDelivery(_Sent, table=True):
    """One event for one subscription. Whoever sends it holds it by `lease`, until `next_at`."""

    __tablename__: ClassVar[Any] = "webhook_deliveries"
    __table_args__ = (
        Index("uq_webhook_deliveries_once", "subscription_id", "seq", unique=True),
        Index("ix_webhook_deliveries_list", "subscription_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "subscription_id",
            "next_at",
            "seq",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_order",
            "subscription_id",
            "subject_id",
            "seq",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger)
    type: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    subject_id: UUID
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    status: DeliveryStatus = Field(sa_type=enum_column_type(DeliveryStatus, name="status"))  # pyright: ignore[reportArgumentType]
    reason: SkipReason | None = Field(
        default=None,
        sa_type=enum_column_type(SkipReason, name="reason"),  # pyright: ignore[reportArgumentType]
    )
    attempts: int = 0
    next_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    lease: UUID | None = None
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    done_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class WebhookAttempt(_Sent, table=True):
    """One attempt at a delivery: what was answered, how long it took, or what went wrong."""

    __tablename__: ClassVar[Any] = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery_id_at", "delivery_id", "at", "id"),)

    delivery_id: UUID
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    status_code: int | None = None
    took_ms: int
    failure: Failure | None = Field(
        default=None,
        sa_type=enum_column_type(Failure, name="failure"),  # pyright: ignore[reportArgumentType]
    )
