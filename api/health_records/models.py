"""What is known of a person's health: tests, code states, travel cards, doses, and when they hold.

A record says what its source said, and when; whether it still holds is derived (`standing.py`).
"""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded
from api.protocols.models import DiagnosticKind

MOST_SAMPLES = 10
"""Of one person at one time; two by two reagents is what the eighth edition asked for."""

MANUAL = "manual"
"""The system of a code that a worker saw on a phone."""


class DiagnosticOutcome(Labelled):
    """What came of a test; only negative counts towards a release."""

    pending = "pending", "待出结果"
    negative = "negative", "阴性"
    positive = "positive", "阳性"
    inconclusive = "inconclusive", "不确定，须复检"
    invalid = "invalid", "样本无效"


class CodeState(Labelled):
    """What a health code says, of whatever system (domain 2.4); unavailable is never green."""

    green = "green", "绿码"
    yellow = "yellow", "黄码"
    red = "red", "红码"
    grey = "grey", "灰码"
    popup = "popup", "弹窗"
    expired = "expired", "已过期"
    not_found = "not_found", "查无此人"
    unavailable = "unavailable", "查询不到结果"


class CardColour(Labelled):
    """The colour of a travel card (domain 2.5)."""

    green = "green", "绿色"
    yellow = "yellow", "黄色"
    orange = "orange", "橙色"
    red = "red", "红色"


class SwabType(Labelled):
    """Where a sample is taken."""

    oropharyngeal = "oropharyngeal", "咽拭子"
    nasopharyngeal = "nasopharyngeal", "鼻咽拭子"
    nasal = "nasal", "鼻拭子"


class VaccineTechnology(Labelled):
    """How a vaccine is made: how many doses are the whole course hangs on it."""

    inactivated = "inactivated", "灭活疫苗"
    adenovirus_vector = "adenovirus_vector", "腺病毒载体疫苗"
    recombinant_protein = "recombinant_protein", "重组蛋白疫苗"
    mrna = "mrna", "信使核糖核酸疫苗"
    other = "other", "其他"


class VaccinationOutcome(Labelled):
    """What came of an appointment."""

    given = "given", "已接种"
    contraindicated = "contraindicated", "有禁忌，不宜接种"


class DiagnosticTest(Recorded, table=True):
    """One sample of one person. A result reported later is a correction of the same record.

    One that went into a tube has the tube's result; pooled is what shares its tube with others.
    """

    __tablename__: ClassVar[Any] = "diagnostic_tests"
    __table_args__ = (
        Index("ix_diagnostic_tests_resident_id_sampled_at", "resident_id", "sampled_at"),
        Index("ix_diagnostic_tests_sampled_at", "sampled_at", "id"),
        Index("ix_diagnostic_tests_quarantine_id", "quarantine_id"),
        Index("ix_diagnostic_tests_reach", "reach"),
        Index(
            "uq_diagnostic_tests_one_in_a_tube",
            "tube_id",
            "resident_id",
            unique=True,
            postgresql_where=text("tube_id IS NOT NULL AND discarded_at IS NULL"),
        ),
        Index(
            "ix_diagnostic_tests_retest",
            "grid_id",
            postgresql_where=text(
                "discarded_at IS NULL AND (pooled AND outcome = 'inconclusive'"
                " OR kind = 'antigen' AND outcome = 'positive')"
            ),
        ),
        Index(
            "ix_diagnostic_tests_pending",
            "resident_id",
            postgresql_where=text("outcome = 'pending' AND discarded_at IS NULL"),
        ),
        CheckConstraint("reported_at IS NULL OR reported_at >= sampled_at", name="order"),
        CheckConstraint("(outcome = 'pending') = (reported_at IS NULL)", name="reported"),
        CheckConstraint(f"samples BETWEEN 1 AND {MOST_SAMPLES}", name="samples"),
    )

    resident_id: UUID = Field(foreign_key="residents.id")
    grid_id: UUID
    quarantine_id: UUID | None = None
    kind: DiagnosticKind = Field(sa_type=enum_column_type(DiagnosticKind, name="kind"))  # pyright: ignore[reportArgumentType]
    outcome: DiagnosticOutcome = Field(sa_type=enum_column_type(DiagnosticOutcome, name="outcome"))  # pyright: ignore[reportArgumentType]
    sampled_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    reported_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    samples: int
    laboratory: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    tube_id: UUID | None = None
    pooled: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class SampleTube(Recorded, table=True):
    """A tube with the samples of several people. It lies where all of them are in reach."""

    __tablename__: ClassVar[Any] = "sample_tubes"
    __table_args__ = (
        Index(
            "uq_sample_tubes_code",
            "code",
            "day",
            text("coalesce(laboratory, '')"),
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_sample_tubes_sampled_at", "sampled_at", "id"),
        Index("ix_sample_tubes_reach", "reach"),
        Index(
            "ix_sample_tubes_site_session_id",
            "site_session_id",
            postgresql_where=text("site_session_id IS NOT NULL"),
        ),
        CheckConstraint("pool_size IN (1, 5, 10, 20)", name="pool_size"),
        CheckConstraint("member_count BETWEEN 1 AND pool_size", name="member_count"),
        CheckConstraint("reported_at IS NULL OR reported_at >= sampled_at", name="order"),
        CheckConstraint("(outcome = 'pending') = (reported_at IS NULL)", name="reported"),
    )

    grid_id: UUID
    code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    day: date
    pool_size: int
    member_count: int
    swab_type: SwabType = Field(sa_type=enum_column_type(SwabType, name="swab_type"))  # pyright: ignore[reportArgumentType]
    kind: DiagnosticKind = Field(sa_type=enum_column_type(DiagnosticKind, name="kind"))  # pyright: ignore[reportArgumentType]
    site_session_id: UUID | None = None
    laboratory: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    sampled_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    outcome: DiagnosticOutcome = Field(sa_type=enum_column_type(DiagnosticOutcome, name="outcome"))  # pyright: ignore[reportArgumentType]
    reported_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class OfAResident(Recorded):
    """A record of one resident's health; it lies where they live."""

    resident_id: UUID = Field(foreign_key="residents.id")
    grid_id: UUID


class HealthCodeState(OfAResident, table=True):
    """What one system said of a person's code at one time. Older ones stay; the newest is current.

    The newest holds since latest (`changed_at`), then was fetched latest; see `standing.py`.
    """

    __tablename__: ClassVar[Any] = "code_states"
    __table_args__ = (
        Index("ix_code_states_resident_id", "resident_id", "system", "changed_at", "fetched_at"),
        Index("ix_code_states_fetched_at", "fetched_at", "id"),
        Index("ix_code_states_reach", "reach"),
    )

    system: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    state: CodeState = Field(sa_type=enum_column_type(CodeState, name="state"))  # pyright: ignore[reportArgumentType]
    changed_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    fetched_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    valid_until: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    reason_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    event_id: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]


class TravelCard(OfAResident, table=True):
    """A travel card as a worker saw it: a city is `{"code", "name", "at_risk"}` (domain 2.5)."""

    __tablename__: ClassVar[Any] = "travel_cards"
    __table_args__ = (
        Index("ix_travel_cards_resident_id", "resident_id", "updated_at"),
        Index("ix_travel_cards_seen_at", "seen_at", "id"),
        Index("ix_travel_cards_reach", "reach"),
        CheckConstraint("window_days BETWEEN 1 AND 28", name="window_days"),
    )

    seen_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    updated_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    colour: CardColour = Field(sa_type=enum_column_type(CardColour, name="colour"))  # pyright: ignore[reportArgumentType]
    cities: list[dict[str, Any]] = Field(sa_column=Column("cities", JSONB, nullable=False))
    window_days: int


class Vaccination(OfAResident, table=True):
    """One dose, or that a person must not have any (domain 2.6)."""

    __tablename__: ClassVar[Any] = "vaccinations"
    __table_args__ = (
        Index(
            "uq_vaccinations_dose",
            "resident_id",
            "dose_number",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_vaccinations_resident_id", "resident_id", "given_on"),
        Index("ix_vaccinations_given_on", "given_on", "id"),
        Index("ix_vaccinations_reach", "reach"),
        Index(
            "ix_vaccinations_site_session_id",
            "site_session_id",
            postgresql_where=text("site_session_id IS NOT NULL"),
        ),
        CheckConstraint(
            "(outcome = 'given') = (dose_number IS NOT NULL)"
            " AND (outcome = 'given') = (technology IS NOT NULL)",
            name="given",
        ),
        CheckConstraint("dose_number BETWEEN 1 AND 9", name="dose_number"),
    )

    outcome: VaccinationOutcome = Field(
        sa_type=enum_column_type(VaccinationOutcome, name="outcome")  # pyright: ignore[reportArgumentType]
    )
    given_on: date
    dose_number: int | None = None
    technology: VaccineTechnology | None = Field(
        default=None,
        sa_type=enum_column_type(VaccineTechnology, name="technology"),  # pyright: ignore[reportArgumentType]
    )
    product: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    manufacturer: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    batch_number: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    unit: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    body_site: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    site_session_id: UUID | None = None
