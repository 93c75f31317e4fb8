"""The invented days hold together at every hour, and leave everybody a real morning."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

import pytest

from api.alerts.models import Cause
from api.arrivals.division_files import example_divisions, read_divisions
from api.demo.alarms import Round
from api.demo.chance import Chance
from api.demo.diary import Answer, Deed, Happening, Hour
from api.demo.homecomings import CONTROLLED, RISK_AREAS, Fate
from api.demo.names import TOWNSHIP, TOWNSHIP_CODE
from api.demo.staff import appoint
from api.demo.story import Story, happenings, invent
from api.demo.township import Grid, settle
from api.foundation import clock
from api.grids.models import GridKind

DAY = date(2022, 2, 15)
ROOT = Grid(
    UUID("01900000-0000-7000-8000-000000000001"),
    None,
    f"{TOWNSHIP_CODE}000",
    TOWNSHIP,
    GridKind.township,
)
HOURS = (0, 5, 8, 12, 16, 20, 23)


@cache
def _story(hour: int, villages: int = 2) -> Story:
    township = settle(Chance(DAY), ROOT, villages=villages)
    appoint(township)
    at = datetime(2022, 2, 15, hour, 5, tzinfo=clock.TOWNSHIP_ZONE)
    return invent(township, now=at)


def _told(hour: int) -> list[Happening]:
    story = _story(hour)
    return sorted((each for each in happenings(story) if each.at <= story.now), key=_at)


def _at(happening: Happening) -> datetime:
    return happening.at


@pytest.mark.parametrize("hour", HOURS)
def test_nothing_is_told_of_before_it_happened(hour: int):
    for each in _told(hour):
        if not isinstance(each, Deed):
            continue
        for name in ("recorded_at", "measured_at", "called_at", "arrived_at", "checked_at"):
            if isinstance(told := each.body.get(name), str):
                assert datetime.fromisoformat(told) <= each.at, each


@pytest.mark.parametrize("hour", HOURS)
def test_whenever_it_is_started_a_fever_is_minutes_old(hour: int):
    story = _story(hour)
    fevers = [
        each
        for each in _told(hour)
        if isinstance(each, Deed) and each.path == "/v1/readings"
        if each.body["value_c"] >= 37.3 and story.now - each.at < timedelta(minutes=15)
    ]
    assert len(fevers) == 1
    (first, *_) = story.by_hand
    assert fevers[0].body["quarantine_id"] == str(first.id)
    causes = [each.cause for each in _told(hour) if isinstance(each, Answer)]
    assert Counter(causes) == {Cause.reported: 1, Cause.symptom: 3, Cause.positive_test: 1}


@pytest.mark.parametrize("hour", HOURS)
def test_a_round_asks_for_nobody_who_is_not_in_quarantine_yet(hour: int):
    begun = {
        str(each.id): (each.begins_at or clock.day_bounds(each.started_on)[0], each.last_on)
        for each in _story(hour).quarantines
    }
    for each in _told(hour):
        if isinstance(each, Deed) and each.path == "/v1/rounds":
            for reading in each.body["readings"]:
                begins_at, last_on = begun[reading["quarantine_id"]]
                measured_at = datetime.fromisoformat(reading["measured_at"])
                assert begins_at <= measured_at <= each.at
                assert clock.local_day(measured_at) <= last_on


def test_told_once_more_it_is_the_same_word_for_word():
    first = [each for each in _told(12) if isinstance(each, Deed)]
    _story.cache_clear()
    again = [each for each in _told(12) if isinstance(each, Deed)]
    assert first == again
    created = [each.body["id"] for each in first if "id" in each.body]
    assert len(set(created)) == len(created)


def test_the_service_does_its_work_and_people_answer_all_day():
    told = _told(23)
    hours = [each.at for each in told if isinstance(each, Hour)]
    assert len(hours) > 40
    assert hours[-1] == _story(23).now
    assert sum(isinstance(each, Round) for each in told) > 40


def test_some_hundred_come_home_with_every_fate():
    story = _story(12, villages=27)
    assert 90 <= len(story.coming) <= 300
    assert {each.fate for each in story.coming} == set(Fate)
    people = [each.resident.id for each in story.coming]
    assert len({*people, *(each.resident.id for each in story.by_hand)}) == len(people) + 31
    assert len(story.controlled) == sum(each.fate in CONTROLLED for each in story.coming)
    served = [each for each in story.quarantines if each.team]
    assert all(len({post.worker.id for post in each.team}) == 4 for each in served)


def test_they_come_from_divisions_that_ship_with_the_service():
    known = {division.code for division in read_divisions(example_divisions())}
    assert {each.origin.code for each in _story(12).coming} <= known
    assert {area.code for area in RISK_AREAS} <= known
