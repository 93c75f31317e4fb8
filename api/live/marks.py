"""Where a listener stands: of which transactions it has been told.

Events are numbered when they are told and become visible when their transaction commits, which may
be in another order. A mark is therefore a snapshot as PostgreSQL keeps it, not a number: all that
the snapshot could see was told, and all that it could not see was not, however late it commits.
"""

import re
from dataclasses import dataclass
from typing import Self

_NUMBER = r"[0-9]{1,18}"
_SNAPSHOT = rf"({_NUMBER}):({_NUMBER}):((?:{_NUMBER}(?:,{_NUMBER})*)?)"
_MARK = re.compile(rf"{_SNAPSHOT}(?:~{_SNAPSHOT}~({_NUMBER}))?", re.ASCII)
_MOST_RUNNING = 200
LONGEST = 2 * (_MOST_RUNNING + 3) * 20
"""Characters of the longest mark, which fits into a header or an address."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was visible: every transaction before `ends`, except those still `running` then."""

    ends: int
    running: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """As `pg_current_snapshot()` tells it, `xmin:xmax:xip,…`."""
        lowest, ends, running = text.split(":")
        open_then = frozenset(int(each) for each in running.split(",") if each)
        if len(open_then) > _MOST_RUNNING:
            return cls(int(lowest))  # tells some events twice, and still fits into a header
        return cls(int(ends), open_then)

    @property
    def begins(self) -> int:
        """Everything before this transaction was visible, or never will be."""
        return min(self.running, default=self.ends)

    def sees(self, transaction: int) -> bool:
        return transaction < self.ends and transaction not in self.running

    def __str__(self) -> str:
        return f"{self.begins}:{self.ends}:{','.join(map(str, sorted(self.running)))}"


@dataclass(frozen=True, slots=True)
class Mark:
    """All that `told` sees was told; of what `until` sees too, the events up to number `seq`."""

    told: Snapshot
    until: Snapshot | None = None
    seq: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what no mark ever looked like."""
        found = _MARK.fullmatch(text)
        if found is None or len(text) > LONGEST:
            raise ValueError("not a mark")
        *first, seq = found.groups()
        told = Snapshot.parse(":".join(first[:3]))
        if seq is None:
            return cls(told)
        return cls(told, Snapshot.parse(":".join(first[3:])), int(seq))

    def __str__(self) -> str:
        return str(self.told) if self.until is None else f"{self.told}~{self.until}~{self.seq}"
