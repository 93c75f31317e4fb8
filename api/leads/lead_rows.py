"""A row of a sheet as the lead it tells of, or what is wrong with it, cell by cell."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from api.foundation.handlers import invalid_input
from api.foundation.identity import DocumentKind
from api.foundation.records import Source, new_id
from api.leads import cells
from api.leads.cells import CellWrong, half_width, text_of
from api.leads.headings import Heading, field_of
from api.leads.people_cells import Noted, age_of, name_of, phones_of
from api.leads.places import Places
from api.leads.schemas import LeadRecord
from api.leads.sheets import Cell, Row
from api.leads.upload_shown import CellError

_TOTALS = ("合计", "总计", "小计", "共计")
_COUNT = re.compile(r"共?\d+[人名条]")
_SIGNED = ("填表", "制表", "审核", "负责人", "联系人：", "注：", "说明：")
_HINTS = ("必填", "选填", "填写", "格式", "示例", "例如", "下拉", "文本")
_WORDS: dict[str, Callable[[str], Any]] = {
    "claimed": cells.exposure_of,
    "lead_source": cells.source_of,
    "transport": cells.transport_of,
}
_LONGEST_CLAIM = 2_000


class Wrong(NamedTuple):
    """What is wrong with a row, and in which column; None where it is the row as a whole."""

    column: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a sheet are read: its heading, the grids, and the day it was issued."""

    heading: Heading
    places: Places
    issued_on: date


@dataclass(slots=True)
class _Told:
    """What a row tells so far."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    columns: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    beside: list[str] = field(default_factory=list[str])


def is_no_lead(reading: Reading, row: Row, *, directly_below: bool) -> bool:
    """Whether a row is a total, a signature, or the note on how to fill in the sheet."""
    said = [half_width(text) for text in map(text_of, row) if text]
    if said[0].startswith(_TOTALS) or all(map(_COUNT.fullmatch, said)):
        return True
    if next(_filled(reading.heading, row), None) is None:  # numbered beforehand, and not used
        return True
    if _is_heading_again(reading.heading, row):
        return True
    hints = [text for text in said if any(hint in text for hint in _HINTS)]
    if directly_below and 2 * len(hints) >= len(said):
        return True
    numbers = {at for at, name in reading.heading.fields.items() if name in _NUMBERS}
    numbered = any(at in numbers and text_of(cell) for at, cell in enumerate(row))
    return said[0].startswith(_SIGNED) and not numbered


def _is_heading_again(heading: Heading, row: Row) -> bool:
    """Whether a row is the heading once more, as at the top of each printed page."""
    fields = [
        (name, field_of(cell)) for at, cell in enumerate(row) if (name := heading.fields.get(at))
    ]
    again = [name for name, said in fields if name == said]
    return len(again) > 1 or (len(again) == 1 and len(fields) == 1)


_NUMBERS = frozenset({"document", "phone"})
_WHO = frozenset({"name", "document", "phone"})


def read_row(reading: Reading, row: Row, *, number: int) -> LeadRecord | list[Wrong]:
    """The lead that a row tells of, under an id that stands for nothing yet; or what is wrong."""
    told = _Told()
    for at, name, cell in _filled(reading.heading, row):
        if name is None or name in told.values:
            told.beside.append(f"{reading.heading.titles.get(at, '')}:{text_of(cell)}")
            continue
        told.columns.setdefault(name, at)
        try:
            told.values[name] = _value(reading, told, name, cell)
        except CellWrong as refusal:
            told.wrong.append(Wrong(at, str(refusal)))
    _put_together(reading.heading, told)
    return _checked(told, number=number)


def _filled(heading: Heading, row: Row) -> Iterator[tuple[int, str | None, Cell]]:
    for at, cell in enumerate(row):
        if not cells.is_nothing(cell):
            name = heading.fields.get(at)
            if name != "number":
                yield at, name, cell


def _value(reading: Reading, told: _Told, name: str, cell: Cell) -> Any:
    if name == "phone":
        first, *others = phones_of(cell)
        told.beside += [f"电话备注：{first.beside}"] if first.beside else []
        told.beside += [f"另有电话：{_whole(other)}" for other in others]
        return first.said
    if name == "name":
        called = name_of(cell)
        told.beside += [f"姓名备注：{called.beside}"] if called.beside else []
        return called.said
    if name == "grid":
        return _grid(reading.places, text_of(cell))
    if name in _WORDS:
        return _word(told, name, text_of(cell))
    if name in _DAYS:
        ahead = _AHEAD if name == "arrived_on" else timedelta()
        return cells.day_of(cell, latest=reading.issued_on + ahead)
    return _READ.get(name, text_of)(cell)


def _whole(noted: Noted) -> str:
    return f"{noted.said}（{noted.beside}）" if noted.beside else noted.said


_DAYS = frozenset({"birth_date", "claimed_on", "arrived_on"})
_AHEAD = timedelta(days=60)  # so long before the festival people tell when they will be back
_READ: dict[str, Callable[[Cell], Any]] = {
    "document": partial(cells.digits_of, what="证件号码"),
    "age": age_of,
    "sex": cells.sex_of,
    "document_kind": cells.document_kind_of,
}


def _grid(places: Places, text: str) -> UUID:
    spot = places.called(text)
    if spot is None:
        raise CellWrong("没有找到该网格，或不止一个，请写网格编码，或留空由系统分派。")
    return spot.id


def _word(told: _Told, name: str, text: str) -> Any:
    """A word of ours for the issuer's; one that is not known is not lost, but told beside."""
    known = _WORDS[name](text)
    if known is None:
        told.beside.append(text)
    return known


def _put_together(heading: Heading, told: _Told) -> None:
    """Columns that only together make a field: the address, the document with its kind."""
    values = told.values
    village, registered = values.pop("village", None), values.pop("registered", None)
    address = values.get("address")
    if address is None and registered is not None:
        values["address"], told.columns["address"] = registered, told.columns["registered"]
    elif registered is not None:
        told.beside.append(f"户籍地：{registered}")
    if village is not None and village not in values.get("address", ""):
        values["address"] = village + values.get("address", "")
        told.columns.setdefault("address", told.columns["village"])
    values["grid_id"] = values.pop("grid", None)
    told.columns["grid_id"] = told.columns.get("grid", 0)
    if "document" not in values:
        values.pop("document_kind", None)
    elif "document_kind" not in values and (
        _is_identity_number(values["document"])
        or "身份" in heading.titles.get(told.columns["document"], "")
    ):
        values["document_kind"] = DocumentKind.resident_identity
    said = [values["claim"]] if "claim" in values else []
    if said or told.beside:
        values["claim"] = "\n".join([*said, *told.beside])[:_LONGEST_CLAIM]


def _is_identity_number(text: str) -> bool:
    """Whether a number without a kind is one: by its length, so that a wrong one is told of."""
    compact = "".join(text.split())
    return len(compact) in (_OLD, _WHOLE) and compact[:-1].isdigit()


_OLD, _WHOLE = 15, 18


def _checked(told: _Told, *, number: int) -> LeadRecord | list[Wrong]:
    values = {name: value for name, value in told.values.items() if value is not None}
    wrong = told.wrong
    if not wrong and not _WHO & set(values):
        return [Wrong(None, "姓名、电话、证件号码至少填写一项。")]
    try:
        record = LeadRecord.model_validate(
            {**values, "id": new_id(), "row_number": number, "source": Source.excel}
        )
    except ValidationError as error:
        return _each_once([*wrong, *_found(error, told)], told)
    return wrong or record


def _each_once(found: Sequence[Wrong], told: _Told) -> list[Wrong]:
    """The first thing wrong with each column, in their order; a number without its kind is none."""
    of_kind, of_number = (told.columns.get(name) for name in ("document_kind", "document"))
    first: dict[int | None, Wrong] = {}
    for each in found:
        if each.column is None or each.column != of_number or of_kind not in first:
            first.setdefault(each.column, each)
    return sorted(first.values(), key=lambda each: -1 if each.column is None else each.column)


def _found(error: ValidationError, told: _Told) -> Iterator[Wrong]:
    problem = invalid_input(error.errors(include_url=False))
    for each in problem.members["errors"]:
        name = each["pointer"].split("/")[1]
        detail = each["detail"]
        if name == "document" and str(told.values.get("document", "")).endswith("000"):
            detail += "末三位为000，可能曾被存成数字而丢失。"
        yield Wrong(told.columns.get(name), detail)


def letter(column: int) -> str:
    """The name of a column: A, B … Z, AA …"""
    name = ""
    at = column + 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def shown_wrong(heading: Heading, wrong: Wrong) -> CellError:
    """What is wrong, with the column as whoever filled in the sheet sees it."""
    at = wrong.column
    named = (None, None) if at is None else (letter(at), heading.titles.get(at))
    return CellError(column=named[0], title=named[1], detail=wrong.detail)
