"""Passwords: argon2id, in a thread, few at a time, so that signing in never starves the rest."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
"""Characters a password has at least; what else it is made of is the person's own affair."""

_WORST = frozenset(
    """
    0123456789 1234567890 9876543210 0987654321 1234512345 1122334455 1231231234 12345678910
    123456789a a123456789 a1234567890 aa123456789 qq123456789 abc123456789 woaini1314 5201314520
    woaini5201314 1q2w3e4r5t 1qaz2wsx3edc qwertyuiop qwerty123456 asdfghjkl123 zxcvbnm123
    password12 password123 passw0rd123 admin12345 admin123456 administrator iloveyou123
    abcdefghij abcd123456 abcd1234567
    """.split()  # noqa: SIM905 - a list for the eye
)
_AT_ONCE = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_hasher = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)  # OWASP's minimum
_NOBODY = _hasher.hash("nobody has this account")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(
        _AT_ONCE, _hasher.hash, _as_compared(password)
    )


async def is_password(password: str, hashed: str | None) -> bool:
    """Whether `password` is the one; takes as long for an account that does not exist (None)."""
    fits = await asyncio.get_running_loop().run_in_executor(
        _AT_ONCE, _verify, _as_compared(password), hashed or _NOBODY
    )
    return fits and hashed is not None


def is_weak(password: str, *, login: str) -> bool:
    """Whether a password is too short, the account's own name, or among the first ever guessed."""
    guess = _as_compared(password).casefold()
    monotonous = len(set(guess)) <= 2  # noqa: PLR2004 - 1111111111, abababababab
    return len(guess) < SHORTEST or monotonous or guess in _WORST or guess == login.casefold()


def _as_compared(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _verify(password: str, hashed: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
