"""Signing keys: sealed in the database, published as a JWK set, rotated with overlap.

A new key is published at once and signs after the overlap, so that whoever verifies tokens
elsewhere has fetched it before it is used; a retired key verifies until the last token it signed
has expired.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.models import SigningKey
from api.access.tokens import Claims, Tokens, UnknownKey
from api.foundation import clock
from api.foundation.database import Database, Entry, keyring_of
from api.foundation.problems import NotSignedIn
from api.foundation.records import new_id

_CONTEXT = "signing_keys.private"
_LOOK_AGAIN_AFTER = timedelta(seconds=5)
_STALE_AFTER = timedelta(seconds=60)
_FORGOTTEN_AFTER = timedelta(days=1)
Told = TypeVar("Told")


class KeyRoom:
    """The keys in use by this process, read again when another process may have made one."""

    def __init__(self, database: Database, tokens: Tokens, *, overlap: timedelta) -> None:
        self._database = database
        self._looking = asyncio.Lock()
        self._looked_at = datetime.min.replace(tzinfo=UTC)
        self.overlap = overlap
        self.tokens = tokens
        self._published: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Read the keys; the very first start makes one."""
        async with self._database.session(Entry.outside()) as session:
            await _alone(session)
            if not await _all_keys(session):
                await _add_key(session, clock.now())
        await self._look()

    async def read(self, token: str) -> Claims:
        """The claims of a genuine, fresh access token; raises `NotSignedIn` for any other."""
        return await self._read(token, self.tokens.read)

    async def read_for_machines(self, token: str) -> dict[str, Any]:
        """As `read`, for the token of another system; a worker's is refused."""
        return await self._read(token, self.tokens.read_for_machines)

    async def _read(self, token: str, reading: Callable[[str], Told]) -> Told:
        await self._look_after(_STALE_AFTER)
        try:
            return reading(token)
        except UnknownKey:
            # It may be signed by a new key; strangers cannot make us look more often than this.
            await self._look_after(_LOOK_AGAIN_AFTER)
        try:
            return reading(token)
        except UnknownKey:
            raise NotSignedIn from None

    async def issue(self, claims: Mapping[str, str | int], *, for_machine: bool = False) -> str:
        """A token signed with the key whose turn it is, even if another process made it."""
        await self._look_after(_STALE_AFTER)
        return self.tokens.issue(claims, for_machine=for_machine)

    async def published(self) -> list[dict[str, Any]]:
        """The public keys (RFC 7517) that verify every token still good, and the next one's."""
        await self._look_after(_STALE_AFTER)
        return self._published

    async def _look_after(self, pause: timedelta) -> None:
        if clock.now() - self._looked_at < pause:
            return
        async with self._looking:
            if clock.now() - self._looked_at >= pause:
                await self._look()

    async def _look(self) -> None:
        now = clock.now()
        async with self._database.session(Entry.outside()) as session:
            keys = await _all_keys(session)
            signing = [key for key in keys if key.signs_from <= now] or keys[:1]
            signer = max(signing, key=lambda key: key.signs_from)
            private = keyring_of(session).open(signer.private_sealed, context=_CONTEXT)
        # A retired key may still have signed a token a moment ago, in another process.
        lasting = now - self.tokens.lifetime - _STALE_AFTER
        self._published = [
            key.public_jwk for key in keys if key.retired_at is None or key.retired_at > lasting
        ]
        self.tokens.use(signer=orjson.loads(private), public=list(self._published))
        self._looked_at = now


async def _all_keys(session: AsyncSession) -> list[SigningKey]:
    statement = select(SigningKey).order_by(col(SigningKey.created_at))
    return list((await session.scalars(statement)).all())


async def _alone(session: AsyncSession) -> None:
    """Two processes that start, or rotate, at the same moment make their keys one by one."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('signing_keys'))"))


async def make_key(session: AsyncSession, *, overlap: timedelta) -> SigningKey:
    """Make the next key: published now, signing after `overlap`, when those before it retire.

    The overlap is never shorter than the time in which every process learns of an unknown key.
    Keys long retired are forgotten, their private halves with them.
    """
    await _alone(session)
    now = clock.now()
    signs_from = now + max(overlap, _LOOK_AGAIN_AFTER)
    for former in await _all_keys(session):
        if former.retired_at is None:
            former.retired_at = signs_from
        elif former.retired_at < now - _FORGOTTEN_AFTER:
            await session.delete(former)
    return await _add_key(session, signs_from)


async def _add_key(session: AsyncSession, signs_from: datetime) -> SigningKey:
    kid = new_id().hex
    private, public = _jwk_pair(kid)
    key = SigningKey(
        kid=kid,
        public_jwk=public,
        private_sealed=keyring_of(session).seal(orjson.dumps(private).decode(), context=_CONTEXT),
        created_at=clock.now(),
        signs_from=signs_from,
    )
    session.add(key)
    await session.flush()
    return key


def _jwk_pair(kid: str) -> tuple[dict[str, str], dict[str, str]]:
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    point = numbers.public_numbers
    public = {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": kid,
        "x": _base64url(point.x),
        "y": _base64url(point.y),
    }
    return {**public, "d": _base64url(numbers.private_value)}, public


def _base64url(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
