"""An errand for somebody in quarantine: what is wanted, who has it, what it cost (代办)."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded


class ErrandKind(Labelled):
    """What is to be seen to; who was asked and wants nothing is served too (R9)."""

    masks = "masks", "口罩等防护用品"
    daily_goods = "daily_goods", "代买生活用品"
    medicine = "medicine", "代买药品"
    delivery = "delivery", "代取代送"
    trash = "trash", "收运垃圾"
    other = "other", "其他代办"
    none_needed = "none_needed", "已询问，不需代办"


class ErrandStatus(Labelled):
    """How far an errand has come."""

    requested = "requested", "待接单"
    accepted = "accepted", "已接单"
    purchasing = "purchasing", "采购中"
    delivered = "delivered", "已送达"
    confirmed = "confirmed", "已确认"
    cancelled = "cancelled", "已取消"
    none_needed = "none_needed", "不需代办"


class Payer(Labelled):
    """Who bears what it cost."""

    resident = "resident", "本人"
    household = "household", "家人"
    village = "village", "村（社区）"
    township = "township", "乡镇"
    other = "other", "其他"


class Word(Labelled):
    """By whose word it is known that an errand was done as wanted."""

    resident = "resident", "本人"
    household = "household", "同住家人"
    other = "other", "其他人"


OPEN = (ErrandStatus.requested, ErrandStatus.accepted, ErrandStatus.purchasing)
"""Nothing was brought yet, and it was not called off."""
HELD = (ErrandStatus.accepted, ErrandStatus.purchasing)
"""Somebody has taken it upon themselves."""


class Errand(Recorded, table=True):
    """One errand for one person in quarantine; `accepted_by` has it until it is delivered."""

    __tablename__: ClassVar[Any] = "errands"
    __table_args__ = (
        Index("ix_errands_quarantine_id", "quarantine_id"),
        Index("ix_errands_recorded_at", "recorded_at", "id"),
        Index(
            "ix_errands_open",
            "due_at",
            postgresql_where=text(
                "status IN ('requested', 'accepted', 'purchasing') AND discarded_at IS NULL"
            ),
        ),
        Index("ix_errands_accepted_by", "accepted_by"),
        Index("ix_errands_reach", "reach"),
        CheckConstraint("(kind = 'none_needed') = (status = 'none_needed')", name="none_needed"),
        CheckConstraint("(kind = 'none_needed') = (wanted_sealed IS NULL)", name="wanted"),
        CheckConstraint(
            "status NOT IN ('accepted', 'purchasing', 'delivered', 'confirmed') "
            "OR accepted_by IS NOT NULL",
            name="accepted",
        ),
        CheckConstraint(
            "(status IN ('delivered', 'confirmed')) = (delivered_at IS NOT NULL)", name="delivered"
        ),
        CheckConstraint("(status = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("amount_fen >= 0", name="amount"),
        CheckConstraint("payer IS NOT NULL OR coalesce(amount_fen, 0) = 0", name="paid"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    household_id: UUID
    grid_id: UUID
    kind: ErrandKind = Field(sa_type=enum_column_type(ErrandKind, name="kind"))  # pyright: ignore[reportArgumentType]
    status: ErrandStatus = Field(sa_type=enum_column_type(ErrandStatus, name="status"))  # pyright: ignore[reportArgumentType]
    wanted_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    quantity: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    needed_by: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    due_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    accepted_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    accepted_by: UUID | None = None
    accepted_by_name: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    assigned_by: UUID | None = None
    purchasing_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    delivered_by: UUID | None = None
    contact_free: bool | None = None
    amount_fen: int | None = None
    payer: Payer | None = Field(default=None, sa_type=enum_column_type(Payer, name="payer"))  # pyright: ignore[reportArgumentType]
    receipt_number: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    confirmed_by: UUID | None = None
    word: Word | None = Field(default=None, sa_type=enum_column_type(Word, name="word"))  # pyright: ignore[reportArgumentType]
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_by: UUID | None = None
    cancelled_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
