"""What became of changes that were kept part by part: each item's fate, and what is still to do."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.health_records.code_states import CodeStateTold, Taken
from api.inbound.desk import Found, Sent, Sorted, grid_of
from api.inbound.schemas import Fate, ItemFate

_Whose = tuple[UUID, str]
"""The resident and the system."""


@dataclass(slots=True)
class Kept:
    """The items so far, by what became of them; `unsettled` are kept and not looked at yet."""

    unsettled: list[tuple[Sorted, Sequence[CodeStateTold], Taken]] = field(
        default_factory=list[Any]
    )
    fates: dict[int, ItemFate] = field(default_factory=dict[int, ItemFate])
    unknown: list[Sent] = field(default_factory=list[Sent])
    repeated: list[tuple[Sent, CodeStateTold]] = field(default_factory=list[Any])
    red: list[UUID] = field(default_factory=list[UUID])
    by_grid: Counter[tuple[UUID, str]] = field(default_factory=Counter[tuple[UUID, str]])
    _newest: dict[tuple[UUID, str], tuple[Sent, CodeStateTold]] = field(
        default_factory=dict[Any, Any]
    )

    def settle(self) -> None:
        """Look at what became of each item of the parts that were kept."""
        for part, states, taken in self.unsettled:
            self.fates.update(part.fates)
            self.unknown.extend(part.unknown)
            for place, (found, state) in enumerate(zip(part.found, states, strict=True)):
                if place in taken.unknown:  # found, and gone before it was kept
                    self.unknown.append(found.sent)
                elif state.id in taken.new:
                    taken.new.remove(state.id)  # the same event further on is a repetition
                    self._keep(found, state, is_older=state.id in taken.older)
                else:
                    self.repeated.append((found.sent, state))
        self.unsettled.clear()

    def _keep(self, found: Found, state: CodeStateTold, *, is_older: bool) -> None:
        sent, person = found
        is_newest = self._is_newest(sent, state) and not is_older
        self.fates[sent.place] = _fate(sent, Fate.created if is_newest else Fate.superseded)
        self.by_grid[grid_of(person)] += 1
        if state.is_red:
            self.red.append(state.id)

    def _is_newest(self, sent: Sent, state: CodeStateTold) -> bool:
        """Whether nothing newer of this person and system was sent so far; what was is history."""
        whose = state.resident_id, state.system
        before = self._newest.get(whose)
        if before is not None:
            older, other = before
            if _order(other) > _order(state):
                return False
            self.fates[older.place] = _fate(older, Fate.superseded)
        self._newest[whose] = sent, state
        return True


def _fate(sent: Sent, outcome: Fate) -> ItemFate:
    return ItemFate(event_id=sent.event_id, outcome=outcome, problem=None)


def _order(state: CodeStateTold) -> tuple[datetime, datetime, int]:
    return state.changed_at, state.fetched_at, state.id.int
