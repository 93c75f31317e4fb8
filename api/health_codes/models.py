"""The health-code systems that a township asks: where each is, how it is asked, its secrets."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from api.foundation.records import INSTANT, Versioned
from api.protocols.models import WHOLE_CELL


class HealthCodeSystem(Versioned, table=True):
    """One system under a code of its own; what it is asked and told stands in `document`."""

    __tablename__: ClassVar[Any] = "health_code_systems"
    __table_args__ = (Index("uq_health_code_systems_code", "code", unique=True),)

    code: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    base_url: str = Field(sa_type=String(300))  # pyright: ignore[reportArgumentType]
    document: dict[str, Any] = Field(sa_column=Column("document", JSONB, nullable=False))
    secrets_sealed: bytes = Field(sa_type=LargeBinary)
    enabled: bool
    entered_by: UUID
    entered_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    changed_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]

    @property
    def reach(self) -> str:
        """Systems serve the whole township, and what is put on record of them stands there."""
        return WHOLE_CELL
