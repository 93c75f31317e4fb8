"""What became of changes that were kept part by part: each item's fate, and what is still to do."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.health_records.code_states import CodeStateTold, Taken
from api.inbound.desk import Sent
from api.inbound.schemas import Fate, ItemFate

_Whose = tuple[UUID, str]
"""The resident and the system."""


Told = list[tuple[Sent, CodeStateTold]]


@dataclass(slots=True)
class Kept:
    """The items so far, by what became of them; `unsettled` are kept and not looked at yet."""

    unsettled: list[tuple[Told, Any]] = field(default_factory=list[Any])
    fates: dict[int, ItemFate] = field(default_factory=dict[int, ItemFate])
    left: list[Sent] = field(default_factory=list[Sent])
    red: list[UUID] = field(default_factory=list[UUID])
    by_grid: Counter[tuple[UUID, str]] = field(default_factory=Counter[tuple[UUID, str]])
    _newest: dict[_Whose, tuple[Sent, CodeStateTold]] = field(default_factory=dict[Any, Any])

    def settle(self) -> None:
        """Look at what became of the parts that were kept; what is not new is left for later."""
        for told, answer in self.unsettled:
            self.left.extend(sent for sent, _ in self.kept(told, Taken.of(answer)))
        self.unsettled.clear()

    def kept(self, told: Told, taken: Taken) -> Told:
        """Note the fates of what is new; returns the rest."""
        self.by_grid.update(taken.by_grid)
        rest: Told = []
        for sent, state in told:
            person = taken.new.pop(sent.id, None)  # the same event further on is a repetition
            if person is None:
                rest.append((sent, state))
                continue
            is_newest = self._is_newest((person, state.system), sent, state)
            outcome = Fate.created if is_newest and sent.id not in taken.older else Fate.superseded
            self.fates[sent.place] = _fate(sent, outcome)
            if state.is_red:
                self.red.append(sent.id)
        return rest

    def _is_newest(self, whose: _Whose, sent: Sent, state: CodeStateTold) -> bool:
        """Whether nothing newer of this person and system was sent so far; what is older, was."""
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
