"""A shift says who is on duty at which place, from when to when; for that time it opens a door."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned


class DutyPlace(Labelled):
    """What kind of place is manned by a roster."""

    checkpoint = "checkpoint", "卡点"
    site = "site", "采样点、接种点"


class DutyShift(Versioned, Reached, table=True):
    """One person's duty at one place (M2.8); nobody is at two places at once.

    From an hour before it begins until twelve hours after it has ended, its holder sees what is
    the place's own, wherever they serve otherwise (`enter()` in migration 0024). The names are
    those of the day on which it was arranged.
    """

    __tablename__: ClassVar[Any] = "duty_shifts"
    __table_args__ = (
        Index("ix_duty_shifts_place_id_starts_at", "place_id", "starts_at"),
        Index(
            "ix_duty_shifts_worker_id_ends_at",
            "worker_id",
            "ends_at",
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_duty_shifts_reach_starts_at", "reach", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="period"),
    )

    place_kind: DutyPlace = Field(sa_type=enum_column_type(DutyPlace, name="place_kind"))  # pyright: ignore[reportArgumentType]
    place_id: UUID
    place_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    grid_id: UUID
    worker_id: UUID = Field(foreign_key="workers.id")
    worker_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    role: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    starts_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ends_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    note: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    arranged_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    arranged_by: UUID
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
