"""Registered by mistake, or twice: what nothing is known of counts no more, as if it had not been.

Whoever has records is never discarded: they would be nobody's. Such a double is told apart by
correcting it, or leaves.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import metadata
from api.foundation.records import table_of
from api.registry.handover import ending
from api.registry.models import Bond, Household, Resident
from api.registry.problems import NotAMistake
from api.registry.queries import household_of, resident_of
from api.registry.schemas import RegistryDiscard

_BOUND = table_of(Bond)
_ENDED = "登记作废"
_OF, _RECEIVED = "quarantine_id", "received_at"

NeverWas = Callable[[], ColumnElement[bool]]
"""Which rows of a table are of what never was, and make nobody real."""

_never_was: dict[str, NeverWas] = {}


def never_was(kind: type[SQLModel]) -> Callable[[NeverWas], NeverWas]:
    """Register, for a later room, which of its records were in error by its own words."""

    def register(which: NeverWas) -> NeverWas:
        _never_was[table_of(kind).name] = which
        return which

    return register


async def discard_resident(
    session: AsyncSession, caller: Claims, resident_id: UUID, said: RegistryDiscard, version: int
) -> None:
    """Let somebody count no more who was registered by mistake; twice is once.

    Nobody else writes in the cell meanwhile (`AloneSession`): nothing becomes known of them. Raises
    `NotFound`, `VersionMismatch`, and `NotAMistake` with what is kept about them.
    """
    resident = await resident_of(session, resident_id, locked=True, discarded=True)
    await _discard(session, caller, resident, said, version=version, named="resident_id")


async def discard_household(
    session: AsyncSession, caller: Claims, household_id: UUID, said: RegistryDiscard, version: int
) -> None:
    """Let a door count no more that was registered by mistake; those behind it are seen to first.

    Raises as `discard_resident`.
    """
    household = await household_of(session, household_id, locked=True, discarded=True)
    await _discard(session, caller, household, said, version=version, named="household_id")


async def _discard(
    session: AsyncSession,
    caller: Claims,
    kept: Resident | Household,
    said: RegistryDiscard,
    *,
    version: int,
    named: str,
) -> None:
    if kept.discarded_at is not None:
        return
    if known := await known_of(session, named, kept.id):
        raise NotAMistake(records=known)
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, kept, {"discarded_at": clock.now()}, correction)
    bonds = (_BOUND.columns[named] == kept.id) & col(Bond.ended_at).is_(None)
    await session.execute(update(Bond).where(bonds).values(ending(Bond, reason=_ENDED)))
    action = f"{table_of(type(kept)).name}.discard"
    audit(session, caller, action, subject=kept.id, reach=kept.reach)


async def known_of(
    session: AsyncSession, named: str, identity: UUID, *, since: datetime | None = None
) -> dict[str, int]:
    """How many records name it, by kind, whatever room they are of; what was discarded as well.

    A bond says who answers for a door, and a resident discarded before is behind it no more. What
    is of a quarantine, the quarantine stands for. `since` leaves those that were received later.
    """
    found: dict[str, int] = {}
    for table in metadata.sorted_tables:
        of_quarantine = _OF in table.columns and not table.columns[_OF].nullable
        undated = since is not None and _RECEIVED not in table.columns
        if named not in table.columns or table is _BOUND or of_quarantine or undated:
            continue
        naming = _naming(table, named, identity)
        if since is not None:
            naming = naming.where(table.columns[_RECEIVED] > since)
        number = await session.scalar(naming)
        found |= {str(table.name): number} if number else {}
    return found


def _naming(table: Table, named: str, identity: UUID) -> Any:
    naming = select(func.count()).where(table.columns[named] == identity)
    if table is table_of(Resident):
        naming = naming.where(table.columns["discarded_at"].is_(None))
    if table.name in _never_was:
        naming = naming.where(not_(_never_was[table.name]()))
    return naming
