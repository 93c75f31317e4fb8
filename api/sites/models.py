"""Sampling and vaccination sites: when they are open, who is needed, how many came (M4.1)."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.fields import Datum
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned


class SiteKind(Labelled):
    """What is done at a site, or in a campaign."""

    sampling = "sampling", "采样"
    vaccination = "vaccination", "接种"


class SessionStatus(Labelled):
    """Where a session stands (domain 5.1)."""

    planned = "planned", "已安排"
    open = "open", "进行中"
    closed = "closed", "已收点"
    results_in = "results_in", "结果已出"
    cancelled = "cancelled", "已取消"


class SiteRole(Labelled):
    """What somebody does at a site (S1 §5)."""

    crowd_diversion = "crowd_diversion", "人员分流"
    order_keeping = "order_keeping", "秩序维护"
    code_check = "code_check", "查验健康码"
    entry_guidance = "entry_guidance", "信息录入引导"
    sampler = "sampler", "采样"
    vaccinator = "vaccinator", "接种"
    observation = "observation", "留观"
    logistics = "logistics", "物资保障"


class TroubleKind(Labelled):
    """What is wrong at a site."""

    crowding = "crowding", "人员聚集、排队过长"
    supplies = "supplies", "物资不足"
    equipment = "equipment", "设备、系统故障"
    staff = "staff", "人手不足"
    adverse_reaction = "adverse_reaction", "接种不良反应"
    exposure = "exposure", "职业暴露、样本破损"
    conflict = "conflict", "纠纷"
    other = "other", "其他"


class HomeReason(Labelled):
    """Why somebody cannot come and is sampled at home."""

    mobility = "mobility", "行动不便"
    quarantine = "quarantine", "正在隔离"
    illness = "illness", "患病"
    age = "age", "高龄、婴幼儿"
    other = "other", "其他"


class Site(Versioned, Reached, table=True):
    """A place where people are sampled or vaccinated."""

    __tablename__: ClassVar[Any] = "sites"
    __table_args__ = (
        Index("ix_sites_reach", "reach"),
        CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (datum IS NULL)",
            name="coordinates",
        ),
        CheckConstraint("closed_at IS NULL OR closed_at >= opened_at", name="open"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    kind: SiteKind = Field(sa_type=enum_column_type(SiteKind, name="kind"))  # pyright: ignore[reportArgumentType]
    address: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    hours: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    capacity_per_hour: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    datum: Datum | None = Field(default=None, sa_type=enum_column_type(Datum, name="datum"))  # pyright: ignore[reportArgumentType]
    accuracy_m: float | None = None
    opened_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class SamplingCampaign(Versioned, Reached, table=True):
    """A round in which everybody of a grid, or those whom `target` describes, is to come.

    `target` is `{"min_age", "max_age", "registrations", "dose_number"}`, each of which may miss.
    """

    __tablename__: ClassVar[Any] = "sampling_campaigns"
    __table_args__ = (
        Index("ix_sampling_campaigns_reach", "reach"),
        Index("ix_sampling_campaigns_from_on", "from_on", "id"),
        CheckConstraint("to_on >= from_on", name="days"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    kind: SiteKind = Field(sa_type=enum_column_type(SiteKind, name="kind"))  # pyright: ignore[reportArgumentType]
    from_on: date
    to_on: date
    target: dict[str, Any] = Field(sa_column=Column("target", JSONB, nullable=False))
    announced_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    announced_by: UUID


class SiteSession(Versioned, Reached, table=True):
    """One opening of a site: planned, open, closed, results in. `staffing` is role → number."""

    __tablename__: ClassVar[Any] = "site_sessions"
    __table_args__ = (
        Index("ix_site_sessions_site_id_starts_at", "site_id", "starts_at"),
        Index("ix_site_sessions_starts_at", "starts_at", "id"),
        Index("ix_site_sessions_reach", "reach"),
        CheckConstraint("ends_at > starts_at", name="period"),
        CheckConstraint(
            "(status IN ('planned', 'cancelled')) = (opened_at IS NULL)", name="opened"
        ),
        CheckConstraint(
            "(status IN ('closed', 'results_in')) = (closed_at IS NOT NULL)", name="closed"
        ),
        CheckConstraint("(status = 'results_in') = (results_in_at IS NOT NULL)", name="results_in"),
    )

    site_id: UUID = Field(foreign_key="sites.id")
    campaign_id: UUID | None = Field(default=None, foreign_key="sampling_campaigns.id")
    grid_id: UUID
    starts_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ends_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    staffing: dict[str, int] = Field(sa_column=Column("staffing", JSONB, nullable=False))
    status: SessionStatus = Field(sa_type=enum_column_type(SessionStatus, name="status"))  # pyright: ignore[reportArgumentType]
    planned_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    planned_by: UUID
    opened_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    results_in_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


class SiteLookUp(Versioned, Reached, table=True):
    """Somebody whom a worker looked up at a session, to tell a sample or a dose of them.

    It opens that person to that worker at that session, for the telling (`open_to_site()` in
    migration 0041); `person_id` None is somebody whom the township does not know. Named so that it
    stays at its site when that person moves.
    """

    __tablename__: ClassVar[Any] = "site_look_ups"
    __table_args__ = (
        Index("ix_site_look_ups_worker_id_at", "worker_id", "at"),
        Index("ix_site_look_ups_keep_until", "keep_until"),
        Index("ix_site_look_ups_reach", "reach"),
    )

    site_id: UUID
    site_session_id: UUID = Field(foreign_key="site_sessions.id")
    worker_id: UUID
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    person_id: UUID | None = None
    keep_until: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class SessionTally(Recorded, table=True):
    """How many one counter had in one hour; a session's number is the sum of its counters'."""

    __tablename__: ClassVar[Any] = "session_tallies"
    __table_args__ = (
        Index(
            "uq_session_tallies_one_an_hour",
            "site_session_id",
            "hour_at",
            "performed_by",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_session_tallies_reach", "reach"),
        CheckConstraint(
            "people BETWEEN 0 AND 100000 AND doses BETWEEN 0 AND 100000"
            " AND tubes BETWEEN 0 AND 100000 AND turned_away BETWEEN 0 AND 100000",
            name="numbers",
        ),
    )

    site_session_id: UUID = Field(foreign_key="site_sessions.id")
    site_id: UUID
    grid_id: UUID
    hour_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    people: int
    doses: int
    tubes: int
    turned_away: int


class SiteTrouble(Recorded, table=True):
    """Something that is wrong at a site, until somebody has seen to it."""

    __tablename__: ClassVar[Any] = "site_problems"
    __table_args__ = (
        Index("ix_site_problems_site_session_id", "site_session_id", "found_at"),
        Index("ix_site_problems_found_at", "found_at", "id"),
        Index("ix_site_problems_reach", "reach"),
        CheckConstraint(
            "(solved_at IS NULL) = (solved_by IS NULL)"
            " AND (solved_at IS NULL) = (solution_sealed IS NULL)",
            name="solved",
        ),
    )

    site_session_id: UUID = Field(foreign_key="site_sessions.id")
    site_id: UUID
    grid_id: UUID
    kind: TroubleKind = Field(sa_type=enum_column_type(TroubleKind, name="kind"))  # pyright: ignore[reportArgumentType]
    urgent: bool
    found_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    note_sealed: bytes = Field(sa_type=LargeBinary)
    solved_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    solved_by: UUID | None = None
    solution_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class HomeSampling(Recorded, table=True):
    """Somebody who cannot come is to be sampled at home.

    Done is what a test of the person since then shows; it is not kept here a second time.
    """

    __tablename__: ClassVar[Any] = "home_samplings"
    __table_args__ = (
        Index(
            "uq_home_samplings_one_open",
            "resident_id",
            "wanted_on",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL AND discarded_at IS NULL"),
        ),
        Index("ix_home_samplings_wanted_on", "wanted_on", "id"),
        Index("ix_home_samplings_assigned_to", "assigned_to"),
        Index("ix_home_samplings_reach", "reach"),
        CheckConstraint("(cancelled_at IS NULL) = (cancelled_reason IS NULL)", name="cancelled"),
    )

    resident_id: UUID = Field(foreign_key="residents.id")
    grid_id: UUID
    campaign_id: UUID | None = Field(default=None, foreign_key="sampling_campaigns.id")
    reason: HomeReason = Field(sa_type=enum_column_type(HomeReason, name="reason"))  # pyright: ignore[reportArgumentType]
    wanted_on: date
    assigned_to: UUID | None = None
    assigned_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    cancelled_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
