"""How long what is known of a person's health holds, as versioned data (domain 2.5, 2.6)."""

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.protocols.models import Policy


class ValidityAnchor(Labelled):
    """From when the validity of a negative test is counted: local rules differ (domain 2.6)."""

    sampled = "sampled", "采样时间"
    reported = "reported", "出结果时间"


class ValidityPolicy(Policy, table=True):
    """How long what is known of a person's health holds; every number of it differs by place.

    `travel_card` is null where none is asked for any more; `courses` says, by the technology of the
    first dose, how many doses are a whole course and with how many it is boosted.
    """

    __tablename__: ClassVar[Any] = "validity_policies"
    __table_args__ = (
        Index("uq_validity_policies_code_revision", "code", "revision", unique=True),
        CheckConstraint("negative_test_hours BETWEEN 1 AND 720", name="negative_test_hours"),
        CheckConstraint("negative_antigen_hours BETWEEN 1 AND 720", name="negative_antigen_hours"),
        CheckConstraint("code_state_hours BETWEEN 1 AND 720", name="code_state_hours"),
        CheckConstraint("retest_hours BETWEEN 1 AND 168", name="retest_hours"),
        CheckConstraint("no_sampling_hours BETWEEN 0 AND 336", name="no_sampling_hours"),
    )

    negative_test_hours: int
    negative_antigen_hours: int | None = None
    validity_anchor: ValidityAnchor = Field(
        sa_type=enum_column_type(ValidityAnchor, name="validity_anchor")  # pyright: ignore[reportArgumentType]
    )
    code_state_hours: int
    travel_card: dict[str, Any] | None = Field(
        default=None, sa_column=Column("travel_card", JSONB, nullable=True)
    )
    courses: dict[str, dict[str, int]] = Field(sa_column=Column("courses", JSONB, nullable=False))
    no_sampling_hours: int
    retest_hours: int
