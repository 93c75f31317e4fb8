"""A call of the care line: whether the person was reached, how they are, what they need."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, LargeBinary, String
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded


class CallKind(Labelled):
    """What the call is for."""

    daily = "daily", "每日问候"
    follow_up = "follow_up", "解除后随访"


class CallOutcome(Labelled):
    """Whether the person was reached; who was not is visited (M3.6)."""

    reached = "reached", "已接通"
    unreachable = "unreachable", "未接通"
    refused = "refused", "拒绝交谈"


class Mood(Labelled):
    """How the person seems."""

    calm = "calm", "平稳"
    low = "low", "低落"
    anxious = "anxious", "焦虑"
    agitated = "agitated", "激动"


class CareCall(Recorded, table=True):
    """One call to one quarantined or released person; it answers the duty of one local day."""

    __tablename__: ClassVar[Any] = "care_calls"
    __table_args__ = (
        Index("ix_care_calls_quarantine_id_day", "quarantine_id", "day"),
        Index("ix_care_calls_called_at", "called_at", "id"),
        Index("ix_care_calls_reach", "reach"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    kind: CallKind = Field(sa_type=enum_column_type(CallKind, name="kind"))  # pyright: ignore[reportArgumentType]
    day: date
    called_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    outcome: CallOutcome = Field(sa_type=enum_column_type(CallOutcome, name="outcome"))  # pyright: ignore[reportArgumentType]
    mood: Mood | None = Field(default=None, sa_type=enum_column_type(Mood, name="mood"))  # pyright: ignore[reportArgumentType]
    symptoms: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    needs: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
