"""Reads an uploaded sheet in a process of its own: what breaks a parser breaks nothing else.

The bytes of the file come on standard input; on standard output goes what is in it, as JSON: a date
as `{"date": "2022-02-04"}`, everything else as text, number or boolean. Memory and time are bounded
by the system, so that a file that unpacks to more than it should ends this process alone.
"""

import codecs
import csv
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from math import isfinite
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

MOST_ROWS = 5_000
MOST_COLUMNS = 100
_MEMORY_BYTES = 1 << 30
_CPU_SECONDS = 10
_UNPACKED_BYTES = 64 << 20
_ZIPPED = b"PK\x03\x04"
_WORKBOOKS = (_ZIPPED, b"\xd0\xcf\x11\xe0")  # .xlsx; .xls and what else is an OLE file
_PAGE = re.compile(r"\s*<(!doctype|html|table|\?xml)", re.IGNORECASE)
_READ_AHEAD, _LINES_AHEAD = 20_000, 10
_HEAD = 200  # rows may stand above the table, but not as many as this below the limit
_NOBODY = 20  # filled rows may be a title, the heading, a total, who signed


Place = tuple[int, int]
"""A row and a column, from 0."""


class Refused(Exception):
    """The file is not read; the message is for whoever uploaded it."""


def sheets_of(content: bytes) -> dict[str, Any]:
    """The visible sheets of a workbook, or the one of a CSV, with their rows; raises `Refused`."""
    if content.startswith(_WORKBOOKS):
        return _workbook(content)
    return {"hidden": [], "sheets": [{"name": "CSV", "rows": _bounded(_separated(content))}]}


def _workbook(content: bytes) -> dict[str, Any]:
    try:
        _refuse_bombs(content)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = {
            sheet.name: sheet.visible is SheetVisibleEnum.Visible for sheet in book.sheets_metadata
        }
        sheets = [
            {"name": name, "rows": _bounded(_rows(book, name))}
            for name, shown in visible.items()
            if shown
        ]
    except (CalamineError, zipfile.BadZipFile):
        raise Refused("文件已损坏、有密码，或不是 Excel 表格，请另存后重试。") from None
    return {"hidden": [name for name, shown in visible.items() if not shown], "sheets": sheets}


def _refuse_bombs(content: bytes) -> None:
    """Raise `Refused` for what unpacks to too much; one that lies of its size meets the system."""
    if content.startswith(_ZIPPED):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > _UNPACKED_BYTES:
            raise Refused("表格解压后过大，请把内容粘贴到新表后重试。")


def _rows(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    sheet = book.get_sheet_by_name(name)
    rows = list(map(list, sheet.to_python(skip_empty_area=False)))
    _fill_down(rows, sheet.merged_cell_ranges or [])
    return rows


def _fill_down(rows: list[list[Any]], merged: Iterable[tuple[Place, Place]]) -> None:
    """What is merged over several rows is said of each of them: the village, a family's phone.

    A row of which nothing else is said stays empty.
    """
    filled = {at for at, row in enumerate(rows) if any(cell != "" for cell in row)}
    for (top, column), (bottom, _) in merged:
        for at in range(top + 1, min(bottom + 1, len(rows))):
            if at in filled and column < min(len(rows[at]), len(rows[top])):
                rows[at][column] = rows[top][column]


def _separated(content: bytes) -> list[list[Any]]:
    text = _decoded(content)
    if _PAGE.match(text):
        raise Refused("这是网页格式的表格，请用 Excel 或 WPS 打开，另存为 .xlsx 后上传。")
    # A title may stand above the heading, with no mark in it.
    above = [line for line in text[:_READ_AHEAD].split("\n") if line.strip()][:_LINES_AHEAD]
    often = {mark: max((line.count(mark) for line in above), default=0) for mark in ",\t;"}
    separator = max(often, key=lambda mark: often[mark]) if any(often.values()) else "\uff0c"
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error:
        raise Refused("CSV 文件无法读取，请检查引号和换行。") from None


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if "\0" not in text:
                return text
    raise Refused("文件不是 Excel 表格，也不是 UTF-8 或 GBK 编码的 CSV。")


def _bounded(rows: list[list[Any]]) -> list[list[Any]]:
    filled = [at for at, row in enumerate(rows, start=1) if any(cell != "" for cell in row)]
    if len(filled) > MOST_ROWS + _NOBODY or max(filled, default=0) > MOST_ROWS + _HEAD:
        raise Refused(f"表格超过{MOST_ROWS}行，请分成几个文件上传。")
    if max(map(len, rows), default=0) > MOST_COLUMNS:
        raise Refused(f"表格超过{MOST_COLUMNS}列，请删去多余的列。")
    return [[_plain(cell) for cell in row] for row in rows[: max(filled, default=0)]]


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return {"date": cell.date().isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, float) and not isfinite(cell):
        return str(cell)
    return cell if isinstance(cell, str | float | int | bool) else str(cell)


def main() -> None:
    """Read one file and end."""
    for what, most in ((resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_CPU, _CPU_SECONDS)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    try:
        told = sheets_of(sys.stdin.buffer.read())
    except Refused as refusal:
        told = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
