"""How the duties of a day stand, place by place, and which of them were missed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from api.duties.board_schemas import Board, BoardLine, BoardPlace, CareKind, MissedRead, Tally
from api.duties.due import care
from api.duties.people import PEOPLE_THEN
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, page_of, start_of
from api.foundation.problems import InvalidInput, NotFound
from api.readings.batches import Desk
from api.readings.queries import path_of

LONGEST: Final = timedelta(days=31)
"""What is asked of at once: a month of a township is some hundred thousand duties."""

BELOW: Final = care(
    "q.reach >= $4::text COLLATE \"C\" AND q.reach < $4::text || '/'",
    "d.reach >= $4::text COLLATE \"C\" AND d.reach < $4::text || '/'",
)
"""Everything below the place `$4`."""

COUNTED: Final = """
    count(*) AS expected,
    count(*) FILTER (WHERE c.done_at < c.due_at) AS done,
    count(*) FILTER (WHERE c.done_at >= c.due_at) AS late,
    count(*) FILTER (WHERE c.done_at IS NULL AND c.due_at <= $3::timestamptz) AS missed,
    count(*) FILTER (WHERE c.done_at IS NULL AND c.due_at > $3::timestamptz) AS open
"""
_TALLIED = f"""
    c.kind AS duty, CASE c.kind WHEN 'reading' THEN c.key END AS "window",
    CASE c.kind WHEN 'reading' THEN c.label END AS label, {COUNTED}
"""

# The place just below has one segment more: a grid, or the household that lies here itself.
_PLACES = f"""
    WITH {BELOW}
    SELECT CASE WHEN g.id IS NULL THEN 'household' ELSE 'grid' END AS kind,
        coalesce(g.id, h.id) AS id, coalesce(g.name, h.name) AS name, h.number, {_TALLIED}
    FROM care AS c
    LEFT JOIN grids AS g ON g.path = array_to_string(
        (string_to_array(c.reach, '.'))[1:cardinality(string_to_array($4::text, '.')) + 1], '.'
    )
    LEFT JOIN households AS h ON h.id = c.household_id AND g.id IS NULL
    GROUP BY g.id, g.name, g.path, h.id, h.name, h.number, c.kind, "window", c.label
    ORDER BY g.path, h.number, id, min(c.opens_at), c.kind, "window"
"""
_PEOPLE = f"""
    WITH {BELOW}
    SELECT 'person' AS kind, r.id, r.name, NULL::integer AS number, {_TALLIED}
    FROM care AS c JOIN residents AS r ON r.id = c.resident_id
    GROUP BY r.id, r.name, c.kind, "window", c.label
    ORDER BY r.name, r.id, min(c.opens_at), c.kind, "window"
"""

_MISSED = f"""
    WITH {BELOW}
    SELECT c.kind, c.day, c.key, CASE c.kind WHEN 'reading' THEN c.key END AS "window",
        CASE c.kind WHEN 'reading' THEN c.label END AS label, c.opens_at, c.due_at,
        c.quarantine_id, c.resident_id, r.name AS resident_name, c.household_id,
        h.name AS household_name, h.number AS household_number, c.grid_id,
        (
            SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object(
                'worker_id', p.worker_id, 'name', p.name
            )), '[]') FROM ({PEOPLE_THEN}) AS p
        )::text AS on_duty
    FROM (
        SELECT * FROM care AS c
        WHERE c.done_at IS NULL AND c.due_at <= $3::timestamptz
            AND ($5::text IS NULL OR c.kind = $5::text)
            AND ($6::timestamptz IS NULL
                OR (c.due_at, c.resident_id, c.kind, c.key, c.day)
                    > ($6::timestamptz, $7::uuid, $8::text, $9::text, $10::date))
        ORDER BY c.due_at, c.resident_id, c.kind, c.key, c.day LIMIT $11
    ) AS c
    JOIN residents AS r ON r.id = c.resident_id
    JOIN households AS h ON h.id = c.household_id
    ORDER BY c.due_at, c.resident_id, c.kind, c.key, c.day
"""
_AFTER = ("due_at", "resident_id", "kind", "key", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose duties: everything below a grid (the caller's own unless told), or of one household."""

    grid_id: UUID | None = None
    household_id: UUID | None = None


class Period(NamedTuple):
    """From one local day to another, both included."""

    since: date
    until: date

    def refuse_wrong(self) -> None:
        """Raise `InvalidInput` where it ends before it begins, or is longer than a month."""
        if self.until < self.since:
            raise InvalidInput("结束日期不能早于开始日期。", pointer="/query/to")
        if self.until - self.since >= LONGEST:
            raise InvalidInput(f"一次最多查询{LONGEST.days}天。", pointer="/query/to")


async def board(desk: Desk, day: date, of: Asked) -> Board:
    """How one local day stands; raises `NotFound` for a grid or household out of reach."""
    now = clock.now()
    statement = _PEOPLE if of.household_id else _PLACES
    place = await place_of(desk, of)
    rows = await desk.connection.fetch(statement, day, day, now, place)
    return Board(as_of=now, day=day, lines=list(_lines(rows)))


async def place_of(desk: Desk, of: Asked) -> str:
    """Where it lies; raises `NotFound`."""
    if of.household_id is not None:
        statement = "SELECT reach FROM households WHERE id = $1"
        home: str | None = await desk.connection.fetchval(statement, of.household_id)
        if home is None:
            raise NotFound("没有找到该户，或不在您的网格范围内。", pointer="/query/household_id")
        return home
    path = await path_of(desk.connection, of.grid_id or desk.caller.grid)
    if path is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/query/grid_id")
    return path


def _lines(rows: Iterable[Any]) -> Iterator[BoardLine]:
    for (kind, identity, name, number), tallied in groupby(rows, key=_whose):
        yield BoardLine(
            kind=BoardPlace(kind),
            id=identity,
            name=name,
            number=number,
            tallies=[Tally(**{**row, "kind": row["duty"]}) for row in tallied],
        )


def _whose(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("kind", "id", "name", "number"))


async def missed(
    desk: Desk, days: Period, of: Asked, page: PageRequest, *, kind: CareKind | None
) -> Page[MissedRead]:
    """What nobody did in time nor has done since, from day to day, the oldest first.

    Raises `NotFound` as `board`, `InvalidInput` for days in the wrong order or more than a month.
    """
    days.refuse_wrong()
    after = start_of(page, [datetime, UUID, str, str, date])
    place = await place_of(desk, of)
    asked = [*days, clock.now(), place, kind, *after, page.limit + 1]
    rows = await desk.connection.fetch(_MISSED, *asked)
    return page_of(rows, page, _AFTER, present=_missed)


def _missed(row: Any) -> MissedRead:
    return MissedRead(**{**row, "on_duty": orjson.loads(row["on_duty"])})
