"""Telling what has just happened, in the transaction in which it happens.

Whoever listens hears of it when the transaction commits, and never when it does not. An event
carries ids only; who may know of it is decided where it is read, by row security.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
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


class About(NamedTuple):
    """What something happened to, and where."""

    subject: UUID
    reach: str
    grid: UUID | None = None
    quarantine: UUID | None = None


_ALL_TOLD = (
    "SELECT tell({kind}, subject, grid, quarantine, NULL, reach, {at}) FROM unnest("
    "{subjects}, {reaches}, {grids}, {quarantines}) AS about (subject, reach, grid, quarantine)"
)
_ALL_NAMED = _ALL_TOLD.format(
    kind="CAST(:kind AS text)",
    at="CAST(:at AS timestamptz)",
    subjects="CAST(:subjects AS uuid[])",
    reaches="CAST(:reaches AS text[])",
    grids="CAST(:grids AS uuid[])",
    quarantines="CAST(:quarantines AS uuid[])",
)
_ALL_BARE = _ALL_TOLD.format(
    kind="$1::text",
    at="$2::timestamptz",
    subjects="$3::uuid[]",
    reaches="$4::text[]",
    grids="$5::uuid[]",
    quarantines="$6::uuid[]",
)


async def tell_all(door: AsyncSession | Connection, kind: str, about: Sequence[About]) -> None:
    """As `tell`, of many things to which the same happened now, in one statement."""
    if not about:
        return
    subjects, reaches, grids, quarantines = map(list, zip(*about, strict=True))
    told: dict[str, Any] = {
        "kind": kind,
        "at": clock.now(),
        "subjects": subjects,
        "reaches": reaches,
        "grids": grids,
        "quarantines": quarantines,
    }
    if isinstance(door, AsyncSession):
        await door.execute(text(_ALL_NAMED), told)
    else:
        await door.execute(_ALL_BARE, *told.values())
