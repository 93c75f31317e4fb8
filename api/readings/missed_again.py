"""Whose window is missed after all, as its only reading counts no more there: told at once.

The sweep looks at each window once, as its grace ends, and what it had opened may have closed
itself because of that very reading.
"""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.readings.sweep import AT_LARGE, UNKEPT

_A_DAY = timedelta(days=1)
"""What was missed before that is told by the lists: no visit puts it right any more."""

_UNKEPT = UNKEPT.format(measured="", told="")
_MISSED = text(f"""
    WITH e AS (
        SELECT q.id, q.resident_id, q.grid_id, q.reach, p.exempt_whereabouts,
            CAST(:day AS date) AS day, w ->> 'name' AS name,
            (CAST(:day AS date) + CAST(w ->> 'closes' AS time)) AT TIME ZONE :zone AS closes_at
        FROM quarantines AS q
        JOIN quarantine_stages AS s ON s.quarantine_id = q.id AND s.discarded_at IS NULL
            AND CAST(:day AS date) BETWEEN s.starts_on AND s.ends_on
        JOIN monitoring_policies AS p ON p.id = s.monitoring_policy_id
        CROSS JOIN LATERAL jsonb_array_elements(p.windows) AS w
        WHERE q.id = :quarantine AND q.status = 'active' AND w ->> 'name' = :window
    ), u AS (
        SELECT e.*, q.ended_on FROM e JOIN quarantines AS q ON q.id = e.id WHERE {_UNKEPT}
    )
    SELECT u.id, u.resident_id, u.grid_id, u.reach, u.closes_at
    FROM u CROSS JOIN LATERAL alert_policy_for('missed_reading', u.id, :at) AS g
    WHERE u.closes_at + g.grace <= :at AND u.closes_at > :since AND {AT_LARGE}
""")


async def tell_missed(
    session: AsyncSession, quarantine_id: UUID, day: date, window: str | None
) -> None:
    """Open the alert, or add to it, where a window that nothing keeps any more is over."""
    at = clock.now()
    told = {"quarantine": quarantine_id, "day": day, "window": window, "at": at}
    zone = {"zone": clock.TOWNSHIP_ZONE.key, "since": at - _A_DAY}
    missed = (await session.execute(_MISSED, told | zone)).one_or_none()
    if missed is not None:
        finding = Finding(
            cause=Cause.missed_reading,
            subject_id=missed.resident_id,
            grid_id=missed.grid_id,
            reach=missed.reach,
            quarantine_id=quarantine_id,
            kind=EvidenceKind.missed_window,
            record_id=quarantine_id,
            key=f"{day}/{window}",
            found_at=missed.closes_at,
        )
        await open_alerts(session, [finding], at=at)
