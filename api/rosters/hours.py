"""Spans of duty as plain arithmetic: which meet, and what they leave uncovered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

LONGEST_SHIFT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant until before another."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: "Span") -> bool:
        """Whether there is an instant in both; one may begin when the other ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Booked(Span):
    """A span for which somebody is on duty, by the shift that says so."""

    shift: UUID


def uncovered(shifts: Iterable[Span], whole: Span) -> list[Span]:
    """The parts of `whole` in which no shift lies, in order."""
    gaps: list[Span] = []
    covered_to = whole.starts_at
    for shift in sorted(shifts, key=lambda each: each.starts_at):
        if shift.starts_at >= whole.ends_at:
            break
        if shift.starts_at > covered_to:
            gaps.append(Span(covered_to, shift.starts_at))
        covered_to = max(covered_to, shift.ends_at)
    if covered_to < whole.ends_at:
        gaps.append(Span(covered_to, whole.ends_at))
    return gaps
