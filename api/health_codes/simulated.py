"""What a simulated provincial system knows and how it misbehaves: told by whoever tries things out.

Only invented people: it knows nobody but those it is told of, and says the same of all others.
"""

import asyncio
import hashlib
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.foundation import clock
from api.foundation.identity import mask_identity_number

CREDENTIALS: dict[str, dict[str, str]] = {
    "gate": {"app_id": "onegrid", "secret_key": "simulated-gate-secret"},
    "national": {"app_id": "onegrid", "app_secret": "simulated-national-secret"},
    "bus": {
        "app_key": "onegrid",
        "app_secret": "simulated-bus-secret",
        "request_department": "qingzhu-township",
        "request_area": "451422",
    },
}
"""What each dialect expects of its callers; of no use anywhere else."""

MOST_SEEN = 1000

Colour = Literal["green", "yellow", "red", "grey", "popup", "expired", "not_found", "unheard_of"]
Outage = Literal["hang", "cut", "maintenance_page", "redirect", "flood"]


class Conduct(BaseModel):
    """How the simulated system behaves from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_ms: int = Field(default=0, ge=0, le=600_000)
    jitter_ms: int = Field(default=0, ge=0, le=600_000)
    error_rate: float = Field(default=0.0, ge=0, le=1)
    wrong_signatures: bool = False
    per_second: int | None = Field(default=None, ge=0)
    throttle_status: Literal[429, 503] = 429
    outage: Outage | None = None
    colour_of_others: Colour = "green"


class Coloured(BaseModel):
    """The colour that somebody has from now on, or since an instant."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    document: str = Field(min_length=1, max_length=40, repr=False)
    colour: Colour
    since: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it was seen; the person masked."""

    at: datetime
    dialect: str
    person: str
    signature_holds: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the system holds of one person."""

    colour: Colour
    since: datetime


@dataclass(slots=True)
class Simulated:
    """The state behind the simulator's addresses."""

    conduct: Conduct = field(default_factory=Conduct)
    people: dict[str, Standing] = field(default_factory=dict[str, Standing])
    seen: deque[Seen] = field(default_factory=lambda: deque[Seen](maxlen=MOST_SEEN))
    began: datetime = field(default_factory=clock.now)
    rotation: int = 0
    _this_second: tuple[int, int] = (0, 0)

    def behave(self, told: dict[str, Any]) -> Conduct:
        """Take over what is told, and leave the rest as it is; a ValueError says what is wrong."""
        self.conduct = Conduct.model_validate({**self.conduct.model_dump(), **told})
        return self.conduct

    def colour(self, told: Coloured) -> None:
        self.people[told.document] = Standing(told.colour, told.since or clock.now())

    def standing_of(self, document: str) -> Standing:
        return self.people.get(document) or Standing(self.conduct.colour_of_others, self.began)

    def note(self, dialect: str, document: str, *, signature_holds: bool) -> None:
        person = mask_identity_number(document)
        self.seen.append(Seen(clock.now(), dialect, person, signature_holds))

    def rotating_secret(self) -> str:
        """The secret of the moment; `rotation` counts how often it was changed."""
        return hashlib.sha256(f"rotating {self.began} {self.rotation}".encode()).hexdigest()[:32]

    async def linger(self) -> None:
        """Take the time that answers take now."""
        jitter = random.uniform(0, self.conduct.jitter_ms)  # noqa: S311 - no secret
        await asyncio.sleep((self.conduct.latency_ms + jitter) / 1000)

    def too_many(self) -> bool:
        """Whether this request is one more than a second allows."""
        if self.conduct.per_second is None:
            return False
        second, number = int(clock.now().timestamp()), 1
        if self._this_second[0] == second:
            number = self._this_second[1] + 1
        self._this_second = (second, number)
        return number > self.conduct.per_second

    def stumbles(self) -> bool:
        """Whether this request meets an error."""
        return random.random() < self.conduct.error_rate  # noqa: S311 - no secret
