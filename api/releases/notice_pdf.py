"""The notice on one A4 page, in a font that every PDF reader brings for Chinese."""

from io import BytesIO
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from api.releases.notices import Notice

FONT = "STSong-Light"
_MISSING = "□"


class Drawable(NamedTuple):
    """A text as the font can show it, and the characters that it cannot."""

    text: str
    rare: list[str]


def drawable(text: str) -> Drawable:
    """Put a box for each character that the readers' own Chinese fonts need not have.

    They are sure to have what GBK has. A name with a rarer character is completed by hand, as the
    notice then says, instead of being printed with a hole that nobody notices.
    """
    rare = [character for character in text if not _in_font(character)]
    shown = "".join(_MISSING if character in rare else character for character in text)
    return Drawable(shown, list(dict.fromkeys(rare)))


def _in_font(character: str) -> bool:
    try:
        return len(character.encode("gbk")) <= 2  # noqa: PLR2004 - a GBK character has two bytes
    except UnicodeEncodeError:
        return False


def pdf_of(notice: Notice) -> bytes:
    """The notice as a PDF. Blocking for some ten milliseconds: called in a thread."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))  # pyright: ignore[reportUnknownMemberType]
    file = BytesIO()
    page = SimpleDocTemplate(
        file,
        pagesize=A4,
        title=f"{notice.title} {notice.number}",
        author=notice.unit,
        leftMargin=26 * mm,
        rightMargin=26 * mm,
        topMargin=30 * mm,
        bottomMargin=24 * mm,
    )
    page.build(_flow(notice))
    return file.getvalue()


def _flow(notice: Notice) -> list[Any]:
    lines = [*notice.paragraphs(), *notice.closing()]
    rare = drawable("".join([notice.title, *lines])).rare
    if rare:
        codes = "、".join(f"U+{ord(character):04X}" for character in rare)
        lines.append(f"注:{_MISSING}处为生僻字({codes}),请按证件手写补正。")
    return [
        _paragraph(notice.title, size=20, alignment=TA_CENTER),
        Spacer(1, 4 * mm),
        _paragraph(f"编号:{notice.number}", size=12, alignment=TA_CENTER),
        Spacer(1, 8 * mm),
        *(_paragraph(line, size=13, alignment=TA_LEFT) for line in lines),
    ]


def _paragraph(text: str, *, size: int, alignment: Literal[0, 1]) -> Paragraph:
    style = ParagraphStyle(
        "notice",
        fontName=FONT,
        fontSize=size,
        leading=size * 1.8,
        alignment=alignment,
        wordWrap="CJK",
        spaceAfter=size * 0.4,
    )
    return Paragraph(escape(drawable(text).text), style)
