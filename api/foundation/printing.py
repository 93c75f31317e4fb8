"""Chinese on paper: a font that goes with each page, and what to do where it lacks a sign."""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

_FILE = Path(__file__).with_name("fonts") / "NotoSansSC-Regular.ttf"
_MISSING = "□"


@cache
def font() -> TTFont:
    """The font, read once, when something is printed for the first time: a tenth of a second."""
    read = TTFont("NotoSansSC", _FILE)
    pdfmetrics.registerFont(read)  # pyright: ignore[reportUnknownMemberType]
    return read


class Drawable(NamedTuple):
    """A text as the font can show it, and the characters that it cannot."""

    text: str
    rare: list[str]


def drawable(text: str) -> Drawable:
    """Put a box for each character that the font does not have.

    A name with a rarer character is completed by hand, as the page then says, instead of being
    printed with a hole that nobody notices.
    """
    known = font().face.charToGlyph
    rare = [character for character in text if ord(character) not in known]
    shown = "".join(_MISSING if character in rare else character for character in text)
    return Drawable(shown, list(dict.fromkeys(rare)))


def rare_characters(text: str) -> str | None:
    """The note on a page of `text` which says what its boxes stand for; None without any."""
    rare = drawable(text).rare
    if not rare:
        return None
    codes = "、".join(f"U+{ord(character):04X}" for character in rare)
    return f"注：{_MISSING}处为生僻字（{codes}），请按证件手写补正。"


def paragraph(text: str, *, size: float, alignment: Literal[0, 1] = TA_LEFT) -> Paragraph:
    """A paragraph of Chinese, in points."""
    style = ParagraphStyle(
        "chinese",
        fontName=font().fontName,
        fontSize=size,
        leading=size * 1.8,
        alignment=alignment,
        wordWrap="CJK",
        spaceAfter=size * 0.4,
    )
    return Paragraph(escape(drawable(text).text), style)
