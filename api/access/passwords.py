"""Passwords: argon2id, in a thread, few at a time, so that signing in never starves the rest."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = asyncio.Semaphore(2)
_hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)  # OWASP's minimum
_NOBODY = _hasher.hash("nobody has this account")


async def hash_password(password: str) -> str:
    async with _AT_ONCE:
        return await asyncio.to_thread(_hasher.hash, password)


async def is_password(password: str, hashed: str | None) -> bool:
    """Whether `password` is the one; takes as long for an account that does not exist (None)."""
    async with _AT_ONCE:
        fits = await asyncio.to_thread(_verify, password, hashed or _NOBODY)
    return fits and hashed is not None


def _verify(password: str, hashed: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
