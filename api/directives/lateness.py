"""Who has not answered is reminded before the deadline, and told of to those above after it."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.alerts.closing import close_groundless, close_unshown
from api.alerts.models import Alert, AlertEvidence, Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.directives.models import Directive
from api.foundation.database import Connection
from api.foundation.jobs import every

_UNANSWERED = """
    d.id = r.directive_id AND p.id = r.post_id AND d.status = 'issued'
    AND r.reach >= d.reach AND r.reach < d.reach || '/'
    AND (p.ended_at IS NULL OR p.ended_at > $1)
    AND CASE WHEN d.needs_report THEN r.reported_at ELSE r.acknowledged_at END IS NULL
"""
_CHANGED = "version = r.version + 1, changed_xid = pg_current_xact_id()"
_REMIND = f"""
    WITH due AS (
        UPDATE directive_receipts r SET reminded_at = $1, {_CHANGED}
        FROM directives d, posts p
        WHERE {_UNANSWERED} AND r.reminded_at IS NULL
            AND d.deadline_at - make_interval(mins => d.remind_minutes) <= $1
        RETURNING r.directive_id, r.grid_id, r.worker_id, r.reach
    )
    SELECT tell('directive.reminded', directive_id, grid_id, NULL, worker_id, reach, $1) FROM due
"""
_OVERDUE = f"""
    WITH late AS (
        UPDATE directive_receipts r SET overdue_told_at = $1, {_CHANGED}
        FROM directives d, posts p
        WHERE {_UNANSWERED} AND r.overdue_told_at IS NULL AND d.deadline_at < $1
        RETURNING r.directive_id, r.grid_id, r.reach, d.deadline_at
    )
    SELECT DISTINCT directive_id, grid_id, reach, deadline_at FROM late ORDER BY reach, directive_id
"""

# Answered in time, as a phone that had no signal tells late; locked, as what is added meanwhile is.
_IN_TIME = """
    SELECT a.id FROM alerts a
    WHERE a.cause = 'overdue_directive' AND a.status <> 'verified' AND (
        SELECT bool_and(coalesce(
            CASE WHEN d.needs_report THEN r.reported_at ELSE r.acknowledged_at END <= d.deadline_at,
            false
        ))
        FROM alert_evidence e
        JOIN directives d ON d.id = e.record_id
        JOIN directive_receipts r ON r.directive_id = d.id AND r.grid_id = a.grid_id
            AND r.overdue_told_at IS NOT NULL
        WHERE e.alert_id = a.id AND e.kind = 'directive' AND e.discarded_at IS NULL
    )
    ORDER BY a.id FOR UPDATE SKIP LOCKED
"""
_NOT_OVERDUE = """
    UPDATE alert_evidence SET discarded_at = $2, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE alert_id = ANY ($1::uuid[]) AND kind = 'directive' AND discarded_at IS NULL
"""


@every(seconds=30, name="directives.remind")
async def remind(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - the form of a sweep
    """Remind, once for each deadline, whoever has not answered when its minutes before begin."""
    return len(await connection.fetch(_REMIND, at))


@every(seconds=30, name="directives.overdue")
async def tell_of_overdue(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - as above
    """Open one alert for each directive and each grid where somebody let the deadline pass."""
    late = await connection.fetch(_OVERDUE, at)
    await open_alerts(connection, [_finding(row, at) for row in late])
    return len(late)


@every(seconds=30, name="directives.not_overdue")
async def take_back(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - as above
    """Close the alert of each grid where everybody turns out to have answered in time."""
    found = [row["id"] for row in await connection.fetch(_IN_TIME)]
    if found:
        await connection.execute(_NOT_OVERDUE, found, at)
        await close_unshown(connection, found, at)
    return len(found)


def _finding(late: Record, at: datetime) -> Finding:
    directive: UUID = late["directive_id"]
    deadline = late["deadline_at"].astimezone(UTC).isoformat(timespec="seconds")
    return Finding(
        cause=Cause.overdue_directive,
        subject_id=_subject(directive, late["grid_id"]),
        grid_id=late["grid_id"],
        reach=late["reach"],
        kind=EvidenceKind.directive,
        record_id=directive,
        found_at=at,
        key=f"{late['grid_id']} {deadline[:19]}",
    )


def _subject(directive: UUID, grid: UUID) -> UUID:
    """What is late is a directive in one grid, which is no record of its own."""
    return uuid5(directive, str(grid))


async def no_longer_late(session: AsyncSession, directive: Directive, *, why: str) -> None:
    """Close the alerts of a directive that asks nothing more, or until later only.

    That the deadline passed was true and stays on record; nobody has to deal with it any more, also
    where the grid of then was merged into another.
    """
    shown = select(col(Alert.subject_id)).join(
        AlertEvidence, col(AlertEvidence.alert_id) == Alert.id
    )
    late = shown.where(
        AlertEvidence.kind == EvidenceKind.directive, AlertEvidence.record_id == directive.id
    )
    subjects = {*await session.scalars(late)}
    if subjects:
        await close_groundless(session, Cause.overdue_directive, [*subjects], why=why)
