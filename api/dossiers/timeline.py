"""One timeline of all chapters that the reader may read, newest first, in one statement."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.permissions import Permission
from api.dossiers.chapter import Chapter, EntryKind
from api.dossiers.chapters import CHAPTERS
from api.foundation import clock
from api.foundation.pages import PageRequest, decode_cursor, encode_cursor
from api.registry.models import Resident

_BY_KIND = {chapter.kind: chapter for chapter in CHAPTERS}


class Entry(NamedTuple):
    """Something that happened to somebody, or was done for them."""

    kind: EntryKind
    at: datetime
    record_id: UUID
    by: UUID | None
    what: str


class Span(NamedTuple):
    """From an instant (included) to another (not included); None is open."""

    begins: datetime | None = None
    ends: datetime | None = None

    @classmethod
    def of_days(cls, first: date | None, last: date | None) -> "Span":
        """The local days from the first to the last, both included."""
        begins = None if first is None else clock.day_bounds(first)[0]
        return cls(begins, None if last is None else clock.day_bounds(last)[1])


def readable(held: Collection[Permission]) -> list[Chapter]:
    """The chapters that somebody with these permissions may read."""
    return [chapter for chapter in CHAPTERS if chapter.permission in held]


_ALL = Span()


async def timeline(
    session: AsyncSession,
    resident: Resident,
    chapters: Iterable[Chapter],
    page: PageRequest | None = None,
    *,
    span: Span = _ALL,
) -> tuple[list[Entry], str | None]:
    """Entries newest first, one page of them or all, and where the next page begins.

    Raises `InvalidInput` for a cursor that is not of a timeline.
    """
    told = list(chapters)
    if not told:
        return [], None
    bounds: dict[str, Any] = {
        "resident": resident.id,
        "household": resident.household_id,
        "begins": span.begins,
        "ends": span.ends,
        "at": None,
        "key": None,
        "limit": None if page is None else page.limit + 1,
    }
    if page is not None and page.cursor is not None:
        bounds["at"], bounds["key"] = decode_cursor(page.cursor, [datetime, str])
    rows = (await session.execute(text(_statement(told)), bounds)).all()
    shown = rows if page is None else rows[: page.limit]
    more = len(rows) > len(shown)
    after = encode_cursor([shown[-1].at.isoformat(), shown[-1].key]) if more else None
    return [_entry(row) for row in shown], after


def _statement(chapters: list[Chapter]) -> str:
    union = " UNION ALL ".join(
        f"SELECT '{chapter.kind.value}' AS kind, part.* "
        f"FROM ({chapter.sql}) AS part (at, record_id, by, said)"
        for chapter in chapters
    )
    return f"""
        SELECT * FROM (
            SELECT entry.*, concat_ws(' ', kind, record_id, said ->> 'what') AS key
            FROM ({union}) AS entry
        ) AS entry
        WHERE (CAST(:begins AS timestamptz) IS NULL OR at >= :begins)
            AND (CAST(:ends AS timestamptz) IS NULL OR at < :ends)
            AND (CAST(:at AS timestamptz) IS NULL
                OR (at, key COLLATE "C") < (CAST(:at AS timestamptz), CAST(:key AS text)))
        ORDER BY at DESC, key COLLATE "C" DESC
        LIMIT CAST(:limit AS integer)
    """


def _entry(row: Any) -> Entry:
    kind = EntryKind(row.kind)
    return Entry(kind, row.at, row.record_id, row.by, _BY_KIND[kind].tell(row.said).strip())
