"""What this room adds to a test: in whose quarantine it falls, and who follows its results."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.audit import Actor
from api.alerts.opening import NOTE
from api.foundation import clock
from api.foundation.database import keyring_of
from api.health_records.control import Period, hears_of_positives, knows_periods
from api.health_records.models import DiagnosticTest
from api.quarantines.models import EndReason, Quarantine
from api.registry.models import Resident

FOLLOWED = "所跟随的密切接触者检测阳性，请研判是否改按密切接触者管理。"
"""What is said to who answers for somebody that follows another one's results."""
_WARN = text("SELECT warn_followers(CAST(:positive AS uuid[]), :note, :by, :at)")

_WARN_OF_CONTACT = text("SELECT warn_of_contact(:follower, :note, :by, :at)")


@knows_periods
async def periods(session: AsyncSession, residents: Collection[UUID]) -> Sequence[Period]:
    """When these residents are or were in quarantine; one entered in error never was."""
    # A person's quarantines lie where the person does, and that is what they are found by.
    here = and_(
        col(Quarantine.resident_id) == col(Resident.id),
        col(Quarantine.grid_id) == col(Resident.grid_id),
    )
    statement = (
        select(
            col(Quarantine.resident_id),
            col(Quarantine.id),
            col(Quarantine.started_on),
            col(Quarantine.ended_on),
        )
        .join(Resident, here)
        .where(
            col(Resident.id).in_(residents),
            col(Quarantine.end_reason).is_distinct_from(EndReason.entered_in_error),
        )
    )
    return [Period(*row) for row in await session.execute(statement)]


@hears_of_positives
async def warn_followers(
    session: AsyncSession, caller: Actor, tests: Sequence[DiagnosticTest]
) -> None:
    """Tell upward of each secondary contact whose linked contact turned out positive (v8, v9).

    Their stages stay as they are: what follows, a leader decides openly.
    """
    note = keyring_of(session).seal(FOLLOWED, context=NOTE)
    positive = [test.id for test in tests]
    told = {"positive": positive, "note": note, "by": caller.worker, "at": clock.now()}
    await session.execute(_WARN, told)


async def warn_of_contact(session: AsyncSession, caller: Actor, follower: UUID) -> None:
    """Tell the same of whoever begins to follow a contact that turned out positive before."""
    note = keyring_of(session).seal(FOLLOWED, context=NOTE)
    told = {"follower": follower, "note": note, "by": caller.worker, "at": clock.now()}
    await session.execute(_WARN_OF_CONTACT, told)
