"""Who arrives, where they stayed before and when, and how the list of risk areas classes them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.health_records.validity import VaccinationStatus
from api.protocols.models import ExposureClass, RiskLevel
from api.registry.models import DocumentKind, Sex


class ArrivalStatus(Labelled):
    """Where an arrival stands (domain 5.1)."""

    expected = "expected", "已报备，待到达"
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
    arrived = "arrived", "抵达"
    corrected = "corrected", "信息更正"
    list_changed = "list_changed", "风险地区名单变更"
    rules_changed = "rules_changed", "施行中的方案变更"


PRESENT = (ArrivalStatus.expected, ArrivalStatus.arrived, ArrivalStatus.verified)
"""Who is on the way or here: one such arrival at a time for a person."""

_PRESENT = "status IN ('expected', 'arrived', 'verified') AND discarded_at IS NULL"


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
    """What lies below a code prefix and was at risk from one day to another, both included."""

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

    @property
    def reach(self) -> str:
        """Where its former versions are kept on record: the list binds the whole township."""
        return "t"


class Arrival(Recorded, table=True):
    """One person's coming: reported before, arrived, verified, and classed by where they were.

    `party_id` is shared by those who travel together. `stays` is a list of `{"code", "from_on",
    "to_on"}`, both days included. `left_risk_area_on` is the last day at risk in the area that
    decided `risk_level`. What was decided is decided of one classification
    (`decided_classification_id`): once another one stands, somebody has to look again.
    `registered_anew` says that its verification made the resident, who was not in the register;
    `learnt_version` is the resident's as its verification put them right, None where it did not.
    """

    __tablename__: ClassVar[Any] = "arrivals"
    __table_args__ = (
        Index("ix_arrivals_reach", "reach"),
        Index("ix_arrivals_household_id", "household_id"),
        Index("ix_arrivals_resident_id", "resident_id"),
        Index("ix_arrivals_expected_on", "expected_on", "id"),
        Index("ix_arrivals_classified_at", "classified_at", postgresql_where=text(_PRESENT)),
        Index(
            "uq_arrivals_one_present",
            "resident_id",
            unique=True,
            postgresql_where=text(_PRESENT),
        ),
        Index(
            "uq_arrivals_one_of_a_document",
            "document_lookup",
            unique=True,
            postgresql_where=text(_PRESENT),
        ),
        CheckConstraint("expected_on IS NOT NULL OR arrived_at IS NOT NULL", name="comes"),
        CheckConstraint(
            "status NOT IN ('arrived', 'verified') OR arrived_at IS NOT NULL", name="arrived"
        ),
        CheckConstraint("status <> 'verified' OR resident_id IS NOT NULL", name="known"),
        CheckConstraint(
            "(document_sealed IS NULL) = (document_lookup IS NULL) "
            "OR document_lookup IS NULL AND document_kind = 'household_book'",
            name="document_whole",
        ),
        CheckConstraint(
            "(decided_classification_id IS NULL) = (decided_at IS NULL)", name="decided"
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
    registered_anew: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    learnt_version: int | None = None
    transport: Transport | None = Field(
        default=None,
        sa_type=enum_column_type(Transport, name="transport"),  # pyright: ignore[reportArgumentType]
    )
    transport_number: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    origin_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    exposure_class: ExposureClass = Field(
        sa_type=enum_column_type(ExposureClass, name="exposure_class")  # pyright: ignore[reportArgumentType]
    )
    last_exposure_on: date | None = None
    occupations: list[str] | None = Field(
        default=None, sa_column=Column("occupations", ARRAY(String(40)))
    )
    vaccination: VaccinationStatus | None = Field(
        default=None,
        sa_type=enum_column_type(VaccinationStatus, name="vaccination"),  # pyright: ignore[reportArgumentType]
    )
    stays: list[dict[str, str]] = Field(sa_column=Column("stays", JSONB, nullable=False))
    risk_level: RiskLevel = Field(sa_type=enum_column_type(RiskLevel, name="risk_level"))  # pyright: ignore[reportArgumentType]
    risk_area_id: UUID | None = None
    left_risk_area_on: date | None = None
    classification_id: UUID
    classified_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_classification_id: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_by: UUID | None = None
    quarantine_id: UUID | None = None
    departed_on: date | None = None
    destination_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class Classification(Versioned, Reached, table=True):
    """How an arrival was classed, when and why: its history, which never changes.

    `by` is None where the service classed it by itself, since the rules in force had changed.
    """

    __tablename__: ClassVar[Any] = "arrival_classifications"
    __table_args__ = (
        Index("ix_arrival_classifications_arrival_id", "arrival_id", "at"),
        Index("ix_arrival_classifications_reach", "reach"),
    )

    arrival_id: UUID = Field(foreign_key="arrivals.id")
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    by: UUID | None = None
    because: ClassifiedBecause = Field(
        sa_type=enum_column_type(ClassifiedBecause, name="because")  # pyright: ignore[reportArgumentType]
    )
    risk_level: RiskLevel = Field(sa_type=enum_column_type(RiskLevel, name="risk_level"))  # pyright: ignore[reportArgumentType]
    risk_area_id: UUID | None = None
    stay_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    left_risk_area_on: date | None = None
    exposure_class: ExposureClass = Field(
        sa_type=enum_column_type(ExposureClass, name="exposure_class")  # pyright: ignore[reportArgumentType]
    )
    last_exposure_on: date | None = None
    explanation: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
