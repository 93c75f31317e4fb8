"""Keeping results in a handful of statements, however many: none twice, none beside its sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.access.audit import Actor
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.live import About, tell_all
from api.health_records.models import DiagnosticOutcome
from api.inbound.samples import (
    Answer,
    ResultTold,
    answers_among,
    complete_samples,
    waiting_samples,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A test with its result, new or completed."""

    id: UUID
    told: ResultTold
    outcome: DiagnosticOutcome
    quarantine_id: UUID | None


async def keep_results(
    connection: Connection, actor: Actor, told: Sequence[ResultTold], *, note: bytes | None
) -> set[UUID]:
    """Keep results that were not taken before; returns the events that are new.

    A test that waits for its result gets it as a new version of the same record; any other result
    is a test of its own. Each is told to who listens, a positive one upward, where `note` is what
    is said to those who follow somebody's results.
    """
    new: set[UUID] = {row["id"] for row in await connection.fetch(_TAKE, *_taken(actor, told))}
    fresh = {each.id: each for each in told if each.id in new}
    waiting = await waiting_samples(connection, [each.person.id for each in fresh.values()])
    answers = answers_among(fresh.values(), waiting)
    await complete_samples(connection, actor, answers)
    kept = [_completed(each) for each in answers]
    completed = {each.told.id for each in answers}
    kept += await _add(connection, actor, [e for e in fresh.values() if e.id not in completed])
    await _announce(connection, actor, kept, note)
    await open_alerts(connection, [pool_finding(actor, each) for each in answers if each.is_mixed])
    return new


_TAKE = """
    INSERT INTO taken_results (
        id, version, client_id, resident_id, grid_id, reach, content, tube_code, received_at
    )
    SELECT id, 1, $1, resident_id, grid_id, reach, content, tube_code, $2
    FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bytea[], $8::text[])
        AS t (id, resident_id, grid_id, reach, content, tube_code)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""


def _taken(actor: Actor, told: Sequence[ResultTold]) -> tuple[Any, ...]:
    return (
        actor.worker,
        clock.now(),
        [each.id for each in told],
        [each.person.id for each in told],
        [each.person.grid_id for each in told],
        [each.person.reach for each in told],
        [each.content for each in told],
        [each.tube_code for each in told],
    )


def _completed(answer: Answer) -> _Kept:
    waiting = answer.waiting
    return _Kept(waiting["id"], answer.told, answer.outcome, waiting["quarantine_id"])


_ADD = """
    INSERT INTO diagnostic_tests (
        id, version, reach, grid_id, resident_id, quarantine_id, kind, outcome, sampled_at,
        reported_at, samples, laboratory, recorded_at, received_at, performed_by, entered_by, source
    )
    SELECT t.id, 1, t.reach, t.grid_id, t.resident_id, (
            SELECT q.id FROM quarantines AS q
            WHERE q.resident_id = t.resident_id AND q.grid_id = t.grid_id
                AND q.end_reason IS DISTINCT FROM 'entered_in_error'
                AND q.started_on <= (t.sampled_at AT TIME ZONE 'Asia/Shanghai')::date
                AND (q.ended_on IS NULL
                    OR q.ended_on >= (t.sampled_at AT TIME ZONE 'Asia/Shanghai')::date)
            ORDER BY q.started_on DESC, q.id DESC LIMIT 1
        ), t.kind, t.outcome, t.sampled_at, t.reported_at, 1, t.laboratory, t.reported_at, $2, $1,
        $1, 'device'
    FROM unnest(
        $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[],
        $10::timestamptz[], $11::text[]
    ) AS t (
        id, reach, grid_id, resident_id, kind, outcome, sampled_at, reported_at, laboratory
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id, quarantine_id
"""


async def _add(connection: Connection, actor: Actor, told: Sequence[ResultTold]) -> list[_Kept]:
    """Results of samples nobody had registered."""
    if not told:
        return []
    rows = await connection.fetch(
        _ADD,
        actor.worker,
        clock.now(),
        [each.id for each in told],
        [each.person.reach for each in told],
        [each.person.grid_id for each in told],
        [each.person.id for each in told],
        [each.kind.value for each in told],
        [each.outcome.value for each in told],
        [each.sampled_at for each in told],
        [each.reported_at for each in told],
        [each.laboratory for each in told],
    )
    falls_in: Mapping[UUID, UUID | None] = {row["id"]: row["quarantine_id"] for row in rows}
    return [_Kept(e.id, e, e.outcome, falls_in[e.id]) for e in told if e.id in falls_in]


async def _announce(
    connection: Connection, actor: Actor, kept: Sequence[_Kept], note: bytes | None
) -> None:
    about = [About(e.id, e.told.person.reach, e.told.person.grid_id, e.quarantine_id) for e in kept]
    await tell_all(connection, "test.result", about)
    positive = [each for each in kept if each.outcome is DiagnosticOutcome.positive]
    if not positive:
        return
    await open_alerts(connection, [_finding(actor, each) for each in positive])
    ids = [each.id for each in positive]
    await connection.execute(
        "SELECT warn_followers($1, $2, $3, $4)", ids, note, actor.worker, clock.now()
    )


def _finding(actor: Actor, kept: _Kept) -> Finding:
    person = kept.told.person
    return Finding(
        cause=Cause.positive_test,
        subject_id=person.id,
        grid_id=person.grid_id,
        reach=person.reach,
        kind=EvidenceKind.test_result,
        record_id=kept.id,
        found_at=kept.told.reported_at,
        household_id=person.household_id,
        resident_id=person.id,
        quarantine_id=kept.quarantine_id,
        told_by=actor.worker,
    )


def pool_finding(actor: Actor, answer: Answer) -> Finding:
    """One alert for the tube; where it lies out of reach, one for whom the result was told of."""
    tube, person = answer.waiting, answer.told.person
    in_reach = tube["tube_id"] is not None
    return Finding(
        cause=Cause.positive_test,
        subject_id=tube["tube_id"] if in_reach else person.id,
        grid_id=tube["grid_id"] if in_reach else person.grid_id,
        reach=tube["reach"] if in_reach else person.reach,
        kind=EvidenceKind.sample_tube if in_reach else EvidenceKind.test_result,
        record_id=tube["tube_id"] if in_reach else tube["id"],
        found_at=answer.told.reported_at,
        told_by=actor.worker,
    )
