"""What answers say: mapped, dug out of strings, never green by accident."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.health_codes.answers import Trouble
from api.health_codes.reading import WORST_FIRST, as_instant, read, values_at
from api.health_codes.shipped import presets
from api.health_records.models import CodeState

ZONE = "Asia/Shanghai"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


def _national(*statuses: str, **data: Any) -> dict[str, Any]:
    content = {"data": {"healthyReport": [{"healthyStaus": each} for each in statuses]}}
    told = {"content": json.dumps(content), "hasWarm": "未见异常", **data}
    return {"errcode": 0, "data": told}


def _state(code: str, told: Any) -> CodeState | Trouble:
    return read(presets()[code].document.reading, told, zone=ZONE).state


@pytest.mark.parametrize("code", presets())
@given(told=_JSON)
def test_whatever_comes_back_nothing_is_raised_and_nothing_is_green(code: str, told: Any):
    assert isinstance(_state(code, told), Trouble)


@pytest.mark.parametrize("code", presets())
def test_every_state_counts_in_the_order_of_the_worst(code: str):
    assert set(WORST_FIRST) == set(CodeState)
    assert WORST_FIRST[0] is CodeState.red
    assert WORST_FIRST[-1] is CodeState.green


def test_of_the_codes_of_several_provinces_the_worst_counts():
    assert _state("national_style", _national("00", "00")) is CodeState.green
    assert _state("national_style", _national("00", "01")) is CodeState.yellow
    assert _state("national_style", _national("10", "00", "01")) is CodeState.red


def test_one_that_is_not_mapped_makes_green_unknown_but_does_not_hide_red():
    assert _state("national_style", _national("00", "88")) is Trouble.unreadable
    assert _state("national_style", _national("10", "88")) is CodeState.red


def test_a_pop_up_does_not_hide_a_red_code():
    assert _state("national_style", _national("00", hasWarm="有弹窗")) is CodeState.popup
    assert _state("national_style", _national("10", hasWarm="有弹窗")) is CodeState.red


def test_no_report_at_all_is_unreadable():
    assert _state("national_style", _national()) is Trouble.unreadable


def test_an_expired_report_is_expired_and_a_red_one_stays_red():
    data = {"risk_assessment_grade": "00", "report_expired": True}
    assert _state("gate_vendor", {"code": 0, "data": data}) is CodeState.expired
    data["risk_assessment_grade"] = "10"
    assert _state("gate_vendor", {"code": 0, "data": data}) is CodeState.red


def test_a_result_code_that_is_not_known_is_a_refusal():
    green = {"risk_assessment_grade": "00"}
    assert _state("gate_vendor", {"code": "7", "data": green}) is Trouble.refused
    assert _state("gate_vendor", {"data": green}) is Trouble.unreadable


def test_a_dotted_path_looks_into_json_within_strings_within_strings():
    told = {"a": json.dumps({"b": json.dumps([{"c": 1}, {"c": 2}])})}
    assert values_at(told, "a.b.1.c") == [2]
    assert values_at(told, "a.b.*.c") == [1, 2]
    assert values_at(told, "a.b.9.c") == values_at(told, "a.x") == values_at("plain", "a") == []


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2022-02-15 08:30:00", 0),
        ("2022/02/15 08:30:00", 0),
        ("20220215083000", 0),
        ("2022-02-15T08:30:00+08:00", 0),
        ("2022-02-15T00:30:00Z", 0),
        ("1644885000", 0),
        ("1644885000000", 0),
    ],
)
def test_times_are_read_as_such_systems_write_them(text: str, hour: int):
    assert as_instant(text, ZONE) == datetime(2022, 2, 15, hour, 30, tzinfo=UTC)


def test_a_day_alone_ends_at_its_end():
    assert as_instant("2022-02-15", ZONE) == datetime(2022, 2, 14, 16, tzinfo=UTC)
    assert as_instant("2022-02-15", ZONE, ends=True) == datetime(2022, 2, 15, 16, tzinfo=UTC)


@given(st.text(max_size=30))
def test_what_is_no_time_is_none(text: str):
    told = as_instant(text, ZONE)
    assert told is None or told.tzinfo is UTC
