"""Whatever is changed and when: every day is of one stage or none, and past days stay as served."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from api.protocols.documents import Plan
from api.protocols.facts import Facts
from api.protocols.timeline import LaidStage, StageDays, lay_out
from api.quarantines.calendar import begun_from, cut, lengthened, shortened
from tests.protocols.test_days import CONTROL, FACTS, plans

DAY = timedelta(days=1)
Course = list[LaidStage]


def between(draw: st.DrawFn, first: date, last: date) -> date:
    assume(first <= last)
    return first + timedelta(days=draw(st.integers(0, (last - first).days)))


def longer(draw: st.DrawFn, course: Course, today: date) -> Course:
    place = draw(st.integers(0, len(course) - 1))
    least = max(today, course[place].ends_on + DAY)
    assume(course[place].ends_on >= today - DAY or place == len(course) - 1)
    return lengthened(course, place, between(draw, least, least + 9 * DAY), today)


def shorter(draw: st.DrawFn, course: Course, today: date) -> Course:
    place = draw(st.integers(0, len(course) - 1))
    stage = course[place]
    ends_on = between(draw, max(today, stage.starts_on), stage.ends_on - DAY)
    return shortened(course, place, ends_on)


def over_early(draw: st.DrawFn, course: Course, today: date) -> Course:
    left = cut(course, between(draw, today, course[-1].ends_on - DAY))
    assume(left)
    return left


def another_plan(draw: st.DrawFn, course: Course, today: date) -> Course:
    today = max(today, course[0].starts_on)
    coming = begun_from(lay_out(draw(plans()), draw(FACTS), course[0].starts_on).stages, today)
    assume(coming)
    return [*cut(course, today - DAY), *coming]


CHANGES = (longer, shorter, over_early, another_plan)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[date, Course]]:
    """A course as it stood from each day on: any plan, then any changes, as time goes by."""
    course: Course = list(lay_out(draw(plans()), draw(FACTS), CONTROL).stages)
    assume(course)
    today, history = CONTROL, [(CONTROL, course)]
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        today += draw(st.integers(0, 12)) * DAY
        course = change(draw, course, today)
        history.append((today, course))
    return history


def of_day(course: Sequence[StageDays], day: date) -> list[tuple[date, object]]:
    """What a day belonged to: the stage it was of, by its rule, and from when it was counted."""
    return [
        (stage.counted_from, stage.rule.category if isinstance(stage, LaidStage) else None)
        for stage in course
        if day in stage
    ]


@given(histories())
def test_every_day_belongs_to_one_stage_or_to_none_whatever_was_changed(
    history: list[tuple[date, Course]],
):
    for _, course in history:
        assert all(stage.counted_from <= stage.starts_on <= stage.ends_on for stage in course)
        assert all(stage.ends_on < later.starts_on for stage, later in pairwise(course))


@given(histories())
def test_no_change_touches_a_day_that_is_past(history: list[tuple[date, Course]]):
    for (_, before), (today, after) in pairwise(history):
        first = min(before[0].starts_on, after[0].starts_on)
        for offset in range((today - first).days):
            day = first + timedelta(days=offset)
            assert of_day(before, day) == of_day(after, day)


@given(plans(), FACTS, st.integers(0, 40), st.integers(1, 30))
def test_a_longer_stage_moves_what_follows_and_leaves_its_length(
    plan: Plan, facts: Facts, later: int, by: int
):
    course = list(lay_out(plan, facts, CONTROL).stages)
    today = CONTROL + later * DAY
    running = [n for n, each in enumerate(course) if each.ends_on >= today - DAY]
    assume(running)
    place, *follow = running
    ends_on = max(today, course[place].ends_on + by * DAY)
    after = lengthened(course, place, ends_on, today)
    assert after[place].ends_on == ends_on
    moved = ends_on - course[place].ends_on
    for n in follow:
        for name in ("starts_on", "ends_on", "counted_from"):
            assert getattr(after[n], name) == getattr(course[n], name) + moved
