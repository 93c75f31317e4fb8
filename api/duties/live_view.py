"""The live view: how every grid just below stands at this moment, in one statement (M5.2)."""

from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import orjson

from api.duties.standing import BELOW, COUNTED, Asked, place_of
from api.foundation import clock
from api.grids.models import GridKind
from api.readings.batches import Desk

_LIVE: Final = f"""
    WITH {BELOW}, tallied AS MATERIALIZED (
        SELECT c.reach, {COUNTED} FROM care AS c GROUP BY c.reach
    )
    SELECT jsonb_agg(to_jsonb(line) - 'path' ORDER BY line.path)::text FROM (
        SELECT g.path, g.id AS grid_id, g.name AS grid_name, there.quarantined,
            coalesce(duties.expected, 0) AS expected, coalesce(duties.done, 0) AS done,
            coalesce(duties.late, 0) AS late, coalesce(duties.missed, 0) AS missed,
            coalesce(duties.open, 0) AS open, alarm.open_alerts, there.waiting_releases,
            overdue.late_leads
        FROM grids AS g
        CROSS JOIN LATERAL (
            SELECT count(*) AS quarantined,
                count(*) FILTER (WHERE q.planned_end_on <= $2::date) AS waiting_releases
            FROM quarantines AS q
            WHERE q.reach >= g.path AND q.reach < g.path || '/' AND q.started_on <= $2::date
                AND q.status IN ('planned', 'active') AND q.discarded_at IS NULL
        ) AS there
        CROSS JOIN LATERAL (
            SELECT sum(t.expected) AS expected, sum(t.done) AS done, sum(t.late) AS late,
                sum(t.missed) AS missed, sum(t.open) AS open
            FROM tallied AS t WHERE t.reach >= g.path AND t.reach < g.path || '/'
        ) AS duties
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_object_agg(cause, number), '{{}}') AS open_alerts FROM (
                SELECT a.cause, count(*) AS number FROM alerts AS a
                WHERE a.reach >= g.path AND a.reach < g.path || '/' AND a.status <> 'verified'
                GROUP BY a.cause
            ) AS by_cause
        ) AS alarm
        CROSS JOIN LATERAL (
            SELECT count(*) AS late_leads FROM leads AS l
            WHERE l.reach >= g.path AND l.reach < g.path || '/' AND l.discarded_at IS NULL
                AND l.status IN ('imported', 'assigned', 'contacting', 'under_review', 'reviewed')
                AND l.deadline_at < $3::timestamptz
        ) AS overdue
        WHERE g.closed_at IS NULL AND g.path >= $4::text AND g.path < $4::text || '/'
            AND CASE WHEN $5::text IS NOT NULL THEN g.kind = $5::text
                ELSE g.path ~ ('^' || replace($4::text, '.', '\\.') || '\\.[^.]+$') END
    ) AS line
"""


async def live_view(desk: Desk, grid_id: UUID | None, kind: GridKind | None) -> tuple[bytes, str]:
    """The JSON of `LiveView`, and the tag of what it says whatever the hour.

    Raises `NotFound` for a grid out of reach. Without a kind, the grids one level down.
    """
    now = clock.now()
    today = clock.local_day(now)
    place = await place_of(desk, Asked(grid_id=grid_id))
    told: str | None = await desk.connection.fetchval(_LIVE, today, today, now, place, kind)
    grids: list[dict[str, Any]] = orjson.loads(told or "[]")
    tag = blake2b(orjson.dumps([today, grids]), digest_size=12).hexdigest()
    view = {"as_of": now, "day": today, "grids": grids}
    return orjson.dumps(view, option=orjson.OPT_UTC_Z), f'W/"{tag}"'
