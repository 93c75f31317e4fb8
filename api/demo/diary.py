"""What happened in the demonstration's days, told to the service as if at the hours it happened."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from api.alerts.models import AlertVerb, Cause
from api.demo.bodies import Body
from api.demo.sign_ins import SignIn
from api.demo.telling import LoadRefused, Teller
from api.foundation import clock
from api.foundation.database import Database
from api.foundation.jobs import SWEEPS, sweep

STAGE = "每日工作"


@dataclass(frozen=True, slots=True)
class Cast:
    """Those who tell, by their accounts, and the house whose background work is done meanwhile."""

    tellers: Mapping[SignIn, Teller]
    database: Database
    cell: str


class Happening(Protocol):
    """Something that is told, or done, at an hour."""

    @property
    def at(self) -> datetime: ...

    async def happen(self, cast: Cast) -> None: ...


@dataclass(frozen=True, slots=True)
class Deed:
    """A record as somebody tells it; told again it is no news."""

    at: datetime
    by: SignIn
    path: str
    body: Body = field(default_factory=dict[str, object])

    async def happen(self, cast: Cast) -> None:
        await cast.tellers[self.by].keep(self.path, self.body)


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a record while it waits for that; where it waits no more it is no news.

    Without a verb the record itself is put right.
    """

    at: datetime
    by: SignIn
    record: str
    waits: Callable[[Body], bool]
    verb: str = ""
    body: Body = field(default_factory=dict[str, object])

    async def happen(self, cast: Cast) -> None:
        teller = cast.tellers[self.by]
        told = await teller.read(self.record)
        kept = told.get("lead", told)  # a lead lies in its file
        if self.waits(kept):
            await teller.change(self.record, self.body, version=kept["version"], verb=self.verb)


@dataclass(frozen=True, slots=True)
class Answer:
    """A step by which somebody answers the alert about a person or household."""

    at: datetime
    by: SignIn
    about: str
    cause: Cause
    verb: AlertVerb
    note: str | None = None

    async def happen(self, cast: Cast) -> None:
        teller = cast.tellers[self.by]
        listed = await teller.read(f"/v1/alerts?closed=false&cause={self.cause}&{self.about}")
        if not listed["items"]:
            raise LoadRefused(f"no alert of {self.cause} about {self.about}")
        await teller.answer(UUID(listed["items"][0]["id"]), self.verb, self.note)


@dataclass(frozen=True, slots=True)
class Hour:
    """The background work of the service falls due, as it would all the time."""

    at: datetime

    async def happen(self, cast: Cast) -> None:
        for name in sorted(SWEEPS):
            await sweep(cast.database, name, cast.cell)


async def live_through(happenings: Iterable[Happening], cast: Cast, *, now: datetime) -> None:
    """Let everything until `now` happen, each at its hour, in the order in which it did."""
    told: Sequence[Happening] = sorted((each for each in happenings if each.at <= now), key=_at)
    report = next(iter(cast.tellers.values())).report
    for done, each in enumerate(told, start=1):
        with clock.going_back_to(each.at):
            await each.happen(cast)
        report(STAGE, done, len(told))


def _at(happening: Happening) -> datetime:
    return happening.at
