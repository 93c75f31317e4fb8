"""The stages a quarantine runs through, what decided them, and who changed them and why."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.protocols.models import CohabitantRule, LeaveHome, ManagementCategory, MissedTest


class Link(Labelled):
    """Why a quarantine follows another one."""

    cohabitant = "cohabitant", "同住人员"
    secondary_contact = "secondary_contact", "次密接（跟随密接检测结果）"


class QuarantinePlan(Versioned, Reached, table=True):
    """By which version of which protocol a quarantine runs, and the clause and facts that decided.

    An ended one is history: somebody moved the quarantine to another version, openly. A quarantine
    begun by hand has none.
    """

    __tablename__: ClassVar[Any] = "quarantine_plans"
    __table_args__ = (
        Index(
            "uq_quarantine_plans_one",
            "quarantine_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_quarantine_plans_linked_quarantine_id", "linked_quarantine_id"),
        Index("ix_quarantine_plans_reach", "reach"),
        CheckConstraint("(link IS NULL) = (linked_quarantine_id IS NULL)", name="linked"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    protocol_id: UUID = Field(foreign_key="protocols.id")
    plan_code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    clause: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    facts: dict[str, Any] = Field(sa_column=Column("facts", JSONB, nullable=False))
    alert_policies: dict[str, str] = Field(
        sa_column=Column("alert_policies", JSONB, nullable=False)
    )
    arrival_id: UUID | None = None
    linked_quarantine_id: UUID | None = Field(default=None, foreign_key="quarantines.id")
    link: Link | None = Field(default=None, sa_type=enum_column_type(Link, name="link"))  # pyright: ignore[reportArgumentType]
    decided_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_by: UUID
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class QuarantineStage(Versioned, Reached, table=True):
    """One stage with its days, both included, and what is due in it.

    `counted_from` is the day whose index is `day_index_base`; a test day is counted from there.
    `tests` is a list of `{"day", "kind", "samples"}`, `site_checklist` one of `{"code", "label"}`.
    The last stage of a quarantine that nobody has ended is over on `ends_on` all the same: nothing
    is extended silently (九不准).
    """

    __tablename__: ClassVar[Any] = "quarantine_stages"
    __table_args__ = (
        Index(
            "uq_quarantine_stages_starts_on",
            "quarantine_id",
            "starts_on",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index(
            "ix_quarantine_stages_ends_on",
            "ends_on",
            "starts_on",
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_quarantine_stages_reach", "reach"),
        CheckConstraint("ends_on >= starts_on AND counted_from <= starts_on", name="days"),
        CheckConstraint("day_index_base IN (0, 1)", name="day_index_base"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    ordinal: int
    category: ManagementCategory = Field(
        sa_type=enum_column_type(ManagementCategory, name="category")  # pyright: ignore[reportArgumentType]
    )
    starts_on: date
    ends_on: date
    counted_from: date
    day_index_base: int
    credited_days: int
    monitoring_policy_id: UUID | None = Field(default=None, foreign_key="monitoring_policies.id")
    care_policy_id: UUID | None = Field(default=None, foreign_key="care_team_policies.id")
    tests: list[dict[str, Any]] = Field(sa_column=Column("tests", JSONB, nullable=False))
    test_window_hours: int
    on_missed_test: MissedTest = Field(
        sa_type=enum_column_type(MissedTest, name="on_missed_test")  # pyright: ignore[reportArgumentType]
    )
    visits_per_day: int
    calls_per_day: int
    cohabitant_rule: CohabitantRule = Field(
        sa_type=enum_column_type(CohabitantRule, name="cohabitant_rule")  # pyright: ignore[reportArgumentType]
    )
    leave_home: LeaveHome = Field(sa_type=enum_column_type(LeaveHome, name="leave_home"))  # pyright: ignore[reportArgumentType]
    site_checklist: list[dict[str, str]] = Field(
        sa_column=Column("site_checklist", JSONB, nullable=False)
    )
    fallback_category: ManagementCategory | None = Field(
        default=None,
        sa_type=enum_column_type(ManagementCategory, name="fallback_category"),  # pyright: ignore[reportArgumentType]
    )
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class ChangeKind(Labelled):
    """What is asked to change in a running quarantine; each needs two people (domain 3.9)."""

    extension = "extension", "延长"
    shortening = "shortening", "缩短"
    early_end = "early_end", "提前结束"
    new_plan = "new_plan", "改用其他方案"


class ChangeStatus(Labelled):
    """Whether somebody else has decided."""

    requested = "requested", "待审批"
    approved = "approved", "已批准"
    rejected = "rejected", "未批准"
    withdrawn = "withdrawn", "已撤回"


class StageChange(Recorded, table=True):
    """A change of stages, asked for with a reason and a legal basis, decided by somebody else."""

    __tablename__: ClassVar[Any] = "stage_changes"
    __table_args__ = (
        Index(
            "uq_stage_changes_one_open",
            "quarantine_id",
            unique=True,
            postgresql_where=text("status = 'requested'"),
        ),
        Index("ix_stage_changes_quarantine_id", "quarantine_id"),
        Index("ix_stage_changes_reach", "reach"),
        CheckConstraint(
            "decided_by IS NULL OR decided_by NOT IN (entered_by, performed_by)", name="two_people"
        ),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    kind: ChangeKind = Field(sa_type=enum_column_type(ChangeKind, name="kind"))  # pyright: ignore[reportArgumentType]
    stage_id: UUID | None = None
    ends_on: date | None = None
    protocol_id: UUID | None = None
    plan_code: str | None = Field(default=None, sa_type=String(40))  # pyright: ignore[reportArgumentType]
    reason: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    legal_basis: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    status: ChangeStatus = Field(sa_type=enum_column_type(ChangeStatus, name="status"))  # pyright: ignore[reportArgumentType]
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_by: UUID | None = None
    decision_note: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    follows_change_id: UUID | None = None
    stages_before: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column("stages_before", JSONB)
    )


class SiteCheck(Recorded, table=True):
    """Whether a home is fit for a quarantine, item by item (domain 3.6)."""

    __tablename__: ClassVar[Any] = "site_checks"
    __table_args__ = (
        Index("ix_site_checks_quarantine_id", "quarantine_id", "checked_at"),
        Index("ix_site_checks_reach", "reach"),
    )

    quarantine_id: UUID = Field(foreign_key="quarantines.id")
    grid_id: UUID
    items: dict[str, bool] = Field(sa_column=Column("items", JSONB, nullable=False))
    fit: bool
    checked_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    medic_id: UUID | None = None
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
