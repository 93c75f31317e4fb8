"""Who was measured in time, as it turns out: a phone without signal tells it after the sweep.

Whoever was told of a missed window would go and see somebody at night for nothing. It is looked for
again and again, not where a reading is kept: that would take longer for every reading, and one that
commits at the very moment of the sweep knows of no alert yet.
"""

from datetime import datetime

from api.alerts.closing import close_unshown
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.readings.sweep import AT_LARGE, UNKEPT

# What the sweep would not have found, had it known what is known now of what had happened by then.
_UNKEPT = UNKEPT.format(measured="AND r.measured_at <= e.at", told="AND n.recorded_at <= e.at")
# What is open is looked for first: what was missed in all the months before is far more.
_UNTRUE = f"""
    WITH e AS MATERIALIZED (
        SELECT shown.id, shown.alert_id, shown.record_id, shown.added_at AS at,
            shown.found_at AS closes_at, split_part(shown.key, '/', 1)::date AS day,
            split_part(shown.key, '/', 2) AS name
        FROM alerts AS a
        JOIN alert_evidence AS shown ON shown.alert_id = a.id AND shown.kind = 'missed_window'
            AND shown.discarded_at IS NULL
        WHERE a.cause = 'missed_reading' AND a.status <> 'verified' {{among}}
    )
    SELECT e.id, e.alert_id FROM e
    WHERE NOT EXISTS (
        SELECT FROM (
            SELECT q.id, q.ended_on, e.day, e.closes_at, p.exempt_whereabouts
            FROM quarantines AS q
            JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
                AND e.day BETWEEN s.starts_on AND s.ends_on
            JOIN monitoring_policies AS p ON p.id = s.monitoring_policy_id
            WHERE q.id = e.record_id AND {_UNKEPT}
        ) AS u WHERE {AT_LARGE}
    )
"""
# Locked before they are looked at again: what is added to one meanwhile is there by then.
_LOCK = f"""
    SELECT a.id FROM alerts AS a
    WHERE a.id IN (SELECT u.alert_id FROM ({_UNTRUE.format(among="")}) AS u)
    ORDER BY a.id FOR UPDATE SKIP LOCKED
"""
_DISCARD = f"""
    UPDATE alert_evidence AS e SET discarded_at = $2, version = version + 1,
        changed_xid = pg_current_xact_id()
    FROM ({_UNTRUE.format(among="AND a.id = ANY ($1::uuid[])")}) AS u WHERE u.id = e.id
"""


@every(seconds=30, name="readings.not_missed")
async def sweep_not_missed(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Discard what shows as missed that was not, and close the alerts that nothing else shows.

    Returns how many alerts were looked at anew.
    """
    found = [row["id"] for row in await connection.fetch(_LOCK)]
    if found:
        await connection.execute(_DISCARD, found, at)
        await close_unshown(connection, found, at)
    return len(found)
