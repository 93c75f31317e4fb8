"""What a cell says of a person: a name, a phone, an age, and what was noted beside it."""

import re
from typing import NamedTuple

from api.foundation.identity import normalise_name
from api.leads.cells import CellWrong, digits_of, half_width, parts_of, text_of
from api.leads.sheets import Cell

_NOTED = re.compile(r"(.+?)[(\[【](.*?)[)\]】]?")
_SEVERAL = re.compile(r".*等\s*[0-9一二三四五六七八九十几多余]*\s*人")
_NUMBER = re.compile(r"\+?\d[\d\s()-]{5,}\d")
_AGE = re.compile(r"约?(\d{1,3})多?(周?岁)?(左右)?")
_MONTHS = re.compile(r"\d{1,2}个?(月|月大|多月)|\d{1,3}天|新生儿|未满周岁|不满周岁")


class Noted(NamedTuple):
    """What a cell is read as, and what stands beside it, if anything."""

    said: str
    beside: str | None


def name_of(cell: Cell) -> Noted:
    """One name, as one writes it: 张 三 is 张三.

    Raises `CellWrong` for several people, or none.
    """
    name = text_of(cell)
    plain = half_width(name)
    if len(parts_of(plain)) > 1 or _SEVERAL.fullmatch(plain):
        raise CellWrong("一格里有几个人，请一人一行。")
    if re.fullmatch(r"[\d\s+()-]+", plain):
        raise CellWrong("姓名一栏里是号码，请检查是否填错了列。")
    noted = _NOTED.fullmatch(plain)
    if noted is not None and noted[2]:
        return Noted(normalise_name(noted[1]).strip(), noted[2].strip())
    return Noted(normalise_name(name), None)


def phones_of(cell: Cell) -> list[Noted]:
    """The phones in a cell, each with what was noted of it; more than one may stand in it."""
    phones = [_phone(part) for part in parts_of(half_width(digits_of(cell, what="电话号码")))]
    if not phones:
        raise CellWrong("电话号码不对。")
    return phones


def _phone(part: str) -> Noted:
    """A number, and whose it is: 13800005678（母亲）, 本人13800005678."""
    found = _NUMBER.search(part)
    if found is None:
        return Noted(part, None)
    around = f"{part[: found.start()]} {part[found.end() :]}"
    beside = re.sub(r"[()\[\]:]", " ", around).strip()
    if re.search(r"\d", beside):
        return Noted(part, None)
    return Noted(found[0], " ".join(beside.split()) or None)


def age_of(cell: Cell) -> int:
    """An age in years, with or without 岁; whoever is not a year old yet is 0."""
    said = half_width(text_of(cell))
    told = _AGE.fullmatch(said)
    if told is not None:
        return int(told[1])
    if _MONTHS.fullmatch(said):
        return 0
    raise CellWrong("年龄应为整数。")
