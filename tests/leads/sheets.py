"""Sheets as the field makes them, for the tests."""

import io
from collections.abc import Sequence
from typing import Any

import httpx
import xlsxwriter

Rows = Sequence[Sequence[Any]]


def workbook(rows: Rows, *, hidden: Rows = (), merged: Sequence[str] = ()) -> bytes:
    """An .xlsx of these rows; numbers stay numbers, `merged` are ranges of the first row."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    former = book.add_worksheet("旧表") if hidden else None
    sheet = book.add_worksheet("线索")
    sheet.activate()
    sheet.set_first_sheet()
    if former is not None:
        for at, row in enumerate(hidden):
            former.write_row(at, 0, row)
        former.hide()
    for at, row in enumerate(rows):
        sheet.write_row(at, 0, ["" if cell is None else cell for cell in row])
    for area in merged:
        sheet.merge_range(area, "")
    for area in merged:
        column = ord(area[0]) - ord("A")
        sheet.write(0, column, rows[0][column])
    book.close()
    return content.getvalue()


async def upload(
    client: httpx.AsyncClient, batch: dict[str, Any], content: bytes, *, dry_run: bool = False
) -> httpx.Response:
    """Upload a file into a batch."""
    path = f"/v1/lead-batches/{batch['id']}/upload"
    files = {"file": ("线索.xlsx", content, "application/octet-stream")}
    return await client.post(path, files=files, params={"dry_run": dry_run})
