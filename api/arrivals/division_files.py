"""Reading a table of administrative divisions as it is handed over: a CSV file, UTF-8 or GBK."""

import csv
import io
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

from api.arrivals.codes import canonical, significant

_COLUMNS = {
    "code": "code",
    "代码": "code",
    "区划代码": "code",
    "name": "name",
    "名称": "name",
    "parent": "parent",
    "上级代码": "parent",
}
_CODE = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?")
LONGEST_NAME = 40
"""Five levels of such names make a full name of 200 characters."""


class DivisionsRefused(Exception):
    """The file was not imported, and nothing of it; each fault says in which line it stands."""

    def __init__(self, faults: list["Fault"]) -> None:
        told = [f"line {fault.line}: {fault.said}" for fault in faults[:50]]
        more = [f"and {len(faults) - 50} more"] if len(faults) > 50 else []  # noqa: PLR2004
        super().__init__("\n".join(["The divisions were not imported.", *told, *more]))
        self.faults = faults


class Fault(NamedTuple):
    line: int
    said: str


class DivisionTold(NamedTuple):
    """One line of the file; `parent` is None where the line does not name one."""

    line: int
    code: str
    name: str
    parent: str | None


def example_divisions() -> bytes:
    """A small table of divisions that do not exist, for trying things out."""
    return files("api.arrivals").joinpath("divisions.csv").read_bytes()


def read_divisions(raw: bytes) -> list[DivisionTold]:
    """The lines of a file with the columns code, name and parent, codes as they are kept.

    Raises `DivisionsRefused` with every fault that the file itself shows.
    """
    rows = _rows(_text(raw))
    columns = _columns(next(rows, (1, list[str]()))[1])
    told: list[DivisionTold] = []
    faults: list[Fault] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        division = _division(line, dict(zip(columns, cells, strict=False)))
        faults += _faults(division, lines)
        lines.setdefault(division.code, division.line)
        told.append(division)
    if faults or not told:
        raise DivisionsRefused(faults or [Fault(1, "there are no divisions below the header")])
    return told


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DivisionsRefused([Fault(1, "the file is neither UTF-8 nor GBK")])


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line in which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:  # a quotation mark that nothing closes takes in all that follows
        raise DivisionsRefused([Fault(reader.line_num, f"this is not CSV: {error}")]) from None


def _columns(header: list[str]) -> list[str]:
    columns = [_COLUMNS.get(cell.strip().lower(), "") for cell in header]
    missing = {"code", "name"} - set(columns)
    if missing:
        said = "the header must name the columns code, name and parent"
        raise DivisionsRefused([Fault(1, said)])
    return columns


def _division(line: int, cells: dict[str, str]) -> DivisionTold:
    code, name, parent = (cells.get(column, "").strip() for column in ("code", "name", "parent"))
    return DivisionTold(line, _kept(code), name, _kept(parent) or None)


def _kept(code: str) -> str:
    return canonical(code) if _CODE.fullmatch(code) else code


def _faults(division: DivisionTold, lines: dict[str, int]) -> Iterator[Fault]:
    line, code, name, parent = division
    if not _CODE.fullmatch(code):
        yield Fault(line, f"{code!r} is not a code of 2, 4, 6, 9 or 12 digits")
    elif code in lines:
        yield Fault(line, f"{code} stands in line {lines[code]} already")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        yield Fault(line, f"a name has 1 to {LONGEST_NAME} characters that can be printed")
    if parent is None:
        return
    if not _CODE.fullmatch(parent):
        yield Fault(line, f"{parent!r} is not a code of 2, 4, 6, 9 or 12 digits")
    elif parent == code or not code.startswith(significant(parent)):
        yield Fault(line, f"{code} does not lie in {parent}: its code does not begin with it")
