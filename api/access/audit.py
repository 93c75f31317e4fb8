"""The audit record: written by the verb itself, in its transaction, never by a listener."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.models import AuditEntry
from api.foundation import clock
from api.foundation.logs import request_id
from api.foundation.records import new_id


class Actor(Protocol):
    """Whoever does something: a worker's claims, or those of another system."""

    @property
    def worker(self) -> UUID: ...
    @property
    def post(self) -> UUID: ...
    @property
    def session(self) -> UUID: ...


def audit(
    session: AsyncSession,
    caller: Actor,
    action: str,
    *,
    subject: UUID,
    reach: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note that `caller` did `action` to `subject`. `details` never carry personal data."""
    session.add(
        AuditEntry(
            id=new_id(),
            at=clock.now(),
            action=action,
            subject_id=subject,
            worker_id=caller.worker,
            post_id=caller.post,
            session_id=caller.session,
            request_id=request_id.get(),
            details=dict(details or {}),
            reach=reach,
        )
    )


class InGrid(Protocol):
    """A row of a household in a grid: the grid's path is all of its reach but the last segment."""

    grid_id: UUID
    reach: str


def audit_by_grid(
    session: AsyncSession, caller: Actor, action: str, rows: Iterable[InGrid], *, counted: str
) -> dict[UUID, str]:
    """Note a batch once for each grid that it touches, with how many; returns the grids' paths."""
    numbers: Counter[tuple[UUID, str]] = Counter(
        (row.grid_id, row.reach.rpartition(".")[0]) for row in rows
    )
    for (grid, path), number in numbers.items():
        audit(session, caller, action, subject=grid, reach=path, details={counted: number})
    return dict(numbers.keys())


NOTED = "id, at, action, worker_id, post_id, session_id, request_id"
"""The columns that `noted` fills; beside them stand subject_id, details and reach."""


def noted(caller: Actor, action: str) -> tuple[UUID, datetime, str, UUID, UUID, UUID, str | None]:
    """As `audit`, for a verb of the bare door that writes its row and the note in one statement."""
    return (
        new_id(),
        clock.now(),
        action,
        caller.worker,
        caller.post,
        caller.session,
        request_id.get(),
    )
