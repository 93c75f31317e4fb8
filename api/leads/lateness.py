"""Leads that nobody has concluded in time are told upward, once for each deadline (M2.6)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.closing import close_groundless
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.jobs import every

# What has been concluded waits for those above, whose own day says so. Nothing anybody said is
# changed, so the version stays: by it a lead that is sent once more is compared as first said.
_LATE = """
    UPDATE leads SET late_told_at = $1, changed_xid = pg_current_xact_id()
    WHERE id IN (
        SELECT id FROM leads
        WHERE deadline_at < $1 AND late_told_at IS NULL AND discarded_at IS NULL
            AND status IN ('imported', 'assigned', 'contacting')
        ORDER BY deadline_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, grid_id, reach, household_id, resident_id, deadline_at
"""


_KEY = "%Y-%m-%dT%H:%M:%S"


@every(seconds=30, name="leads.late")
async def tell_of_late(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - the form of a sweep
    """Open an alert for each lead whose deadline passed without a conclusion."""
    late = await connection.fetch(_LATE, at)
    await open_alerts(connection, [_finding(row, at) for row in late], at=at)
    return len(late)


def _finding(late: Record, at: datetime) -> Finding:
    return Finding(
        cause=Cause.overdue_lead,
        subject_id=late["id"],
        grid_id=late["grid_id"],
        reach=late["reach"],
        household_id=late["household_id"],
        resident_id=late["resident_id"],
        kind=EvidenceKind.lead,
        record_id=late["id"],
        # A deadline that was moved and moved back is missed a second time.
        key=f"{late['deadline_at']:{_KEY}} {at:{_KEY}}",
        found_at=at,
    )


async def no_longer_late(
    session: AsyncSession, deadline_at: datetime, leads: Sequence[UUID]
) -> None:
    """Close the alerts of leads whose new deadline is still ahead; what they showed was true."""
    if leads and deadline_at > clock.now():
        await close_groundless(session, Cause.overdue_lead, leads, why=_LATER)


_LATER = "反馈时限已延后"


async def late_elsewhere(session: AsyncSession, leads: Sequence[UUID]) -> None:
    """Close the alerts of leads given to other grids: who answers there is told at once, anew."""
    if leads:
        await close_groundless(session, Cause.overdue_lead, leads, why=_GIVEN)


_GIVEN = "线索已转给其他网格"
