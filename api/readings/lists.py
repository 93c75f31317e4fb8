"""The list of readings, newest first: hot, so PostgreSQL itself writes its JSON."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from api.foundation.database import Connection
from api.foundation.pages import PageRequest, decode_cursor, encode_cursor
from api.readings.queries import columns_of

_COLUMNS = columns_of("readings").replace(
    'readings."note_sealed"', "readings.note_sealed IS NOT NULL AS has_note"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which readings are asked for; what is None does not matter."""

    grid_id: UUID | None = None
    quarantine_id: UUID | None = None
    day: date | None = None
    abnormal: bool | None = None


async def page_of(connection: Connection, wanted: Wanted, page: PageRequest) -> bytes:
    """One page as the JSON of `Page[ReadingRead]`; raises `InvalidInput` for a foreign cursor."""
    grids = await _grids(connection, wanted.grid_id)
    where, values = _where(wanted, grids, page.cursor)
    rows = await connection.fetch(
        # The limit is written out: as a parameter the planner would have to guess it.
        f"SELECT row_to_json(listed)::text FROM (SELECT {_COLUMNS} FROM readings WHERE {where} "
        f"ORDER BY measured_at DESC, id DESC LIMIT {page.limit + 1:d}) AS listed",
        *values,
    )
    shown: list[str] = [row[0] for row in rows[: page.limit]]
    cursor = _after(shown[-1]) if len(rows) > page.limit else None
    return f'{{"items":[{",".join(shown)}],"next_cursor":{orjson.dumps(cursor).decode()}}}'.encode()


_WITHIN = """
    SELECT g.id FROM grids AS top JOIN grids AS g ON g.path >= top.path AND g.path < top.path || '/'
    WHERE top.id = $1
"""


async def _grids(connection: Connection, grid_id: UUID | None) -> list[UUID] | None:
    """The grid and every grid below it; by itself where it is out of reach."""
    if grid_id is None:
        return None
    return [row["id"] for row in await connection.fetch(_WITHIN, grid_id)] or [grid_id]


def _after(last: str) -> str:
    item = orjson.loads(last)
    return encode_cursor([item["measured_at"], item["id"]])


def _where(wanted: Wanted, grids: list[UUID] | None, cursor: str | None) -> tuple[str, list[Any]]:
    # Of one grid alone the index has them in order.
    alone = grids[0] if grids and len(grids) == 1 else None
    told = {
        "grid_id = ${}": alone,
        "grid_id = ANY (${})": grids if alone is None else None,
        "quarantine_id = ${}": wanted.quarantine_id,
        "day = ${}": wanted.day,
        "abnormal = ${}": wanted.abnormal,
    }
    given = {condition: value for condition, value in told.items() if value is not None}
    conditions = [condition.format(place) for place, condition in enumerate(given, 1)]
    values: list[Any] = list(given.values())
    if cursor is not None:
        conditions.append(f"(measured_at, id) < (${len(values) + 1}, ${len(values) + 2})")
        values += decode_cursor(cursor, [datetime, UUID])
    return " AND ".join(["discarded_at IS NULL", *conditions]), values
