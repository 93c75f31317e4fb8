"""Who can sign in and what was done: accounts, sessions, keys (all in `public`), audit."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.foundation.records import INSTANT, Reached


class Cell(SQLModel, table=True):
    """A township: one schema with everything that is its own."""

    __tablename__: ClassVar[Any] = "cells"
    __table_args__ = ({"schema": "public"},)

    code: str = Field(primary_key=True, sa_type=String(12))  # pyright: ignore[reportArgumentType]
    name: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Account(SQLModel, table=True):
    """A sign-in. Its id is the id of its person as a worker, in every cell they serve in."""

    __tablename__: ClassVar[Any] = "accounts"
    __table_args__ = ({"schema": "public"},)

    id: UUID = Field(primary_key=True)
    name: str = Field(unique=True, sa_type=String(50))  # pyright: ignore[reportArgumentType]
    phone_lookup: bytes | None = Field(default=None, unique=True, sa_type=LargeBinary)
    password_hash: str = Field(sa_type=Text)  # pyright: ignore[reportArgumentType]
    must_change_password: bool = False
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    disabled_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Membership(SQLModel, table=True):
    """The cells an account has, or had, posts in."""

    __tablename__: ClassVar[Any] = "memberships"
    __table_args__ = ({"schema": "public"},)

    account_id: UUID = Field(primary_key=True, foreign_key="public.accounts.id")
    cell: str = Field(primary_key=True, foreign_key="public.cells.code", sa_type=String(12))  # pyright: ignore[reportArgumentType]


class Session(SQLModel, table=True):
    """One sign-in on one device, at one post at a time; ended, it stays ended."""

    __tablename__: ClassVar[Any] = "sessions"
    __table_args__ = (Index("ix_sessions_account_id", "account_id"), {"schema": "public"})

    id: UUID = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="public.accounts.id")
    cell: str = Field(sa_type=String(12))  # pyright: ignore[reportArgumentType]
    post_id: UUID
    device: str = Field(sa_type=String(200))  # pyright: ignore[reportArgumentType]
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    used_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    expires_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    ended_reason: str | None = Field(default=None, sa_type=String(40))  # pyright: ignore[reportArgumentType]


class RefreshToken(SQLModel, table=True):
    """A refresh token by its digest; used twice, it ends the session (RFC 9700 §4.14)."""

    __tablename__: ClassVar[Any] = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_session_id", "session_id"), {"schema": "public"})

    digest: bytes = Field(primary_key=True, sa_type=LargeBinary)
    session_id: UUID = Field(foreign_key="public.sessions.id", ondelete="CASCADE")
    made_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    used_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class SignInAttempts(SQLModel, table=True):
    """How often an account or an address was guessed at lately; outlives a restart."""

    __tablename__: ClassVar[Any] = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_last_at", "last_at"), {"schema": "public"})

    subject: bytes = Field(primary_key=True, sa_type=LargeBinary)
    failures: int
    last_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    blocked_until: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class SigningKey(SQLModel, table=True):
    """A key that signs access tokens; published before it signs and after it stopped signing."""

    __tablename__: ClassVar[Any] = "signing_keys"
    __table_args__ = ({"schema": "public"},)

    kid: str = Field(primary_key=True, sa_type=String(40))  # pyright: ignore[reportArgumentType]
    public_jwk: dict[str, Any] = Field(sa_column=Column("public_jwk", JSONB, nullable=False))
    private_sealed: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    signs_from: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    retired_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class KeyringMark(SQLModel, table=True):
    """What the keys of this database make of one known text: other keys are refused by it."""

    __tablename__: ClassVar[Any] = "keyring_marks"
    __table_args__ = (CheckConstraint("id = 1", name="one"), {"schema": "public"})

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    sealed: bytes = Field(sa_type=LargeBinary)
    looked_up: bytes = Field(sa_type=LargeBinary)
    made_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class AuditEntry(Reached, table=True):
    """Who did or looked at what, written by the verb itself; the service can only add to it."""

    __tablename__: ClassVar[Any] = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject_id", "subject_id", "at"),
        Index("ix_audit_entries_at_id", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    action: str = Field(sa_type=String(60))  # pyright: ignore[reportArgumentType]
    subject_id: UUID
    worker_id: UUID
    post_id: UUID
    session_id: UUID
    request_id: str | None = Field(default=None, sa_type=String(64))  # pyright: ignore[reportArgumentType]
    details: dict[str, Any] = Field(sa_column=Column("details", JSONB, nullable=False))
