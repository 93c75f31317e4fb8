"""Guessing made slow: attempts counted in the database, before a password is even looked at.

Counted first, parallel guesses cannot slip past the count; kept in a table, it outlives a restart
and holds for all processes together. Whether the account exists plays no part.
"""

import math
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import col

from api.access.models import Account, SignInAttempts
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.problems import TooMany
from api.foundation.sealed import Keyring

_FREE_PER_ACCOUNT = 5
_FREE_PER_ADDRESS = 50  # a village office shares one address
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_FORGOTTEN_AFTER = timedelta(days=1)
_SWEPT_AT_ONCE = 100


class Suspect(NamedTuple):
    """Whose failures are counted, and how many are free before the pauses begin."""

    subject: bytes
    free: int


def by_login(keyring: Keyring, login: str) -> Suspect:
    """What a normalised login text names, whether or not there is such an account.

    The hash is that of a phone, so that an account is forgiven without knowing its phone in plain.
    """
    return Suspect(keyring.lookup(login, context="phone"), _FREE_PER_ACCOUNT)


def by_holder(keyring: Keyring, account: UUID) -> Suspect:
    """Somebody signed in who gives the present password of the account in order to change it."""
    return Suspect(keyring.lookup(str(account), context="password change"), _FREE_PER_ACCOUNT)


def by_address(keyring: Keyring, address: str) -> Suspect:
    """The client's address; of IPv6 the /64, which one client has whole."""
    try:
        known = ip_address(address)
    except ValueError:
        return Suspect(keyring.lookup(address, context="sign-in address"), _FREE_PER_ADDRESS)
    if isinstance(known, IPv6Address):
        address = str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return Suspect(keyring.lookup(address, context="sign-in address"), _FREE_PER_ADDRESS)


def by_client(keyring: Keyring, client: str, address: str) -> Suspect:
    """A system that proves who it is, from one address: strangers elsewhere cannot shut it out."""
    return Suspect(keyring.lookup(f"{client} {address}", context="client"), _FREE_PER_ACCOUNT)


async def count(session: AsyncSession, *suspects: Suspect) -> None:
    """Count one attempt against each, as if it had failed already.

    Raises `TooMany` with `retry_after_seconds` while one is blocked; the transaction, rolled back
    by it, then counts nothing, so that waiting does help.
    """
    now = clock.now()
    for suspect in suspects:
        failures = await session.scalar(_counted(suspect, now))
        if failures is None:
            raise await _too_many(session, suspect, now)
        if failures >= suspect.free:
            await session.execute(
                update(SignInAttempts)
                .where(col(SignInAttempts.subject) == suspect.subject)
                .values(blocked_until=now + pause_after(failures - suspect.free))
            )


def pause_after(excess: int) -> timedelta:
    """The pause after the last free failure (0) and each further one: a minute to an hour."""
    return min(_FIRST_PAUSE * 2 ** min(excess, 10), _LONGEST_PAUSE)


async def forgive(session: AsyncSession, account: Account) -> None:
    """The right password was given, or a new one set: the account starts anew."""
    keyring = keyring_of(session)
    subjects = [
        by_login(keyring, account.name).subject,
        by_holder(keyring, account.id).subject,
        *([account.phone_lookup] if account.phone_lookup else []),
    ]
    await forget(session, *subjects)


async def forget(session: AsyncSession, *subjects: bytes) -> None:
    """Count from nought again."""
    await session.execute(delete(SignInAttempts).where(col(SignInAttempts.subject).in_(subjects)))
    await _sweep(session)


async def give_back(session: AsyncSession, address: Suspect) -> None:
    """The right password came from this address: the attempt that was counted was no failure."""
    failures = func.greatest(col(SignInAttempts.failures) - 1, 0)
    await session.execute(
        update(SignInAttempts)
        .where(col(SignInAttempts.subject) == address.subject)
        .values(failures=failures, blocked_until=None)
    )


def _counted(suspect: Suspect, now: datetime) -> ReturningInsert[int]:
    """One statement, so that attempts at the same moment count one after the other."""
    attempts = SignInAttempts
    forgotten = col(attempts.last_at) < now - _FORGOTTEN_AFTER
    return (
        insert(attempts)
        .values(subject=suspect.subject, failures=1, last_at=now)
        .on_conflict_do_update(
            index_elements=[col(attempts.subject)],
            set_={
                "failures": case((forgotten, 1), else_=col(attempts.failures) + 1),
                "last_at": now,
                "blocked_until": None,
            },
            where=func.coalesce(col(attempts.blocked_until), now) <= now,
        )
        .returning(col(attempts.failures))
    )


async def _too_many(session: AsyncSession, suspect: Suspect, now: datetime) -> TooMany:
    blocked = select(col(SignInAttempts.blocked_until)).where(
        col(SignInAttempts.subject) == suspect.subject
    )
    until = await session.scalar(blocked) or now
    seconds = max(1, math.ceil((until - now).total_seconds()))
    return TooMany(
        f"尝试次数过多，请{math.ceil(seconds / 60)}分钟后再试。", retry_after_seconds=seconds
    )


async def _sweep(session: AsyncSession) -> None:
    """Drop what would be forgotten anyway, passing over rows that another attempt holds."""
    old = (
        select(col(SignInAttempts.subject))
        .where(col(SignInAttempts.last_at) < clock.now() - _FORGOTTEN_AFTER)
        .limit(_SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(SignInAttempts).where(col(SignInAttempts.subject).in_(old)))
