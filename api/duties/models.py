"""How heavy each kind of duty weighs, as versioned data (M5.5)."""

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.protocols.models import Policy


class WorkloadPolicy(Policy, table=True):
    """The weight of one duty of each kind, and from which multiple of the mean a load is uneven.

    Somebody who bears less than `least_daily_load` a day bears too little to matter, whatever the
    mean; whoever serves the township or an area belongs to no village that they are compared with,
    unless `beyond_villages` says so, as where there are none.
    """

    __tablename__: ClassVar[Any] = "workload_policies"
    __table_args__ = (
        Index("uq_workload_policies_code_revision", "code", "revision", unique=True),
        CheckConstraint("uneven_ratio > 1", name="uneven_ratio"),
        CheckConstraint("least_daily_load >= 0", name="least_daily_load"),
    )

    weights: dict[str, float] = Field(sa_column=Column("weights", JSONB, nullable=False))
    uneven_ratio: float = Field(sa_type=Numeric(3, 1, asdecimal=False))  # pyright: ignore[reportArgumentType]
    least_daily_load: float = Field(sa_type=Numeric(4, 1, asdecimal=False))  # pyright: ignore[reportArgumentType]
    beyond_villages: bool
