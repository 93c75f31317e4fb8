"""The rules that policies state, as algebra: each instant has its window, each team its verdict."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.records import new_id
from api.protocols.models import Comparator, Timing
from api.protocols.policies import (
    CareTeamRule,
    Lack,
    MonitoringRule,
    Seat,
    Window,
    judge,
    missing,
    plausible,
    window_of,
    windows_of,
)
from api.protocols.problems import UnknownWindow

FOUR_TO_ONE = CareTeamRule(
    id=new_id(),
    code="four_to_one",
    revision=1,
    size=4,
    min_party_members=1,
    role_minima={},
    max_persons_per_worker=10,
)


def monitoring(*windows: Window, comparator: Comparator = Comparator.gte) -> MonitoringRule:
    return MonitoringRule(
        id=new_id(),
        code="twice_daily",
        revision=1,
        windows=windows,
        fever_threshold_c=37.3,
        comparator=comparator,
        low_threshold_c=35.0,
        plausible_min_c=34.0,
        plausible_max_c=43.0,
        exempt_whereabouts=frozenset(),
    )


TWICE_DAILY = monitoring(
    Window("morning", "早", time(6), time(11)), Window("evening", "晚", time(15), time(21))
)


@st.composite
def rules(draw: st.DrawFn) -> MonitoringRule:
    """Any windows that a policy may have: in order, not overlapping, within one day."""
    minutes = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=2, max_size=12)))
    ends = [time(minute // 60, minute % 60) for minute in minutes]
    touching = draw(st.booleans())
    pairs = pairwise(ends) if touching else zip(ends[::2], ends[1::2], strict=False)
    return monitoring(*(Window(f"w{place}", "段", *pair) for place, pair in enumerate(pairs)))


INSTANTS = st.integers(1_575_000_000, 2_050_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
"""Every second from late 2019 on: the township's clock has no summer time in these years."""


@given(rules(), INSTANTS)
def test_every_instant_belongs_to_exactly_one_window_of_its_local_day(
    rule: MonitoringRule, at: datetime
):
    slot = window_of(rule, at)
    assert slot.day == clock.local_day(at)
    assert [opening.window for opening in windows_of(rule, slot.day)].count(slot.window) == 1


@given(rules(), INSTANTS)
def test_a_reading_is_on_time_if_and_only_if_it_lies_inside_a_window(
    rule: MonitoringRule, at: datetime
):
    slot = window_of(rule, at)
    inside = [
        opening
        for opening in windows_of(rule, clock.local_day(at))
        if opening.opens_at <= at < opening.closes_at
    ]
    assert (slot.timing is Timing.on_time) == bool(inside)
    if inside:
        assert [opening.window for opening in inside] == [slot.window]


@given(rules(), INSTANTS)
def test_outside_it_is_late_for_the_window_that_ended_last_and_early_before_the_first(
    rule: MonitoringRule, at: datetime
):
    slot = window_of(rule, at)
    openings = windows_of(rule, clock.local_day(at))
    ended = [opening for opening in openings if opening.closes_at <= at]
    if slot.timing is Timing.late:
        assert slot.window == ended[-1].window
    if slot.timing is Timing.early:
        assert not ended
        assert slot.window == openings[0].window


@given(rules(), INSTANTS, st.data())
def test_naming_the_window_changes_only_which_window_it_is_timed_by(
    rule: MonitoringRule, at: datetime, data: st.DataObject
):
    opening = data.draw(st.sampled_from(windows_of(rule, clock.local_day(at))))
    slot = window_of(rule, at, opening.window)
    assert (slot.day, slot.window) == (clock.local_day(at), opening.window)
    assert (slot.timing is Timing.early) == (at < opening.opens_at)
    assert (slot.timing is Timing.late) == (at >= opening.closes_at)


@given(rules(), st.dates(date(2019, 12, 1), date(2035, 1, 1)))
def test_the_windows_of_a_day_follow_one_another_within_it(rule: MonitoringRule, day: date):
    begins, ends = clock.day_bounds(day)
    instants = [begins]
    for opening in windows_of(rule, day):
        instants += [opening.opens_at, opening.closes_at]
    instants.append(ends)
    assert instants == sorted(instants)


def test_the_closing_minute_is_late_and_the_opening_minute_on_time():
    morning = datetime(2022, 2, 15, 6, tzinfo=clock.TOWNSHIP_ZONE)
    assert window_of(TWICE_DAILY, morning) == (date(2022, 2, 15), "morning", "on_time")
    assert window_of(TWICE_DAILY, morning + timedelta(hours=5)).timing is Timing.late
    assert window_of(TWICE_DAILY, morning - timedelta(minutes=1)).timing is Timing.early


def test_a_window_that_the_policy_does_not_have_is_told_with_those_it_has():
    with pytest.raises(UnknownWindow) as told:
        window_of(TWICE_DAILY, clock.now(), "noon")
    assert told.value.members["windows"] == {"morning": "早", "evening": "晚"}


@pytest.mark.parametrize(
    ("comparator", "value", "abnormal"),
    [
        (Comparator.gte, 37.2, False),
        (Comparator.gte, 37.3, True),
        (Comparator.gt, 37.3, False),
        (Comparator.gt, 37.4, True),
    ],
)
def test_fever_is_told_by_threshold_and_comparator(
    comparator: Comparator, value: float, abnormal: bool
):
    rule = monitoring(*TWICE_DAILY.windows, comparator=comparator)
    assert judge(rule, value, []).abnormal is abnormal


def test_a_symptom_is_abnormal_at_any_temperature():
    assert judge(TWICE_DAILY, 36.5, ["dry_cough"]) == (True, False)


def test_a_low_temperature_is_flagged_and_an_impossible_one_is_not_plausible():
    assert judge(TWICE_DAILY, 34.9, []) == (False, True)
    assert judge(TWICE_DAILY, 35.0, []) == (False, False)
    assert [plausible(TWICE_DAILY, value) for value in (33.9, 34.0, 43.0, 43.1)] == [
        False,
        True,
        True,
        False,
    ]


def seat(role: Role = Role.volunteer, *, party: bool = False, worker: UUID | None = None) -> Seat:
    return Seat(worker or new_id(), role, party)


def test_four_different_people_with_one_party_member_are_a_team():
    assert missing(FOUR_TO_ONE, [seat(party=True), seat(), seat(), seat()]) == []


def test_what_a_team_lacks_is_named_and_counted():
    lacks = missing(FOUR_TO_ONE, [seat(), seat()])
    assert [(each.lack, each.number) for each in lacks] == [
        (Lack.too_few, 2),
        (Lack.party_members, 1),
    ]
    assert [each.detail for each in lacks] == [
        "须由4人包保，还差2人。",
        "其中至少须有1名党员，还差1名。",
    ]


def test_one_person_on_two_seats_is_one_person():
    twice = new_id()
    lacks = missing(
        FOUR_TO_ONE, [seat(worker=twice, party=True), seat(worker=twice), seat(), seat()]
    )
    assert [each.lack for each in lacks] == [Lack.same_person, Lack.too_few]


def test_a_fifth_person_is_one_too_many():
    lacks = missing(FOUR_TO_ONE, [seat(party=True), *(seat() for _ in range(4))])
    assert [(each.lack, each.number) for each in lacks] == [(Lack.too_many, 1)]


def test_a_role_that_is_missing_is_named():
    rule = CareTeamRule(
        id=new_id(),
        code="with_a_doctor",
        revision=1,
        size=2,
        min_party_members=0,
        role_minima={Role.village_doctor: 1},
        max_persons_per_worker=None,
    )
    (lack,) = missing(rule, [seat(), seat()])
    assert (lack.lack, lack.role, lack.number) == (Lack.role, Role.village_doctor, 1)
    assert lack.detail == "其中至少须有1名村医，还差1名。"


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(Role), st.booleans()), max_size=8))
def test_a_team_is_whole_exactly_when_it_keeps_every_clause(
    told: list[tuple[int, Role, bool]],
):
    seats = [Seat(UUID(int=person), role, party) for person, role, party in told]
    whole = (
        len(seats) == FOUR_TO_ONE.size
        and len({each.worker_id for each in seats}) == FOUR_TO_ONE.size
        and any(each.is_party_member for each in seats)
    )
    assert (missing(FOUR_TO_ONE, seats) == []) is whole
