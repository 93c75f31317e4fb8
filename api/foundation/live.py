"""Telling what has just happened, in the transaction in which it happens.

Whoever listens hears of it when the transaction commits, and never when it does not. An event
carries ids only; who may know of it is decided where it is read, by row security.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import Connection

CHANNEL = "onegrid_events"
"""What listeners LISTEN to; the payload is the schema of the cell in which something happened."""

_TOLD = (
    "SELECT tell(CAST(:kind AS text), CAST(:subject AS uuid), CAST(:grid AS uuid), "
    "CAST(:quarantine AS uuid), CAST(:worker AS uuid), CAST(:reach AS text), "
    "CAST(:at AS timestamptz))"
)
_TOLD_BARE = "SELECT tell($1, $2, $3, $4, $5, $6, $7)"


async def tell(  # noqa: PLR0913 - what happened, and each of those whom it may concern
    door: AsyncSession | Connection,
    kind: str,
    *,
    subject: UUID,
    reach: str,
    grid: UUID | None = None,
    quarantine: UUID | None = None,
    worker: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Tell that `kind` happened to `subject`, at `reach`, now or at the given instant.

    Beside those who have `reach`, it concerns whoever has a seat at `quarantine`, and `worker`. A
    verb that writes by one statement calls the SQL function `tell` in it, where PostgreSQL runs a
    SELECT only if something reads it: `INSERT … RETURNING tell(…)`, or at the statement's end.
    """
    told: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "grid": grid,
        "quarantine": quarantine,
        "worker": worker,
        "reach": reach,
        "at": at or clock.now(),
    }
    if isinstance(door, AsyncSession):
        await door.execute(text(_TOLD), told)
    else:
        await door.execute(_TOLD_BARE, *told.values())
