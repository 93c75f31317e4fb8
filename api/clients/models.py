"""Machine clients, all in `public`, since a token is asked for before its township is known."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from api.clients.scopes import Scope
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.records import INSTANT, Versioned


class Proof(Labelled):
    """How a system proves who it is when it asks for a token."""

    secret = "secret", "共享密钥"
    private_key_jwt = "private_key_jwt", "自有私钥签名（RFC 7523）"


class MachineClient(Versioned, table=True):
    """Another system that may call: for one township, within one of its grids, until a day."""

    __tablename__: ClassVar[Any] = "machine_clients"
    __table_args__ = (Index("ix_machine_clients_cell", "cell", "id"), {"schema": "public"})

    cell: str = Field(foreign_key="public.cells.code", sa_type=String(12))  # pyright: ignore[reportArgumentType]
    grid_id: UUID
    name: str = Field(sa_type=String(100))  # pyright: ignore[reportArgumentType]
    scopes: list[str] = Field(sa_column=Column("scopes", ARRAY(String(40)), nullable=False))
    allowed_addresses: list[str] = Field(
        sa_column=Column("allowed_addresses", ARRAY(String(43)), nullable=False)
    )
    proof: Proof = Field(sa_type=enum_column_type(Proof, name="proof"))  # pyright: ignore[reportArgumentType]
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    created_by: UUID
    expires_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    disabled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    disabled_reason: str | None = Field(default=None, sa_type=String(100))  # pyright: ignore[reportArgumentType]

    def allows(self, scope: Scope) -> bool:
        return scope.value in self.scopes


class ClientCredential(SQLModel, table=True):
    """A secret by its digest, or the public keys; rotated out, it lives on for the overlap."""

    __tablename__: ClassVar[Any] = "client_credentials"
    __table_args__ = (Index("ix_client_credentials_client_id", "client_id"), {"schema": "public"})

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="public.machine_clients.id")
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    jwks: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column("jwks", JSONB(none_as_null=True))
    )
    made_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    made_by: UUID
    used_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ends_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class UsedAssertion(SQLModel, table=True):
    """An assertion that got a token; kept until it expires, so that it gets no second one."""

    __tablename__: ClassVar[Any] = "used_assertions"
    __table_args__ = (Index("ix_used_assertions_expires_at", "expires_at"), {"schema": "public"})

    client_id: UUID = Field(primary_key=True, foreign_key="public.machine_clients.id")
    jti: str = Field(primary_key=True, sa_type=String(128))  # pyright: ignore[reportArgumentType]
    expires_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
