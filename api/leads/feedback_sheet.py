"""The feedback table as the sheet that offices pass on."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]

from api.foundation import clock
from api.leads.verification_schemas import FeedbackTable


def sheet_of(table: FeedbackTable) -> bytes:
    """One sheet: what came, what it came to, by outcome and by where people came from."""
    file = BytesIO()
    # Names begin with what they like here: nothing of it is a formula.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as workbook:
        book: Any = workbook
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("线索核查反馈表")
        sheet.set_column(0, 1, 24)
        heading = _heading(table)
        for line, (name, value) in enumerate(heading):
            sheet.write(line, 0, name, bold)
            sheet.write(line, 1, value)
        sheet.write_row(len(heading) + 1, 0, ("核查结论", "来处", "条数"), bold)
        for line, (cells, whole) in enumerate(_lines(table), start=len(heading) + 2):
            sheet.write_row(line, 0, cells, bold if whole else None)
    return file.getvalue()


def _heading(table: FeedbackTable) -> tuple[tuple[str, str | int], ...]:
    return (
        ("下发单位", table.issuer),
        ("批次号", table.batch_number),
        ("接收条数", table.received),
        ("已核实条数", table.answered),
        ("未完成条数", table.open),
        ("制表时间", f"{clock.today()} {clock.local_time(clock.now()):%H:%M}"),
    )


def _lines(table: FeedbackTable) -> Iterator[tuple[tuple[str, str, int], bool]]:
    """The lines below the heading; true with those that sum up an outcome."""
    for row in table.rows:
        yield (row.label, "合计", row.count), True
        for origin in row.origins:
            yield ("", origin.place, origin.count), False
    for there in table.handed_on:
        yield ("移交外地", f"{there.to_name}（已接收）", there.received), False
        yield ("移交外地", f"{there.to_name}（尚无回执）", there.awaited), False
