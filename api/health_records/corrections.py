"""The result that comes later and what was told wrong: both make a version, the former is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit
from api.access.colleagues import NotAColleague, strangers
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_discarded
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput
from api.health_records.birth_and_doses import refuse_unborn
from api.health_records.control import periods_of
from api.health_records.models import DiagnosticOutcome, DiagnosticTest
from api.health_records.positives import sound_anew, tell_results
from api.health_records.problems import DiagnosticTestDiscarded, ResultOfATube
from api.health_records.queries import diagnostic_test_of
from api.health_records.schemas import DiagnosticTestCorrect, DiagnosticTestDiscard
from api.health_records.service import quarantine_on, reported

_OF_A_RESULT = {"outcome", "reported_at", "laboratory"}
"""What a laboratory tells of a sample that waited for it; anything else puts something right."""


async def correct_test(
    session: AsyncSession,
    caller: Actor,
    test_id: UUID,
    said: DiagnosticTestCorrect,
    *,
    version: int,
) -> DiagnosticTest:
    """Tell the result of a test or put right what was told; one that is positive is told upward.

    Raises `NotFound`, `DiagnosticTestDiscarded`, `ResultOfATube`, `VersionMismatch`,
    `NotAColleague`, `RecordedInTheFuture`, and `InvalidInput`, also where a correction gives no
    reason.
    """
    test = await _standing(session, test_id)
    if test.tube_id is not None:
        raise ResultOfATube
    changes = await _changes(session, test, said)
    await correct(session, test, changes, Correction(version, by=caller.worker, reason=said.reason))
    await sound_anew(session, caller, [test])
    details = {"fields": sorted(said.model_fields_set - {"reason"}), "outcome": test.outcome}
    audit(session, caller, "tests.correct", subject=test.id, reach=test.reach, details=details)
    return test


async def discard_test(
    session: AsyncSession,
    caller: Actor,
    test_id: UUID,
    said: DiagnosticTestDiscard,
    *,
    version: int,
) -> DiagnosticTest:
    """Let a test count no more; it stays readable, and an alert that it opened stands.

    Raises `NotFound`, `DiagnosticTestDiscarded`, `VersionMismatch`.
    """
    test = await _standing(session, test_id)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, test, {"discarded_at": clock.now()}, correction)
    await evidence_discarded(session, EvidenceKind.test_result, test.id)
    if test.outcome is not DiagnosticOutcome.pending:
        await tell_results(session, [test])
    audit(session, caller, "tests.discard", subject=test.id, reach=test.reach)
    return test


async def _standing(session: AsyncSession, test_id: UUID) -> DiagnosticTest:
    test = await diagnostic_test_of(session, test_id)
    if test.discarded_at is not None:
        raise DiagnosticTestDiscarded
    return test


async def _changes(
    session: AsyncSession, test: DiagnosticTest, said: DiagnosticTestCorrect
) -> dict[str, Any]:
    """The columns that change, with their new values."""
    told = told_in(said)
    awaited = test.outcome is DiagnosticOutcome.pending
    if said.reason is None and not (awaited and told <= _OF_A_RESULT):
        raise InvalidInput("更正须说明理由。", pointer="/body/reason")
    for instant in told & {"sampled_at", "reported_at"}:
        refuse_the_future(getattr(said, instant), pointer=f"/body/{instant}")
    if "performed_by" in told and await strangers(session, {said.performed_by}):
        raise NotAColleague
    changes = said.model_dump(include=told)
    changes["reported_at"] = _reported(test, changes)
    if "sampled_at" in told:
        await refuse_unborn(session, test.resident_id, sampled_at=said.sampled_at)
        periods = await periods_of(session, {test.resident_id})
        changes["quarantine_id"] = quarantine_on(periods, test.resident_id, said.sampled_at)
    return changes


def _reported(test: DiagnosticTest, changes: dict[str, Any]) -> Any:
    """When the result of the test as corrected came; one that is taken back is awaited again."""
    outcome = changes.get("outcome", test.outcome)
    awaited = outcome is DiagnosticOutcome.pending
    told = changes.get("reported_at", None if awaited else test.reported_at)
    return reported(outcome, changes.get("sampled_at", test.sampled_at), told, within="/body")
