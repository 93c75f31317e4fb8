"""A release: who approved it on what evidence, and the notice the person received."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, Integer, LargeBinary, Sequence, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.database import metadata
from api.foundation.records import INSTANT, Reached, Versioned

RELEASE_NUMBER = Sequence("release_number", metadata=metadata)


class Release(Versioned, Reached, table=True):
    """One release of one quarantine; `follow_up_days` count from the day of release (day 0)."""

    __tablename__: ClassVar[Any] = "releases"
    __table_args__ = (
        Index("uq_releases_quarantine_id", "quarantine_id", unique=True),
        Index("ix_releases_released_on", "released_on"),
        Index("ix_releases_reach", "reach"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    number: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    released_on: date
    approved_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    approved_by: UUID
    approver_post: UUID
    conditions: list[dict[str, Any]] = Field(sa_column=Column("conditions", JSONB, nullable=False))
    follow_up_days: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    notice_sealed: bytes = Field(sa_type=LargeBinary)
