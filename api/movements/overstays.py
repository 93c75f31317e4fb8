"""Who is not back from leave by the approved hour is in breach from then on (M3.4)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.tokens import Claims
from api.alerts.closing import lose_ground
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.foundation.records import new_id
from api.movements.models import Leave
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import Whereabouts
from api.quarantines.moves import entry_now

THE_SERVICE = UUID(int=0)
"""Whom an entry names that nobody made: the approved hour had passed, and the service noted it."""

_AWAY = (WhereaboutsKind.away_approved, WhereaboutsKind.away_breach)
# Locked in the order of every verb about a quarantine, and passed by while one is at work.
_NOT_BACK = """
    SELECT l.id, l.quarantine_id, l.resident_id, l.grid_id, l.reach, l.until_at, q.household_id
    FROM leaves l
    JOIN quarantines q ON q.id = l.quarantine_id AND q.status IN ('planned', 'active')
    WHERE l.status = 'out' AND l.overdue_at IS NULL AND l.until_at < $1
    ORDER BY q.id FOR UPDATE OF q SKIP LOCKED
"""
_NOTICE = """
    UPDATE leaves SET overdue_at = $2, changed_xid = pg_current_xact_id()
    WHERE id = $1 AND status = 'out' AND overdue_at IS NULL
    RETURNING (
        SELECT kind FROM whereabouts w
        WHERE w.quarantine_id = leaves.quarantine_id AND w.until_at IS NULL
    ) AS whereabouts
"""
_END_ENTRY = """
    UPDATE whereabouts SET until_at = greatest(since_at, $2), changed_xid = pg_current_xact_id()
    WHERE quarantine_id = $1 AND until_at IS NULL
    RETURNING until_at
"""
_BREACH = """
    INSERT INTO whereabouts (
        id, version, reach, quarantine_id, kind, since_at, recorded_at, received_at, performed_by,
        entered_by, source
    ) VALUES ($1, 1, $2, $3, 'away_breach', $4, $5, $5, $6, $6, 'device')
"""


@every(seconds=30, name="leaves.overstayed")
async def notice_overstays(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001
    """Note the breach of everybody whose leave was over before `at`, once, and open the alert.

    Who has been noted to be back, or in a hospital, since they left is not in breach.
    """
    findings: list[Finding] = []
    for leave in await connection.fetch(_NOT_BACK, at):
        now = await connection.fetchval(_NOTICE, leave["id"], at)
        if now == WhereaboutsKind.away_approved:
            await _begin_breach(connection, leave, at)
        if now in _AWAY:
            findings.append(_finding(leave, at))
    await open_alerts(connection, findings)
    return len(findings)


async def _begin_breach(connection: Connection, leave: Any, at: datetime) -> None:
    since = await connection.fetchval(_END_ENTRY, leave["quarantine_id"], leave["until_at"])
    entry, reach, quarantine = new_id(), leave["reach"], leave["quarantine_id"]
    await connection.execute(_BREACH, entry, reach, quarantine, since, at, THE_SERVICE)


def _finding(leave: Any, at: datetime) -> Finding:
    return Finding(
        cause=Cause.breach,
        subject_id=leave["resident_id"],
        grid_id=leave["grid_id"],
        reach=leave["reach"],
        household_id=leave["household_id"],
        resident_id=leave["resident_id"],
        quarantine_id=leave["quarantine_id"],
        kind=EvidenceKind.leave,
        record_id=leave["id"],
        found_at=at,
    )


async def take_back(session: AsyncSession, caller: Claims, leave: Leave) -> None:
    """Undo, openly, the breach that was noted of somebody who was back in time, as it turns out."""
    why = "实际已按时返回"
    await lose_ground(session, Cause.breach, EvidenceKind.leave, [leave.id], why=why)
    breach = await entry_now(session, leave.quarantine_id)
    if breach is None or breach.entered_by != THE_SERVICE:
        return
    changes = {"until_at": breach.since_at, "discarded_at": clock.now()}
    correction = Correction(breach.version, by=caller.worker, reason=why)
    await correct(session, breach, changes, correction)
    await session.execute(
        update(Whereabouts)
        .where(
            col(Whereabouts.quarantine_id) == leave.quarantine_id,
            col(Whereabouts.kind) == WhereaboutsKind.away_approved,
            col(Whereabouts.until_at) == breach.since_at,
        )
        .values(until_at=None)
    )
