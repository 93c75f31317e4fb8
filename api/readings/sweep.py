"""Who was not measured in a window that has closed: told as soon as its grace is over (M3.5)."""

from datetime import datetime, timedelta
from typing import Final

from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.jobs import every

_NAME = "readings.missed"
_BEGIN = "INSERT INTO sweeps (name, swept_until) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_SINCE = "SELECT swept_until FROM sweeps WHERE name = $1 FOR UPDATE"
_DONE = "UPDATE sweeps SET swept_until = $2 WHERE name = $1"
_LONGEST_GRACE = timedelta(minutes=1440)

# As `missing`: expected in every window of a day that a stage measures, except where the policy
# exempts the place the person was at when it closed. A window that had closed before anybody knew
# of the quarantine was nobody's to keep, and one with a reason why not is told by that reason.
UNKEPT: Final = """
    q.received_at < e.closes_at AND q.discarded_at IS NULL
    AND q.end_reason IS DISTINCT FROM 'entered_in_error'
    AND (q.ended_on IS NULL OR q.ended_on >= e.day)
    AND NOT EXISTS (
        SELECT FROM readings AS r WHERE r.quarantine_id = q.id AND r.day = e.day
            AND r."window" = e.name AND r.discarded_at IS NULL {measured}
    )
    AND NOT EXISTS (
        SELECT FROM readings_not_taken AS n WHERE n.quarantine_id = q.id
            AND n.day = e.day AND n."window" = e.name AND n.discarded_at IS NULL {told}
    )
"""
"""That a window `e` of a quarantine `q` was kept by nobody, as far as was measured and told."""

AT_LARGE: Final = """
    coalesce((
        SELECT w.kind FROM whereabouts AS w
        WHERE w.quarantine_id = u.id AND w.discarded_at IS NULL AND w.since_at <= u.closes_at
            AND (w.until_at IS NULL OR w.until_at > u.closes_at)
        ORDER BY w.since_at DESC LIMIT 1
    ) <> ALL (u.exempt_whereabouts), u.ended_on IS NULL OR u.ended_on > u.day)
"""
"""That whoever was not measured, `u`, was where one is to be measured when the window closed."""

_UNKEPT = UNKEPT.format(measured="", told="")
_OPEN = f"""
    WITH named AS (
        SELECT ''::text AS code, NULL::uuid AS quarantine_id
        UNION ALL
        SELECT alert_policies ->> 'missed_reading', (array_agg(quarantine_id))[1]
        FROM quarantine_plans WHERE ended_at IS NULL AND alert_policies ? 'missed_reading'
        GROUP BY alert_policies ->> 'missed_reading'
    ), ending AS MATERIALIZED (
        SELECT n.code, p.id AS policy_id, p.exempt_whereabouts, due.day, due.name, due.closes_at
        FROM named AS n
        CROSS JOIN LATERAL alert_policy_for('missed_reading', n.quarantine_id, $2) AS g
        CROSS JOIN monitoring_policies AS p
        CROSS JOIN LATERAL (
            SELECT day::date AS day, w ->> 'name' AS name,
                (day::date + (w ->> 'closes')::time) AT TIME ZONE $3::text AS closes_at
            FROM jsonb_array_elements(p.windows) AS w,
                generate_series($4::date, $5::date, interval '1 day') AS day
        ) AS due
        WHERE due.closes_at + g.grace > $1 AND due.closes_at + g.grace <= $2
    ), untold AS MATERIALIZED (
        SELECT q.id, q.resident_id, q.household_id, q.grid_id, q.reach, q.ended_on, e.day, e.name,
            e.closes_at, e.exempt_whereabouts
        FROM ending AS e
        JOIN quarantine_stages AS s ON s.monitoring_policy_id = e.policy_id
            AND e.day BETWEEN s.starts_on AND s.ends_on AND s.discarded_at IS NULL
        JOIN quarantines AS q ON q.id = s.quarantine_id
        LEFT JOIN quarantine_plans AS l ON l.quarantine_id = q.id AND l.ended_at IS NULL
        WHERE e.code = coalesce(l.alert_policies ->> 'missed_reading', '')
            AND {_UNKEPT}
    ), late AS (
        SELECT u.*, u.day || '/' || u.name AS key
        FROM untold AS u WHERE {AT_LARGE}
    ), told AS (
        SELECT jsonb_agg(jsonb_build_object(
            'cause', 'missed_reading', 'subject_id', resident_id, 'grid_id', grid_id,
            'reach', reach, 'household_id', household_id, 'resident_id', resident_id,
            'quarantine_id', id, 'kind', 'missed_window', 'record_id', id, 'key', key,
            'found_at', closes_at
        ) ORDER BY closes_at) AS findings
        FROM (SELECT *, row_number() OVER (ORDER BY resident_id) / 2000 AS part FROM late) AS parted
        GROUP BY part
    )
    SELECT coalesce(sum(cardinality(open_alerts(findings, $2))), 0)::integer FROM told
"""


@every(seconds=60, name=_NAME)
async def sweep_missed(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Open an alert, or add to it, for every window whose grace ended since the last look.

    Each window is looked at once, also after a stop: what became late meanwhile is found then, with
    the instant at which the window closed. Returns how many windows were missed.
    """
    await connection.execute(_BEGIN, _NAME, at)
    since: datetime = await connection.fetchval(_SINCE, _NAME)
    if at <= since:
        return 0
    days = clock.local_day(since - _LONGEST_GRACE), clock.local_day(at)
    missed = await connection.fetchval(_OPEN, since, at, clock.TOWNSHIP_ZONE.key, *days)
    await connection.execute(_DONE, _NAME, at)
    return missed
