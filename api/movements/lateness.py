"""Who was to be brought away by now and was not: told upward, once (domain 3.8)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.closing import lose_ground
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.movements.models import Transfer, TransferStatus

# What is left after the handover, disinfecting and closing, keeps nobody waiting.
_OVERDUE = """
    SELECT t.id AS record_id, t.resident_id AS subject_id, t.resident_id, t.quarantine_id,
        q.household_id, t.grid_id, t.reach, t.due_at AS found_at
    FROM transfers AS t JOIN quarantines AS q ON q.id = t.quarantine_id
    WHERE t.status IN ('requested', 'approved', 'dispatched', 'picked_up')
        AND t.discarded_at IS NULL AND t.due_at < $1
        AND NOT EXISTS (
            SELECT FROM alert_evidence AS e
            WHERE e.record_id = t.id AND e.kind = 'transfer' AND e.key = ''
                AND e.discarded_at IS NULL
        )
    ORDER BY t.due_at, t.id
"""


@every(seconds=30, name="transfers.overdue")
async def tell_of_overdue(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - the form of a sweep
    """Open an alert for each transfer that has not reached its end by the hour it was due."""
    late = await connection.fetch(_OVERDUE, at)
    findings = [
        Finding(cause=Cause.overdue_transfer, kind=EvidenceKind.transfer, **row) for row in late
    ]
    await open_alerts(connection, findings, at=at)
    return len(findings)


async def no_longer_late(session: AsyncSession, transfer: Transfer) -> None:
    """Close the alert of one that brings nobody any more, or was there in time and is told late."""
    given = transfer.handed_over_at
    if transfer.status is TransferStatus.cancelled:
        why = f"转运已取消：{transfer.cancelled_reason}"
    elif transfer.status is TransferStatus.turned_back:
        why = f"转运已折返：{transfer.turned_back_reason}"
    elif given is not None and given <= transfer.due_at:
        why = "实际已按时移交"
    else:
        return
    cause, kind = Cause.overdue_transfer, EvidenceKind.transfer
    await lose_ground(session, cause, kind, [transfer.id], why=why)
