"""Samples that wait for a result: which result is whose, and how it is kept.

A result is a new version of the sample's own record. Once everybody in a tube has one, the tube
has it too.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.access.audit import Actor
from api.foundation import clock
from api.foundation.database import Connection
from api.health_records.models import DiagnosticOutcome
from api.inbound.people import Known
from api.protocols.models import DiagnosticKind

NEAR = timedelta(hours=12)
"""How far a worker's note of when a sample was taken and the laboratory's may lie apart."""

_WORST_FIRST = (
    DiagnosticOutcome.positive,
    DiagnosticOutcome.inconclusive,
    DiagnosticOutcome.invalid,
    DiagnosticOutcome.negative,
)
_PENDING = DiagnosticOutcome.pending.value
_UNCLEAR = _WORST_FIRST[:2]
"""Results of a pool that call everybody in it back."""


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
class Answer:
    """A result and the sample that waited for it, or of which another one was told before."""

    told: ResultTold
    waiting: Any

    @property
    def outcome(self) -> DiagnosticOutcome:
        """Somebody in a pooled tube is positive: who, the sample of each will tell (单采复核)."""
        return DiagnosticOutcome.inconclusive if self.is_mixed else self.told.outcome

    @property
    def says_otherwise(self) -> bool:
        """Whether the sample would be another than it is: the same told again is no news."""
        laboratory = self.told.laboratory
        return self.waiting["outcome"] != self.outcome.value or (
            laboratory is not None and laboratory != self.waiting["laboratory"]
        )

    @property
    def is_mixed(self) -> bool:
        return self.waiting["pooled"] and self.told.outcome in _UNCLEAR


# Held until the transaction ends, tubes first as by whoever tells a tube's result: two results for
# one sample come one after the other, and the last of a tube sees those before it.
_MEANT = """t.discarded_at IS NULL AND (
        t.resident_id = ANY ($1) AND t.outcome = 'pending' OR t.id = ANY ($2)
        OR t.resident_id = ANY ($1) AND t.tube_id = ANY (ARRAY(
            SELECT id FROM sample_tubes WHERE code = ANY ($3) AND discarded_at IS NULL
                AND sampled_at BETWEEN $4 AND $5
        ))
    )"""
_WAITING = f"""
    WITH tubes AS MATERIALIZED (
        SELECT id, code, grid_id, reach FROM sample_tubes
        WHERE id IN (SELECT tube_id FROM diagnostic_tests AS t WHERE {_MEANT})
        ORDER BY id FOR UPDATE
    )
    SELECT t.id, t.resident_id, t.kind, t.outcome, t.laboratory, t.sampled_at, t.quarantine_id,
        t.pooled, u.id AS tube_id, u.code, u.grid_id, u.reach
    FROM diagnostic_tests AS t LEFT JOIN tubes AS u ON u.id = t.tube_id
    WHERE {_MEANT}
    ORDER BY t.id FOR UPDATE OF t
"""


async def samples_meant(
    connection: Connection, told: Sequence[ResultTold], tests: Sequence[UUID]
) -> list[Any]:
    """The samples that results may be of, this transaction's until it ends.

    Those that wait, those in tubes of the numbers told, and of these tests those that count.
    """
    if not told:
        return []
    people, codes = {each.person.id for each in told}, {each.tube_code for each in told} - {None}
    sampled = [each.sampled_at for each in told]
    between = min(sampled) - NEAR, max(sampled) + NEAR
    return list(await connection.fetch(_WAITING, list(people), tests, list(codes), *between))


def told_before(told: Iterable[ResultTold], samples: Iterable[Any]) -> list[Answer]:
    """Which result is of a sample in a tube that has its result: from a worker, by telephone."""
    had: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in samples:
        if row["outcome"] != _PENDING and row["code"] is not None:
            had[row["resident_id"], row["kind"], row["code"]].append(row)
    found: list[Answer] = []
    for each in told:
        same = had.get((each.person.id, each.kind, each.tube_code), ())
        near = [row for row in same if abs(row["sampled_at"] - each.sampled_at) <= NEAR]
        if near:
            found.append(Answer(each, min(near, key=lambda row: distance(each, row))))
    return found


def without(told: Iterable[ResultTold], settled: Iterable[Answer]) -> list[ResultTold]:
    """The results that are not among those answered already."""
    those = {each.told.id for each in settled}
    return [each for each in told if each.id not in those]


def answers_among(told: Iterable[ResultTold], waiting: Iterable[Any]) -> list[Answer]:
    """Which result is whose: of the tube that was named, else of the sample nearest in time."""
    left = {row["id"]: row for row in waiting if row["outcome"] == _PENDING}
    answers: list[Answer] = []
    for each in told:
        fitting = [row for row in left.values() if _fits(each, row)]
        if fitting:
            nearest = min(fitting, key=lambda row: distance(each, row))
            answers.append(Answer(each, left.pop(nearest["id"])))
    return answers


def _fits(told: ResultTold, row: Any) -> bool:
    if row["resident_id"] != told.person.id or row["kind"] != told.kind:
        return False
    if told.tube_code is not None and row["code"] is not None:
        return bool(row["code"] == told.tube_code)
    return abs(row["sampled_at"] - told.sampled_at) <= NEAR


def distance(told: ResultTold, row: Any) -> tuple[bool, timedelta]:
    """How well a sample fits a result: the less, the better."""
    return row["code"] != told.tube_code, abs(row["sampled_at"] - told.sampled_at)


_FORMER = """
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
    )
    SELECT gen_random_uuid(), 'diagnostic_tests', id, version, to_jsonb(t) - 'changed_xid', $2, $3,
        CASE WHEN outcome <> 'pending' THEN '送检系统更正结果' END, quarantine_id, reach
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


async def complete_samples(connection: Connection, actor: Actor, answers: Sequence[Answer]) -> None:
    """Give samples their results, keeping what was said of them before; then whole tubes theirs.

    A sample that has a result already gets another one, and so does its tube.
    """
    if not answers:
        return
    ids = [each.waiting["id"] for each in answers]
    await connection.execute(_FORMER, ids, clock.now(), actor.worker)
    await connection.execute(
        _COMPLETE,
        ids,
        [each.outcome.value for each in answers],
        [each.told.reported_at for each in answers],
        [each.told.laboratory for each in answers],
    )
    await _complete_tubes(connection, actor, answers)


# Whoever sees a tube sees everybody in it, as it lies where all of them are in reach. A tube that
# has its result has another one where one of those in it was corrected; what was told of the pool
# as positive stays so until nobody in it is called back any more.
_COMPLETE_TUBES = """
    WITH whole AS MATERIALIZED (
        SELECT u.id, greatest(told.reported_at, u.sampled_at) AS reported_at, CASE
            WHEN told.outcome = 'positive' OR NOT bool_or(m.outcome = 'inconclusive')
                THEN told.outcome
            WHEN u.outcome = 'positive' THEN 'positive' ELSE 'inconclusive' END AS outcome
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS told (id, outcome, reported_at)
        JOIN sample_tubes AS u ON u.id = told.id
        JOIN diagnostic_tests AS m ON m.tube_id = u.id AND m.discarded_at IS NULL
        WHERE u.discarded_at IS NULL
        GROUP BY u.id, told.outcome, told.reported_at
        HAVING count(*) = u.member_count AND bool_and(m.outcome <> 'pending')
    ), changed AS (
        SELECT whole.* FROM whole JOIN sample_tubes AS u USING (id) WHERE u.outcome <> whole.outcome
    ), former AS (
        INSERT INTO revisions (
            id, kind, record_id, version, body, replaced_at, replaced_by, reach
        )
        SELECT gen_random_uuid(), 'sample_tubes', u.id, u.version, to_jsonb(u) - 'changed_xid', $4,
            $5, u.reach
        FROM sample_tubes AS u JOIN changed ON changed.id = u.id
    )
    UPDATE sample_tubes AS u SET outcome = changed.outcome, reported_at = changed.reported_at,
        version = version + 1, changed_xid = pg_current_xact_id()
    FROM changed WHERE u.id = changed.id
"""


async def _complete_tubes(connection: Connection, actor: Actor, answers: Sequence[Answer]) -> None:
    """A tube has the worst that was told of anybody in it, once something was told of each."""
    told: dict[UUID, list[ResultTold]] = {}
    for each in answers:
        if each.waiting["tube_id"] is not None:
            told.setdefault(each.waiting["tube_id"], []).append(each.told)
    if not told:
        return
    await connection.execute(
        _COMPLETE_TUBES,
        list(told),
        [_worst(of_tube).value for of_tube in told.values()],
        [max(each.reported_at for each in of_tube) for of_tube in told.values()],
        clock.now(),
        actor.worker,
    )


def _worst(told: Iterable[ResultTold]) -> DiagnosticOutcome:
    return min((each.outcome for each in told), key=_WORST_FIRST.index)
