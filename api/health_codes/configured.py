"""A system as it is configured now, and the record of how asking it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.health_codes.answers import Trouble
from api.health_codes.documents import SystemDocument


@dataclass(frozen=True, slots=True)
class Configured:
    """A system as it is configured now."""

    cell: str
    code: str
    version: int
    base_url: str
    document: SystemDocument
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class Record:
    """How it went on a line since it was opened."""

    asked: int = 0
    answered: int = 0
    from_memory: int = 0
    in_trouble: int = 0
    last_answer_at: datetime | None = None
    last_trouble: Trouble | None = None
    last_trouble_at: datetime | None = None


def named(secrets: Mapping[str, str]) -> dict[str, str]:
    """Secrets by the names that gaps have for them."""
    return {f"secret.{name}": value for name, value in secrets.items()}
