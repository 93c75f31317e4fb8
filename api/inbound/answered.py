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
from api.inbound.again import Again, keep_older, show_no_more, told_again
from api.inbound.samples import (
    Answer,
    ResultTold,
    answers_among,
    complete_samples,
    samples_meant,
    told_before,
    without,
)
from api.inbound.schemas import Fate


@dataclass(frozen=True, slots=True)
class _Kept:
    """A test with its result, new or completed."""

    id: UUID
    told: ResultTold
    outcome: DiagnosticOutcome
    quarantine_id: UUID | None


async def keep_results(
    connection: Connection, actor: Actor, told: Sequence[ResultTold], *, note: bytes | None
) -> dict[UUID, Fate]:
    """Keep results that were not taken before; returns what became of the events that are new.

    A test that waits for its result gets it as a new version of the same record, and so does one
    of which the same sender said otherwise before; any other result is a test of its own. Each is
    told to who listens, a positive one upward, where `note` is what is said to those who follow
    somebody's results.
    """
    new: set[UUID] = {row["id"] for row in await connection.fetch(_TAKE, *_taken(actor, told))}
    fresh: dict[UUID, ResultTold] = {}
    for each in told:  # of the same event twice in one request the first one stands
        if each.id in new:
            fresh.setdefault(each.id, each)
    again = await told_again(connection, actor, [*fresh.values()])
    matched = await _match(connection, again)
    changed = [*matched.answers, *matched.corrections]
    await complete_samples(connection, actor, changed)
    await show_no_more(connection, matched.corrections)
    kept = [_completed(each) for each in changed]
    kept += await _add(connection, actor, matched.alone)
    await _place(connection, actor, again, matched)
    await _announce(connection, actor, kept, note)
    await open_alerts(connection, [pool_finding(actor, each) for each in changed if each.is_mixed])
    return _fates(again, matched)


@dataclass(frozen=True, slots=True)
class _Matched:
    """Results by what they are kept as: of samples that waited, corrected, no news, or alone."""

    answers: list[Answer]
    corrections: list[Answer]
    unchanged: list[Answer]
    alone: list[ResultTold]


async def _match(connection: Connection, again: Again) -> _Matched:
    before = {each.test_id: now for each in again.later if (now := each.now) and each.test_id}
    later = [each.now for each in again.later if each.now is not None]
    rows = await samples_meant(connection, later, [*before])
    repeated = [Answer(before[row["id"]], row) for row in rows if row["id"] in before]
    others = [row for row in rows if row["id"] not in before]
    repeated += told_before(without(later, repeated), others)
    first = without(later, repeated)
    answers = answers_among(first, others)
    return _Matched(
        answers,
        [each for each in repeated if each.says_otherwise],
        [each for each in repeated if not each.says_otherwise],
        without(first, answers),
    )


async def _place(connection: Connection, actor: Actor, again: Again, matched: _Matched) -> None:
    """Note which test each result became, and keep beside it what came too late."""
    placed = [*matched.answers, *matched.corrections, *matched.unchanged]
    tests = {each.told.id: each.waiting["id"] for each in placed}
    if tests:
        await connection.execute(_PLACE, list(tests), list(tests.values()))
    older = [
        (told, tests.get(standing.now.id, standing.now.id) if standing.now else standing.test_id)
        for told, standing in again.older
    ]
    await keep_older(connection, actor, older)


_PLACE = """
    UPDATE taken_results AS t SET test_id = told.test_id
    FROM unnest($1::uuid[], $2::uuid[]) AS told (id, test_id) WHERE t.id = told.id
"""


def _fates(again: Again, matched: _Matched) -> dict[UUID, Fate]:
    return {
        **{each.id: Fate.created for each in matched.alone},
        **{each.told.id: Fate.created for each in matched.answers},
        **{each.told.id: Fate.corrected for each in matched.corrections},
        **{each.told.id: Fate.unchanged for each in matched.unchanged},
        **{told.id: Fate.superseded for told, _ in again.older},
    }


_TAKE = """
    INSERT INTO taken_results (
        id, version, client_id, resident_id, grid_id, reach, content, tube_code, received_at,
        test_id, sampled_at, reported_at
    )
    SELECT id, 1, $1, resident_id, grid_id, reach, content, tube_code, $2, id, sampled_at,
        reported_at
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bytea[], $8::text[], $9::timestamptz[],
        $10::timestamptz[]
    ) AS t (id, resident_id, grid_id, reach, content, tube_code, sampled_at, reported_at)
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
        [each.sampled_at for each in told],
        [each.reported_at for each in told],
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
