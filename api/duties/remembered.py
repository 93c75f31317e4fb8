"""Days that were told a moment ago, kept as long as nothing at all has been written since."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.access.tokens import Claims

LONGEST = timedelta(minutes=1)
"""Older than this it is hardly still true, and asking would cost more than it saves."""

_POSTS = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """A day as it was told, what was seen then, and until when the clock alone leaves it so."""

    seen: str
    since: datetime
    until: datetime
    body: bytes
    tag: str


class Days:
    """The last day of each post that asked lately (docs/decisions/0017).

    One shelf belongs to one database; the application holds it (`app.state.days`).
    """

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[object, ...], Told] = OrderedDict()

    def told(self, caller: Claims, now: datetime) -> Told | None:
        """What was told this post, where only a writer can have made it untrue by now."""
        told = self._told.get(_whose(caller))
        return told if told is not None and told.since <= now < told.until else None

    def keep(self, caller: Claims, told: Told) -> None:
        self._told[_whose(caller)] = told
        self._told.move_to_end(_whose(caller))
        if len(self._told) > _POSTS:
            self._told.popitem(last=False)


def _whose(caller: Claims) -> tuple[object, ...]:
    return caller.cell, caller.worker, caller.post, caller.grid, caller.level, caller.role
