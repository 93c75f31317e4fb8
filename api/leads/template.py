"""The sheet to fill in: headings this service knows, a note under each, cells kept as text."""

import io
from functools import cache
from typing import Any

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]

from api.foundation.identity import DocumentKind
from api.leads.models import LeadSource
from api.protocols.models import ExposureClass

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 5_000
_SHEET = "线索"
_COLUMNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("姓名", "姓名、电话、证件号码至少填写一项", ()),
    ("性别", "选填", ("男", "女")),
    ("年龄", "选填，整数", ()),
    ("证件类型", "选填，不填按身份证识别", tuple(DocumentKind.labels().values())),
    ("证件号码", "选填，文本格式", ()),
    ("联系电话", "选填，文本格式", ()),
    ("村（社区）", "选填", ()),
    ("现住址", "选填", ()),
    ("网格", "选填，网格名称或编码；不填由系统分派", ()),
    ("线索来源", "选填", tuple(LeadSource.labels().values())),
    ("来源地", "选填", ()),
    ("涉疫情形", "选填", tuple(ExposureClass.labels().values())),
    ("涉疫日期", "选填，格式如 2022-02-04", ()),
    ("到达日期", "选填，格式如 2022-02-06", ()),
    ("交通方式", "选填，如火车、飞机、客车、自驾", ()),
    ("车次、航班号或车牌号", "选填，文本格式", ()),
    ("情况说明", "选填，文本格式", ()),
)


@cache
def template() -> bytes:
    """The template as a workbook; its second row is a note that reading leaves out."""
    content = io.BytesIO()
    book = _workbook(content)
    sheet = book.add_worksheet(_SHEET)
    heading = book.add_format({"bold": True, "border": 1, "bg_color": "#DDEBF7"})
    note = book.add_format({"italic": True, "font_color": "#808080", "text_wrap": True})
    text = book.add_format({"num_format": "@"})
    for at, (title, said, choices) in enumerate(_COLUMNS):
        sheet.set_column(at, at, 20, text)
        sheet.write_string(0, at, title, heading)
        sheet.write_string(1, at, said, note)
        _offer(sheet, at, choices)
    sheet.freeze_panes(2, 0)
    book.close()
    return content.getvalue()


def _workbook(content: io.BytesIO) -> Any:
    # The library says nothing of its types; nothing is written to disk.
    return xlsxwriter.Workbook(content, {"in_memory": True})


def _offer(sheet: Any, column: int, choices: tuple[str, ...]) -> None:
    """A list to choose from; what is not on it is read as far as its words are known."""
    if choices:
        sheet.data_validation(
            2,
            column,
            ROWS,
            column,
            {"validate": "list", "source": list(choices), "error_type": "warning"},
        )
