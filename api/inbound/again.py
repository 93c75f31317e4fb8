"""Results told again: what a sender says later of the same sample corrects what it said before.

A sample is the same where the sender gives it the same number, for the same person and about the
same time. Which result is the later one its instant says, not which arrives last.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api.access.audit import Actor
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_discarded
from api.foundation import clock
from api.foundation.database import Connection
from api.health_records.models import DiagnosticOutcome
from api.inbound.samples import NEAR, Answer, ResultTold


class _Sample(NamedTuple):
    """What a sample is known by, but for when it was taken: numbers are used again."""

    resident_id: UUID
    kind: str
    tube_code: str


@dataclass(slots=True)
class Standing:
    """The latest that was said of a sample: before, as a test, or only now."""

    sampled_at: datetime
    reported_at: datetime
    test_id: UUID | None = None
    now: ResultTold | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """New results by what was said of their samples before.

    `later` are those to be kept, each with the test it corrects, if any; `older` come too late, and
    what they say is history beside what stands.
    """

    later: list[Standing] = field(default_factory=list[Standing])
    older: list[tuple[ResultTold, Standing]] = field(
        default_factory=list[tuple[ResultTold, Standing]]
    )


# One result of somebody after another, so that of two at the same moment the second sees the first.
# Two laboratories may number alike; in a tube that is registered here both mean the same sample.
_ALONE = "SELECT FROM residents WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"
_BEFORE = """
    SELECT e.resident_id, t.kind, e.tube_code, e.sampled_at, e.reported_at, e.test_id
    FROM taken_results AS e JOIN diagnostic_tests AS t ON t.id = e.test_id
    WHERE (e.client_id = $1 OR t.tube_id IS NOT NULL AND t.discarded_at IS NULL)
        AND e.resident_id = ANY ($2) AND e.tube_code = ANY ($3) AND e.id <> ALL ($4)
    ORDER BY e.reported_at, e.received_at
"""


async def told_again(connection: Connection, actor: Actor, told: Sequence[ResultTold]) -> Again:
    """Sort results by their instants among what was said before of the same samples."""
    numbered = [each for each in told if each.tube_code is not None]
    said = await _said_before(connection, actor, numbered) if numbered else {}
    again = Again()
    for each in sorted(told, key=lambda each: each.reported_at):
        _sort(again, said[_sample(each)] if each.tube_code is not None else [], each)
    return again


async def _said_before(
    connection: Connection, actor: Actor, told: Sequence[ResultTold]
) -> dict[_Sample, list[Standing]]:
    people = list({each.person.id for each in told})
    await connection.execute(_ALONE, people)
    numbers = list({each.tube_code for each in told})
    rows = await connection.fetch(
        _BEFORE, actor.worker, people, numbers, [each.id for each in told]
    )
    said: dict[_Sample, list[Standing]] = defaultdict(list)
    for row in rows:
        of_sample = said[_Sample(row["resident_id"], row["kind"], row["tube_code"])]
        if (before := _near(of_sample, row["sampled_at"])) is not None:
            of_sample.remove(before)
        of_sample.append(Standing(row["sampled_at"], row["reported_at"], row["test_id"]))
    return said


def _sample(told: ResultTold) -> _Sample:
    return _Sample(told.person.id, told.kind.value, told.tube_code or "")


def _near(said: Iterable[Standing], sampled_at: datetime) -> Standing | None:
    return next((each for each in said if abs(each.sampled_at - sampled_at) <= NEAR), None)


def _sort(again: Again, said: list[Standing], told: ResultTold) -> None:
    before = _near(said, told.sampled_at)
    if before is None:
        before = Standing(told.sampled_at, told.reported_at)
        said.append(before)
    elif told.reported_at < before.reported_at:
        again.older.append((told, before))
        return
    if before.now is None:
        again.later.append(before)
    else:
        again.older.append((before.now, before))
    before.sampled_at, before.reported_at, before.now = told.sampled_at, told.reported_at, told


# A test of its own that never counted: what was said is not lost, and nobody is judged by it.
_KEEP_OLDER = """
    WITH kept AS (
        INSERT INTO diagnostic_tests (
            id, version, reach, grid_id, resident_id, quarantine_id, kind, outcome, sampled_at,
            reported_at, samples, laboratory, recorded_at, received_at, performed_by, entered_by,
            source, discarded_at
        )
        SELECT told.id, 2, t.reach, t.grid_id, t.resident_id, t.quarantine_id, t.kind,
            CASE WHEN t.pooled AND told.outcome = 'positive' THEN 'inconclusive'
                ELSE told.outcome END,
            told.sampled_at, told.reported_at, 1, told.laboratory, told.reported_at, $1, $2, $2,
            'device', $1
        FROM unnest(
            $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[]
        ) AS told (id, test_id, outcome, sampled_at, reported_at, laboratory)
        JOIN diagnostic_tests AS t ON t.id = told.test_id
        ON CONFLICT (id) DO NOTHING
        RETURNING *
    )
    INSERT INTO revisions (
        id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
    )
    SELECT gen_random_uuid(), 'diagnostic_tests', id, 1,
        to_jsonb(kept) - 'changed_xid' || '{"version": 1, "discarded_at": null}', $1, $2,
        '送检系统已有更新的结果', quarantine_id, reach
    FROM kept
"""


async def keep_older(
    connection: Connection, actor: Actor, older: Sequence[tuple[ResultTold, UUID | None]]
) -> None:
    """Keep as history results that came after a later one, each beside the test that stands."""
    if not older:
        return
    told = [each for each, _ in older]
    await connection.execute(
        _KEEP_OLDER,
        *(clock.now(), actor.worker, [each.id for each in told], [test for _, test in older]),
        [each.outcome.value for each in told],
        [each.sampled_at for each in told],
        [each.reported_at for each in told],
        [each.laboratory for each in told],
    )


_CLEARED = """
    SELECT id FROM sample_tubes AS u
    WHERE id = ANY ($1) AND outcome NOT IN ('positive', 'inconclusive') AND NOT EXISTS (
        SELECT FROM diagnostic_tests AS m
        WHERE m.tube_id = u.id AND m.discarded_at IS NULL AND m.outcome = 'inconclusive'
    )
"""


async def show_no_more(connection: Connection, corrected: Sequence[Answer]) -> None:
    """Say of what was corrected that it shows nothing, where it does not; its alerts stand."""
    if not corrected:
        return
    clear = [e.waiting["id"] for e in corrected if e.outcome is not DiagnosticOutcome.positive]
    pools = {e.waiting["tube_id"] for e in corrected if e.waiting["pooled"]} - {None}
    rows = await connection.fetch(_CLEARED, list(pools))
    await evidence_discarded(connection, EvidenceKind.test_result, *clear)
    await evidence_discarded(connection, EvidenceKind.sample_tube, *[row["id"] for row in rows])
