"""Reading events since a mark; for whom, the transaction that it is read in decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.foundation.database import Connection
from api.live.marks import Mark, Snapshot
from api.live.retention import KEPT
from api.live.schemas import EventKind, EventRead

_KNOWN = frozenset(EventKind.labels())


@dataclass(frozen=True, slots=True)
class News:
    """An event as it is kept, and the transaction that told it."""

    xid: int
    reach: str
    worker_id: UUID | None
    read: EventRead


@dataclass(frozen=True, slots=True)
class Told:
    """What there is since a mark, each with the mark after it, and the mark after all of it."""

    items: Sequence[tuple[News, Mark]]
    mark: Mark
    now: Snapshot
    resync: bool = False


async def snapshot(connection: Connection) -> Snapshot:
    """What is visible now."""
    return Snapshot.parse(await connection.fetchval("SELECT pg_current_snapshot()::text"))


async def since(connection: Connection, mark: Mark, *, limit: int, at: datetime) -> Told:
    """At most `limit` events that the mark does not tell of, in the order of their numbers.

    Where the events since the mark are no longer all kept, or it is of another database, there is
    nothing to go on from: the answer is the present mark, and that everything be read anew.
    """
    row = await connection.fetchrow(_STANDING, at - KEPT)
    assert row is not None  # noqa: S101 - it selects no table
    now, purged = Snapshot.parse(row["now"]), row["purged"]
    if mark.told.ends > now.ends or (purged is not None and int(purged) > mark.told.begins):
        return Told((), Mark(now), now, resync=True)
    told = await _page(connection, mark, limit)
    if not told.items and mark.until is not None:
        told = await _page(connection, told.mark, limit)
    return told


_STANDING = "SELECT pg_current_snapshot()::text AS now, events_purged_to($1)::text AS purged"


async def all_since(connection: Connection, mark: Mark, *, most: int, at: datetime) -> Told:
    """Everything that the mark does not tell of; more than `most` is to be read anew."""
    items: list[tuple[News, Mark]] = []
    while True:
        told = await since(connection, mark, limit=most, at=at)
        items += told.items
        if told.resync or len(items) > most or told.mark.until is not None:
            return Told((), Mark(told.now), told.now, resync=True)
        if mark.until is None:
            return Told(items, told.mark, told.now)
        mark = told.mark


async def _page(connection: Connection, mark: Mark, limit: int) -> Told:
    rows = await connection.fetch(
        _SINCE,
        str(mark.told.ends),
        [str(each) for each in mark.told.running],
        None if mark.until is None else str(mark.until.ends),
        [str(each) for each in (mark.until.running if mark.until else ())],
        mark.seq,
        limit + 1,
    )
    now = Snapshot.parse(rows[0]["now"])
    found = [row for row in rows if row["seq"] is not None]
    until, shown = mark.until or now, found[:limit]
    marks = [Mark(mark.told, until, row["seq"]) for row in shown]
    if len(found) <= limit:
        marks[-1:] = [Mark(until)]
    items = [
        (_news(row), after)
        for row, after in zip(shown, marks, strict=False)
        if row["kind"] in _KNOWN  # a newer version of the service may tell others
    ]
    return Told(items, marks[-1], now)


# One statement, so that the snapshot told is the one that the events were looked for in. Restored
# from another cluster, events may be of transactions that are still to come: nobody misses those.
_SINCE = """
    SELECT pg_current_snapshot()::text AS now, e.* FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT seq, xid::text AS xid, at, kind, subject_id, grid_id, quarantine_id, worker_id, reach
        FROM events
        WHERE (xid >= $1::text::xid8 OR xid = ANY ($2::text[]::xid8[]))
            AND ($3::text IS NULL OR xid < $3::text::xid8 AND xid <> ALL ($4::text[]::xid8[]))
            AND seq > $5 AND xid < pg_snapshot_xmax(pg_current_snapshot())
        ORDER BY seq LIMIT $6
    ) AS e ON true
"""


def _news(row: Any) -> News:
    read = EventRead(
        event_id=row["seq"],
        kind=EventKind(row["kind"]),
        at=row["at"],
        subject_id=row["subject_id"],
        grid_id=row["grid_id"],
        quarantine_id=row["quarantine_id"],
    )
    return News(int(row["xid"]), row["reach"], row["worker_id"], read)
