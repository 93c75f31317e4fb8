"""Whatever stands in a sheet is a lead, or wrong in a way that is told; nothing else happens."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.leads.cells import CellWrong, day_of, digits_of
from api.leads.headings import NAMES, field_of, find_heading
from api.leads.lead_rows import Reading, is_no_lead, letter, read_row, shown_wrong
from api.leads.people_cells import age_of, name_of, phones_of
from api.leads.places import Places
from api.leads.schemas import LeadRecord

HEADINGS = [names[0] for names in NAMES.values()]
CELLS = (
    st.text(max_size=30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.dates()
    | st.sampled_from(
        ["", "甲某", "13912340001", "2.29", "合计", "、", "1e17", "451422199001010012"]
    )
)
ISSUED = date(2022, 2, 15)


@given(st.lists(CELLS, min_size=1, max_size=len(HEADINGS) + 2).filter(any))
def test_any_row_is_read_or_told_wrong(row: list[str | float | bool | date]):
    heading = find_heading([[*HEADINGS]])
    assert heading is not None
    reading = Reading(heading, Places([]), ISSUED)
    if not any(str(cell).strip() for cell in row) or is_no_lead(reading, row, directly_below=True):
        return
    read = read_row(reading, row, number=2)
    if isinstance(read, LeadRecord):
        assert read.name or read.phone or read.document
    else:
        assert read
        assert all(shown_wrong(heading, each).detail for each in read)


@given(st.lists(st.lists(CELLS, max_size=8), max_size=15))
def test_any_rows_have_a_heading_or_none(rows: list[list[str | float | bool | date]]):
    heading = find_heading(rows)
    if heading is not None:
        assert {"name", "document", "phone"} & set(heading.fields.values())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("姓 名", "name"),
        ("* 联系电话（必填）", "phone"),
        ("\uff0a\u8eab\u4efd\u8bc1\u53f7\u7801\uff08\u5fc5\u586b\uff09", "document"),
        ("联系电话1", "phone"),
        ("车次/航班号", "transport_number"),
        ("体温", None),
        ("", None),
        (3.0, None),
    ],
)
def test_a_heading_is_known_by_its_words(text: object, field: str | None):
    assert field_of(text) == field


def test_columns_are_named_as_a_sheet_names_them():
    assert [letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (date(2022, 2, 4), date(2022, 2, 4)),
        ("2022-02-04", date(2022, 2, 4)),
        ("2022/2/4 10:30", date(2022, 2, 4)),
        ("2022年2月4日", date(2022, 2, 4)),
        ("2.4", date(2022, 2, 4)),
        (2.4, date(2022, 2, 4)),
        ("2月16日", date(2021, 2, 16)),
        ("2月4号", date(2022, 2, 4)),
        ("2022年2月4日14时", date(2022, 2, 4)),
        ("2022 - 02 - 04", date(2022, 2, 4)),
        (44596.5, date(2022, 2, 4)),
        ("\uff12\uff10\uff12\uff12.2.4", date(2022, 2, 4)),
    ],
)
def test_a_day_is_understood_in_many_ways(cell: str | float | date, day: date):
    assert day_of(cell, latest=ISSUED) == day


@pytest.mark.parametrize(
    "cell", ["2.30", "13月1日", "昨天", 5.0, "2022-02-30", "29.2", 2.1, "2月4日至6日"]
)
def test_what_is_no_day_is_told(cell: str | float):
    with pytest.raises(CellWrong):
        day_of(cell, latest=ISSUED)


def test_numbers_that_are_names_are_whole_or_refused():
    assert digits_of(139_123_400_01.0, what="电话") == "13912340001"
    assert digits_of(130_503_670_401_001.0, what="证件") == "130503670401001"
    for destroyed in (4.5142219900101e17, "4.51E+17", "\uff14.51E+17"):
        with pytest.raises(CellWrong):
            digits_of(destroyed, what="证件")
    phones = phones_of("13912340001\uff0c13912340002")
    assert [each.said for each in phones] == ["13912340001", "13912340002"]


@pytest.mark.parametrize(
    ("cell", "number", "beside"),
    [
        ("13912340001（母亲）", "13912340001", "母亲"),
        ("本人：139 1234 0001", "139 1234 0001", "本人"),
        ("0771-1234567", "0771-1234567", None),
        ("13912340001转3", "13912340001转3", None),
    ],
)
def test_whose_phone_it_is_stands_beside_it(cell: str, number: str, beside: str | None):
    assert phones_of(cell) == [(number, beside)]


def test_a_name_is_one_persons_and_no_number():
    assert name_of("张  三") == name_of("张\u3000三") == ("张三", None)
    assert name_of("MARIA LOPEZ") == ("MARIA LOPEZ", None)
    assert name_of("黄小妹（女）") == ("黄小妹", "女")
    for wrong in ("甲某、乙某", "黄小妹等3人", "13912340001"):
        with pytest.raises(CellWrong):
            name_of(wrong)


def test_whoever_is_months_old_is_no_year_old():
    assert [age_of(each) for each in ("35岁", "约40", "3个月", "20天", 35.0)] == [35, 40, 0, 0, 35]
    with pytest.raises(CellWrong):
        age_of("成年")
