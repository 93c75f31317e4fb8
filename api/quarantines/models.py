"""A quarantine, the seats of its care team, and where its person was when."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlmodel import Field

from api.access.permissions import Role
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.protocols.models import ManagementCategory, WhereaboutsKind


class QuarantineReason(Labelled):
    """Why a person is under control (domain 3.4)."""

    close_contact = "close_contact", "密切接触者"
    secondary_contact = "secondary_contact", "次密接者"
    high_risk_area = "high_risk_area", "高风险地区返（来）乡"
    medium_risk_area = "medium_risk_area", "中风险地区返（来）乡"
    affected_area = "affected_area", "疫情所在县（区）返（来）乡"
    entry = "entry", "境外入境"
    recovered = "recovered", "出院康复人员"
    other = "other", "其他"


class PlaceKind(Labelled):
    """Where a quarantine is served."""

    home = "home", "家中"
    other_home = "other_home", "其他住所"
    site = "site", "集中隔离点"


class QuarantineStatus(Labelled):
    """Where a quarantine stands. A planned one becomes active on its first day by itself."""

    planned = "planned", "待开始"
    active = "active", "隔离中"
    released = "released", "已解除"
    terminated = "terminated", "已终止"


class EndReason(Labelled):
    """Why a quarantine ended before or at its day (domain 3.7)."""

    completed = "completed", "期满解除"
    transferred = "transferred", "转集中隔离"
    hospitalised = "hospitalised", "住院或确诊"
    moved_away = "moved_away", "离开本地"
    died = "died", "死亡"
    entered_in_error = "entered_in_error", "登记有误"


class TerminationReason(Labelled):
    """Why a quarantine is terminated; one that ran its course is released instead."""

    transferred = "transferred", "转集中隔离"
    hospitalised = "hospitalised", "住院或确诊"
    moved_away = "moved_away", "离开本地"
    died = "died", "死亡"
    entered_in_error = "entered_in_error", "登记有误"


class Quarantine(Recorded, table=True):
    """The control of one resident for a period; one at a time for a person."""

    __tablename__: ClassVar[Any] = "quarantines"
    __table_args__ = (
        Index(
            "uq_quarantines_one_active",
            "resident_id",
            unique=True,
            postgresql_where=text("status IN ('planned', 'active')"),
        ),
        Index("ix_quarantines_grid_id_status", "grid_id", "status"),
        Index("ix_quarantines_reach", "reach"),
        Index(
            "ix_quarantines_running",
            "reach",
            postgresql_where=text("status IN ('planned', 'active')"),
        ),
        CheckConstraint("planned_end_on >= started_on", name="days"),
        CheckConstraint(
            "(status IN ('released', 'terminated')) = (ended_on IS NOT NULL)", name="ended"
        ),
    )

    resident_id: UUID = Field(foreign_key="residents.id")
    household_id: UUID
    grid_id: UUID
    reason: QuarantineReason = Field(sa_type=enum_column_type(QuarantineReason, name="reason"))  # pyright: ignore[reportArgumentType]
    category: ManagementCategory = Field(
        sa_type=enum_column_type(ManagementCategory, name="category")  # pyright: ignore[reportArgumentType]
    )
    place_kind: PlaceKind = Field(sa_type=enum_column_type(PlaceKind, name="place_kind"))  # pyright: ignore[reportArgumentType]
    place_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    started_on: date
    planned_end_on: date
    ended_on: date | None = None
    end_reason: EndReason | None = Field(
        default=None,
        sa_type=enum_column_type(EndReason, name="end_reason"),  # pyright: ignore[reportArgumentType]
    )
    end_note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    status: QuarantineStatus = Field(sa_type=enum_column_type(QuarantineStatus, name="status"))  # pyright: ignore[reportArgumentType]
    legal_basis: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    care_policy_id: UUID = Field(foreign_key="care_team_policies.id")
    monitoring_policy_id: UUID = Field(foreign_key="monitoring_policies.id")
    team_complete: bool = False


class CareSeat(Versioned, Reached, table=True):
    """One worker's duty towards one quarantined person; ended, it opens no door (M3.2).

    Name, role and party membership are kept as they were when the seat was taken.
    """

    __tablename__: ClassVar[Any] = "care_seats"
    __table_args__ = (
        Index(
            "uq_care_seats_once",
            "quarantine_id",
            "worker_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_care_seats_quarantine_id_began_at", "quarantine_id", "began_at"),
        Index("ix_care_seats_worker_id", "worker_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_care_seats_reach", "reach"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    household_id: UUID
    resident_id: UUID
    worker_id: UUID = Field(foreign_key="workers.id")
    worker_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    role: Role = Field(sa_type=enum_column_type(Role, name="role"))  # pyright: ignore[reportArgumentType]
    is_party_member: bool
    began_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_by: UUID | None = None
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


class Whereabouts(Recorded, table=True):
    """Where a quarantined person was, from an instant until the next entry."""

    __tablename__: ClassVar[Any] = "whereabouts"
    __table_args__ = (
        Index("ix_whereabouts_quarantine_id_since_at", "quarantine_id", "since_at"),
        Index("ix_whereabouts_reach", "reach"),
        CheckConstraint("until_at IS NULL OR until_at >= since_at", name="period"),
        Index(
            "uq_whereabouts_one_now",
            "quarantine_id",
            unique=True,
            postgresql_where=text("until_at IS NULL"),
        ),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    kind: WhereaboutsKind = Field(sa_type=enum_column_type(WhereaboutsKind, name="kind"))  # pyright: ignore[reportArgumentType]
    since_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    until_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    destination_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
