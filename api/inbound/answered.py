"""Keeping results in a handful of statements, however many: none twice, none beside its sample."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.access.audit import Actor
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.live import About, tell_all
from api.health_records.models import DiagnosticOutcome
from api.inbound.people import Known
from api.protocols.models import DiagnosticKind

_NEAR = timedelta(hours=12)
"""How far a worker's note of when a sample was taken and the laboratory's may lie apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultTold:
    """A result of a resident's sample, as another system told it; `id` is the event's."""

    id: UUID
    content: bytes
    person: Known
    kind: DiagnosticKind
    outcome: DiagnosticOutcome
    sampled_at: datetime
    reported_at: datetime
    laboratory: str | None
    tube_code: str | None


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
    waiting = await connection.fetch(_WAITING, [each.person.id for each in fresh.values()])
    answers = _answers(fresh.values(), waiting)
    kept = await _complete(connection, actor, answers)
    completed = {each.told.id for each in answers}
    kept += await _add(connection, actor, [e for e in fresh.values() if e.id not in completed])
    await _announce(connection, actor, kept, note)
    await open_alerts(connection, [_pool_finding(actor, each) for each in answers if each.is_mixed])
    return new


_TAKE = """
    INSERT INTO taken_results (
        id, version, client_id, resident_id, grid_id, reach, content, received_at
    )
    SELECT id, 1, $1, resident_id, grid_id, reach, content, $2
    FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bytea[])
        AS t (id, resident_id, grid_id, reach, content)
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
    )


# Held until the transaction ends: two results for one sample come one after the other.
_WAITING = """
    SELECT t.id, t.resident_id, t.kind, t.sampled_at, t.quarantine_id, t.pooled, u.id AS tube_id,
        u.code, u.grid_id, u.reach
    FROM diagnostic_tests AS t LEFT JOIN sample_tubes AS u ON u.id = t.tube_id
    WHERE t.resident_id = ANY ($1) AND t.outcome = 'pending' AND t.discarded_at IS NULL
    ORDER BY t.id FOR UPDATE OF t
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    told: ResultTold
    waiting: Any

    @property
    def outcome(self) -> DiagnosticOutcome:
        """Somebody in a pooled tube is positive: who, the sample of each will tell (单采复核)."""
        return DiagnosticOutcome.inconclusive if self.is_mixed else self.told.outcome

    @property
    def is_mixed(self) -> bool:
        return self.waiting["pooled"] and self.told.outcome is DiagnosticOutcome.positive


def _answers(told: Iterable[ResultTold], waiting: Iterable[Any]) -> list[_Answer]:
    """Which result is whose: of the tube that was named, else of the sample nearest in time."""
    left = {row["id"]: row for row in waiting}
    answers: list[_Answer] = []
    for each in told:
        fitting = [row for row in left.values() if _fits(each, row)]
        if fitting:
            nearest = min(fitting, key=lambda row: _distance(each, row))
            answers.append(_Answer(each, left.pop(nearest["id"])))
    return answers


def _fits(told: ResultTold, row: Any) -> bool:
    if row["resident_id"] != told.person.id or row["kind"] != told.kind:
        return False
    if told.tube_code is not None and row["code"] is not None:
        return bool(row["code"] == told.tube_code)
    return abs(row["sampled_at"] - told.sampled_at) <= _NEAR


def _distance(told: ResultTold, row: Any) -> tuple[bool, timedelta]:
    return row["code"] != told.tube_code, abs(row["sampled_at"] - told.sampled_at)


_FORMER = """
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, duty_id, reach
    )
    SELECT gen_random_uuid(), 'diagnostic_tests', id, version, to_jsonb(t) - 'changed_xid', $2, $3,
        quarantine_id, reach
    FROM diagnostic_tests AS t WHERE id = ANY ($1)
"""
_COMPLETE = """
    UPDATE diagnostic_tests AS t SET outcome = told.outcome,
        reported_at = greatest(told.reported_at, t.sampled_at),
        laboratory = coalesce(told.laboratory, t.laboratory),
        version = version + 1, changed_xid = pg_current_xact_id()
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
        AS told (id, outcome, reported_at, laboratory)
    WHERE t.id = told.id
"""


async def _complete(
    connection: Connection, actor: Actor, answers: Sequence[_Answer]
) -> list[_Kept]:
    """Give samples their results, keeping what was said of them before."""
    if not answers:
        return []
    ids = [each.waiting["id"] for each in answers]
    await connection.execute(_FORMER, ids, clock.now(), actor.worker)
    await connection.execute(
        _COMPLETE,
        ids,
        [each.outcome.value for each in answers],
        [each.told.reported_at for each in answers],
        [each.told.laboratory for each in answers],
    )
    return [
        _Kept(each.waiting["id"], each.told, each.outcome, each.waiting["quarantine_id"])
        for each in answers
    ]


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


def _pool_finding(actor: Actor, answer: _Answer) -> Finding:
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
