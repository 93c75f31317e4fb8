"""What holds of a person at an instant, record by record, each with its clause."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from api.health_records.models import MANUAL, CardColour, CodeState
from api.health_records.validity import VaccinationStatus
from api.protocols.models import DiagnosticKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """The record that stands, until when it holds (None: it proves nothing), by which clause."""

    record_id: UUID
    valid_until: datetime | None
    clause: str

    def holds(self, at: datetime) -> bool:
        """Whether it may be relied on at an instant."""
        return self.valid_until is not None and at < self.valid_until


@dataclass(frozen=True, slots=True)
class CodeVerdict(Verdict):
    """What a system says of somebody's code."""

    system: str
    state: CodeState
    changed_at: datetime
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class CardVerdict(Verdict):
    """What the travel card seen last shows."""

    colour: CardColour
    updated_at: datetime
    window_days: int
    at_risk: bool


@dataclass(frozen=True, slots=True)
class NegativeTestVerdict(Verdict):
    """The negative test that holds longest."""

    kind: DiagnosticKind
    sampled_at: datetime
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class VaccinationVerdict:
    """How far somebody is vaccinated, and until when no sample had better be taken."""

    status: VaccinationStatus
    doses: int
    last_on: date | None
    no_sampling_until: datetime | None
    clause: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A test that somebody owes on their own, because of another one's result."""

    test_id: UUID
    because: str
    since_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of one person at an instant; whoever is unknown has nothing."""

    resident_id: UUID
    at: datetime
    codes: tuple[CodeVerdict, ...]
    travel_card: CardVerdict | None
    negative_test: NegativeTestVerdict | None
    vaccination: VaccinationVerdict
    owed: tuple[Owed, ...]

    @property
    def code(self) -> CodeVerdict | None:
        """The one that counts: the strictest of those that hold, else the one that changed last.

        What a worker saw on a phone gives way to what a system said later.
        """
        holding = [each for each in self.codes if each.holds(self.at)]
        asked = max((e.fetched_at for e in holding if e.system != MANUAL), default=None)
        counting = [
            each
            for each in holding
            if each.system != MANUAL or asked is None or each.fetched_at > asked
        ]
        if counting:
            return max(counting, key=lambda each: (_STRICTNESS[each.state], each.changed_at))
        return max(self.codes, key=lambda each: each.changed_at, default=None)


_STRICTNESS = {
    state: place
    for place, state in enumerate(
        (CodeState.green, CodeState.popup, CodeState.grey, CodeState.yellow, CodeState.red)
    )
}
