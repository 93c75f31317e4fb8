"""Who is in quarantine at home without a whole team that somebody should have arranged by now."""

from datetime import datetime

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.jobs import every

_INCOMPLETE = """
    SELECT q.id AS record_id, q.id AS quarantine_id, q.resident_id AS subject_id, q.resident_id,
        q.household_id, q.grid_id, q.reach, s.starts_on::text AS key
    FROM quarantines AS q
    JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
        AND s.category = 'home_quarantine' AND s.care_policy_id IS NOT NULL
        AND $2::date BETWEEN s.starts_on AND s.ends_on
    CROSS JOIN LATERAL alert_policy_for('incomplete_team', q.id, $1) AS p
    WHERE q.status IN ('planned', 'active') AND q.discarded_at IS NULL
        AND CASE WHEN s.care_policy_id <> q.care_policy_id THEN team_lacks(q.id, s.care_policy_id)
            ELSE NOT q.team_complete END
        AND greatest(q.received_at, s.starts_on::timestamp AT TIME ZONE $3::text) + p.grace <= $1
        AND NOT EXISTS (
            SELECT FROM alert_evidence AS e WHERE e.record_id = q.id AND e.kind = 'team'
                AND e.key = s.starts_on::text AND e.discarded_at IS NULL
        )
"""


@every(seconds=60, name="quarantines.incomplete")
async def sweep_incomplete(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Open an alert for each stage at home that runs without a whole team after its grace.

    A team is arranged after the quarantine has begun, so that it is not late at once. Returns how
    many alerts were opened.
    """
    zone = clock.TOWNSHIP_ZONE.key
    rows = await connection.fetch(_INCOMPLETE, at, clock.local_day(at), zone)
    findings = [
        Finding(cause=Cause.incomplete_team, kind=EvidenceKind.team, found_at=at, **row)
        for row in rows
    ]
    await open_alerts(connection, findings, at=at)
    return len(findings)
