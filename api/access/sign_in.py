"""Signing in: two short transactions, and between them the password, which holds no connection."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access import queries, throttle
from api.access.models import Account
from api.access.passwords import is_password
from api.access.problems import NoPost, PostChoiceNeeded, SignInRefused
from api.access.schemas import PostHeld, SignIn, TokensRead, normalise_login
from api.access.sessions import Gate, Opened, open_session, tell_tokens
from api.access.throttle import Suspect
from api.foundation.database import Entry


class Attempt(NamedTuple):
    """One try at the gate: what was said, and under whom it counts."""

    said: SignIn
    account: Suspect
    address: Suspect


async def sign_in(gate: Gate, said: SignIn, *, address: str) -> TokensRead:
    """Tokens for the holder of a post.

    Raises `TooMany` for guessing, `SignInRefused` for a wrong account or password, and, only once
    the password was right, `NoPost` or `PostChoiceNeeded`.
    """
    keyring, login = gate.database.keyring, normalise_login(said.login)
    attempt = Attempt(
        said, throttle.by_login(keyring, login), throttle.by_address(keyring, address)
    )
    async with gate.database.session(Entry.outside()) as session:
        account, cells = await queries.account_of_login(session, login)
        await throttle.count(session, attempt.account, attempt.address)
    account = await _proven(account, said.password.get_secret_value())
    posts = await queries.posts_in(gate.database, cells, account.id)
    post = _chosen(posts, said.post_id)
    async with gate.database.session(Entry.outside()) as session:
        opened = await _opened(session, attempt, account, post, gate)
    if opened is None:
        raise (
            PostChoiceNeeded(posts=[each.model_dump(mode="json") for each in posts])
            if posts
            else NoPost
        )
    return await tell_tokens(gate, opened)


async def _proven(account: Account | None, password: str) -> Account:
    known = account is not None and account.disabled_at is None
    right = await is_password(password, account.password_hash if account and known else None)
    if account is None or not right:
        raise SignInRefused
    return account


def _chosen(posts: list[PostHeld], post_id: UUID | None) -> PostHeld | None:
    if post_id is None and len(posts) == 1:
        return posts[0]
    return next((post for post in posts if post.id == post_id), None)


async def _opened(
    session: AsyncSession, attempt: Attempt, account: Account, post: PostHeld | None, gate: Gate
) -> Opened | None:
    """The session at the chosen post, if one was; the right password is forgiven in any case."""
    # A password changed meanwhile ends the sessions it finds: this one must not slip in after.
    unchanged = (
        select(Account.id)
        .where(
            col(Account.id) == account.id,
            col(Account.password_hash) == account.password_hash,
            col(Account.disabled_at).is_(None),
        )
        .with_for_update(read=True)
    )
    if await session.scalar(unchanged) is None:
        raise SignInRefused
    await throttle.forgive(session, account)
    await throttle.give_back(session, attempt.address)
    if post is None:
        return None
    device = attempt.said.device or "未命名的设备"
    return await open_session(session, account, post, device=device, lifetime=gate.session_lifetime)
