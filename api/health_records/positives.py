"""Results are told to who listens; positive ones upward at once (M3.5), and to who follows them."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import Actor
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, evidence_corrected, open_alerts
from api.foundation.live import About, tell_all
from api.health_records.control import spread
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.registry.models import Resident


async def sound(session: AsyncSession, caller: Actor, tests: Iterable[DiagnosticTest]) -> None:
    """Tell of each that has a result, and open the alert of each that is positive, once.

    Who else is concerned of the positive ones is let know.
    """
    read = [each for each in tests if each.outcome is not DiagnosticOutcome.pending]
    await tell_results(session, read)
    positive = [each for each in read if each.outcome is DiagnosticOutcome.positive]
    if not positive:
        return
    people = {each.resident_id for each in positive}
    residents = select(Resident).where(col(Resident.id).in_(people))
    homes = {each.id: each.household_id for each in await session.scalars(residents)}
    findings = [_finding(caller, each, homes.get(each.resident_id)) for each in positive]
    await open_alerts(session, findings)
    await spread(session, caller, positive)


async def tell_results(session: AsyncSession, tests: Iterable[DiagnosticTest]) -> None:
    """Tell of results, or that they are none: whoever was told of one is told of that too."""
    about = [About(each.id, each.reach, each.grid_id, each.quarantine_id) for each in tests]
    await tell_all(session, "test.result", about)


async def sound_anew(
    session: AsyncSession, caller: Actor, tests: Collection[DiagnosticTest]
) -> None:
    """The same of tests that say something else than before: one may be positive no more."""
    for each in tests:
        shows = [""] if each.outcome is DiagnosticOutcome.positive else []
        await evidence_corrected(session, EvidenceKind.test_result, each.id, shows=shows)
    await tell_results(session, [e for e in tests if e.outcome is DiagnosticOutcome.pending])
    await sound(session, caller, tests)


def _finding(caller: Actor, test: DiagnosticTest, household: UUID | None) -> Finding:
    return Finding(
        cause=Cause.positive_test,
        subject_id=test.resident_id,
        grid_id=test.grid_id,
        reach=test.reach,
        kind=EvidenceKind.test_result,
        record_id=test.id,
        found_at=test.reported_at or test.received_at,
        household_id=household,
        resident_id=test.resident_id,
        quarantine_id=test.quarantine_id,
        told_by=caller.worker,
    )
