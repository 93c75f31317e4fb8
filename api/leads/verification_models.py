"""How a lead is verified: attempts to reach the person, the four answers, feedback, transfer."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned


class ContactKind(Labelled):
    """How somebody tried to reach the person of a lead."""

    phone = "phone", "电话联系"
    visit = "visit", "上门核查"


class Question(Labelled):
    """The four that every lead is answered with (domain R11)."""

    travel_card = "travel_card", "行程卡"
    health_code = "health_code", "健康码"
    diagnostic_test = "diagnostic_test", "核酸检测"
    vaccination = "vaccination", "疫苗接种"


class Shown(Labelled):
    """Whether what was asked for was seen."""

    shown = "shown", "已出示"
    told = "told", "本人口述，未出示"
    not_shown = "not_shown", "无法出示"
    not_asked = "not_asked", "未询问"


class LeadTransferStatus(Labelled):
    """Where the transfer of a lead to another township stands."""

    requested = "requested", "待送达"
    received = "received", "对方已接收"
    declined = "declined", "对方退回"


class LeadAttempt(Recorded, table=True):
    """One attempt to reach the person of a lead; `recorded_at` is when it was made."""

    __tablename__: ClassVar[Any] = "lead_attempts"
    __table_args__ = (
        Index("ix_lead_attempts_lead_id", "lead_id", "recorded_at"),
        Index("ix_lead_attempts_reach", "reach"),
    )

    lead_id: UUID = Field(foreign_key="leads.id")
    grid_id: UUID
    kind: ContactKind = Field(sa_type=enum_column_type(ContactKind, name="kind"))  # pyright: ignore[reportArgumentType]
    reached: bool
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class LeadAnswer(Recorded, table=True):
    """One of the four answers as it was seen; the newest of a question counts.

    `said` is the answer by field; `record_id` is the health record that it became, or a
    dose that was kept already.
    """

    __tablename__: ClassVar[Any] = "lead_answers"
    __table_args__ = (
        Index("ix_lead_answers_lead_id", "lead_id", "question", "recorded_at"),
        Index("ix_lead_answers_reach", "reach"),
    )

    lead_id: UUID = Field(foreign_key="leads.id")
    grid_id: UUID
    question: Question = Field(sa_type=enum_column_type(Question, name="question"))  # pyright: ignore[reportArgumentType]
    shown: Shown = Field(sa_type=enum_column_type(Shown, name="shown"))  # pyright: ignore[reportArgumentType]
    said: dict[str, Any] = Field(sa_column=Column("said", JSONB, nullable=False))
    record_id: UUID | None = None


class LeadTransfer(Versioned, Reached, table=True):
    """A lead handed to another township, and the receipt that came back."""

    __tablename__: ClassVar[Any] = "lead_transfers"
    __table_args__ = (
        Index("ix_lead_transfers_lead_id", "lead_id"),
        Index("ix_lead_transfers_reach", "reach"),
        CheckConstraint("(status = 'requested') = (answered_at IS NULL)", name="answered"),
    )

    lead_id: UUID = Field(foreign_key="leads.id")
    grid_id: UUID
    to_code: str = Field(sa_type=String(12))  # pyright: ignore[reportArgumentType]
    to_name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    to_cell: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    reason: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    requested_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    requested_by: UUID
    status: LeadTransferStatus = Field(sa_type=enum_column_type(LeadTransferStatus, name="status"))  # pyright: ignore[reportArgumentType]
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    answered_by: UUID | None = None
    receipt: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]


class LeadFeedback(Versioned, Reached, table=True):
    """A feedback table as it was sent to the issuer of a batch: what counted then, by outcome.

    `handed_on` of them another township had received.
    """

    __tablename__: ClassVar[Any] = "lead_feedbacks"
    __table_args__ = (
        Index("uq_lead_feedbacks_number", "batch_id", "number", unique=True),
        Index("ix_lead_feedbacks_reach", "reach"),
    )

    batch_id: UUID = Field(foreign_key="lead_batches.id")
    grid_id: UUID
    number: int
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    by: UUID
    counts: dict[str, int] = Field(sa_column=Column("counts", JSONB, nullable=False))
    handed_on: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    late: bool
