"""What every step that changes a quarantine does alike: it is refused, noted and told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.quarantines.models import Quarantine
from api.quarantines.problems import QuarantineEnded
from api.quarantines.queries import RUNNING
from api.quarantines.telling import tell_changed


async def note_step(
    session: AsyncSession,
    caller: Claims,
    action: str,
    quarantine: Quarantine,
    details: Mapping[str, Any],
) -> None:
    """Put it on record, and tell those whose duties it changes."""
    subject, reach = quarantine.id, quarantine.reach
    audit(session, caller, action, subject=subject, reach=reach, details=details)
    await tell_changed(session, quarantine)


def refuse_ended(quarantine: Quarantine) -> None:
    """Raise `QuarantineEnded` for one that is over."""
    if quarantine.status not in RUNNING:
        raise QuarantineEnded


async def refuse_stranger(session: AsyncSession, worker: UUID | None, *, pointer: str) -> None:
    """Raise `NotAColleague` where somebody is named who is not known here."""
    if worker is not None and await strangers(session, {worker}):
        raise NotAColleague(pointer=pointer)
