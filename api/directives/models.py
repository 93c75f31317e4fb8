"""A directive goes to every matching post of a subtree; each post has its own receipt."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Column, Index, Integer, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.access.permissions import Role
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned


class DirectiveStatus(Labelled):
    """Where a directive stands."""

    issued = "issued", "已下达"
    closed = "closed", "已办结"
    withdrawn = "withdrawn", "已撤回"


class Directive(Versioned, Reached, table=True):
    """An order down the subtree of its grid (M1.6); whoever serves below may read it.

    It goes to the posts that `levels` and `roles` describe (none means all of them) when it is
    issued, and to such as begin before its deadline; `remind_minutes` says how long before that who
    has not answered is told.
    """

    __tablename__: ClassVar[Any] = "directives"
    __table_args__ = (
        Index("ix_directives_reach", "reach"),
        Index("ix_directives_issued_at", "issued_at", "id"),
        Index("ix_directives_deadline_at", "deadline_at"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    title: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    body: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    levels: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    roles: list[str] = Field(sa_column=Column(ARRAY(String(40)), nullable=False))
    attachments: list[dict[str, str]] = Field(
        sa_column=Column("attachments", JSONB, nullable=False)
    )
    needs_report: bool
    deadline_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    remind_minutes: int
    status: DirectiveStatus = Field(sa_type=enum_column_type(DirectiveStatus, name="status"))  # pyright: ignore[reportArgumentType]
    issued_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    issued_by: UUID
    issuer_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    issued_post: UUID
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_by: UUID | None = None
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


class DirectiveReceipt(Versioned, Reached, table=True):
    """What one post owes to one directive, and what it answered.

    Who answered for the holder of the post stands in `acknowledged_by` and `reported_by`. The late
    are reminded once and told of once, for every deadline anew.
    """

    __tablename__: ClassVar[Any] = "directive_receipts"
    __table_args__ = (
        Index("uq_directive_receipts_once", "directive_id", "post_id", unique=True),
        Index("ix_directive_receipts_post_id", "post_id"),
        Index("ix_directive_receipts_worker_id", "worker_id"),
        Index("ix_directive_receipts_reach", "reach"),
    )

    directive_id: UUID = Field(foreign_key="directives.id")
    post_id: UUID = Field(foreign_key="posts.id")
    worker_id: UUID
    worker_name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    role: Role = Field(sa_type=enum_column_type(Role, name="role"))  # pyright: ignore[reportArgumentType]
    grid_id: UUID
    told_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    acknowledged_by: UUID | None = None
    reported_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    reported_by: UUID | None = None
    report_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    reminded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    overdue_told_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
