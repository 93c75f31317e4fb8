"""A copy of one person's file, made because they asked for it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Versioned


class AskedBy(Labelled):
    """Who asked for the copy (个人信息保护法 art. 45; for a minor or the deceased, the family)."""

    self = "self", "本人"
    guardian = "guardian", "监护人"
    relative = "relative", "逝者近亲属"
    entrusted = "entrusted", "本人委托的人"


class DossierExport(Versioned, Reached, table=True):
    """Who asked for a copy, by what they were known, who made it, and until when it can be had."""

    __tablename__: ClassVar[Any] = "dossier_exports"
    __table_args__ = (
        Index("ix_dossier_exports_resident_id", "resident_id", "made_at"),
        Index("ix_dossier_exports_reach", "reach"),
    )

    resident_id: UUID = Field(foreign_key="residents.id")
    grid_id: UUID
    asked_by: AskedBy = Field(sa_type=enum_column_type(AskedBy, name="asked_by"))  # pyright: ignore[reportArgumentType]
    asker_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    proof_sealed: bytes = Field(sa_type=LargeBinary)
    made_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    made_by: UUID
    had_until: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
