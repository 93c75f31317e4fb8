"""How an arrival is classed: the table of the rule, and what holds whatever the list says."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.arrivals.classification import (
    SEVERITY,
    Area,
    Stay,
    areas_of,
    classify,
    listed,
)
from api.arrivals.codes import canonical, significant
from api.foundation.records import new_id
from api.protocols.models import RiskLevel

COUNTY, TOWNSHIP, VILLAGE = "451026", "451026101", "451026101203"
DAY = timedelta(days=1)


def on(day: int) -> date:
    """A day of February 2022; 0 is 31 January, 40 is 12 March."""
    return date(2022, 1, 31) + timedelta(days=day)


def area(
    level: RiskLevel = RiskLevel.medium, since: int = 10, until: int | None = None, **told: str
) -> Area:
    prefix = told.get("prefix", COUNTY)
    return Area(new_id(), prefix, "岭边县", level, on(since), None if until is None else on(until))


def stay(since: int, until: int, code: str = TOWNSHIP) -> Stay:
    return Stay(code, on(since), on(until))


@pytest.mark.parametrize(
    ("told", "entry", "arrived", "left"),
    [
        # declared at risk on the 10th, looked back 14 days: counted from 27 January (day -4)
        (stay(8, 12), area(), 12, 12),
        (stay(-9, -4), area(), 9, -4),
        (stay(-9, -5), area(), 9, None),
        (stay(-4, -4), area(), 5, -4),
        # the last day there may lie 14 days before the arrival, and not 15
        (stay(8, 10), area(), 24, 10),
        (stay(8, 10), area(), 25, None),
        # lifted on the 15th: days after that are not days at risk
        (stay(12, 20), area(until=15), 20, 15),
        (stay(12, 20), area(until=15), 29, 15),
        (stay(12, 20), area(until=15), 30, None),
        (stay(16, 20), area(until=15), 20, None),
        (stay(15, 20), area(until=15), 20, 15),
        # a stay planned for longer ended with the arrival; one that was never begun does not count
        (stay(8, 20), area(), 14, 14),
        (stay(15, 20), area(), 14, None),
        # the place must lie in the area, not the area in the place
        (stay(8, 12, VILLAGE), area(), 12, 12),
        (stay(8, 12, COUNTY), area(prefix=TOWNSHIP), 12, None),
        (stay(8, 12, "451027101"), area(), 12, None),
        (stay(8, 12, "451000"), area(prefix="45"), 12, 12),
    ],
)
def test_a_stay_counts_by_its_place_and_its_days(
    told: Stay, entry: Area, arrived: int, left: int | None
):
    classified = classify([told], [entry], 14, on(arrived))
    assert classified.left_on == (None if left is None else on(left))
    assert classified.level is (RiskLevel.none if left is None else RiskLevel.medium)


def test_the_gravest_area_decides_and_of_equals_the_one_left_last():
    stays = [stay(8, 9, "451026"), stay(10, 11, "441900003"), stay(12, 13, "460203")]
    high = area(RiskLevel.high, prefix="451026")
    first, later = area(RiskLevel.medium, prefix="4419"), area(RiskLevel.medium, prefix="46")
    assert classify(stays, [first, later], 14, on(14)).area is later
    gravest = classify(stays, [first, high, later], 14, on(14))
    assert (gravest.area, gravest.stay, gravest.left_on) == (high, stays[0], on(9))


def test_the_explanation_names_the_area_the_days_and_the_rule():
    told = classify([stay(8, 12)], [area(until=15)], 14, on(13)).explanation
    for part in ("中风险区", "岭边县", COUNTY, TOWNSHIP, "2022-02-10", "2022-02-12", "14天"):
        assert part in told
    nothing = classify([stay(8, 12)], [], 7, on(13)).explanation
    assert "7天" in nothing
    assert "2022-02-13" in nothing


@pytest.mark.parametrize(
    ("code", "part", "kept"),
    [
        ("45", "45", "450000"),
        ("450000", "45", "450000"),
        ("450000000000", "45", "450000"),
        ("451400", "4514", "451400"),
        ("441900003", "441900003", "441900003"),
        ("441900", "4419", "441900"),
        ("451422201000", "451422201", "451422201"),
        ("451422201", "451422201", "451422201"),
        ("451422201203", "451422201203", "451422201203"),
        ("000000", "00", "000000"),
    ],
)
def test_zeros_that_fill_up_a_code_say_nothing(code: str, part: str, kept: str):
    assert (significant(code), canonical(code)) == (part, kept)
    assert significant(kept) == part


CODES = st.sampled_from(["45", "4510", "451026", "451026101", "451026101203", "441900003", "46"])
LEVELS = st.sampled_from([level for level in RiskLevel if level is not RiskLevel.none])
DAYS = st.integers(-40, 40)


@st.composite
def some_areas(draw: st.DrawFn) -> list[Area]:
    return [
        Area(
            UUID(int=draw(st.integers(0, 2**128 - 1))),
            draw(CODES),
            "某地",
            draw(LEVELS),
            on(since := draw(DAYS)),
            draw(st.none() | st.integers(since, 60).map(on)),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]


@st.composite
def some_stays(draw: st.DrawFn) -> list[Stay]:
    return [
        Stay(draw(CODES), on(since := draw(DAYS)), on(draw(st.integers(since, since + 30))))
        for _ in range(draw(st.integers(0, 5)))
    ]


@given(some_stays(), some_areas(), st.integers(0, 30), DAYS, st.randoms())
def test_no_order_of_stays_or_areas_decides(stays, areas, look_back, arrived, random):
    told = classify(stays, areas, look_back, on(arrived))
    random.shuffle(stays)
    random.shuffle(areas)
    assert classify(stays, areas, look_back, on(arrived)) == told


@given(some_stays(), some_areas(), some_areas(), st.integers(0, 30), DAYS)
def test_one_more_area_never_lowers_the_level(stays, areas, more, look_back, arrived):
    before = classify(stays, areas, look_back, on(arrived))
    after = classify(stays, areas + more, look_back, on(arrived))
    assert SEVERITY[after.level] >= SEVERITY[before.level]
    if after.level is before.level and before.left_on is not None:
        assert after.left_on is not None
        assert after.left_on >= before.left_on


@given(some_stays(), some_areas(), st.integers(0, 30), st.integers(0, 10), DAYS)
def test_looking_further_back_never_lowers_the_level(stays, areas, look_back, further, arrived):
    before = classify(stays, areas, look_back, on(arrived))
    after = classify(stays, areas, look_back + further, on(arrived))
    assert SEVERITY[after.level] >= SEVERITY[before.level]


@given(some_stays(), some_areas(), st.integers(0, 30), DAYS)
def test_what_decided_holds_what_the_rule_asks(stays, areas, look_back, arrived):
    told = classify(stays, areas, look_back, on(arrived))
    if told.area is None:
        assert (told.level, told.stay, told.left_on) == (RiskLevel.none, None, None)
        return
    assert told.stay is not None
    assert told.left_on is not None
    assert told.stay.code.startswith(told.area.prefix)
    assert told.stay.from_on <= told.left_on <= min(told.stay.to_on, on(arrived))
    assert told.left_on >= told.area.from_on - look_back * DAY
    assert told.left_on >= on(arrived) - look_back * DAY
    assert told.area.to_on is None or told.left_on <= told.area.to_on


@given(some_stays(), some_areas(), st.integers(0, 30), DAYS)
def test_areas_where_nobody_was_need_not_be_looked_at(stays, areas, look_back, arrived):
    near = areas_of(stays, listed(areas))
    assert classify(stays, near, look_back, on(arrived)) == classify(
        stays, areas, look_back, on(arrived)
    )
