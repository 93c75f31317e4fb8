"""Reading temperatures, and the one statement that keeps one; row security says whose."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from api.access.audit import NOTED
from api.access.caller import entering
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Connection, Database, cell_schema
from api.foundation.logs import request_id
from api.foundation.problems import NotFound
from api.foundation.records import json_of, new_id

Row = Mapping[str, Any]
Slot = tuple[UUID, date, str]
"""A quarantine, a local day and a window: what has one reading at most."""


_NAMES = (
    "id version quarantine_id resident_id grid_id day window timing value_c method site symptoms "
    "note_sealed measured_at abnormal low recorded_at received_at performed_by entered_by source "
    "discarded_at"
)


def columns_of(table: str) -> str:
    """What is read of a reading; the value as a plain float, which the wire speaks."""
    names = (f'{table}."{name}"' for name in _NAMES.split())
    return ", ".join(f"{name}::float8" if "value_c" in name else name for name in names)


class Judged(NamedTuple):
    """A reading as one policy sees it."""

    policy_id: UUID
    day: date
    window: str
    timing: str
    abnormal: bool
    low: bool
    fever: bool


RUNNING = """
    q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
    AND q.started_on <= {day} AND (q.ended_on IS NULL OR q.ended_on >= {day})
"""
"""A quarantine is measured from its first local day to the day it ended, both included; past its
planned end it runs on until somebody releases the person."""


async def keep(
    database: Database, caller: Claims, fields: Row, judged: Sequence[Judged]
) -> Row | None:
    """Enter, keep a reading with its audit row and its alerts, and commit: one round trip.

    It comes judged by every policy that is known, since the cell's function finds the one of its
    day. Returns the row, or None where anything at all stood against it. Of an abnormal one people
    are told right after (docs/decisions/0024).
    """
    if not judged:
        return None
    verdicts = {str(each.policy_id): each._asdict() for each in judged}
    told = ({**fields, "day": judged[0].day}, verdicts)
    kept = await database.at_once(
        f"{cell_schema(caller.cell)}.keep_reading",
        *entering(caller),
        *(json_of(each).decode() for each in told),
        new_id(),
        request_id.get(),
    )
    if kept["policy"] is None:
        return None
    if kept["alerts"] is not None:
        database.owe(caller.cell, "tell_opened", kept["alerts"])
    place = {"resident_id": kept["resident"], "grid_id": kept["grid"]}
    return {**fields, **verdicts[str(kept["policy"])], **place}


# One JSON parameter: the driver looks at every value of an array, and that is what a round costs.
_KEEP_ALL = """
    INSERT INTO readings (
        id, version, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
        value_c, method, site, symptoms, note_sealed, measured_at, resident_id, grid_id, reach,
        day, "window", timing, abnormal, low
    )
    SELECT said.id, 1, said.recorded_at, $1::timestamptz, said.performed_by, $2::uuid, said.source,
        q.id, value_c, method, site, symptoms, note_sealed, measured_at, q.resident_id, q.grid_id,
        q.reach, day, "window", timing, abnormal, low
    FROM json_to_recordset($3::json) AS said (
        id uuid, recorded_at timestamptz, performed_by uuid, source text, quarantine_id uuid,
        value_c float8, method text, site text, symptoms text[], note_sealed bytea,
        measured_at timestamptz, day date, "window" text, timing text, abnormal bool, low bool
    )
    JOIN quarantines AS q ON q.id = said.quarantine_id
    -- In one order always, so that two rounds with the same people wait and do not deadlock.
    ORDER BY q.id, day, "window"
    ON CONFLICT DO NOTHING
    RETURNING id
"""


async def keep_all(connection: Connection, entered_by: UUID, rows: Sequence[Row]) -> set[UUID]:
    """Insert many readings in one statement; returns the ids that nothing stood against."""
    if not rows:
        return set()
    received_at = max(row["received_at"] for row in rows)
    said = json_of(rows).decode()
    kept = await connection.fetch(_KEEP_ALL, received_at, entered_by, said)
    return {row["id"] for row in kept}


_QUARANTINES = """
    SELECT id, resident_id, grid_id, reach, monitoring_policy_id, started_on, ended_on,
        discarded_at IS NULL AND end_reason IS DISTINCT FROM 'entered_in_error' AS counts,
        stages.starts, stages.policies
    FROM quarantines
    LEFT JOIN (
        SELECT quarantine_id, array_agg(starts_on ORDER BY starts_on) AS starts,
            array_agg(monitoring_policy_id ORDER BY starts_on) AS policies
        FROM quarantine_stages
        WHERE quarantine_id = ANY($1::uuid[]) AND discarded_at IS NULL
            AND monitoring_policy_id IS NOT NULL
        GROUP BY quarantine_id
    ) AS stages ON stages.quarantine_id = id
    WHERE id = ANY($1::uuid[])
"""


async def quarantines(connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, Any]:
    """What a reading needs to know of these quarantines; those out of reach are left out."""
    return {row["id"]: row for row in await connection.fetch(_QUARANTINES, wanted)}


def policies_of(quarantines: Iterable[Row]) -> set[UUID]:
    """Every monitoring policy by which readings of these quarantines may be judged."""
    found = list(quarantines)
    of_stages = [each["policies"] for each in found if each["policies"]]
    return {each["monitoring_policy_id"] for each in found}.union(*of_stages)


def policy_on(quarantine: Row, day: date) -> UUID:
    """The policy that judges a reading of a local day, found as `keep_reading` finds it."""
    begun = bisect_right(quarantine["starts"] or (), day)
    return quarantine["policies"][begun - 1] if begun else quarantine["monitoring_policy_id"]


async def strangers(connection: Connection, named: Collection[UUID]) -> set[UUID]:
    """Those of `named` who do not belong to the township (`api.access.colleagues`)."""
    if not named:
        return set()
    rows = await connection.fetch("SELECT * FROM colleagues($1::uuid[])", list(named))
    return set(named) - {row[0] for row in rows}


async def readings(connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, Row]:
    """These readings as they are now."""
    statement = f"SELECT {columns_of('readings')} FROM readings WHERE id = ANY($1::uuid[])"
    return {row["id"]: dict(row) for row in await connection.fetch(statement, wanted)}


async def reading_of(connection: Connection, reading_id: UUID) -> Row:
    """One reading; raises `NotFound`."""
    found = await readings(connection, [reading_id])
    if reading_id not in found:
        raise NotFound("没有找到该体温记录，或不在您的网格范围内。")
    return found[reading_id]


_FIRST = f"""
    SELECT {columns_of("readings")} FROM readings WHERE id = ANY($1::uuid[]) AND version = 1
    UNION ALL
    SELECT {columns_of("kept")}
    FROM revisions, jsonb_populate_record(NULL::readings, body) AS kept
    WHERE revisions.record_id = ANY($1::uuid[]) AND kind = 'readings' AND revisions.version = 1
"""


async def first_said(connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, Row]:
    """These readings as they were first sent, for telling a late retry from another record."""
    return {row["id"]: dict(row) for row in await connection.fetch(_FIRST, wanted)}


_RIVALS = """
    SELECT readings.id, quarantine_id, readings.day, readings."window"
    FROM readings
    JOIN unnest($1::uuid[], $2::date[], $3::text[]) AS slot (quarantine_id, day, "window")
        USING (quarantine_id, day, "window")
    WHERE readings.discarded_at IS NULL
"""


async def taken(connection: Connection, slots: Sequence[Slot]) -> dict[Slot, UUID]:
    """Which of these windows have a reading already, and which."""
    columns = [list(column) for column in zip(*slots, strict=True)] or [[], [], []]
    rows = await connection.fetch(_RIVALS, *columns)
    return {(row["quarantine_id"], row["day"], row["window"]): row["id"] for row in rows}


_IN_GRID = f"""
    SELECT q.id FROM quarantines AS q
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.starts_on <= $2::date AND s.ends_on >= $2::date
    JOIN monitoring_policies AS p ON p.id = s.monitoring_policy_id
    WHERE {RUNNING.format(day="$2::date")} AND q.reach >= $1::text AND q.reach < $1::text || '/'
        AND NOT EXISTS (
            SELECT FROM whereabouts AS w
            WHERE w.quarantine_id = q.id AND w.discarded_at IS NULL AND w.since_at <= $3
                AND (w.until_at IS NULL OR w.until_at > $3) AND w.kind = ANY(p.exempt_whereabouts)
        )
    ORDER BY q.reach, q.id LIMIT $4
"""


async def in_grid(connection: Connection, path: str, *, at: datetime, limit: int) -> list[UUID]:
    """The quarantines below a path whose people were to be measured at an instant."""
    rows = await connection.fetch(_IN_GRID, path, clock.local_day(at), at, limit)
    return [row["id"] for row in rows]


async def path_of(connection: Connection, grid_id: UUID) -> str | None:
    """The path of a grid in reach."""
    return await connection.fetchval("SELECT path FROM grids WHERE id = $1", grid_id)


_NOTE = f"""
    INSERT INTO audit_entries ({NOTED}, subject_id, details, reach)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def note(
    connection: Connection,
    note: tuple[Any, ...],
    *,
    subject: UUID,
    reach: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an audit row by itself, for what was not one statement anyway."""
    await connection.execute(_NOTE, *note, subject, json_of(details or {}).decode(), reach)


_HISTORY = f"""
    SELECT {columns_of("kept")},
        replaced_at, replaced_by, reason
    FROM revisions, jsonb_populate_record(NULL::readings, body) AS kept
    WHERE revisions.record_id = $1 AND kind = 'readings'
    ORDER BY revisions.version DESC
"""


async def history(connection: Connection, reading_id: UUID) -> list[Row]:
    """The former versions of a reading with who replaced them and why, newest first."""
    return [dict(row) for row in await connection.fetch(_HISTORY, reading_id)]
