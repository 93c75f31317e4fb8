"""Leads from above: the batch they came in, the person each tells of, and where each was given."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, text
from sqlmodel import Field, SQLModel

from api.arrivals.models import Transport
from api.foundation.identity import DocumentKind, Sex
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.protocols.models import ExposureClass


class LeadSource(Labelled):
    """Where the issuer of a lead has it from."""

    big_data = "big_data", "大数据比对"
    police = "police", "公安推送"
    telecom = "telecom", "通信漫游数据"
    transport = "transport", "交通同乘"
    coordination = "coordination", "外地协查函"
    health_code = "health_code", "健康码异常"
    checkpoint = "checkpoint", "卡点登记"
    report = "report", "群众举报"
    other = "other", "其他"


class LeadStatus(Labelled):
    """Where a lead stands (domain 5.1)."""

    imported = "imported", "已接收，待分派"
    assigned = "assigned", "已分派，待联系"
    contacting = "contacting", "联系中"
    under_review = "under_review", "待审核"
    reviewed = "reviewed", "已审核，待反馈"
    fed_back = "fed_back", "已反馈"
    transferred = "transferred", "已移交外地"


class LeadOutcome(Labelled):
    """What a verification found (domain 4.2)."""

    already_registered = "already_registered", "前期已排查"
    controlled_here = "controlled_here", "在本地，已落实管控"
    no_risk = "no_risk", "在本地，无风险"
    missed_now_registered = "missed_now_registered", "漏排，已补登记"
    not_in_jurisdiction = "not_in_jurisdiction", "不在本辖区"
    info_error = "info_error", "信息有误"
    unreachable = "unreachable", "无法联系"
    beyond_window = "beyond_window", "超出排查时限"
    transit_only = "transit_only", "仅途经、停留"
    refused = "refused", "拒绝配合"
    duplicate = "duplicate", "重复线索"


class MatchedBy(Labelled):
    """What made a lead the lead of a resident."""

    document = "document", "证件号一致"
    phone = "phone", "电话一致"
    hand = "hand", "人工确认"


class AssignedBy(Labelled):
    """What gave a lead to a grid."""

    household = "household", "居民所在户"
    phone = "phone", "电话所在户"
    earlier = "earlier", "同一人此前的线索"
    address = "address", "地址中的地名"
    told = "told", "来件指定"
    hand = "hand", "人工分派"


class Doubled(Labelled):
    """Whether a lead tells of the person of an earlier one: proposed, until somebody decides."""

    proposed = "proposed", "疑似重复"
    confirmed = "confirmed", "确认重复"
    refuted = "refuted", "并非重复"


OPEN = (LeadStatus.imported, LeadStatus.assigned, LeadStatus.contacting)
"""Still to be verified in the field."""

ANSWERED = (LeadStatus.fed_back, LeadStatus.transferred)
"""No longer owed to the issuer; what is not, is late once its deadline has passed."""


class TakenBack(SQLModel):
    """Who discarded what had been entered by mistake, and why; when, `discarded_at` says."""

    discarded_by: UUID | None = None
    discard_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


_BY_SOMEBODY = "(discarded_at IS NULL) = (discarded_by IS NULL)"


class LeadBatch(Recorded, TakenBack, table=True):
    """Leads that one issuer sent together, to be answered by one deadline.

    Whoever cannot be reached was tried `attempts_needed` times, `attempts_hours_apart` at least,
    and at the door where `visit_needed`: the issuer says so for each batch.
    """

    __tablename__: ClassVar[Any] = "lead_batches"
    __table_args__ = (
        Index("ix_lead_batches_reach", "reach"),
        Index("ix_lead_batches_deadline_at", "deadline_at", "id"),
        Index(
            "uq_lead_batches_number",
            "issuer",
            "batch_number",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        CheckConstraint("deadline_at > issued_at", name="order"),
        CheckConstraint("attempts_needed BETWEEN 1 AND 20", name="attempts_needed"),
        CheckConstraint("attempts_hours_apart BETWEEN 0 AND 24", name="attempts_hours_apart"),
        CheckConstraint(_BY_SOMEBODY, name="discarded_by_somebody"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    issuer: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    batch_number: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    issued_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    deadline_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    instructions: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    from_cell: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    attempts_needed: int = Field(default=3, sa_column_kwargs={"server_default": "3"})
    attempts_hours_apart: int = Field(default=2, sa_column_kwargs={"server_default": "2"})
    visit_needed: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Lead(Recorded, TakenBack, table=True):
    """One person as an issuer tells of them, whom that is here, who verifies it, what came of it.

    Its reach is that of the household it concerns, or the path of the grid it was given to; before,
    of the grid that received the batch. `claimed_on` is the last day of what is claimed.
    """

    __tablename__: ClassVar[Any] = "leads"
    __table_args__ = (
        Index("ix_leads_reach", "reach"),
        Index("ix_leads_batch_id", "batch_id", "status"),
        Index(
            "ix_leads_waiting",
            "reach",
            postgresql_where=text(
                "status IN ('imported', 'assigned', 'contacting', 'under_review', 'reviewed')"
                " AND discarded_at IS NULL"
            ),
        ),
        Index(
            "ix_leads_handed_on",
            "id",
            postgresql_where=text(
                "status = 'transferred' AND feedback_id IS NULL AND discarded_at IS NULL"
            ),
        ),
        Index("ix_leads_deadline_at", "deadline_at", "id"),
        Index("ix_leads_document_lookup", "document_lookup"),
        Index("ix_leads_phone_lookup", "phone_lookup"),
        Index("ix_leads_resident_id", "resident_id"),
        Index("ix_leads_duplicate_of_id", "duplicate_of_id"),
        Index("ix_leads_arrival_id", "arrival_id"),
        Index("ix_leads_quarantine_id", "quarantine_id"),
        Index("uq_leads_transfer_id", "transfer_id", unique=True),
        CheckConstraint(
            "name IS NOT NULL OR phone_lookup IS NOT NULL OR document_lookup IS NOT NULL",
            name="tells_of_somebody",
        ),
        CheckConstraint(
            "(document_sealed IS NULL) = (document_lookup IS NULL) "
            "OR document_lookup IS NULL AND document_kind = 'household_book'",
            name="document_whole",
        ),
        CheckConstraint("(phone_sealed IS NULL) = (phone_lookup IS NULL)", name="phone_whole"),
        CheckConstraint("(resident_id IS NULL) = (matched_how IS NULL)", name="matched_somehow"),
        CheckConstraint("(assigned_at IS NULL) = (assigned_how IS NULL)", name="assigned_somehow"),
        CheckConstraint("(duplicate_of_id IS NULL) = (duplicate IS NULL)", name="duplicate_whole"),
        CheckConstraint("duplicate_of_id <> id", name="duplicate_of_another"),
        CheckConstraint("(outcome IS NULL) = (outcome_at IS NULL)", name="outcome_dated"),
        CheckConstraint("reviewed_by <> outcome_by", name="two_people"),
        CheckConstraint(_BY_SOMEBODY, name="discarded_by_somebody"),
    )

    batch_id: UUID = Field(foreign_key="lead_batches.id")
    row_number: int | None = None
    transfer_id: UUID | None = None
    grid_id: UUID
    household_id: UUID | None = Field(default=None, foreign_key="households.id")
    resident_id: UUID | None = Field(default=None, foreign_key="residents.id")

    name: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    sex: Sex | None = Field(default=None, sa_type=enum_column_type(Sex, name="sex"))  # pyright: ignore[reportArgumentType]
    birth_date: date | None = None
    age: int | None = None
    document_kind: DocumentKind | None = Field(
        default=None,
        sa_type=enum_column_type(DocumentKind, name="document_kind"),  # pyright: ignore[reportArgumentType]
    )
    document_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    address_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    lead_source: LeadSource = Field(sa_type=enum_column_type(LeadSource, name="lead_source"))  # pyright: ignore[reportArgumentType]
    origin_place: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    origin_code: str | None = Field(default=None, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    claimed: ExposureClass = Field(sa_type=enum_column_type(ExposureClass, name="claimed"))  # pyright: ignore[reportArgumentType]
    claim_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    claimed_on: date | None = None
    arrived_on: date | None = None
    transport: Transport | None = Field(
        default=None,
        sa_type=enum_column_type(Transport, name="transport"),  # pyright: ignore[reportArgumentType]
    )
    transport_number: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    deadline_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]

    matched_how: MatchedBy | None = Field(
        default=None,
        sa_type=enum_column_type(MatchedBy, name="matched_how"),  # pyright: ignore[reportArgumentType]
    )
    matched_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    matched_by: UUID | None = None
    assigned_how: AssignedBy | None = Field(
        default=None,
        sa_type=enum_column_type(AssignedBy, name="assigned_how"),  # pyright: ignore[reportArgumentType]
    )
    assigned_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    assigned_by: UUID | None = None
    duplicate_of_id: UUID | None = Field(default=None, foreign_key="leads.id")
    duplicate: Doubled | None = Field(
        default=None,
        sa_type=enum_column_type(Doubled, name="duplicate"),  # pyright: ignore[reportArgumentType]
    )

    status: LeadStatus = Field(sa_type=enum_column_type(LeadStatus, name="status"))  # pyright: ignore[reportArgumentType]
    outcome: LeadOutcome | None = Field(
        default=None,
        sa_type=enum_column_type(LeadOutcome, name="outcome"),  # pyright: ignore[reportArgumentType]
    )
    outcome_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    outcome_by: UUID | None = None
    outcome_note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    reviewed_by: UUID | None = None
    sent_back_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    sent_back_by: UUID | None = None
    sent_back_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    fed_back_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    handed_on_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    feedback_id: UUID | None = None
    late_told_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    arrival_id: UUID | None = None
    quarantine_id: UUID | None = None


class LeadCandidate(Versioned, Reached, table=True):
    """A resident whom a lead may mean, how likely and why; only a person confirms it.

    Named so that it follows its lead, and not the resident, when one of them moves.
    """

    __tablename__: ClassVar[Any] = "lead_candidates"
    __table_args__ = (
        Index("ix_lead_candidates_reach", "reach"),
        Index("uq_lead_candidates_once", "lead_id", "candidate_id", unique=True),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        CheckConstraint("(decided_at IS NULL) = (confirmed IS NULL)", name="decided"),
    )

    lead_id: UUID = Field(foreign_key="leads.id")
    candidate_id: UUID = Field(foreign_key="residents.id")
    score: int
    why: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    confirmed: bool | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    decided_by: UUID | None = None


class LeadAssignment(Versioned, Reached, table=True):
    """To which grid a lead was given, by whom and why: its history, which never changes.

    The grids are named apart from `grid_id`, which follows where the lead lies now.
    """

    __tablename__: ClassVar[Any] = "lead_assignments"
    __table_args__ = (
        Index("ix_lead_assignments_lead_id", "lead_id", "at"),
        Index("ix_lead_assignments_reach", "reach"),
    )

    lead_id: UUID = Field(foreign_key="leads.id")
    from_grid_id: UUID
    to_grid_id: UUID
    how: AssignedBy = Field(sa_type=enum_column_type(AssignedBy, name="how"))  # pyright: ignore[reportArgumentType]
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    by: UUID | None = None
    reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
