"""Who arrives, where they stayed before and when, and how the list of risk areas classes them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlmodel import Field, SQLModel

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.protocols.models import ExposureClass, RiskLevel
from api.registry.models import DocumentKind, Sex


class ArrivalStatus(Labelled):
    """Where an arrival stands (domain 5.1)."""

    expected = "expected", "已报备,待到达"
    arrived = "arrived", "已到达"
    verified = "verified", "已核实"
    departed = "departed", "已离开"
    transferred = "transferred", "已移交外地"
    invalid = "invalid", "信息无效"


class Transport(Labelled):
    """How somebody came."""

    train = "train", "火车"
    air = "air", "飞机"
    coach = "coach", "客车"
    private_car = "private_car", "自驾或包车"
    ship = "ship", "轮船"
    on_foot = "on_foot", "步行或骑行"
    other = "other", "其他"


class ClassifiedBecause(Labelled):
    """What made the service class an arrival anew."""

    recorded = "recorded", "登记"
    corrected = "corrected", "信息更正"
    list_changed = "list_changed", "风险地区名单变更"


class Division(SQLModel, table=True):
    """An administrative division as the operator imported it; shared by all townships."""

    __tablename__: ClassVar[Any] = "divisions"
    __table_args__ = (
        Index("ix_divisions_parent_code", "parent_code"),
        CheckConstraint("code ~ '^[0-9]{6,12}$'", name="code"),
        {"schema": "public"},
    )

    code: str = Field(sa_type=String(12), primary_key=True)  # pyright: ignore[reportArgumentType]
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    full_name: str = Field(sa_type=String(200))  # pyright: ignore[reportArgumentType]
    parent_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]


class RiskArea(Versioned, table=True):
    """A division, or whatever lies below a code prefix, that was at risk from one day to another."""

    __tablename__: ClassVar[Any] = "risk_areas"
    __table_args__ = (
        Index(
            "uq_risk_areas_once",
            "code_prefix",
            "level",
            "from_on",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        CheckConstraint("to_on IS NULL OR to_on >= from_on", name="days"),
        CheckConstraint("code_prefix ~ '^[0-9]{2,12}$'", name="code_prefix"),
    )

    code_prefix: str = Field(sa_type=String(12))  # pyright: ignore[reportArgumentType]
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    level: RiskLevel = Field(sa_type=enum_column_type(RiskLevel, name="level"))  # pyright: ignore[reportArgumentType]
    from_on: date
    to_on: date | None = None
    announcement: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    entered_by: UUID
    entered_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Arrival(Recorded, table=True):
    """One person's coming: reported before, arrived, verified, and classed by where they were.

    `party_id` is shared by those who travel together. `left_risk_area_on` is the last day in the
    area that decided `risk_level`.
    """

    __tablename__: ClassVar[Any] = "arrivals"
    __table_args__ = (
        Index("ix_arrivals_reach", "reach"),
        Index("ix_arrivals_household_id", "household_id"),
        Index("ix_arrivals_resident_id", "resident_id"),
        Index("ix_arrivals_expected_on", "expected_on", "id"),
        Index("ix_arrivals_document_lookup", "document_lookup"),
        Index(
            "uq_arrivals_one_present",
            "resident_id",
            unique=True,
            postgresql_where=text(
                "status IN ('expected', 'arrived', 'verified') AND discarded_at IS NULL"
            ),
        ),
        CheckConstraint(
            "status NOT IN ('arrived', 'verified') OR arrived_at IS NOT NULL", name="arrived"
        ),
        CheckConstraint("status <> 'verified' OR resident_id IS NOT NULL", name="known"),
        CheckConstraint(
            "(document_sealed IS NULL) = (document_lookup IS NULL)", name="document_whole"
        ),
    )

    household_id: UUID = Field(foreign_key="households.id")
    resident_id: UUID | None = Field(default=None, foreign_key="residents.id")
    grid_id: UUID
    party_id: UUID | None = None
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    sex: Sex | None = Field(default=None, sa_type=enum_column_type(Sex, name="sex"))  # pyright: ignore[reportArgumentType]
    birth_date: date | None = None
    document_kind: DocumentKind | None = Field(
        default=None,
        sa_type=enum_column_type(DocumentKind, name="document_kind"),  # pyright: ignore[reportArgumentType]
    )
    document_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    contact_name: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    contact_phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    status: ArrivalStatus = Field(sa_type=enum_column_type(ArrivalStatus, name="status"))  # pyright: ignore[reportArgumentType]
    expected_on: date | None = None
    arrived_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    arrival_told_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    verified_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    verified_by: UUID | None = None
    transport: Transport | None = Field(
        default=None,
        sa_type=enum_column_type(Transport, name="transport"),  # pyright: ignore[reportArgumentType]
    )
    transport_number: str | None = Field(default=None, sa_type=String(40))  # pyright: ignore[reportArgumentType]
    origin_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    exposure_class: ExposureClass = Field(
        sa_type=enum_column_type(ExposureClass, name="exposure_class")  # pyright: ignore[reportArgumentType]
    )
    last_exposure_on: date | None = None
    risk_level: RiskLevel = Field(sa_type=enum_column_type(RiskLevel, name="risk_level"))  # pyright: ignore[reportArgumentType]
    risk_area_id: UUID | None = None
    left_risk_area_on: date | None = None
    classified_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    quarantine_id: UUID | None = None
    departed_on: date | None = None
    destination_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class ArrivalStay(Versioned, Reached, table=True):
    """A place where somebody was before they came, both days included."""

    __tablename__: ClassVar[Any] = "arrival_stays"
    __table_args__ = (
        Index("ix_arrival_stays_arrival_id", "arrival_id"),
        Index("ix_arrival_stays_code", "code"),
        Index("ix_arrival_stays_reach", "reach"),
        CheckConstraint("to_on >= from_on", name="days"),
    )

    arrival_id: UUID = Field(foreign_key="arrivals.id")
    code: str = Field(sa_type=String(12))  # pyright: ignore[reportArgumentType]
    from_on: date
    to_on: date
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Classification(Versioned, Reached, table=True):
    """How an arrival was classed, when and why: its history, which never changes."""

    __tablename__: ClassVar[Any] = "arrival_classifications"
    __table_args__ = (
        Index("ix_arrival_classifications_arrival_id", "arrival_id", "at"),
        Index("ix_arrival_classifications_reach", "reach"),
    )

    arrival_id: UUID = Field(foreign_key="arrivals.id")
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    by: UUID
    because: ClassifiedBecause = Field(
        sa_type=enum_column_type(ClassifiedBecause, name="because")  # pyright: ignore[reportArgumentType]
    )
    risk_level: RiskLevel = Field(sa_type=enum_column_type(RiskLevel, name="risk_level"))  # pyright: ignore[reportArgumentType]
    risk_area_id: UUID | None = None
    stay_id: UUID | None = None
    left_risk_area_on: date | None = None
    explanation: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
