"""A visit is one contact with one household: a knock, a call or a message, and what came of it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, LargeBinary, String, text
from sqlmodel import Field

from api.foundation.fields import Datum
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded


class VisitMode(Labelled):
    """How a household was contacted (S2: 上门、微信、电话)."""

    visit = "visit", "上门"
    phone = "phone", "电话"
    wechat = "wechat", "微信"


class VisitOutcome(Labelled):
    """What was met. Absent and refused leave a follow-up until the household is met later."""

    met = "met", "见到"
    absent = "absent", "家中无人"
    refused = "refused", "不配合"
    moved_away = "moved_away", "已搬离"


class VisitPurpose(Labelled):
    """What the visit was for."""

    screening = "screening", "排查登记"
    temperature = "temperature", "测量体温"
    outreach = "outreach", "宣传"
    care = "care", "关心慰问"
    test_reminder = "test_reminder", "核酸检测提醒"
    vaccination_reminder = "vaccination_reminder", "疫苗接种提醒"
    lead_check = "lead_check", "线索核查"
    other = "other", "其他"


class Need(Labelled):
    """What a household asked for."""

    masks = "masks", "口罩"
    daily_goods = "daily_goods", "生活用品"
    medicine = "medicine", "药品"
    medical_care = "medical_care", "就医"
    counselling = "counselling", "心理疏导"
    schooling = "schooling", "孩子上学"
    livelihood = "livelihood", "生产生活困难"
    other = "other", "其他"


class Visit(Recorded, table=True):
    """One knock on one household's door."""

    __tablename__: ClassVar[Any] = "visits"
    __table_args__ = (
        Index("ix_visits_household_id_visited_at", "household_id", "visited_at", "id"),
        Index("ix_visits_grid_id_visited_at", "grid_id", "visited_at", "id"),
        Index("ix_visits_visited_at", "visited_at", "id"),
        Index("ix_visits_reach", "reach"),
        Index(
            "ix_visits_unmet",
            "grid_id",
            "household_id",
            postgresql_where=text("outcome IN ('absent', 'refused') AND discarded_at IS NULL"),
        ),
    )

    household_id: UUID = Field(foreign_key="households.id")
    grid_id: UUID
    mode: VisitMode = Field(sa_type=enum_column_type(VisitMode, name="mode"))  # pyright: ignore[reportArgumentType]
    outcome: VisitOutcome = Field(sa_type=enum_column_type(VisitOutcome, name="outcome"))  # pyright: ignore[reportArgumentType]
    purposes: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    needs: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    findings_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    visited_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    datum: Datum | None = Field(default=None, sa_type=enum_column_type(Datum, name="datum"))  # pyright: ignore[reportArgumentType]
