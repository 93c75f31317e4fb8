"""What is remembered of other systems' events: those that wait for their person, results taken."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned


class EventKind(Labelled):
    """What an event tells of."""

    code_change = "code_change", "健康码变化"
    test_result = "test_result", "检测结果"


class HeldEvent(Versioned, Reached, table=True):
    """An event about somebody unknown here, kept until the person is registered or it expires.

    Of the person there is nothing but keyed hashes; `told` holds what was said of them in enums,
    instants and the name of a laboratory.
    """

    __tablename__: ClassVar[Any] = "held_events"
    __table_args__ = (
        Index("ix_held_events_document_lookup", "document_lookup"),
        Index("ix_held_events_phone_lookup", "phone_lookup"),
        Index("ix_held_events_expires_at", "expires_at"),
        Index("ix_held_events_reach", "reach"),
        CheckConstraint("document_lookup IS NOT NULL OR phone_lookup IS NOT NULL", name="somebody"),
    )

    client_id: UUID
    grid_id: UUID
    kind: EventKind = Field(sa_type=enum_column_type(EventKind, name="kind"))  # pyright: ignore[reportArgumentType]
    event_id: str = Field(sa_type=String(64))  # pyright: ignore[reportArgumentType]
    content: bytes = Field(sa_type=LargeBinary)
    document_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    name_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    told: dict[str, Any] = Field(sa_column=Column("told", JSONB, nullable=False))
    reason_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    expires_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class HeldDay(Versioned, Reached, table=True):
    """How many held events of one system met their person on a day, and how many were forgotten."""

    __tablename__: ClassVar[Any] = "held_days"
    __table_args__ = (
        Index("uq_held_days_one_a_day", "day", "client_id", "kind", unique=True),
        Index("ix_held_days_reach", "reach"),
    )

    client_id: UUID
    grid_id: UUID
    kind: EventKind = Field(sa_type=enum_column_type(EventKind, name="kind"))  # pyright: ignore[reportArgumentType]
    day: date
    matched: int
    forgotten: int


class TakenResult(Versioned, Reached, table=True):
    """A result that was taken from another system, so that the same event is never a second one.

    The record it became, `test_id`, may be an older one that waited for it; `content` is a keyed
    hash. By `tube_code` a sample that is told later knows it again, and so does its correction.
    """

    __tablename__: ClassVar[Any] = "taken_results"
    __table_args__ = (
        Index("ix_taken_results_resident_id", "resident_id"),
        Index("ix_taken_results_reach", "reach"),
    )

    client_id: UUID
    resident_id: UUID = Field(foreign_key="residents.id")
    grid_id: UUID
    content: bytes = Field(sa_type=LargeBinary)
    tube_code: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    received_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    test_id: UUID | None = None
    sampled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    reported_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
