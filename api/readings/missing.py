"""Who still lacks which temperature: derived from what is there, never kept beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.pages import Page, PageRequest, page_of, start_of
from api.foundation.problems import NotFound
from api.protocols.policies import MonitoringRule, windows_of
from api.readings.batches import Desk
from api.readings.missing_schemas import MissingCount, MissingCounts, MissingRead, MissingState
from api.readings.queries import path_of

# A temperature is expected in every window that the stage of the day asks for, except where the
# policy exempts the place the person was at when the window closed, or is at now; on the day a
# quarantine ended, only while the person was still on record as being somewhere.
_EXPECTED = """
    SELECT q.id AS quarantine_id, q.resident_id, q.household_id, q.grid_id, q.reach, due.name,
        due.label, due.opens_at, due.closes_at, r.id IS NOT NULL AS done
    FROM quarantines AS q
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.starts_on <= $6::date AND s.ends_on >= $6::date
    JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
        AS due (policy_id, name, label, opens_at, closes_at)
        ON due.policy_id = s.monitoring_policy_id
    JOIN monitoring_policies AS p ON p.id = s.monitoring_policy_id
    LEFT JOIN readings AS r ON r.quarantine_id = q.id AND r.day = $6::date
        AND r."window" = due.name AND r.discarded_at IS NULL
    LEFT JOIN LATERAL (
        SELECT w.kind FROM whereabouts AS w
        WHERE w.quarantine_id = q.id AND w.discarded_at IS NULL
            AND w.since_at <= least(due.closes_at, $7::timestamptz)
            AND (w.until_at IS NULL OR w.until_at > least(due.closes_at, $7::timestamptz))
        ORDER BY w.since_at DESC LIMIT 1
    ) AS place ON true
    WHERE q.discarded_at IS NULL AND q.end_reason IS DISTINCT FROM 'entered_in_error'
        AND (q.ended_on IS NULL OR q.ended_on >= $6::date)
        AND ($8::text IS NULL OR q.reach >= $8::text AND q.reach < $8::text || '/')
        AND (
            r.id IS NOT NULL
            OR place.kind IS NULL AND (q.ended_on IS NULL OR q.ended_on > $6::date)
            OR place.kind <> ALL (p.exempt_whereabouts)
        )
"""

_LISTED = f"""
    WITH expected AS ({_EXPECTED})
    SELECT e.quarantine_id, e.resident_id, resident.name AS resident_name, e.household_id,
        household.name AS household_name, household.number AS household_number, e.grid_id,
        e.name AS "window", e.label, e.opens_at, e.closes_at, e.reach, why.reason AS not_taken
    FROM expected AS e
    JOIN residents AS resident ON resident.id = e.resident_id
    JOIN households AS household ON household.id = e.household_id
    LEFT JOIN LATERAL (
        SELECT n.reason FROM readings_not_taken AS n
        WHERE n.quarantine_id = e.quarantine_id AND n.day = $6::date AND n."window" = e.name
            AND n.discarded_at IS NULL
        ORDER BY n.recorded_at DESC LIMIT 1
    ) AS why ON true
    WHERE NOT e.done AND e.opens_at <= $7::timestamptz
        AND ($9::timestamptz IS NULL
            OR (e.closes_at, e.reach, e.quarantine_id, e.name)
                > ($9::timestamptz, $10::text COLLATE "C", $11::uuid, $12::text))
    ORDER BY e.closes_at, e.reach, e.quarantine_id, e.name
    LIMIT $13
"""

_COUNTED = f"""
    WITH expected AS ({_EXPECTED})
    SELECT e.grid_id, g.name AS grid_name, e.name AS "window", e.label, count(*) AS expected,
        count(*) FILTER (WHERE e.done) AS done,
        count(*) FILTER (
            WHERE NOT e.done AND e.opens_at <= $7::timestamptz AND e.closes_at > $7::timestamptz
        ) AS due,
        count(*) FILTER (WHERE NOT e.done AND e.closes_at <= $7::timestamptz) AS late
    FROM expected AS e LEFT JOIN grids AS g ON g.id = e.grid_id
    GROUP BY e.grid_id, g.name, g.path, e.name, e.label
    ORDER BY g.path NULLS LAST, e.grid_id, min(e.opens_at), e.name
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day, of everything in reach or below one grid."""

    day: date
    grid_id: UUID | None = None


async def missing_page(desk: Desk, of: Day, page: PageRequest) -> Page[MissingRead]:
    """Who lacks a reading in a window that has opened; the longest overdue first, door by door.

    Raises `NotFound` for a grid out of reach, `InvalidInput` for a foreign cursor.
    """
    now = clock.now()
    asked = await _asked(desk, of, now)
    after = start_of(page, [datetime, str, UUID, str])
    rows = await desk.connection.fetch(_LISTED, *asked, *after, page.limit + 1)

    def shown(row: dict[str, Any]) -> MissingRead:
        return MissingRead(**row, day=of.day, state=_state(row["closes_at"], now))

    return page_of(rows, page, ("closes_at", "reach", "quarantine_id", "window"), present=shown)


async def missing_counts(desk: Desk, of: Day) -> MissingCounts:
    """Per grid and window: expected, done, due and late. Raises `NotFound` as above."""
    asked = await _asked(desk, of, clock.now())
    rows = await desk.connection.fetch(_COUNTED, *asked)
    return MissingCounts(day=of.day, items=[MissingCount(**row) for row in rows])


async def _asked(desk: Desk, of: Day, now: datetime) -> list[Any]:
    """The first eight parameters of both statements."""
    rules = await _rules(desk, desk.caller.cell)
    due = list(_due(rules, of.day))
    columns = zip(*due, strict=True) if due else ((),) * 5
    return [*map(list, columns), of.day, now, await _below(desk.connection, of.grid_id)]


async def _rules(desk: Desk, cell: str) -> Mapping[UUID, MonitoringRule]:
    every = "SELECT id FROM monitoring_policies"
    needed = [row[0] for row in await desk.connection.fetch(every)]
    return await desk.policies.monitoring(desk.connection, cell, needed)


def _due(
    rules: Mapping[UUID, MonitoringRule], day: date
) -> Iterator[tuple[UUID, str, str, datetime, datetime]]:
    for rule in rules.values():
        for window, opening in zip(rule.windows, windows_of(rule, day), strict=True):
            yield rule.id, window.name, window.label, opening.opens_at, opening.closes_at


async def _below(connection: Connection, grid_id: UUID | None) -> str | None:
    if grid_id is None:
        return None
    path = await path_of(connection, grid_id)
    if path is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/query/grid_id")
    return path


def _state(closes_at: datetime, now: datetime) -> MissingState:
    return MissingState.due if now < closes_at else MissingState.late
