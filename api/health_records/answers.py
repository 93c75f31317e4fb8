"""Which sample answers which test that fell due: derived from the records anew, never kept."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from api.health_records.models import DiagnosticOutcome
from api.protocols.models import DiagnosticKind


class Due(Protocol):
    """A test that falls due: to be sampled from `opens_at` to `due_at`, both included."""

    @property
    def opens_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def kind(self) -> DiagnosticKind: ...
    @property
    def samples(self) -> int: ...


class Sample(Protocol):
    """What was taken of one person at one time."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> DiagnosticKind: ...
    @property
    def outcome(self) -> DiagnosticOutcome: ...
    @property
    def sampled_at(self) -> datetime: ...
    @property
    def samples(self) -> int: ...


D = TypeVar("D", bound=Due)
S = TypeVar("S", bound=Sample)

TO_BE_TAKEN_AGAIN = (DiagnosticOutcome.invalid, DiagnosticOutcome.inconclusive)
"""Results that say nothing: such a sample answers no test."""


@dataclass(slots=True)
class Answer(Generic[D, S]):
    """A test that fell due and the samples that answer it, the earliest first."""

    due: D
    samples: list[S] = field(default_factory=list[S])

    @property
    def complete(self) -> bool:
        """Whether as many samples were taken as are asked for; their results may be awaited."""
        return sum(sample.samples for sample in self.samples) >= self.due.samples

    @property
    def negative(self) -> bool:
        """Whether it is answered, and by nothing but negative results."""
        outcomes = {sample.outcome for sample in self.samples}
        return self.complete and outcomes == {DiagnosticOutcome.negative}

    @property
    def late(self) -> bool:
        """Whether a sample that answers it was taken after its time (补测)."""
        return any(sample.sampled_at > self.due.due_at for sample in self.samples)


def answered(due: Iterable[D], samples: Iterable[S]) -> list[Answer[D, S]]:
    """Every test that falls due, by its time, with the samples that answer it.

    A sample answers one test of its kind: the one whose time it was taken in and whose deadline is
    nearest; one that was taken at no test's time makes up for the missed test that waits longest
    (domain 3.3.5). In which order samples are told changes nothing. A missed test waits for that
    whatever `on_missed_test` says: nobody is kept for good because a day was missed.
    """
    answers = [Answer[D, S](each) for each in sorted(due, key=lambda each: each.due_at)]
    usable = (each for each in samples if each.outcome not in TO_BE_TAKEN_AGAIN)
    in_order = sorted(usable, key=lambda each: (each.sampled_at, each.id))
    left = [each for each in in_order if not _answers(each, answers, _in_time)]
    for each in left:
        _answers(each, answers, _afterwards)
    return answers


Fits = Callable[[Due, datetime], bool]


def _answers(sample: S, answers: Sequence[Answer[D, S]], fits: Fits) -> bool:
    for answer in answers:
        same_kind = answer.due.kind is sample.kind
        if same_kind and not answer.complete and fits(answer.due, sample.sampled_at):
            answer.samples.append(sample)
            return True
    return False


def _in_time(due: Due, sampled_at: datetime) -> bool:
    return due.opens_at <= sampled_at <= due.due_at


def _afterwards(due: Due, sampled_at: datetime) -> bool:
    return sampled_at > due.due_at
