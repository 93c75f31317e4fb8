"""What was asked for and has not begun ends with the quarantine: nobody is brought or let out.

Whoever is on the road is still handed over, and whoever is out comes back.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.movements.lateness import no_longer_late
from api.movements.models import NOT_OUT, Leave, LeaveStatus, Transfer, TransferStatus
from api.quarantines.ending import when_ended
from api.quarantines.models import Quarantine

_REASON = "隔离已结束"
_NOT_ON_THE_ROAD = (TransferStatus.requested, TransferStatus.approved, TransferStatus.dispatched)


@when_ended
async def call_off(session: AsyncSession, caller: Claims, quarantine: Quarantine) -> None:
    """Cancel the open order and the open leave of a quarantine that has ended, openly."""
    transfers = select(Transfer).where(
        col(Transfer.quarantine_id) == quarantine.id, col(Transfer.status).in_(_NOT_ON_THE_ROAD)
    )
    leaves = select(Leave).where(
        col(Leave.quarantine_id) == quarantine.id, col(Leave.status).in_(NOT_OUT)
    )
    called_off: dict[str, Any] = {"cancelled_at": clock.now(), "cancelled_reason": _REASON}
    for transfer in await session.scalars(transfers):
        changes = {"status": TransferStatus.cancelled, **called_off}
        await correct(session, transfer, changes, Correction(transfer.version, by=caller.worker))
        await no_longer_late(session, transfer)
    for leave in await session.scalars(leaves):
        changes = {"status": LeaveStatus.cancelled, **called_off}
        await correct(session, leave, changes, Correction(leave.version, by=caller.worker))
