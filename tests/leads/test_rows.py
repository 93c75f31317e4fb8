"""Whatever stands in a sheet is a lead, or wrong in a way that is told; nothing else happens."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.leads.cells import CellWrong, day_of, digits_of, one_name_of, phones_of
from api.leads.headings import NAMES, field_of, find_heading
from api.leads.lead_rows import Reading, is_no_lead, letter, read_row, shown_wrong
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
        (44596.5, date(2022, 2, 4)),
        ("\uff12\uff10\uff12\uff12.2.4", date(2022, 2, 4)),
    ],
)
def test_a_day_is_understood_in_many_ways(cell: str | float | date, day: date):
    assert day_of(cell, latest=ISSUED) == day


@pytest.mark.parametrize("cell", ["2.30", "13月1日", "昨天", 5.0, "2022-02-30", "29.2", 2.1])
def test_what_is_no_day_is_told(cell: str | float):
    with pytest.raises(CellWrong):
        day_of(cell, latest=ISSUED)


def test_numbers_that_are_names_are_whole_or_refused():
    assert digits_of(139_123_400_01.0, what="电话") == "13912340001"
    assert digits_of(130_503_670_401_001.0, what="证件") == "130503670401001"
    for destroyed in (4.5142219900101e17, "4.51E+17", "\uff14.51E+17"):
        with pytest.raises(CellWrong):
            digits_of(destroyed, what="证件")
    assert phones_of("13912340001\uff0c13912340002") == ["13912340001", "13912340002"]
    with pytest.raises(CellWrong):
        one_name_of("甲某、乙某")
