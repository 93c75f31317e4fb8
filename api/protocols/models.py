"""Policies and protocols are versioned rows with a legal basis: the code only reads the rules."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Numeric, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Versioned

CELSIUS = Numeric(3, 1, asdecimal=False)

WHOLE_CELL = "t"
"""A rule binds the whole township, so what is put on record of it stands at the tree's root."""


class Comparator(Labelled):
    """Whether the threshold itself counts as fever (the sources differ)."""

    gte = "gte", "达到即算（≥）"
    gt = "gt", "超过才算（>）"


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


class ManagementCategory(Labelled):
    """The measure (domain 3.4)."""

    centralized_quarantine = "centralized_quarantine", "集中隔离医学观察"
    home_quarantine = "home_quarantine", "居家隔离医学观察"
    strict_home_monitoring = "strict_home_monitoring", "严格居家健康监测"
    home_health_monitoring = "home_health_monitoring", "居家健康监测"
    health_monitoring = "health_monitoring", "健康监测"
    self_health_monitoring = "self_health_monitoring", "自我健康监测"


class RiskLevel(Labelled):
    """What the risk areas say of where a person was (domain 3.4)."""

    high = "high", "高风险区"
    medium = "medium", "中风险区"
    low = "low", "低风险区"
    affected_county = "affected_county", "疫情所在县（区）"
    affected_prefecture = "affected_prefecture", "疫情所在设区市"
    none = "none", "无疫情地区"
    entry = "entry", "境外"


class ExposureClass(Labelled):
    """How a person came near the disease (domain 3.4)."""

    close_contact = "close_contact", "密切接触者"
    secondary_contact = "secondary_contact", "密切接触者的密切接触者"
    general_contact = "general_contact", "一般接触者"
    spatiotemporal_companion = "spatiotemporal_companion", "时空伴随者"
    returnee = "returnee", "返（来）乡人员"
    entrant = "entrant", "入境人员"
    recovered = "recovered", "出院康复人员"
    case = "case", "病例或感染者"
    other = "other", "其他"


class Anchor(Labelled):
    """From which day a stage is counted: the sources differ (domain 3.3.1)."""

    last_exposure = "last_exposure", "末次暴露之日"
    left_risk_area = "left_risk_area", "离开风险区之日"
    arrival = "arrival", "抵达之日"
    control_start = "control_start", "开始管控之日"
    previous_stage_end = "previous_stage_end", "前一阶段期满"


class DiagnosticKind(Labelled):
    """How a sample is tested."""

    nucleic_acid = "nucleic_acid", "核酸检测"
    antigen = "antigen", "抗原检测"


class CohabitantRule(Labelled):
    """What living under one roof means for the others there (domain 3.3.7)."""

    none = "none", "同住人员正常生活"
    quarantine_together = "quarantine_together", "同住人员一并隔离"
    same_test_days = "same_test_days", "同住人员同日检测"


class LeaveHome(Labelled):
    """Whether the place may be left (domain 3.4)."""

    never = "never", "不得外出"
    approved_medical = "approved_medical", "就医等经批准方可外出"
    free_protected = "free_protected", "做好防护可以外出"


class MissedTest(Labelled):
    """What a missed test means; neither lengthens the stage by itself (domain 3.3.5)."""

    reschedule = "reschedule", "补测"
    block_release = "block_release", "补测前不得解除"


class ProtocolStatus(Labelled):
    """Where a revision of a protocol stands; an active one never changes."""

    draft = "draft", "草稿"
    active = "active", "已施行"
    retired = "retired", "已停用"


class Policy(Versioned):
    """What every policy says of itself. A revision never changes; a new one takes its place."""

    code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    revision: int
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    legal_basis: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    effective_from: date
    effective_to: date | None = None


class CareTeamPolicy(Policy, table=True):
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


class MonitoringPolicy(Policy, table=True):
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


class Protocol(Policy, table=True):
    """One revision of an epidemic protocol; once activated it never changes.

    What it says stands in `document` (`documents.ProtocolDocument`). `effective_to` lies a day
    before `effective_from` where it was withdrawn before anybody could use it.
    """

    __tablename__: ClassVar[Any] = "protocols"
    __table_args__ = (
        Index("uq_protocols_code_revision", "code", "revision", unique=True),
        Index(
            "uq_protocols_one_draft", "code", unique=True, postgresql_where=text("status = 'draft'")
        ),
        CheckConstraint("effective_to IS NULL OR effective_to >= effective_from - 1", name="days"),
        CheckConstraint("status <> 'active' OR activated_at IS NOT NULL", name="activated"),
        CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired"),
    )

    disease: str = Field(sa_type=String(60))  # pyright: ignore[reportArgumentType]
    issuing_body: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    source: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    region_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    status: ProtocolStatus = Field(
        default=ProtocolStatus.draft,
        sa_type=enum_column_type(ProtocolStatus, name="status"),  # pyright: ignore[reportArgumentType]
    )
    supersedes_id: UUID | None = Field(default=None, foreign_key="protocols.id")
    document: dict[str, Any] = Field(sa_column=Column("document", JSONB, nullable=False))
    activated_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    activated_by: UUID | None = None
    retired_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    retired_by: UUID | None = None
    retired_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]

    @property
    def reach(self) -> str:
        """Where its former versions are kept on record."""
        return WHOLE_CELL
