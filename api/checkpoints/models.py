"""A checkpoint at the road, the rule it goes by, who passed it, and what is to be checked again."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.fields import Datum
from api.foundation.identity import DocumentKind
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned
from api.protocols.models import Policy


class CheckpointKind(Labelled):
    """Where a checkpoint stands."""

    road = "road", "道路卡点"
    village = "village", "村（小区）出入口"
    station = "station", "车站、码头"
    venue = "venue", "公共场所入口"
    other = "other", "其他"


class GateDecision(Labelled):
    """What becomes of somebody who would pass, from the mildest on."""

    through = "through", "放行"
    hold = "hold", "暂留"
    turn_back = "turn_back", "劝返"


class WhenUnavailable(Labelled):
    """What a rule says where nobody can tell a code's state; it is checked again later."""

    hold = "hold", "暂留，人工查验"
    through_with_recheck = "through_with_recheck", "放行，事后复查"
    turn_back = "turn_back", "劝返"


class RecheckState(Labelled):
    """Where a check that is to be repeated stands."""

    waiting = "waiting", "等待复查"
    answered = "answered", "已查到结果"
    given_up = "given_up", "逾时未查到"


class Checkpoint(Versioned, Reached, table=True):
    """A place where those who come by are checked (卡点; M2.8).

    `staffing` is how many of each role of the roster it needs at any time.
    """

    __tablename__: ClassVar[Any] = "checkpoints"
    __table_args__ = (
        Index("ix_checkpoints_reach", "reach"),
        CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (datum IS NULL)",
            name="coordinates",
        ),
        CheckConstraint("closed_at IS NULL OR closed_at >= opened_at", name="open"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    kind: CheckpointKind = Field(sa_type=enum_column_type(CheckpointKind, name="kind"))  # pyright: ignore[reportArgumentType]
    address: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    authority: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]
    head_name: str | None = Field(default=None, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    head_phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    latitude: float | None = None
    longitude: float | None = None
    datum: Datum | None = Field(default=None, sa_type=enum_column_type(Datum, name="datum"))  # pyright: ignore[reportArgumentType]
    accuracy_m: float | None = None
    rule_code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    staffing: dict[str, int] = Field(
        sa_column=Column("staffing", JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
    opened_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class CheckpointRule(Policy, table=True):
    """Which proofs are asked for, how fresh, what each means (三码联查), and how long records stay.

    `proofs` is a list as `rule_schemas.Proof` has it.
    """

    __tablename__: ClassVar[Any] = "checkpoint_rules"
    __table_args__ = (
        Index("uq_checkpoint_rules_code_revision", "code", "revision", unique=True),
        CheckConstraint("retention_days BETWEEN 1 AND 180", name="retention_days"),
        CheckConstraint("recheck_minutes BETWEEN 1 AND 1440", name="recheck_minutes"),
        CheckConstraint("recheck_hours BETWEEN 1 AND 168", name="recheck_hours"),
        CheckConstraint("answer_minutes BETWEEN 1 AND 1440", name="answer_minutes"),
    )

    proofs: list[dict[str, Any]] = Field(sa_column=Column("proofs", JSONB, nullable=False))
    on_unavailable: WhenUnavailable = Field(
        sa_type=enum_column_type(WhenUnavailable, name="on_unavailable")  # pyright: ignore[reportArgumentType]
    )
    retention_days: int
    recheck_minutes: int
    recheck_hours: int
    answer_minutes: int


class Pass(Recorded, table=True):
    """Somebody at a checkpoint: what was shown and known, the rule's verdict, what was decided.

    It lies at its checkpoint, wherever the person belongs; `person_id` is the resident of this
    township, if it is one. `later_verdict` is what came of checking again. What it refers to has
    just been read by the function that writes it, and is not asked for again: a guard waits.
    """

    __tablename__: ClassVar[Any] = "passes"
    __table_args__ = (
        Index("ix_passes_checkpoint_id_passed_at", "checkpoint_id", "passed_at", "id"),
        Index("ix_passes_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        CheckConstraint("decision = verdict OR decision_reason IS NOT NULL", name="otherwise"),
    )

    checkpoint_id: UUID
    grid_id: UUID
    person_id: UUID | None = None
    name_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_kind: DocumentKind | None = Field(
        default=None,
        sa_type=enum_column_type(DocumentKind, name="document_kind"),  # pyright: ignore[reportArgumentType]
    )
    document_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    vehicle_plate_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    from_place_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    to_place_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    passed_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    shown: list[dict[str, Any]] = Field(sa_column=Column("shown", JSONB, nullable=False))
    rule_id: UUID
    verdict: GateDecision = Field(sa_type=enum_column_type(GateDecision, name="verdict"))  # pyright: ignore[reportArgumentType]
    reasons: list[dict[str, Any]] = Field(sa_column=Column("reasons", JSONB, nullable=False))
    decision: GateDecision = Field(sa_type=enum_column_type(GateDecision, name="decision"))  # pyright: ignore[reportArgumentType]
    decision_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    later_verdict: GateDecision | None = Field(
        default=None,
        sa_type=enum_column_type(GateDecision, name="later_verdict"),  # pyright: ignore[reportArgumentType]
    )
    later_reasons: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column("later_reasons", JSONB, nullable=True)
    )
    rechecked_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class PassToCheck(Versioned, Reached, table=True):
    """A pass whose code could not be told at the gate, under the id of the pass.

    It is asked again at `next_at`, ever more seldom, until `give_up_at`; `last_answer` is a code's
    state, or why there was none.
    """

    __tablename__: ClassVar[Any] = "passes_to_check"
    __table_args__ = (
        Index("ix_passes_to_check_checkpoint_id_since_at", "checkpoint_id", "since_at", "id"),
        Index("ix_passes_to_check_next_at", "next_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_passes_to_check_reach", "reach"),
    )

    checkpoint_id: UUID
    grid_id: UUID
    systems: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    state: RecheckState = Field(sa_type=enum_column_type(RecheckState, name="state"))  # pyright: ignore[reportArgumentType]
    since_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    next_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    give_up_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    tries: int
    tried_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    last_answer: str | None = Field(default=None, sa_type=String(40))  # pyright: ignore[reportArgumentType]


class GateLookUp(Versioned, Reached, table=True):
    """Somebody asked at a gate about a person out of their reach; it lies at the checkpoint.

    Kept as long as a pass; how many a worker made lately decides whether they may make another.
    """

    __tablename__: ClassVar[Any] = "gate_look_ups"
    __table_args__ = (
        Index("ix_gate_look_ups_worker_id_at", "worker_id", "at"),
        Index("ix_gate_look_ups_reach_at", "reach", "at"),
    )

    checkpoint_id: UUID = Field(foreign_key="checkpoints.id")
    worker_id: UUID
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    rule_id: UUID
    answer: GateDecision = Field(sa_type=enum_column_type(GateDecision, name="answer"))  # pyright: ignore[reportArgumentType]
    keep_until: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
