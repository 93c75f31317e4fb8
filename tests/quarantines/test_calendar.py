"""The days of stages under any changes: none belongs to two stages, and none that is past moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.protocols.documents import Plan
from api.protocols.facts import Facts
from api.protocols.timeline import StageDays, lay_out
from api.quarantines.calendar import begun_from, cut, lengthened, shortened
from api.quarantines.stage_models import ChangeKind
from tests.protocols.test_days import CONTROL, FACTS, plans

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Approved:
    """A change approved some days after the one before, and where it wants the end."""

    waited: int
    kind: ChangeKind
    place: int
    ends_in: int


CHANGES = st.lists(
    st.builds(
        Approved,
        waited=st.integers(0, 6),
        kind=st.sampled_from(ChangeKind),
        place=st.integers(0, 3),
        ends_in=st.integers(0, 20),
    ),
    min_size=1,
    max_size=6,
)


def _days(plan: Plan, facts: Facts) -> list[StageDays]:
    stages = lay_out(plan, facts, CONTROL).stages
    return [StageDays(each.starts_on, each.ends_on, each.counted_from) for each in stages]


def _made(
    stages: list[StageDays], change: Approved, today: date, other: Sequence[StageDays]
) -> list[StageDays]:
    """The stages after a change, or as they were where it would be refused."""
    place, ends_on = change.place % len(stages), today + timedelta(days=change.ends_in)
    stage = stages[place]
    if change.kind is ChangeKind.new_plan:
        coming = begun_from(other, max(today, stages[0].starts_on))
        return [*cut(stages, today - DAY), *coming] if coming else stages
    if change.kind is ChangeKind.early_end:
        return (cut(stages, ends_on) if ends_on < stages[-1].ends_on else []) or stages
    if change.kind is ChangeKind.shortening:
        within = stage.starts_on <= ends_on < stage.ends_on
        return shortened(stages, place, ends_on) if within else stages
    if ends_on <= stage.ends_on:
        return stages
    try:
        return lengthened(stages, place, ends_on, today)
    except ValueError:
        return stages


def _served(stages: Sequence[StageDays], until: date) -> dict[date, int]:
    """For every day before `until`, which index the stage that it belongs to gives it."""
    return {
        day: (day - stage.counted_from).days
        for stage in stages
        for day in _each(stage)
        if day < until
    }


def _each(stage: StageDays) -> list[date]:
    return [stage.starts_on + DAY * n for n in range((stage.ends_on - stage.starts_on).days + 1)]


@given(plans(), plans(), FACTS, CHANGES)
def test_after_any_changes_every_day_belongs_to_one_stage_or_none_and_the_past_stays(
    plan: Plan, other: Plan, facts: Facts, changes: list[Approved]
):
    stages, another = _days(plan, facts), _days(other, facts)
    assume(stages)
    today = CONTROL
    for change in changes:
        today += timedelta(days=change.waited)
        after = _made(stages, change, today, another)
        days = [day for stage in after for day in _each(stage)]
        assert days == sorted(set(days))
        assert all(stage.counted_from <= stage.starts_on <= stage.ends_on for stage in after)
        assert _served(after, today) == _served(stages, today)
        stages = after


@given(plans(), FACTS, st.integers(0, 60), st.integers(1, 20))
def test_what_is_longer_by_some_days_ends_later_by_them_and_leaves_the_others_their_length(
    plan: Plan, facts: Facts, passed: int, longer: int
):
    stages = _days(plan, facts)
    assume(stages)
    today = CONTROL + timedelta(days=passed)
    place = next((n for n, each in enumerate(stages) if each.ends_on >= today - DAY), None)
    assume(place is not None)
    assert place is not None
    after = lengthened(stages, place, stages[place].ends_on + longer * DAY, today)
    assert len(after) == len(stages)
    assert after[-1].ends_on == stages[-1].ends_on + longer * DAY
    for number, (former, latter) in enumerate(zip(stages, after, strict=True)):
        grown = longer if number == place else 0
        assert len(_each(latter)) == len(_each(former)) + grown


def test_the_days_between_an_end_and_a_late_extension_stay_free():
    served = StageDays(date(2022, 2, 1), date(2022, 2, 7), date(2022, 2, 1))
    today, until = date(2022, 2, 10), date(2022, 2, 12)
    after = lengthened([served], 0, until, today)
    assert after == [served, StageDays(today, until, date(2022, 2, 1))]


def test_a_stage_that_others_have_followed_does_not_go_on_beside_them():
    first = StageDays(date(2022, 2, 1), date(2022, 2, 7), date(2022, 2, 1))
    second = StageDays(date(2022, 2, 8), date(2022, 2, 14), date(2022, 2, 8))
    with pytest.raises(ValueError, match="others followed"):
        lengthened([first, second], 0, date(2022, 2, 16), date(2022, 2, 10))


def test_ending_early_drops_what_would_have_begun_later():
    first = StageDays(date(2022, 2, 1), date(2022, 2, 7), date(2022, 2, 1))
    second = StageDays(date(2022, 2, 8), date(2022, 2, 14), date(2022, 2, 8))
    assert cut([first, second], date(2022, 2, 5)) == [
        StageDays(date(2022, 2, 1), date(2022, 2, 5), date(2022, 2, 1))
    ]
