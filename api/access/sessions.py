"""Sessions: opened at a post, kept alive by tokens used once, switched, ended for good."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access import queries
from api.access.caller import entry_of
from api.access.keys import KeyRoom
from api.access.models import Account, RefreshToken, Session
from api.access.problems import RefreshTokenUsed
from api.access.schemas import PostHeld, TokensRead
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import NotFound, NotSignedIn, PostingChanged
from api.foundation.records import new_id


@dataclass(frozen=True, slots=True)
class Gate:
    """What signing in works with: the database, the keys, and how long a session lasts."""

    database: Database
    keys: KeyRoom
    session_lifetime: timedelta


async def gate_of(request: Request) -> Gate:
    state = request.app.state
    return Gate(state.database, state.keys, timedelta(days=state.settings.session_days))


AtGate = Annotated[Gate, Depends(gate_of)]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session at a post, with the refresh token that will renew it."""

    session: Session
    post: PostHeld
    refresh_token: str
    must_change_password: bool


async def tell_tokens(gate: Gate, opened: Opened) -> TokensRead:
    """The tokens of an opened session, signed after its transaction has ended."""
    session, post = opened.session, opened.post
    access_token = await gate.keys.issue(
        {
            "sub": str(session.account_id),
            "sid": str(session.id),
            "cell": post.cell,
            "post": str(post.id),
            "grid": str(post.grid_id),
            "level": post.level,
            "role": post.role.value,
            "must_change_password": opened.must_change_password,
        }
    )
    return TokensRead(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=int(gate.keys.tokens.lifetime.total_seconds()),
        refresh_token=opened.refresh_token,
        refresh_expires_in=int((session.expires_at - clock.now()).total_seconds()),
        post=post,
        must_change_password=opened.must_change_password,
    )


async def open_session(
    session: AsyncSession, account: Account, post: PostHeld, *, device: str, lifetime: timedelta
) -> Opened:
    """Open a session at a post, and forget the account's sessions that expired by themselves."""
    now = clock.now()
    await session.execute(
        delete(Session).where(col(Session.account_id) == account.id, col(Session.expires_at) < now)
    )
    opened = Session(
        id=new_id(),
        account_id=account.id,
        cell=post.cell,
        post_id=post.id,
        device=device,
        created_at=now,
        used_at=now,
        expires_at=now + lifetime,
    )
    session.add(opened)
    await session.flush()
    return Opened(opened, post, await _new_token(session, opened), account.must_change_password)


async def refresh(gate: Gate, refresh_token: str) -> TokensRead:
    """Exchange a refresh token for new tokens, at the post as it stands now.

    Raises `NotSignedIn`, `PostingChanged` when the post has ended, and `RefreshTokenUsed` for a
    token that was used before; the session is then over, whoever holds its other tokens (RFC 9700).
    """
    digest = _digest(refresh_token)
    async with gate.database.session(Entry.outside()) as session:
        known = await queries.session_of_refresh_token(session, digest)
    if known is None:
        raise NotSignedIn
    async with gate.database.session(Entry.without_reach(known.cell)) as session:
        opened = await _renewed(session, known.id, digest)
    if opened is None:
        raise RefreshTokenUsed
    return await tell_tokens(gate, opened)


async def _renewed(session: AsyncSession, session_id: UUID, digest: bytes) -> Opened | None:
    """The session renewed, or None when it was ended because the token had been used."""
    held = await _locked(session, session_id)
    if not await _use(session, col(RefreshToken.digest) == digest):
        await end_sessions(session, held.account_id, "refresh_token_used", only=held.id)
        return None
    account = await _still_open(session, held)
    posts = (await queries.person_in(session, held.cell, held.account_id)).posts
    post = next((post for post in posts if post.id == held.post_id), None)
    if post is None:
        raise PostingChanged
    held.used_at = clock.now()
    return Opened(held, post, await _new_token(session, held), account.must_change_password)


async def switch_post(gate: Gate, caller: Claims, post_id: UUID) -> TokensRead:
    """Go on in the same session at another of one's own posts, in whichever cell.

    The tokens of the former post stop working at once. Raises `NotFound` for a post that is not
    the caller's, or no longer.
    """
    async with gate.database.session(entry_of(caller, writing=False)) as session:
        cells = await queries.cells_of(session, caller.worker)
    posts = await queries.posts_in(gate.database, cells, caller.worker)
    post = next((post for post in posts if post.id == post_id), None)
    if post is None:
        raise NotFound("您没有这项任职，或任职已结束。", pointer="/body/post_id")
    async with gate.database.session(Entry.outside()) as session:
        opened = await _moved(session, caller, post)
    return await tell_tokens(gate, opened)


async def _moved(session: AsyncSession, caller: Claims, post: PostHeld) -> Opened:
    held = await _locked(session, caller.session)
    account = await _still_open(session, held)
    if held.post_id != caller.post:
        raise PostingChanged
    await _use(session, col(RefreshToken.session_id) == held.id)
    held.cell, held.post_id, held.used_at = post.cell, post.id, clock.now()
    return Opened(held, post, await _new_token(session, held), account.must_change_password)


async def end_own_session(session: AsyncSession, caller: Claims, session_id: UUID) -> None:
    """End one of the caller's sessions; raises `NotFound` for anybody else's, or an ended one."""
    if not await end_sessions(session, caller.worker, "ended_by_owner", only=session_id):
        raise NotFound


async def end_sessions(
    session: AsyncSession,
    account: UUID,
    reason: str,
    *,
    only: UUID | None = None,
    sparing: UUID | None = None,
) -> int:
    """End an account's sessions: all, `only` one, or all `sparing` one. Returns how many ended."""
    statement = update(Session).where(
        col(Session.account_id) == account, col(Session.ended_at).is_(None)
    )
    if only is not None:
        statement = statement.where(col(Session.id) == only)
    if sparing is not None:
        statement = statement.where(col(Session.id) != sparing)
    ended = statement.values(ended_at=clock.now(), ended_reason=reason).returning(col(Session.id))
    return len((await session.scalars(ended)).all())


async def _locked(session: AsyncSession, session_id: UUID) -> Session:
    """The session, held so that renewing, switching and ending it happen one after the other."""
    statement = select(Session).where(col(Session.id) == session_id).with_for_update()
    held = (await session.scalars(statement)).first()
    if held is None:
        raise NotSignedIn
    return held


async def _still_open(session: AsyncSession, held: Session) -> Account:
    account = await session.get(Account, held.account_id)
    over = held.ended_at is not None or held.expires_at <= clock.now()
    if over or account is None or account.disabled_at is not None:
        raise NotSignedIn("登录已结束，请重新登录。")
    return account


async def _use(session: AsyncSession, which: ColumnElement[bool]) -> bool:
    """Mark unused tokens as used; whether there was one. Of two at the same moment, one is."""
    used = (
        update(RefreshToken)
        .where(which, col(RefreshToken.used_at).is_(None))
        .values(used_at=clock.now())
        .returning(col(RefreshToken.digest))
    )
    return bool((await session.scalars(used)).all())


async def _new_token(session: AsyncSession, held: Session) -> str:
    token = secrets.token_urlsafe(32)
    session.add(RefreshToken(digest=_digest(token), session_id=held.id, made_at=clock.now()))
    await session.flush()
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
