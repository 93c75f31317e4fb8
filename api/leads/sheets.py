"""An uploaded sheet as rows of cells, read beside the service and never within it."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import orjson

from api.leads.problems import SheetNotRead

Cell = str | float | bool | date
Row = list[Cell]

# All that the reader knows: of the keys in the service's environment nothing.
_HOUSE = str(Path(__file__).parents[2])
_SECONDS = 20
_AT_ONCE = asyncio.Semaphore(2)
_DAMAGED = "表格过大或已损坏，无法读取；请把内容粘贴到新表后重试。"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a file: its name and its rows from the first."""

    name: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Workbook:
    """The visible sheets of a file, and the names of the hidden ones, which are not read."""

    sheets: list[Sheet]
    hidden: list[str]


async def read_workbook(content: bytes) -> Workbook:
    """Read an Excel or CSV file (`sheet_reader`); raises `SheetNotRead` with the reason."""
    if not content:
        raise SheetNotRead("文件是空的。")
    async with _AT_ONCE:
        told = await _beside(content)
    if "refused" in told:
        raise SheetNotRead(told["refused"])
    sheets = [Sheet(each["name"], [_row(row) for row in each["rows"]]) for each in told["sheets"]]
    return Workbook(sheets, told["hidden"])


async def _beside(content: bytes) -> dict[str, Any]:
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.leads.sheet_reader",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": _HOUSE},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            told, _ = await reader.communicate(content)
    except TimeoutError:
        raise SheetNotRead(_DAMAGED) from None
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if reader.returncode != 0:
        raise SheetNotRead(_DAMAGED)
    return orjson.loads(told)


def _row(row: list[Any]) -> Row:
    return [_cell(cell) for cell in row]


def _cell(cell: Any) -> Cell:
    if isinstance(cell, dict):
        return date.fromisoformat(cast("dict[str, str]", cell)["date"])
    return cell
