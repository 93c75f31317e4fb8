"""Signing keys: sealed in the database, published as a JWK set, rotated with overlap.

A new key is published at once and signs after the overlap, so that whoever verifies tokens elsewhere
has fetched it before it is used; a retired key verifies until the last token it signed has expired.
"""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.models import SigningKey
from api.access.tokens import Tokens
from api.foundation import clock
from api.foundation.database import Database, Entry, keyring_of
from api.foundation.records import new_id

_CONTEXT = "signing_keys.private"
_LOOK_AGAIN_AFTER = timedelta(seconds=5)
_STALE_AFTER = timedelta(seconds=60)


class KeyRoom:
    """The keys in use by this process, read again when another process may have made one."""

    def __init__(self, database: Database, tokens: Tokens, *, overlap: timedelta) -> None:
        self._database = database
        self._overlap = overlap
        self._looked_at: datetime | None = None
        self.tokens = tokens
        self.published: list[dict[str, Any]] = []

    async def open(self) -> None:
        """Read the keys; the very first start makes one."""
        async with self._database.session(Entry.outside()) as session:
            if not await _current(session):
                await make_key(session, overlap=timedelta(0))
        await self._look()

    async def look_again(self) -> None:
        """A token with an unknown key may be signed by a new one; strangers cannot make us busy."""
        await self._look_after(_LOOK_AGAIN_AFTER)

    async def stay_fresh(self) -> None:
        await self._look_after(_STALE_AFTER)

    async def _look_after(self, pause: timedelta) -> None:
        if self._looked_at is None or clock.now() - self._looked_at >= pause:
            await self._look()

    async def _look(self) -> None:
        now = clock.now()
        async with self._database.session(Entry.outside()) as session:
            keys = await _current(session)
            signing = [key for key in keys if key.signs_from <= now]
            signer = max(signing, key=lambda key: key.signs_from)
            private = keyring_of(session).open(signer.private_sealed, context=_CONTEXT)
        # A retired key may still have signed a token a moment ago, in another process.
        lasting = now - self.tokens.lifetime - _STALE_AFTER
        self.published = [
            key.public_jwk for key in keys if key.retired_at is None or key.retired_at > lasting
        ]
        self.tokens.use(signer=orjson.loads(private), public=list(self.published))
        self._looked_at = now


async def _current(session: AsyncSession) -> list[SigningKey]:
    statement = select(SigningKey).order_by(col(SigningKey.created_at))
    return list((await session.scalars(statement)).all())


async def make_key(session: AsyncSession, *, overlap: timedelta) -> SigningKey:
    """Make a key that signs after `overlap`; the keys before it retire at that moment."""
    now = clock.now()
    for former in await _current(session):
        former.retired_at = former.retired_at or now + overlap
    kid = new_id().hex
    private, public = _jwk_pair(kid)
    key = SigningKey(
        kid=kid,
        public_jwk=public,
        private_sealed=keyring_of(session).seal(orjson.dumps(private).decode(), context=_CONTEXT),
        created_at=now,
        signs_from=now + overlap,
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
