"""Putting a record right openly: what it said before is kept, with who replaced it and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import BaseModel
from pydantic import Field as WireField
from sqlalchemy import Column, Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field

from api.foundation import clock
from api.foundation.problems import InvalidInput, VersionMismatch
from api.foundation.records import (
    INSTANT,
    Reached,
    Versioned,
    json_of,
    new_id,
    row_body,
    table_of,
)


class Revision(Reached, table=True):
    """What a record said before a correction. Corrections never overwrite silently."""

    __tablename__: ClassVar[Any] = "revisions"
    __table_args__ = (
        Index("uq_revisions_one_of_each", "record_id", "kind", "version", unique=True),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=String(40))  # pyright: ignore[reportArgumentType]
    record_id: UUID
    version: int
    body: dict[str, Any] = Field(sa_column=Column("body", JSONB, nullable=False))
    replaced_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    replaced_by: UUID
    duty_id: UUID | None = None
    reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]


class Replaced(BaseModel):
    """What a former version tells beside what it said."""

    replaced_at: datetime = WireField(description="更改时间")
    replaced_by: UUID = WireField(description="更改的人")
    reason: str | None = WireField(description="更正、作废的理由；没有说明的为 null")


@dataclass(frozen=True, slots=True)
class Correction:
    """Which version is corrected, by whom and why; `reach` and `duty` where the record has none."""

    version: int
    by: UUID
    reason: str | None = None
    reach: str | None = None
    duty: UUID | None = None


def told_in(said: BaseModel) -> set[str]:
    """What a correction puts right, its reason aside; raises `InvalidInput` where it is nothing."""
    told = said.model_fields_set - {"reason"}
    if not told:
        raise InvalidInput("没有要更正的内容。", pointer="/body")
    return told


async def correct(
    session: AsyncSession, row: Versioned, changes: Mapping[str, Any], correction: Correction
) -> None:
    """Change a record openly: the former version is kept, with who replaced it and why.

    Raises `VersionMismatch` when the correction was made from an older version.
    """
    await session.refresh(row, with_for_update=True)
    if row.version != correction.version:
        raise VersionMismatch(version=row.version)
    session.add(
        Revision(
            id=new_id(),
            kind=table_of(type(row)).name,
            record_id=row.id,
            version=row.version,
            body=orjson.loads(json_of(row_body(row))),
            replaced_at=clock.now(),
            replaced_by=correction.by,
            reason=correction.reason,
            duty_id=correction.duty or getattr(row, "quarantine_id", None),
            reach=correction.reach or getattr(row, "reach"),  # noqa: B009 - where it lies itself
        )
    )
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    await session.flush()
