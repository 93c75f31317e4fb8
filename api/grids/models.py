"""Grids, workers and posts: who is answerable where, and since when."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, LargeBinary, String, Text, text
from sqlmodel import Field, SQLModel

from api.access.permissions import Role
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, PATH, Reached, Versioned


class GridKind(Labelled):
    """What a grid is in the field; how deep it lies is its level."""

    township = "township", "乡镇（街道）"
    area = "area", "片区"
    village = "village", "村（社区）"
    basic = "basic", "基础网格"
    micro = "micro", "微网格"
    dedicated = "dedicated", "专属网格"


class Grid(Versioned, table=True):
    """A place in the tree with one code and one path; its `path` is everybody's reach below it."""

    __tablename__: ClassVar[Any] = "grids"
    __table_args__ = (
        CheckConstraint("level >= 1", name="level"),
        Index("ix_grids_parent_id", "parent_id"),
    )

    code: str = Field(sa_type=String(40), unique=True)  # pyright: ignore[reportArgumentType]
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    kind: GridKind = Field(sa_type=enum_column_type(GridKind, name="kind"))  # pyright: ignore[reportArgumentType]
    level: int
    path: str = Field(sa_type=PATH, unique=True)  # pyright: ignore[reportArgumentType]
    parent_id: UUID | None = Field(default=None, foreign_key="grids.id")
    next_segment: int = 1
    opened_on: date
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    merged_into_id: UUID | None = Field(default=None, foreign_key="grids.id")
    moved_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]

    @property
    def reach(self) -> str:
        """Where a grid lies is what it reaches."""
        return self.path


class RetiredCode(SQLModel, table=True):
    """A code that a grid gave up when it was numbered anew; none is given out twice."""

    __tablename__: ClassVar[Any] = "retired_codes"

    code: str = Field(primary_key=True, sa_type=String(40))  # pyright: ignore[reportArgumentType]
    grid_id: UUID = Field(foreign_key="grids.id")


class Worker(Versioned, Reached, table=True):
    """A person who serves in the net; `reach` is the grid that registered them."""

    __tablename__: ClassVar[Any] = "workers"
    __table_args__ = (
        Index("ix_workers_reach_name", "reach", "name"),
        Index(
            "uq_workers_phone_lookup",
            "phone_lookup",
            unique=True,
            postgresql_where=text("phone_lookup IS NOT NULL AND left_at IS NULL"),
        ),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    is_party_member: bool = Field(default=False, sa_type=Boolean)
    resident_id: UUID | None = None
    left_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Post(Versioned, Reached, table=True):
    """A person's duty at a grid, from a day until it is ended (任职). Ended, it opens no door."""

    __tablename__: ClassVar[Any] = "posts"
    __table_args__ = (
        Index("ix_posts_worker_id", "worker_id"),
        Index("ix_posts_grid_id", "grid_id"),
        Index("ix_posts_reach", "reach"),
        Index(
            "uq_posts_held",
            "worker_id",
            "grid_id",
            "role",
            "household_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint(
            "(role = 'household_representative') = (household_id IS NOT NULL)", name="household"
        ),
    )

    worker_id: UUID = Field(foreign_key="workers.id")
    grid_id: UUID = Field(foreign_key="grids.id")
    household_id: UUID | None = None
    role: Role = Field(sa_type=enum_column_type(Role, name="role"))  # pyright: ignore[reportArgumentType]
    title: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
    began_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_by: UUID | None = None
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
