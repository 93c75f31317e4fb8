"""Which follow-ups a release leaves, and which call answers them: derived, never kept (M3.8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from api.care.models import CallKind, CallOutcome
from api.foundation import clock
from api.foundation.labels import Labelled


class Released(Protocol):
    """Who was released when, and after how many days they are asked how they are."""

    @property
    def released_on(self) -> date: ...
    @property
    def approved_at(self) -> datetime: ...
    @property
    def follow_up_days(self) -> list[int]: ...


class Call(Protocol):
    """A call that counts."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> CallKind: ...
    @property
    def day(self) -> date: ...
    @property
    def outcome(self) -> CallOutcome: ...


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up on day `day` after the release; `call_id` answers it, on `answered_on`."""

    day: int
    due_on: date
    call_id: UUID | None
    answered_on: date | None
    late: bool


class WhichFollowUps(Labelled):
    """Which follow-ups of a release are wanted."""

    due = "due", "截至今天应做的"
    upcoming = "upcoming", "今天以后的"
    all = "all", "全部"

    def includes(self, follow_up: FollowUp, today: date) -> bool:
        """Whether one is among them, as of a day."""
        return self is WhichFollowUps.all or (self is WhichFollowUps.due) is (
            follow_up.due_on <= today
        )


def follow_ups(
    release: Released, calls: Iterable[Call], today: date, *, died_on: date | None = None
) -> list[FollowUp]:
    """Every follow-up of a release by day, also those to come; the day of release is day 0.

    Of a release told late, the days that were over by then are nobody's to do, and left out unless
    somebody called on that day all the same. From the day on which they died nobody is to call.

    The first call on its day or later answers it, and with it whatever was missed before: nobody is
    called three times on one day. A call that did not get through answers nothing. `late` is one
    that was answered after its day, or not yet though its day is over.
    """
    answering = sorted(
        (
            call
            for call in calls
            if call.kind is CallKind.follow_up and call.outcome is not CallOutcome.unreachable
        ),
        key=lambda call: (call.day, call.id),
    )
    found: list[FollowUp] = []
    for day in sorted(set(release.follow_up_days)):
        due_on = release.released_on + timedelta(days=day)
        call = next((each for each in answering if due_on <= each.day <= today), None)
        late = due_on < (call.day if call else today)
        if late and due_on < clock.local_day(release.approved_at):
            continue
        if call is None and died_on is not None and died_on <= due_on:
            continue
        found.append(
            FollowUp(day, due_on, call.id if call else None, call.day if call else None, late)
        )
    return found
