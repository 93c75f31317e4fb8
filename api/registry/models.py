"""A household is a leaf of the tree; residents live in it; bonds say who is answerable for it."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Sequence, String, Text, text
from sqlmodel import Field

from api.foundation.database import metadata
from api.foundation.identity import DocumentKind, Sex
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Reached, Recorded, Versioned

HOUSEHOLD_NUMBER = Sequence("household_number", metadata=metadata)


class Relation(Labelled):
    """Relation to the head of the household (after GB/T 4761)."""

    head = "head", "户主"
    spouse = "spouse", "配偶"
    child = "child", "子女"
    parent = "parent", "父母"
    grandparent = "grandparent", "祖父母"
    grandchild = "grandchild", "孙子女"
    sibling = "sibling", "兄弟姐妹"
    other = "other", "其他"


class Registration(Labelled):
    """How a resident belongs to the place."""

    registered = "registered", "户籍人口"
    usual = "usual", "常住人口"
    migrant = "migrant", "流动人口"


class BondKind(Labelled):
    """The three who stand for a household in “1+1+1+N” (M1.4)."""

    party_member = "party_member", "党员"
    grid_worker = "grid_worker", "网格员"
    representative = "representative", "户代表"


class Household(Recorded, table=True):
    """One door. Its `reach` is its grid's path and its own number: a household is a grid of one."""

    __tablename__: ClassVar[Any] = "households"
    __table_args__ = (
        Index("ix_households_grid_id_number", "grid_id", "number"),
        Index("ix_households_reach", "reach"),
    )

    grid_id: UUID = Field(foreign_key="grids.id")
    number: int = Field(unique=True)
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    address_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    left_on: date | None = None
    destination_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class Resident(Recorded, table=True):
    """A person of a household; what identifies them is sealed, with a keyed hash for look-up."""

    __tablename__: ClassVar[Any] = "residents"
    __table_args__ = (
        Index("ix_residents_household_id", "household_id"),
        Index("ix_residents_reach", "reach"),
        Index("ix_residents_name", "name"),
        Index("ix_residents_phone_lookup", "phone_lookup"),
        Index(
            "uq_residents_document",
            "document_lookup",
            unique=True,
            postgresql_where=text("discarded_at IS NULL"),
        ),
        CheckConstraint(
            "(document_sealed IS NULL) = (document_lookup IS NULL) "
            "OR document_lookup IS NULL AND document_kind = 'household_book'",
            name="document_whole",
        ),
        CheckConstraint("left_on IS NOT NULL OR NOT died", name="died_on_a_day"),
    )

    household_id: UUID = Field(foreign_key="households.id")
    grid_id: UUID
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    sex: Sex = Field(sa_type=enum_column_type(Sex, name="sex"))  # pyright: ignore[reportArgumentType]
    birth_date: date | None = None
    document_kind: DocumentKind | None = Field(
        default=None,
        sa_type=enum_column_type(DocumentKind, name="document_kind"),  # pyright: ignore[reportArgumentType]
    )
    document_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    document_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    phone_lookup: bytes | None = Field(default=None, sa_type=LargeBinary)
    relation: Relation = Field(sa_type=enum_column_type(Relation, name="relation"))  # pyright: ignore[reportArgumentType]
    registration: Registration = Field(
        sa_type=enum_column_type(Registration, name="registration")  # pyright: ignore[reportArgumentType]
    )
    is_party_member: bool = False
    mobility_limited: bool = False
    lives_alone: bool = False
    note_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    left_on: date | None = None
    died: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    destination_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class Bond(Versioned, Reached, table=True):
    """Who stands for a household, since when; an ended bond stays as history.

    The name is kept as it was when the bond began: the household is told who answers for it,
    whatever part of the tree that person was registered in.
    """

    __tablename__: ClassVar[Any] = "bonds"
    __table_args__ = (
        Index(
            "uq_bonds_one_of_each",
            "household_id",
            "kind",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_bonds_worker_id", "worker_id", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint(
            "(kind = 'representative') = (resident_id IS NOT NULL)"
            " AND (kind = 'representative') = (worker_id IS NULL)",
            name="one_person",
        ),
    )

    household_id: UUID = Field(foreign_key="households.id")
    kind: BondKind = Field(sa_type=enum_column_type(BondKind, name="kind"))  # pyright: ignore[reportArgumentType]
    worker_id: UUID | None = None
    resident_id: UUID | None = None
    name: str = Field(sa_type=String(50))  # pyright: ignore[reportArgumentType]
    began_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_reason: str | None = Field(default=None, sa_type=Text)  # pyright: ignore[reportArgumentType]
