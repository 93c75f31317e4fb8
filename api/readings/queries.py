"""Reading temperatures, and the one statement that keeps one; row security says whose."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.access.audit import NOTED
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.problems import NotFound

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

# All its judgements are of one local day, so the stage is looked up once and not for each of them:
# PostgreSQL then keeps one plan for the statement, instead of planning it for every reading.
_STAGE_OF_THE_DAY = """
    LEFT JOIN LATERAL (
        SELECT s.monitoring_policy_id FROM quarantine_stages AS s
        WHERE s.quarantine_id = q.id AND s.starts_on <= ($15::date[])[1]
            AND s.discarded_at IS NULL AND s.monitoring_policy_id IS NOT NULL
        ORDER BY s.starts_on DESC LIMIT 1
    ) AS stage ON true
"""
"""A reading is judged by the policy of its day's stage; where none is due, by the one before."""

# The policy is found by the statement itself, so the reading comes judged by every policy there is;
# the row, its audit and its alert are one statement: what costs here is the round trip
# (docs/decisions/0010).
_KEEP = f"""
    WITH slot AS (
        SELECT q.id, q.resident_id, q.grid_id, q.reach, judged.*
        FROM quarantines AS q {_STAGE_OF_THE_DAY}
        JOIN unnest(
            $14::uuid[], $15::date[], $16::text[], $17::text[], $18::bool[], $19::bool[],
            $20::bool[]
        ) AS judged (policy_id, day, "window", timing, abnormal, low, fever)
            ON judged.policy_id = coalesce(stage.monitoring_policy_id, q.monitoring_policy_id)
        WHERE q.id = $7 AND {RUNNING.format(day="judged.day")}
            AND ($4::uuid = $5::uuid OR EXISTS (SELECT FROM colleagues(ARRAY[$4::uuid])))
    ), kept AS (
        INSERT INTO readings (
            id, version, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
            resident_id, grid_id, reach, value_c, method, site, symptoms, note_sealed, measured_at,
            day, "window", timing, abnormal, low
        )
        SELECT $1::uuid, 1, $2::timestamptz, $3::timestamptz, $4::uuid, $5::uuid, $6::text, id,
            resident_id, grid_id, reach, $8::float8, $9::text, $10::text, $11::text[],
            $12::bytea, $13::timestamptz, day, "window", timing, abnormal, low
        FROM slot
        ON CONFLICT DO NOTHING
        RETURNING *
    ), noted AS (
        INSERT INTO audit_entries (
            {NOTED}, subject_id, details, reach
        )
        SELECT $21::uuid, $22::timestamptz, $23::text, $24::uuid, $25::uuid, $26::uuid, $27::text,
            id, '{{}}', reach
        FROM kept
    )
    SELECT {columns_of("kept")}, CASE WHEN kept.abnormal THEN (
        SELECT open_alerts(jsonb_agg(jsonb_build_object(
            'cause', shown.cause, 'subject_id', kept.resident_id, 'grid_id', kept.grid_id,
            'reach', kept.reach, 'quarantine_id', kept.quarantine_id, 'kind', 'reading',
            'record_id', kept.id, 'key', shown.cause, 'found_at', kept.measured_at,
            'told_by', kept.performed_by
        )), kept.received_at)
        FROM (VALUES ('fever', slot.fever), ('symptom', kept.symptoms <> '{{}}'))
            AS shown (cause, holds)
        WHERE shown.holds
    ) END AS alerts
    FROM kept JOIN slot ON slot.id = kept.quarantine_id
"""
_KEPT_FROM = (
    "id",
    "recorded_at",
    "received_at",
    "performed_by",
    "entered_by",
    "source",
    "quarantine_id",
    "value_c",
    "method",
    "site",
    "symptoms",
    "note_sealed",
    "measured_at",
)


async def keep(
    connection: Connection, fields: Row, judged: Sequence[Judged], note: tuple[Any, ...]
) -> Row | None:
    """Insert a reading and its audit row; None where anything at all stood against it."""
    columns = zip(*judged, strict=True) if judged else ((),) * len(Judged._fields)
    values = [fields[name] for name in _KEPT_FROM]
    kept = await connection.fetchrow(_KEEP, *values, *map(list, columns), *note)
    return None if kept is None else dict(kept)


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
    said = orjson.dumps(rows, default=_as_postgresql_reads).decode()
    kept = await connection.fetch(_KEEP_ALL, received_at, entered_by, said)
    return {row["id"] for row in kept}


def _as_postgresql_reads(value: bytes | UUID) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


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


async def quarantines(connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, Row]:
    """What a reading needs to know of these quarantines; those out of reach are left out."""
    return {row["id"]: dict(row) for row in await connection.fetch(_QUARANTINES, wanted)}


def policies_of(quarantine: Row) -> set[UUID]:
    """Every monitoring policy by which readings of this quarantine may be judged."""
    return {quarantine["monitoring_policy_id"], *(quarantine["policies"] or ())}


def policy_on(quarantine: Row, day: date) -> UUID:
    """The policy that judges a reading of a local day, as `_KEEP` finds it, of what was read."""
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
        raise NotFound("没有找到该体温记录,或不在您的网格范围内。")
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
    await connection.execute(_NOTE, *note, subject, orjson.dumps(details or {}).decode(), reach)


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
