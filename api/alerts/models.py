"""An alert, what shows it, the hops by which it climbs, who was told at each, and what was done.

What is written together with its alert, by the one function that writes it, refers to it without
the database asking whether it is there: a reading waits for that. What may be found, and shown by
what, the database checks as it is told, by the types of a finding, not again by each row.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned
from api.protocols.models import Policy


class Cause(Labelled):
    """What is abnormal (M3.5)."""

    fever = "fever", "发热"
    symptom = "symptom", "出现症状"
    positive_test = "positive_test", "检测阳性"
    red_code = "red_code", "红码"
    breach = "breach", "擅自外出"
    absence = "absence", "未见到本人"
    refusal = "refusal", "不配合"
    missed_reading = "missed_reading", "漏测体温"
    incomplete_team = "incomplete_team", "包保人员不齐"
    overdue_directive = "overdue_directive", "指令逾期未反馈"
    overdue_transfer = "overdue_transfer", "转运逾期未完成"
    overdue_lead = "overdue_lead", "线索逾期未核实"
    site_problem = "site_problem", "采样点、接种点出现问题"
    reported = "reported", "人工上报"


BY_THE_CLOCK = frozenset({Cause.missed_reading, Cause.incomplete_team}) | {
    each for each in Cause if each.startswith("overdue_")
}
"""What those who serve left undone, which the clock finds out and nobody reports."""


class AlertStatus(Labelled):
    """Where an alert stands; a reopened one is open again."""

    open = "open", "待响应"
    acknowledged = "acknowledged", "已响应"
    handling = "handling", "处置中"
    resolved = "resolved", "已处置，待核实"
    verified = "verified", "已核实关闭"


class AlertVerb(Labelled):
    """What a person does about an alert."""

    acknowledge = "acknowledge", "响应"
    handle = "handle", "开始处置"
    resolve = "resolve", "处置完毕"
    verify = "verify", "核实关闭"
    reopen = "reopen", "重新打开"


class EvidenceKind(Labelled):
    """The record that shows what is abnormal."""

    reading = "reading", "体温记录"
    not_taken = "not_taken", "未测记录"
    missed_window = "missed_window", "漏测的时段"
    whereabouts = "whereabouts", "去向记录"
    leave = "leave", "外出记录"
    visit = "visit", "走访记录"
    call = "call", "问候记录"
    test_result = "test_result", "检测结果"
    sample_tube = "sample_tube", "混采管的结果"
    team = "team", "包保人员变动"
    directive = "directive", "指令"
    transfer = "transfer", "转运"
    lead = "lead", "涉疫线索"
    code_state = "code_state", "健康码记录"
    passing = "passing", "卡点通行记录"
    site_problem = "site_problem", "站点问题"
    report = "report", "人工上报"


class AlertPolicy(Policy, table=True):
    """Whom an alert of these causes is told, one step after another, and how long each has.

    A step is `{"grid_kind", "roles", "minutes"}`: the nearest grid of that kind at or above the
    place, the holders of these roles there, and their time until it climbs (domain 3.8).
    """

    __tablename__: ClassVar[Any] = "alert_policies"
    __table_args__ = (
        Index("uq_alert_policies_code_revision", "code", "revision", unique=True),
        CheckConstraint("grace_minutes BETWEEN 0 AND 1440", name="grace_minutes"),
    )

    causes: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    steps: list[dict[str, Any]] = Field(sa_column=Column("steps", JSONB, nullable=False))
    grace_minutes: int


class Alert(Versioned, Reached, table=True):
    """One thing that is abnormal about one subject, until somebody else than its handler closes it.

    `hop` counts who was told, 0 for the moment until somebody is; `step` is where in its policy
    that was, and starts anew when it is reopened. `climbs_at` is when the step that was told last
    loses it to the next, or when nobody was told yet its opening; null when somebody has answered,
    or when there is nobody left to tell.
    """

    __tablename__: ClassVar[Any] = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_one_open",
            "cause",
            "subject_id",
            unique=True,
            postgresql_where=text("status <> 'verified'"),
        ),
        Index("ix_alerts_opened_at", "opened_at", "id"),
        Index("ix_alerts_open_reach", "reach", postgresql_where=text("status <> 'verified'")),
        Index("ix_alerts_quarantine_id", "quarantine_id"),
        Index("ix_alerts_resident_id", "resident_id"),
        CheckConstraint("climbs_at IS NULL OR status = 'open'", name="climbs_while_open"),
        CheckConstraint("(status = 'verified') = (verified_at IS NOT NULL)", name="verified"),
        CheckConstraint(
            "verified_by IS NULL OR verified_by <> resolved_by AND verified_by <> handled_by",
            name="two_people",
        ),
    )

    grid_id: UUID
    household_id: UUID | None = None
    resident_id: UUID | None = None
    quarantine_id: UUID | None = None
    cause: Cause = Field(sa_type=enum_column_type(Cause, name="cause", checked=False))  # pyright: ignore[reportArgumentType]
    subject_id: UUID
    policy_id: UUID
    status: AlertStatus = Field(sa_type=enum_column_type(AlertStatus, name="status"))  # pyright: ignore[reportArgumentType]
    opened_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    opened_by: UUID | None = None
    hop: int
    step: int
    climbs_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    answer_by: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    acknowledged_by: UUID | None = None
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    handled_by: UUID | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    resolved_by: UUID | None = None
    verified_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    verified_by: UUID | None = None


class AlertEvidence(Versioned, Reached, table=True):
    """A record that shows what is abnormal; the same record is evidence once.

    One that was discarded stays, and says since when it shows nothing any more. Corrected to show
    it after all, the record is evidence anew.
    """

    __tablename__: ClassVar[Any] = "alert_evidence"
    __table_args__ = (
        Index(
            "uq_alert_evidence_once",
            "record_id",
            "kind",
            "key",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        Index("ix_alert_evidence_alert_id", "alert_id"),
    )

    alert_id: UUID
    quarantine_id: UUID | None = None
    kind: EvidenceKind = Field(sa_type=enum_column_type(EvidenceKind, name="kind", checked=False))  # pyright: ignore[reportArgumentType]
    record_id: UUID
    key: str = Field(sa_type=String(60))  # pyright: ignore[reportArgumentType]
    found_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    told_by: UUID | None = None
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    added_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class AlertHop(Versioned, Reached, table=True):
    """One step up: where it was told, when, and until when somebody there had time to answer.

    `told_grid_id` is the grid whose people were told, null where there is none of the kind wanted.
    A vacant one found nobody there, and the next followed at once.
    """

    __tablename__: ClassVar[Any] = "alert_hops"
    __table_args__ = (Index("uq_alert_hops_number", "alert_id", "number", unique=True),)

    alert_id: UUID
    quarantine_id: UUID | None = None
    number: int
    step: int
    told_grid_id: UUID | None = None
    roles: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    told_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    due_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    vacant: bool


class AlertTelling(Versioned, Reached, table=True):
    """Who was told at a hop, when they saw it and when they answered."""

    __tablename__: ClassVar[Any] = "alert_tellings"
    __table_args__ = (
        Index("uq_alert_tellings_once", "alert_id", "hop", "post_id", unique=True),
        Index("ix_alert_tellings_worker_id", "worker_id", "alert_id"),
    )

    alert_id: UUID
    quarantine_id: UUID | None = None
    hop: int
    post_id: UUID
    worker_id: UUID
    worker_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    told_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    seen_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class AlertAction(Versioned, Reached, table=True):
    """What somebody did about an alert, and when: its history, which never changes.

    Nobody did it where new evidence reopened a resolved one, or where one lost its ground.
    """

    __tablename__: ClassVar[Any] = "alert_actions"
    __table_args__ = (Index("ix_alert_actions_alert_id", "alert_id", "at"),)

    alert_id: UUID = Field(foreign_key="alerts.id")
    quarantine_id: UUID | None = None
    verb: AlertVerb = Field(sa_type=enum_column_type(AlertVerb, name="verb"))  # pyright: ignore[reportArgumentType]
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    worker_id: UUID | None = None
    post_id: UUID | None = None
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class Sweep(SQLModel, table=True):
    """Up to which instant a periodic search has looked: after a stop it goes on from there."""

    __tablename__: ClassVar[Any] = "sweeps"

    name: str = Field(sa_type=String(40), primary_key=True)  # pyright: ignore[reportArgumentType]
    swept_until: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
