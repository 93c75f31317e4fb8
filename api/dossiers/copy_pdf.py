"""A person's file on paper, as they take it home."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import SimpleDocTemplate, Spacer

from api.dossiers.copies import Copy
from api.dossiers.timeline import Entry
from api.foundation import clock
from api.foundation.identity import DocumentKind, Sex
from api.foundation.printing import font, paragraph, rare_characters

_TITLE = "个人防疫记录（应本人请求提供）"
_ABOUT = (
    "本件依照《中华人民共和国个人信息保护法》第四十五条提供，请妥善保管。"
    "如有不准确、不完整之处，可请所在村（社区）更正、补充。"
)


def pdf_of(copy: Copy, entries: list[Entry]) -> bytes:
    """The copy as a PDF. Blocking, for tens of milliseconds: called in a thread."""
    file = BytesIO()
    page = SimpleDocTemplate(
        file,
        pagesize=A4,
        title=_TITLE,
        leftMargin=24 * mm,
        rightMargin=24 * mm,
        topMargin=22 * mm,
        bottomMargin=22 * mm,
    )
    page.build(list(_flow(copy, entries)), onFirstPage=_numbered, onLaterPages=_numbered)
    return file.getvalue()


def _flow(copy: Copy, entries: list[Entry]) -> Iterator[Any]:
    person = list(_person(copy["person"]))
    lines = [_line(entry) for entry in reversed(entries)]
    yield paragraph(_TITLE, size=18, alignment=TA_CENTER)
    yield paragraph(f"导出时间：{_moment(copy['made_at'])}", size=10, alignment=TA_CENTER)
    for part in (person, lines):
        yield Spacer(1, 4 * mm)
        for line in part:
            yield paragraph(line, size=10.5)
    yield Spacer(1, 6 * mm)
    yield paragraph(_ABOUT, size=9)
    note = rare_characters("".join([*person, *lines]))
    if note is not None:
        yield paragraph(note, size=9)


def _person(person: dict[str, Any]) -> Iterator[str]:
    kind = person["document_kind"]
    yield f"姓名：{person['name']}  性别：{Sex(person['sex']).label}"
    yield f"出生日期：{person['birth_date'] or '未登记'}  电话：{person['phone'] or '未登记'}"
    if kind is not None:
        yield f"{DocumentKind(kind).label}：{person['document']}"
    yield f"住址：{person['address'] or '未登记'}"


def _line(entry: Entry) -> str:
    dated = clock.day_bounds(clock.local_day(entry.at))[0] == entry.at  # a day, no hour is known
    at = str(clock.local_day(entry.at)) if dated else _moment(entry.at)
    return f"{at}  【{entry.kind.label}】{entry.what}"


def _moment(at: Any) -> str:
    return f"{clock.local_day(at)} {clock.local_time(at):%H:%M}"


def _numbered(canvas: Any, page: Any) -> None:
    canvas.setFont(font().fontName, 9)
    canvas.drawCentredString(A4[0] / 2, 12 * mm, f"第 {page.page} 页")
