"""An event says by ids that something happened; what it was, is read where it is kept."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index, String, text
from sqlmodel import Field

from api.foundation.records import INSTANT, Reached, Xid8


class Event(Reached, table=True):
    """Written by `foundation.live.tell` and kept for a week; the service can only add to it.

    It concerns whoever has `reach`, whoever has a seat at `quarantine_id`, and `worker_id`.
    """

    __tablename__: ClassVar[Any] = "events"
    __table_args__ = (Index("ix_events_xid", "xid"),)

    seq: int = Field(
        sa_column=Column("seq", BigInteger, Identity(always=True), primary_key=True, nullable=False)
    )
    xid: int = Field(
        sa_column=Column("xid", Xid8, server_default=text("pg_current_xact_id()"), nullable=False)
    )
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    kind: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    subject_id: UUID
    grid_id: UUID | None = None
    quarantine_id: UUID | None = None
    worker_id: UUID | None = None
