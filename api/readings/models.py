"""A reading is one temperature of one quarantined person in one window of one local day."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, LargeBinary, String, text
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded
from api.protocols.models import CELSIUS, Timing


class Method(Labelled):
    """What was used to measure."""

    mercury = "mercury", "水银体温计"
    electronic = "electronic", "电子体温计"
    infrared = "infrared", "红外测温仪"


class Site(Labelled):
    """Where on the body was measured."""

    axillary = "axillary", "腋下"
    forehead = "forehead", "额温"
    ear = "ear", "耳温"
    oral = "oral", "口腔"
    wrist = "wrist", "腕温"


class NotTakenReason(Labelled):
    """Why a person could not be measured on a round."""

    absent = "absent", "未见到本人"
    refused = "refused", "不配合"
    in_hospital = "in_hospital", "已送医"
    other = "other", "其他"


class Reading(Recorded, table=True):
    """One measured value; a second one for the same window is a correction or a clear problem."""

    __tablename__: ClassVar[Any] = "readings"
    __table_args__ = (
        Index(
            "uq_readings_one_per_window",
            "quarantine_id",
            "day",
            "window",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        # Partial like the one above, else a planner without statistics joins that one to it.
        Index(
            "ix_readings_grid_id_measured_at",
            "grid_id",
            "measured_at",
            "id",
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_readings_reach_day", "reach", "day"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    day: date
    window: str = Field(sa_type=String(20))  # pyright: ignore[reportArgumentType]
    timing: Timing = Field(sa_type=enum_column_type(Timing, name="timing"))  # pyright: ignore[reportArgumentType]
    value_c: float = Field(sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    method: Method = Field(sa_type=enum_column_type(Method, name="method"))  # pyright: ignore[reportArgumentType]
    site: Site = Field(sa_type=enum_column_type(Site, name="site"))  # pyright: ignore[reportArgumentType]
    symptoms: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    measured_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    abnormal: bool
    low: bool


class NotTaken(Recorded, table=True):
    """Somebody was not measured, and why. Their window stays missing until it is measured."""

    __tablename__: ClassVar[Any] = "readings_not_taken"
    __table_args__ = (
        Index("ix_readings_not_taken_quarantine_id_day", "quarantine_id", "day"),
        Index("ix_readings_not_taken_reach", "reach"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    grid_id: UUID
    day: date
    window: str = Field(sa_type=String(20))  # pyright: ignore[reportArgumentType]
    reason: NotTakenReason = Field(
        sa_type=enum_column_type(NotTakenReason, name="reason")  # pyright: ignore[reportArgumentType]
    )
