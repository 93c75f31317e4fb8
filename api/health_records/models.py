"""A test of one person: when it was sampled, when its result came, and what it was."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded
from api.protocols.models import DiagnosticKind

MOST_SAMPLES = 10
"""Of one person at one time; two by two reagents is what the eighth edition asked for."""


class DiagnosticOutcome(Labelled):
    """What came of a test; only negative counts towards a release."""

    pending = "pending", "待出结果"
    negative = "negative", "阴性"
    positive = "positive", "阳性"
    inconclusive = "inconclusive", "不确定,须复检"
    invalid = "invalid", "样本无效"


class DiagnosticTest(Recorded, table=True):
    """One sample of one person. A result reported later is a correction of the same record."""

    __tablename__: ClassVar[Any] = "diagnostic_tests"
    __table_args__ = (
        Index("ix_diagnostic_tests_resident_id_sampled_at", "resident_id", "sampled_at"),
        Index("ix_diagnostic_tests_sampled_at", "sampled_at", "id"),
        Index("ix_diagnostic_tests_quarantine_id", "quarantine_id"),
        Index("ix_diagnostic_tests_reach", "reach"),
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
