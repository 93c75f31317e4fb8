"""Chance that falls the same way for everybody, so that there is one township and not many."""

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from random import Random
from uuid import UUID

from api.foundation import clock

_VERSION_7 = 7 << 76 | 2 << 62
_FREE_BITS = (1 << 76) - 1 & ~(3 << 62)


@dataclass(frozen=True, slots=True)
class Chance:
    """Random numbers that follow from the seed and a key alone, ids from the day as well.

    A load that was interrupted therefore sends the same records again, and they are no news.
    """

    as_of: date
    seed: int = 55

    def of(self, *key: object) -> Random:
        """A source of random numbers for one thing, untouched by how many others were made."""
        return Random(self._digest(key))  # noqa: S311 - nothing secret hangs on it

    def id(self, *key: object) -> UUID:
        """The id of one record, in the form of UUIDv7 with the day as its time (RFC 9562 §5.7)."""
        midnight, _ = clock.day_bounds(self.as_of)
        milliseconds = int(midnight.timestamp() * 1000) << 80
        return UUID(int=milliseconds | _VERSION_7 | int.from_bytes(self._digest(key)) & _FREE_BITS)

    def _digest(self, key: tuple[object, ...]) -> bytes:
        return blake2b(f"{self.seed} {key}".encode(), digest_size=16).digest()


def happens(chance: Random, share: float) -> bool:
    """Whether something that befalls this share of cases (0 to 1) befalls this one."""
    return chance.random() < share
