"""Registered by mistake, or twice: what nothing is known of counts no more, as if it had not been.

Whoever has records is never discarded: they would be nobody's. Such a double is told apart by
correcting it, or leaves.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

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
_OF = "quarantine_id"


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
    if known := await _known(session, named, kept.id):
        raise NotAMistake(records=known)
    correction = Correction(version=version, by=caller.worker, reason=said.reason)
    await correct(session, kept, {"discarded_at": clock.now()}, correction)
    bonds = (_BOUND.columns[named] == kept.id) & col(Bond.ended_at).is_(None)
    await session.execute(update(Bond).where(bonds).values(ending(Bond, reason=_ENDED)))
    action = f"{table_of(type(kept)).name}.discard"
    audit(session, caller, action, subject=kept.id, reach=kept.reach)


async def _known(session: AsyncSession, named: str, identity: UUID) -> dict[str, int]:
    """How many records name it, by kind, whatever room they are of; what was discarded as well.

    A bond says who answers for a door, and a resident discarded before is behind it no more. What
    is of a quarantine, the quarantine stands for.
    """
    found: dict[str, int] = {}
    for table in metadata.sorted_tables:
        of_quarantine = _OF in table.columns and not table.columns[_OF].nullable
        if named in table.columns and table is not _BOUND and not of_quarantine:
            number = await session.scalar(_naming(table, named, identity))
            found |= {str(table.name): number} if number else {}
    return found


def _naming(table: Table, named: str, identity: UUID) -> Any:
    naming = select(func.count()).where(table.columns[named] == identity)
    if table is table_of(Resident):
        naming = naming.where(table.columns["discarded_at"].is_(None))
    return naming
