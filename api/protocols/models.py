"""Policies are versioned rows with a legal basis: what local rules say, the code only reads."""

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Numeric, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import Versioned

CELSIUS = Numeric(3, 1, asdecimal=False)


class Comparator(Labelled):
    """Whether the threshold itself counts as fever (the sources differ)."""

    gte = "gte", "达到即算(≥)"
    gt = "gt", "超过才算(>)"


class Timing(Labelled):
    """Whether a reading was taken within its window."""

    on_time = "on_time", "按时"
    early = "early", "提前"
    late = "late", "补测"


class WhereaboutsKind(Labelled):
    """Where the person is: 居家观察、送医收治、离家外出、集中转运 (S1; M3.4)."""

    at_home = "at_home", "居家观察"
    in_hospital = "in_hospital", "送医收治"
    away_approved = "away_approved", "经批准外出"
    away_breach = "away_breach", "擅自外出"
    transferred = "transferred", "集中转运"


class Policy(SQLModel):
    """What every policy says of itself. A revision never changes; a new one takes its place."""

    code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    revision: int
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    legal_basis: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    effective_from: date
    effective_to: date | None = None


class CareTeamPolicy(Versioned, Policy, table=True):
    """Who must serve one quarantined person: 四包一 is four, one of them a party member (S2)."""

    __tablename__: ClassVar[Any] = "care_team_policies"
    __table_args__ = (
        Index("uq_care_team_policies_code_revision", "code", "revision", unique=True),
        CheckConstraint("size >= 1 AND min_party_members BETWEEN 0 AND size", name="possible"),
    )

    size: int
    min_party_members: int
    role_minima: dict[str, int] = Field(sa_column=Column("role_minima", JSONB, nullable=False))
    max_persons_per_worker: int | None = None


class MonitoringPolicy(Versioned, Policy, table=True):
    """When temperature is taken, what is plausible, and what is fever (domain 3.5)."""

    __tablename__: ClassVar[Any] = "monitoring_policies"
    __table_args__ = (
        Index("uq_monitoring_policies_code_revision", "code", "revision", unique=True),
        CheckConstraint("plausible_min_c < plausible_max_c", name="plausible"),
    )

    windows: list[dict[str, str]] = Field(sa_column=Column("windows", JSONB, nullable=False))
    fever_threshold_c: float = Field(sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    comparator: Comparator = Field(sa_type=enum_column_type(Comparator, name="comparator"))  # pyright: ignore[reportArgumentType]
    low_threshold_c: float = Field(sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    plausible_min_c: float = Field(sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    plausible_max_c: float = Field(sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    exempt_whereabouts: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
