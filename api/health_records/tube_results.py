"""What is said of a tube is said of everybody in it, in one transaction.

A pool that is not negative says of nobody who it is (domain 2.6): each member's test becomes
inconclusive, each owes a sample of their own (`retests.py`), and one alert is opened for the tube.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, evidence_discarded, open_alert
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput
from api.health_records.keeping import Discarding, discard, standing_record_of
from api.health_records.models import DiagnosticOutcome, DiagnosticTest, SampleTube
from api.health_records.positives import sound_anew, tell_results
from api.health_records.problems import TubeReachesFurther
from api.health_records.service import reported
from api.health_records.tube_schemas import SampleTubeCorrect
from api.health_records.tubes import tests_in
from api.health_records.validity import of_members

UNCLEAR = (DiagnosticOutcome.positive, DiagnosticOutcome.inconclusive)
"""Results of a pool that call everybody in it back."""


async def correct_tube(
    session: AsyncSession, caller: Actor, tube_id: UUID, said: SampleTubeCorrect, *, version: int
) -> SampleTube:
    """Tell the result of a tube or put it right: of all in it, in one transaction.

    Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`, `TubeReachesFurther`,
    `RecordedInTheFuture`, and `InvalidInput`, also where a correction gives no reason.
    """
    tube = await standing_record_of(session, SampleTube, tube_id)
    changes = _changes(tube, said)
    await correct(session, tube, changes, Correction(version, by=caller.worker, reason=said.reason))
    tests = await _change_members(session, caller, tube, _of_each(tube), reason=said.reason)
    if "outcome" in changes:
        await sound_anew(session, caller, [each for each in tests if each.discarded_at is None])
        await _sound_pool(session, caller, tube)
    details = {"fields": sorted(changes), "outcome": tube.outcome}
    subject, reach = tube.id, tube.reach
    audit(session, caller, "sample_tubes.correct", subject=subject, reach=reach, details=details)
    return tube


def _of_each(tube: SampleTube) -> dict[str, Any]:
    """What a tube says of each of its members."""
    outcome = of_members(tube.outcome, tube.member_count).value
    return {"outcome": outcome, **tube.model_dump(include={"reported_at", "laboratory"})}


def _changes(tube: SampleTube, said: SampleTubeCorrect) -> dict[str, Any]:
    """The columns that change, with their new values."""
    told = told_in(said)
    if said.reason is None and tube.outcome is not DiagnosticOutcome.pending:
        raise InvalidInput("更正须说明理由。", pointer="/body/reason")
    if "reported_at" in told:
        refuse_the_future(said.reported_at, pointer="/body/reported_at")
    changes = said.model_dump(include=told)
    outcome = changes.get("outcome", tube.outcome)
    kept = None if outcome is DiagnosticOutcome.pending else tube.reported_at
    at = changes.get("reported_at", kept)
    return {**changes, "reported_at": reported(outcome, tube.sampled_at, at, within="/body")}


async def discard_tube(
    session: AsyncSession, caller: Actor, tube_id: UUID, discarding: Discarding
) -> SampleTube:
    """Let a tube and every test in it count no more; an alert that it opened stands.

    Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`, `TubeReachesFurther`.
    """
    tube = await standing_record_of(session, SampleTube, tube_id)
    await discard(session, caller, tube, discarding)
    told = {"discarded_at": tube.discarded_at}
    tests = await _change_members(session, caller, tube, told, reason=discarding.reason)
    await evidence_discarded(session, EvidenceKind.sample_tube, tube.id)
    await tell_results(session, [e for e in tests if e.outcome is not DiagnosticOutcome.pending])
    for test in tests if tube.member_count == 1 else ():
        await evidence_discarded(session, EvidenceKind.test_result, test.id)
    return tube


_FORMER = text("""
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
    )
    SELECT gen_random_uuid(), 'diagnostic_tests', t.id, t.version, to_jsonb(t) - 'changed_xid', :at,
        :by, :reason, t.quarantine_id, t.reach
    FROM diagnostic_tests AS t WHERE t.tube_id = :tube AND t.discarded_at IS NULL
""")


async def _change_members(
    session: AsyncSession,
    caller: Actor,
    tube: SampleTube,
    told: Mapping[str, Any],
    *,
    reason: str | None,
) -> Sequence[DiagnosticTest]:
    """Say the same of every test in a tube that counts, each with its former version kept."""
    before = await tests_in(session, tube.id)
    if len(before) != tube.member_count:
        raise TubeReachesFurther
    noted = {"at": clock.now(), "by": caller.worker, "reason": reason, "tube": tube.id}
    await session.execute(_FORMER, noted)
    columns = ", ".join(f"{name} = :{name}" for name in told)
    change = text(
        f"UPDATE diagnostic_tests SET {columns}, version = version + 1, "
        "changed_xid = pg_current_xact_id() WHERE tube_id = :tube AND discarded_at IS NULL"
    )
    await session.execute(change, {**told, "tube": tube.id})
    return await tests_in(session, tube.id)


async def _sound_pool(session: AsyncSession, caller: Actor, tube: SampleTube) -> None:
    """One alert for the whole of a pool that is not negative: nobody in it is told apart yet."""
    if tube.member_count == 1:
        return
    if tube.outcome not in UNCLEAR or tube.reported_at is None:
        await evidence_discarded(session, EvidenceKind.sample_tube, tube.id)
        return
    await open_alert(
        session,
        Finding(
            cause=Cause.positive_test,
            subject_id=tube.id,
            grid_id=tube.grid_id,
            reach=tube.reach,
            kind=EvidenceKind.sample_tube,
            record_id=tube.id,
            found_at=tube.reported_at,
            told_by=caller.worker,
        ),
    )
