"""The day of the township, wherever the server stands."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from api.foundation import clock

DAYS = st.dates(date(1950, 1, 1), date(2199, 12, 31))


@time_machine.travel("2022-02-15T16:00:00Z", tick=False)
def test_at_four_in_the_afternoon_utc_the_next_day_begins_in_the_township():
    assert clock.now() == datetime(2022, 2, 15, 16, tzinfo=UTC)
    assert clock.today() == date(2022, 2, 16)


def test_now_carries_its_offset():
    assert clock.now().utcoffset() == timedelta(0)


async def test_only_the_task_that_goes_back_is_in_the_past():
    past = clock.now() - timedelta(days=3)
    with clock.going_back_to(past):
        assert clock.now() == past
        assert clock.now().utcoffset() == timedelta(0)
        later = asyncio.create_task(_now())
    assert clock.now() > past + timedelta(days=2)
    assert await later == past
    assert await asyncio.create_task(_now()) > past + timedelta(days=2)


async def _now() -> datetime:
    return clock.now()


def test_nobody_goes_to_an_instant_that_has_not_come():
    with (
        pytest.raises(ValueError, match="not passed"),
        clock.going_back_to(clock.now() + timedelta(minutes=1)),
    ):
        pass


def test_the_wall_clock_of_the_township_is_eight_hours_ahead():
    assert clock.local_time(datetime(2022, 2, 15, 23, 30, tzinfo=UTC)) == time(7, 30)


def test_an_instant_without_an_offset_has_no_day():
    naive = datetime(2022, 2, 15, 8)  # noqa: DTZ001
    with pytest.raises(ValueError, match="offset"):
        clock.local_day(naive)
    with pytest.raises(ValueError, match="offset"):
        clock.local_time(naive)


@given(DAYS)
def test_a_day_holds_its_first_instant_and_not_the_first_of_the_next(day: date):
    start, end = clock.day_bounds(day)
    assert clock.local_day(start) == day
    assert clock.local_day(end - timedelta(microseconds=1)) == day
    assert clock.local_day(end) == day + timedelta(days=1)


@given(DAYS)
def test_days_follow_one_another_without_a_gap(day: date):
    assert clock.day_bounds(day)[1] == clock.day_bounds(day + timedelta(days=1))[0]


@given(st.datetimes(datetime(1950, 1, 2), datetime(2199, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_every_instant_lies_within_the_bounds_of_its_day(instant: datetime):
    start, end = clock.day_bounds(clock.local_day(instant))
    assert start <= instant < end
