"""Closing an alert that only the clock opened, when what it was about is owed no more.

What somebody saw stays an alert until two people have dealt with it, though its record be discarded
(`opening.evidence_discarded`). That something was late rests on nothing but a deadline.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause
from api.alerts.presenting import ACTION_NOTE
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.live import About, tell_all

# Nobody verified it: who took away its ground, and why, stands with the record itself.
_CLOSE = text("""
    WITH closed AS (
        UPDATE alerts SET status = 'verified', verified_at = :at, climbs_at = NULL,
            version = version + 1, changed_xid = pg_current_xact_id()
        WHERE cause = :cause AND subject_id = ANY (CAST(:subjects AS uuid[]))
            AND status <> 'verified'
        RETURNING id, reach, grid_id, quarantine_id
    ), noted AS (
        INSERT INTO alert_actions (
            id, version, reach, alert_id, quarantine_id, verb, at, note_sealed
        )
        SELECT gen_random_uuid(), 1, reach, id, quarantine_id, 'verify', :at, :note FROM closed
    )
    SELECT id, reach, grid_id, quarantine_id FROM closed
""")


async def close_groundless(
    session: AsyncSession, cause: Cause, subjects: Sequence[UUID], *, why: str
) -> None:
    """Close what is still open about these subjects; its timeline says why."""
    note = keyring_of(session).seal(why, context=ACTION_NOTE)
    told = {"cause": cause, "subjects": list(subjects), "at": clock.now(), "note": note}
    closed = await session.execute(_CLOSE, told)
    await tell_all(session, "alert.verified", [About(*row) for row in closed])
