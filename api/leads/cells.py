"""What a cell says, put as a lead tells it: dates, numbers and words as the field writes them."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeVar
from unicodedata import normalize

from api.arrivals.models import Transport
from api.foundation.identity import DocumentKind, Sex, without_unseen
from api.leads.models import LeadSource
from api.leads.sheets import Cell
from api.protocols.models import ExposureClass

_EXACT_BELOW = 1e15
"""A sheet's numbers keep fifteen digits; what was longer is lost."""

_POWER = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_TIME = r"(?:[ T]*\d{1,2}[:时点][^至到~-]*|[ T][^至到~-]*)?"
_DAY = re.compile(rf"(?:(\d{{4}})[-/.年])?(\d{{1,2}})[-/.月](\d{{1,2}})[日号]?{_TIME}")
_RUN = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = range(20_000, 80_000)
_EPOCH = date(1899, 12, 30)
_SHORTENED = (".1", ".2", ".3")
"""As a number, the tenth of a month and the first are the same: 2.10 is 2.1."""

_NOTHING = frozenset(
    {"", "无", "没有", "暂无", "不详", "未知", "不清楚", "不知道", "未填", "空"}
    | {"/", "//", "\\", "-", "--", "\u2014", "\u2014\u2014", "\u2013", "n/a", "none", "null"}
)
"""What the field writes into a cell to which it has nothing to say."""

_FORMULA = re.compile(r'="(.*)"')
_APART = re.compile(r"[,、;/\n]+")


class CellWrong(ValueError):
    """A cell cannot be what its column holds; the message is for whoever filled it in."""


def text_of(cell: Cell) -> str:
    """A cell as text: whole numbers without a point, what pasting leaves behind taken away."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float | int):
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    text = without_unseen(cell).strip().removeprefix("'").strip()
    formula = _FORMULA.fullmatch(text)  # how a CSV keeps Excel from making a number of it
    return formula[1].strip() if formula else text


def half_width(text: str) -> str:
    """The text with digits, brackets and colons as a keyboard has them."""
    return normalize("NFKC", text)


def digits_of(cell: Cell, *, what: str) -> str:
    """A number that is a name and no quantity; raises `CellWrong` where the sheet destroyed it."""
    long = isinstance(cell, float | int) and not isinstance(cell, bool) and cell >= _EXACT_BELOW
    text = text_of(cell)
    if long or _POWER.fullmatch(half_width(text)):
        raise CellWrong(f"{what}被存成了数字，后几位已丢失；请把该列设为文本，重新填写完整号码。")
    return text


def parts_of(text: str) -> list[str]:
    """What stands in one cell with marks between, each for itself."""
    return [part.strip() for part in _APART.split(text) if part.strip()]


def is_nothing(cell: Cell) -> bool:
    """Whether a cell says that there is nothing to say: 无, a dash, 不详."""
    return half_width(text_of(cell)).strip().casefold() in _NOTHING


def day_of(cell: Cell, *, latest: date) -> date:
    """A day in any of the ways the field writes it; without a year, the last one by `latest`."""
    if isinstance(cell, date):
        return cell
    text = re.sub(r"\s*([-/.年月])\s*", r"\1", half_width(text_of(cell)))
    if isinstance(cell, float | int) and int(cell) in _SERIAL:
        return _EPOCH + timedelta(days=int(cell))
    if isinstance(cell, float) and text.endswith(_SHORTENED):
        raise CellWrong("日期被存成了数字，分不清是1日还是10日，请写成 2022-02-01。")
    told = _DAY.fullmatch(text) or _RUN.fullmatch(text)
    found = _day(told.groups(), latest) if told else None
    if found is None:
        raise CellWrong("日期不对，请写成 2022-02-04。")
    return found


def _day(told: tuple[str | None, ...], latest: date) -> date | None:
    year, month, day = (int(part) if part else None for part in told)
    try:
        if year is not None:
            return date(year, month or 0, day or 0)
        this_year = date(latest.year, month or 0, day or 0)
        return this_year if this_year <= latest else this_year.replace(year=latest.year - 1)
    except ValueError:
        return None


W = TypeVar("W")


def _among(text: str, words: Mapping[str, W]) -> W | None:
    return next((meant for word, meant in words.items() if word in text), None)


def sex_of(cell: Cell) -> Sex:
    """男 or 女, by word, letter or code (GB/T 2261.1)."""
    known = _SEXES.get(text_of(cell).upper())
    if known is None:
        raise CellWrong("性别应为男或女。")
    return known


def document_kind_of(cell: Cell) -> DocumentKind:
    """The kind of a document by what it is called."""
    known = _among(text_of(cell), _DOCUMENTS)
    if known is None:
        raise CellWrong("证件类型不认识，请从模板的选项中选择。")
    return known


def source_of(text: str) -> LeadSource | None:
    """Where the issuer has it from; None where the words are not known."""
    return _among(text, _SOURCES)


def exposure_of(text: str) -> ExposureClass | None:
    """What is claimed; None where the words are not known."""
    return _among(text, _EXPOSURES)


def transport_of(text: str) -> Transport | None:
    """How somebody came; None where the words are not known."""
    return _among(text, _TRANSPORTS)


_SEXES = {
    **dict.fromkeys(("男", "男性", "M", "1"), Sex.male),
    **dict.fromkeys(("女", "女性", "F", "2"), Sex.female),
    **dict.fromkeys(("未知", "不详", "0", "9"), Sex.unknown),
}
_DOCUMENTS = {
    "永久居留": DocumentKind.foreign_permanent_resident,
    "居住证": DocumentKind.hmt_residence_permit,
    "港澳": DocumentKind.hk_macao_permit,
    "回乡证": DocumentKind.hk_macao_permit,
    "台湾": DocumentKind.taiwan_permit,
    "台胞": DocumentKind.taiwan_permit,
    "护照": DocumentKind.passport,
    "户口": DocumentKind.household_book,
    "身份证": DocumentKind.resident_identity,
    "其他": DocumentKind.other,
}
_SOURCES = {
    "大数据": LeadSource.big_data,
    "公安": LeadSource.police,
    "漫游": LeadSource.telecom,
    "通信": LeadSource.telecom,
    "运营商": LeadSource.telecom,
    "同乘": LeadSource.transport,
    "铁路": LeadSource.transport,
    "民航": LeadSource.transport,
    "协查": LeadSource.coordination,
    "健康码": LeadSource.health_code,
    "红码": LeadSource.health_code,
    "黄码": LeadSource.health_code,
    "卡点": LeadSource.checkpoint,
    "举报": LeadSource.report,
    "其他": LeadSource.other,
}
_EXPOSURES = {
    "次密": ExposureClass.secondary_contact,
    "密接的密接": ExposureClass.secondary_contact,
    "密切接触者的密切接触者": ExposureClass.secondary_contact,
    "密接": ExposureClass.close_contact,
    "密切接触": ExposureClass.close_contact,
    "一般接触": ExposureClass.general_contact,
    "时空伴随": ExposureClass.spatiotemporal_companion,
    "入境": ExposureClass.entrant,
    "康复": ExposureClass.recovered,
    "治愈": ExposureClass.recovered,
    "阳性": ExposureClass.case,
    "病例": ExposureClass.case,
    "返": ExposureClass.returnee,
    "来乡": ExposureClass.returnee,
    "其他": ExposureClass.other,
}
_TRANSPORTS = {
    "火车": Transport.train,
    "高铁": Transport.train,
    "动车": Transport.train,
    "飞机": Transport.air,
    "航班": Transport.air,
    "客车": Transport.coach,
    "大巴": Transport.coach,
    "班车": Transport.coach,
    "自驾": Transport.private_car,
    "包车": Transport.private_car,
    "私家车": Transport.private_car,
    "船": Transport.ship,
    "步行": Transport.on_foot,
    "骑行": Transport.on_foot,
    "其他": Transport.other,
}
