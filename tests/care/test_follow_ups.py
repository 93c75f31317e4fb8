"""Follow-ups after a release, for any days and any calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.care.follow_ups import FollowUp, WhichFollowUps, follow_ups
from api.care.models import CallKind, CallOutcome
from api.foundation import clock
from api.foundation.records import new_id

RELEASED = date(2022, 2, 21)


@dataclass(frozen=True)
class Release:
    follow_up_days: list[int]
    released_on: date = RELEASED
    told_on: date = RELEASED

    @property
    def approved_at(self) -> datetime:
        """An hour before midnight of the day on which it was told."""
        return clock.day_bounds(self.told_on)[1] - timedelta(hours=1)


@dataclass(frozen=True)
class Call:
    day: date
    kind: CallKind = CallKind.follow_up
    outcome: CallOutcome = CallOutcome.reached
    id: UUID = field(default_factory=new_id)


def on(day: int) -> date:
    return RELEASED + timedelta(days=day)


def due(release: Release, made: Iterable[Call], today: date) -> list[FollowUp]:
    told = follow_ups(release, made, today)
    return [each for each in told if WhichFollowUps.due.includes(each, today)]


def test_each_day_is_answered_by_the_first_call_on_it_or_later():
    calls = [Call(on(1)), Call(on(4))]
    found = due(Release([1, 2, 3, 7, 14]), calls, on(7))
    assert [(each.day, each.answered_on, each.late) for each in found] == [
        (1, on(1), False),
        (2, on(4), True),
        (3, on(4), True),
        (7, None, False),
    ]
    assert due(Release([7]), calls, on(8))[0].late


def test_days_that_were_over_when_the_release_was_told_are_nobodys_to_do():
    told = Release([1, 2, 3, 7], told_on=on(3))
    found = due(told, [Call(on(2)), Call(on(7))], on(8))
    assert [(each.day, each.answered_on, each.late) for each in found] == [
        (2, on(2), False),
        (3, on(7), True),
        (7, on(7), False),
    ]


def test_a_greeting_before_and_a_call_that_did_not_get_through_answer_nothing():
    calls = [
        Call(on(1), kind=CallKind.daily),
        Call(on(1), outcome=CallOutcome.unreachable),
        Call(on(2), outcome=CallOutcome.refused),
    ]
    [found] = due(Release([1]), calls, on(3))
    assert (found.call_id, found.late) == (calls[2].id, True)


def test_what_is_to_come_is_told_with_its_day_and_is_neither_answered_nor_late():
    told = follow_ups(Release([1, 3, 7]), [Call(on(1)), Call(on(9))], on(1))
    assert [(each.day, each.due_on, each.call_id is None, each.late) for each in told] == [
        (1, on(1), False, False),
        (3, on(3), True, False),
        (7, on(7), True, False),
    ]
    upcoming = [each.day for each in told if WhichFollowUps.upcoming.includes(each, on(1))]
    assert upcoming == [3, 7]
    assert all(WhichFollowUps.all.includes(each, on(1)) for each in told)


def test_without_follow_up_days_nothing_is_due():
    assert due(Release([]), [Call(on(1))], on(30)) == []


days = st.lists(st.integers(1, 30), max_size=6)
calls = st.lists(
    st.builds(
        Call,
        day=st.integers(0, 40).map(on),
        kind=st.sampled_from(CallKind),
        outcome=st.sampled_from(CallOutcome),
    ),
    max_size=6,
)


@given(days, calls, st.integers(0, 40).map(on), st.randoms(use_true_random=False))
def test_what_is_due_does_not_depend_on_the_order_of_the_records(
    told: list[int], made: list[Call], today: date, chance: Any
):
    shuffled = list(made)
    chance.shuffle(shuffled)
    found = due(Release(told), made, today)
    assert due(Release(told), shuffled, today) == found
    assert [each.day for each in found] == sorted({day for day in told if on(day) <= today})
    for each in found:
        assert each.answered_on is None or each.due_on <= each.answered_on <= today


@given(days, calls, st.integers(0, 40).map(on))
def test_what_is_answered_stays_answered_as_days_go_by(
    told: list[int], made: list[Call], today: date
):
    before = due(Release(told), made, today)
    after = {each.day: each for each in due(Release(told), made, on(60))}
    for each in before:
        if each.call_id is not None:
            assert after[each.day].answered_on == each.answered_on
