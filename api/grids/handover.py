"""What becomes of open duties when a post ends: each room that gives duties says it here.

Rooms above the grids register at import, so that nothing here knows of them:

    @counts_duties("bonds")
    async def open_bonds(session: AsyncSession, leaving: Leaving) -> dict[str, int]: ...

    @on_handover("bonds")
    async def pass_bonds(
        session: AsyncSession, caller: Claims, handover: Handover
    ) -> dict[str, int]: ...

All run in the transaction that ends the post. A taker that cannot pass a duty on raises a problem;
a count that is not zero keeps a post from ending without a successor (M1.7).
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.permissions import Role
from api.access.tokens import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A post that is ending. `last` says that its holder keeps no other post in the cell."""

    post: UUID
    worker: UUID
    grid: UUID
    role: Role
    reach: str
    last: bool
    at: datetime

    def covers(self, worker: Any, reach: Any) -> ColumnElement[bool]:
        """The holder's duties that end with this post: those below it, with the last post all.

        `worker` and `reach` are the columns of the duty, such as `col(Bond.worker_id)`.
        """
        if self.last:
            return worker == self.worker
        return and_(worker == self.worker, reach >= self.reach, reach < f"{self.reach}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover(Leaving):
    """A post that is ending and the person who takes it over, with its open duties."""

    successor: UUID
    reason: str


Counts = Callable[[AsyncSession, Leaving], Awaitable[dict[str, int]]]
"""Counts a room's open duties that `Leaving.covers`, by kind."""

Takeover = Callable[[AsyncSession, Claims, Handover], Awaitable[dict[str, int]]]
"""Passes a room's open duties on to the successor; answers how many of each kind."""

PartyCheck = Callable[[AsyncSession, UUID], Awaitable[None]]
"""Raises a problem where a worker's open duties need them to be a party member."""

_counts: dict[str, Counts] = {}
_takeovers: dict[str, Takeover] = {}
_party_checks: dict[str, PartyCheck] = {}


def counts_duties(room: str) -> Callable[[Counts], Counts]:
    """Register what counts a room's open duties."""

    def register(counts: Counts) -> Counts:
        _counts[room] = counts
        return counts

    return register


def on_handover(room: str) -> Callable[[Takeover], Takeover]:
    """Register what passes a room's open duties on."""

    def register(takeover: Takeover) -> Takeover:
        _takeovers[room] = takeover
        return takeover

    return register


def before_leaving_the_party(room: str) -> Callable[[PartyCheck], PartyCheck]:
    """Register what may refuse that a worker is no longer a party member."""

    def register(check: PartyCheck) -> PartyCheck:
        _party_checks[room] = check
        return check

    return register


async def open_duties(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """What the holder of an ending post still owes, by kind; nothing is left out but zeros."""
    found: Counter[str] = Counter()
    for counts in _counts.values():
        found.update(await counts(session, leaving))
    return {kind: number for kind, number in found.items() if number}


async def pass_on(session: AsyncSession, caller: Claims, handover: Handover) -> dict[str, int]:
    """Give every open duty to the successor, room by room, in the order of registration."""
    passed: Counter[str] = Counter()
    for takeover in _takeovers.values():
        passed.update(await takeover(session, caller, handover))
    return dict(passed)


async def check_leaving_the_party(session: AsyncSession, worker: UUID) -> None:
    """Raise the problem of the first room whose open duties need the worker in the party."""
    for check in _party_checks.values():
        await check(session, worker)
