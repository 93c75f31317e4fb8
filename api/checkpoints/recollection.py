"""What gates saw of whoever stood there lately: in memory only, worth nothing unless still true.

A pass is judged by what is recalled and sent with the mark of it; the database keeps it only where
it sees the same at that moment (`pass_gate` in migration 0024).
"""

from collections import OrderedDict
from typing import Any
from uuid import UUID

MOST = 20_000
"""As many as come by the gates of a township in a day; who was not there longest goes first."""

Whom = tuple[Any, ...]
"""By what somebody was sought: keyed hashes, never what they are made of."""

NOBODY: Whom = ()


class Recollection:
    """Scenes by checkpoint and by whom was sought; a stranger is presumed to be a stranger."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[UUID, Whom], Any] = OrderedDict()

    def presumed(self, checkpoint: UUID, whom: Whom) -> Any | None:
        """What was seen of them here the last time, else what is seen here of nobody."""
        key = checkpoint, whom
        if key in self._seen:
            self._seen.move_to_end(key)
            return self._seen[key]
        return self._seen.get((checkpoint, NOBODY))

    def keep(self, checkpoint: UUID, whom: Whom, seen: Any) -> None:
        """Remember what was seen."""
        self._seen[checkpoint, whom] = seen
        self._seen.move_to_end((checkpoint, whom))
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
