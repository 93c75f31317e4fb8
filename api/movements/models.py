"""Transfers with handover at both ends, referrals to a hospital, and approved leave."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Recorded
from api.protocols.models import CELSIUS


class TransferKind(Labelled):
    """Where the person is brought."""

    to_site = "to_site", "送集中隔离点"
    to_hospital = "to_hospital", "送医疗机构"
    to_home = "to_home", "送返家中"
    elsewhere = "elsewhere", "移交外地"


class TransferStatus(Labelled):
    """Where a transfer order stands (domain 3.8)."""

    requested = "requested", "待审批"
    approved = "approved", "已批准"
    dispatched = "dispatched", "已派车"
    picked_up = "picked_up", "已上车"
    handed_over = "handed_over", "已交接"
    turned_back = "turned_back", "已折返"
    closed = "closed", "已办结"
    cancelled = "cancelled", "已取消"


class VehicleKind(Labelled):
    """By risk: who may be positive, or is a contact with fever, rides alone (domain 3.8)."""

    ambulance = "ambulance", "负压救护车"
    dedicated = "dedicated", "专用车辆"
    own = "own", "自备车辆"


class Transfer(Recorded, table=True):
    """One person brought from one place to another, signed for at both ends."""

    __tablename__: ClassVar[Any] = "transfers"
    __table_args__ = (
        Index(
            "uq_transfers_one_open",
            "quarantine_id",
            unique=True,
            postgresql_where=text("status NOT IN ('closed', 'cancelled')"),
        ),
        Index("ix_transfers_quarantine_id", "quarantine_id"),
        Index("ix_transfers_reach", "reach"),
        CheckConstraint(
            "status NOT IN ('handed_over', 'closed') "
            "OR (handed_over_at IS NOT NULL AND taken_over_at IS NOT NULL) "
            "OR turned_back_at IS NOT NULL",
            name="both_ends",
        ),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    kind: TransferKind = Field(sa_type=enum_column_type(TransferKind, name="kind"))  # pyright: ignore[reportArgumentType]
    status: TransferStatus = Field(sa_type=enum_column_type(TransferStatus, name="status"))  # pyright: ignore[reportArgumentType]
    reason_sealed: bytes = Field(sa_type=LargeBinary)
    pickup_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    destination_sealed: bytes = Field(sa_type=LargeBinary)
    due_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    approved_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    approved_by: UUID | None = None
    dispatched_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    dispatched_by: UUID | None = None
    vehicle: VehicleKind | None = Field(
        default=None,
        sa_type=enum_column_type(VehicleKind, name="vehicle"),  # pyright: ignore[reportArgumentType]
    )
    plate: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    driver: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    escort: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    picked_up_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    picked_up_by: UUID | None = None
    check_c: float | None = Field(default=None, sa_type=CELSIUS)  # pyright: ignore[reportArgumentType]
    check_symptoms: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    handed_over_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    handed_over_by: UUID | None = None
    taken_over_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    taken_over_by: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    turned_back_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    turned_back_by: UUID | None = None
    turned_back_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    disinfected_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


class ReferralOutcome(Labelled):
    """What the hospital decided."""

    returned = "returned", "已返回继续隔离"
    admitted = "admitted", "收治住院"
    confirmed = "confirmed", "确诊"


class HospitalReferral(Recorded, table=True):
    """A quarantined person sent to a hospital, and what came of it (送医收治)."""

    __tablename__: ClassVar[Any] = "hospital_referrals"
    __table_args__ = (
        Index(
            "uq_hospital_referrals_one_open",
            "quarantine_id",
            unique=True,
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_hospital_referrals_quarantine_id", "quarantine_id"),
        Index("ix_hospital_referrals_reach", "reach"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    alert_id: UUID | None = None
    hospital: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    escort: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    reason_sealed: bytes = Field(sa_type=LargeBinary)
    left_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    outcome: ReferralOutcome | None = Field(
        default=None,
        sa_type=enum_column_type(ReferralOutcome, name="outcome"),  # pyright: ignore[reportArgumentType]
    )
    finding_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class LeaveStatus(Labelled):
    """Where an asked-for leave stands."""

    requested = "requested", "待审批"
    approved = "approved", "已批准"
    rejected = "rejected", "未批准"
    out = "out", "外出中"
    back = "back", "已返回"
    cancelled = "cancelled", "已取消"


NOT_OUT = (LeaveStatus.requested, LeaveStatus.approved)
"""Leave that may still be called off."""


class Leave(Recorded, table=True):
    """A quarantined person leaves home for a reason, by a route and until an hour approved before.

    Who is not back by then is a breach; `overdue_at` is when the service noticed it.
    """

    __tablename__: ClassVar[Any] = "leaves"
    __table_args__ = (
        Index(
            "uq_leaves_one_open",
            "quarantine_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'approved', 'out')"),
        ),
        Index("ix_leaves_quarantine_id", "quarantine_id"),
        Index("ix_leaves_until_at", "until_at", postgresql_where=text("status = 'out'")),
        Index("ix_leaves_reach", "reach"),
        CheckConstraint("until_at > from_at", name="period"),
        CheckConstraint(
            "decided_by IS NULL OR decided_by NOT IN (entered_by, performed_by)", name="two_people"
        ),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    resident_id: UUID
    grid_id: UUID
    status: LeaveStatus = Field(sa_type=enum_column_type(LeaveStatus, name="status"))  # pyright: ignore[reportArgumentType]
    reason_sealed: bytes = Field(sa_type=LargeBinary)
    route_sealed: bytes = Field(sa_type=LargeBinary)
    vehicle: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    escort: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    from_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    until_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_by: UUID | None = None
    decision_note: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    left_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    overdue_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    returned_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
