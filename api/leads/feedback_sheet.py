"""The feedback table as the sheet that offices pass on."""

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
        heading = (
            ("下发单位", table.issuer),
            ("批次号", table.batch_number),
            ("接收条数", table.received),
            ("已核实条数", table.answered),
            ("未完成条数", table.open),
            ("制表时间", f"{clock.today()} {clock.local_time(clock.now()):%H:%M}"),
        )
        for line, (name, value) in enumerate(heading):
            sheet.write(line, 0, name, bold)
            sheet.write(line, 1, value)
        line = len(heading) + 1
        sheet.write_row(line, 0, ("核查结论", "来处", "条数"), bold)
        for row in table.rows:
            line += 1
            sheet.write_row(line, 0, (row.label, "合计", row.count), bold)
            for origin in row.origins:
                line += 1
                sheet.write_row(line, 0, ("", origin.place, origin.count))
    return file.getvalue()
