"""The notice on one A4 page."""

from io import BytesIO
from typing import Any

from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import SimpleDocTemplate, Spacer

from api.foundation.printing import paragraph, rare_characters
from api.releases.notices import Notice


def pdf_of(notice: Notice) -> bytes:
    """The notice as a PDF. Blocking for some ten milliseconds: called in a thread."""
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
    note = rare_characters("".join([notice.title, *lines]))
    if note is not None:
        lines.append(note)
    return [
        paragraph(notice.title, size=20, alignment=TA_CENTER),
        Spacer(1, 4 * mm),
        paragraph(f"编号：{notice.number}", size=12, alignment=TA_CENTER),
        Spacer(1, 8 * mm),
        *(paragraph(line, size=13) for line in lines),
    ]
