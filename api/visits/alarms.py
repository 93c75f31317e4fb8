"""A visit to somebody in quarantine that found them unwilling or gone opens an alert (M3.5)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, evidence_corrected, open_alerts
from api.foundation import clock
from api.visits.models import Visit, VisitMode, VisitOutcome

# By its statement, since quarantines are a later room. Who is elsewhere by order or by permission
# is neither gone nor refuses for being elsewhere.
_AT_HOME = text("""
    SELECT q.id AS quarantine_id, q.resident_id, q.household_id, q.grid_id, q.reach, q.started_on
    FROM quarantines AS q
    JOIN whereabouts AS w ON w.quarantine_id = q.id AND w.until_at IS NULL AND w.kind = 'at_home'
    WHERE q.reach = ANY(CAST(:reaches AS text[])) AND q.status IN ('planned', 'active')
    ORDER BY q.id
""")


async def open_for_visits(session: AsyncSession, visits: Sequence[Visit]) -> None:
    """Open what these visits show of those who are in quarantine at home where they were made."""
    await open_alerts(session, await _findings(session, visits))


async def open_for_corrected(session: AsyncSession, visit: Visit, former: Cause | None) -> None:
    """The same of a visit that was corrected: what it showed `former`ly, it may show no more."""
    findings = await _findings(session, [visit])
    if shown_by(visit) is not former:
        keys = {finding.key for finding in findings}
        await evidence_corrected(session, EvidenceKind.visit, visit.id, shows=keys)
    await open_alerts(session, findings)


async def _findings(session: AsyncSession, visits: Sequence[Visit]) -> list[Finding]:
    telling = [visit for visit in visits if shown_by(visit) is not None]
    if not telling:
        return []
    reaches = sorted({visit.reach for visit in telling})
    people = (await session.execute(_AT_HOME, {"reaches": reaches})).all()
    return [
        _finding(visit, cause, person)
        for visit in telling
        for person in people
        if (cause := shown_by(visit)) and person.household_id == visit.household_id
        if person.started_on <= clock.local_day(visit.visited_at)
    ]


def shown_by(visit: Visit) -> Cause | None:
    """A telephone that nobody answers does not show that nobody is at home."""
    if visit.outcome is VisitOutcome.refused:
        return Cause.refusal
    absent = visit.outcome is VisitOutcome.absent and visit.mode is VisitMode.visit
    return Cause.absence if absent else None


def _finding(visit: Visit, cause: Cause, person: Any) -> Finding:
    return Finding(
        cause=cause,
        subject_id=person.resident_id,
        grid_id=person.grid_id,
        reach=person.reach,
        quarantine_id=person.quarantine_id,
        kind=EvidenceKind.visit,
        record_id=visit.id,
        key=f"{person.resident_id} {cause.value}",
        found_at=visit.visited_at,
        told_by=visit.performed_by,
    )
