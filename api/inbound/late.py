"""Samples told later than their results: a phone without signal is slower than a laboratory.

The result was kept as a test of its own. Once the sample is told, the result is the sample's, and
that test counts no more: one sample is one test, and nobody waits for a result that is there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from api.access.audit import Actor
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_discarded, evidence_moved, open_alerts
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.foundation.live import About, tell_all
from api.health_records.models import DiagnosticOutcome
from api.inbound.answered import pool_finding
from api.inbound.matching import OnBehalf
from api.inbound.people import Known
from api.inbound.samples import NEAR, Answer, ResultTold, complete_samples, distance
from api.protocols.models import DiagnosticKind

_AT_ONCE = 2_000
_NEAR = f"interval '{NEAR.total_seconds():.0f} seconds'"
_SAMPLED_LATELY, _TOLD_LATELY = "interval '7 days'", "interval '1 hour'"
_WHY = "样本随后登记，结果记入该样本"

# Tubes are held before the tests in them, as everywhere; what was answered meanwhile is left out. A
# phone that was long without signal tells a tube and its result at once: such a tube is looked at
# for a while as well.
_LATE = f"""
    WITH samples AS MATERIALIZED (
        SELECT id FROM diagnostic_tests WHERE outcome = 'pending' AND discarded_at IS NULL
        UNION
        SELECT m.id FROM sample_tubes AS new JOIN diagnostic_tests AS m ON m.tube_id = new.id
        WHERE new.sampled_at > $1::timestamptz - {_SAMPLED_LATELY}
            AND new.received_at > $1 - {_TOLD_LATELY} AND m.discarded_at IS NULL
    ), late AS MATERIALIZED (
        SELECT w.id, w.tube_id, w.outcome AS standing, u.code, u.grid_id, u.reach,
            r.id AS result_id, t.client_id, t.content, t.tube_code
        FROM samples JOIN diagnostic_tests AS w ON w.id = samples.id
        LEFT JOIN sample_tubes AS u ON u.id = w.tube_id
        JOIN taken_results AS t ON t.resident_id = w.resident_id
        JOIN diagnostic_tests AS r ON r.id = t.id AND r.kind = w.kind AND r.outcome <> 'pending'
            AND r.discarded_at IS NULL
        WHERE CASE
            WHEN t.tube_code = u.code AND w.outcome = 'pending' THEN true
            WHEN t.tube_code = u.code OR w.outcome = 'pending'
                AND (t.tube_code IS NULL OR u.code IS NULL) THEN w.sampled_at
                BETWEEN r.sampled_at - {_NEAR} AND r.sampled_at + {_NEAR}
            ELSE false END
        LIMIT {_AT_ONCE}
    ), tubes AS MATERIALIZED (
        SELECT id FROM sample_tubes WHERE id IN (SELECT tube_id FROM late) ORDER BY id FOR UPDATE
    )
    SELECT late.*, w.resident_id, w.kind, w.sampled_at, w.quarantine_id, w.pooled,
        w.grid_id AS of_grid_id, w.reach AS of_reach, r.outcome, r.sampled_at AS told_sampled_at,
        r.reported_at, r.laboratory, r.grid_id AS told_grid_id, r.reach AS told_reach,
        r.quarantine_id AS told_quarantine_id, p.household_id, p.name
    FROM late LEFT JOIN tubes ON tubes.id = late.tube_id
    JOIN diagnostic_tests AS w ON w.id = late.id
    JOIN diagnostic_tests AS r ON r.id = late.result_id
    JOIN residents AS p ON p.id = w.resident_id
    WHERE w.outcome = late.standing AND w.discarded_at IS NULL AND r.discarded_at IS NULL
    ORDER BY w.id, r.id FOR UPDATE OF w, r
"""


class Late(NamedTuple):
    """A sample told late and the test by which its result was kept until then."""

    answer: Answer
    row: Any

    @property
    def is_news(self) -> bool:
        """Whether the sample is told anything by it: not what was told of it already."""
        return bool(self.row["standing"] != self.answer.outcome.value)


@every(seconds=60, name="inbound.join")
async def join(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001 - entered
    """Give samples that were told late the results that were there before them; how many."""
    found = [Late(_answer(row), row) for row in await connection.fetch(_LATE, at)]
    pairs, doubles = _latest(_nearest(found), found)
    told_before = [each for each in pairs if not each.is_news]
    for kept, verb in (
        ([e for e in pairs if e.is_news], _join),
        (doubles + told_before, _supersede),
    ):
        for client, group in groupby(sorted(kept, key=_client), key=_client):
            await verb(connection, OnBehalf(client), list(group), at)
    return len(pairs)


def _client(late: Late) -> UUID:
    return late.row["client_id"]


def _nearest(pairs: Iterable[Late]) -> list[Late]:
    """Each sample and each result once: of the tube that was named, else the nearest in time."""
    taken: set[UUID] = set()
    chosen: list[Late] = []
    for each in sorted(pairs, key=lambda each: distance(each.answer.told, each.row)):
        both = {each.row["id"], each.row["result_id"]}
        if taken.isdisjoint(both):
            taken |= both
            chosen.append(each)
    return chosen


def _latest(pairs: Sequence[Late], found: Sequence[Late]) -> tuple[list[Late], list[Late]]:
    """Of what several systems told of one tube the latest, and the others: they are history."""
    taken = {each.row["result_id"] for each in pairs}
    latest: list[Late] = []
    doubles: list[Late] = []
    for pair in pairs:
        same = [e for e in found if e.row["result_id"] not in taken and _is_double(e, pair)]
        *others, last = sorted([pair, *same], key=lambda each: each.row["reported_at"])
        taken |= {each.row["result_id"] for each in same}
        latest.append(last)
        doubles += others
    return latest, doubles


def _is_double(late: Late, pair: Late) -> bool:
    told, other = late.answer.told, pair.answer.told
    numbered = told.tube_code is not None and told.tube_code == late.row["code"]
    near = abs(told.sampled_at - other.sampled_at) <= NEAR
    return numbered and near and late.row["id"] == pair.row["id"]


async def _supersede(
    connection: Connection, actor: Actor, pairs: Sequence[Late], at: datetime
) -> None:
    """Let the tests by which results were kept count no more: they are the samples' own."""
    results = [each.row["result_id"] for each in pairs]
    await connection.execute(_DISCARD, results, at, actor.worker, _WHY)
    await connection.execute(_PLACE, results, [each.row["id"] for each in pairs])
    await evidence_discarded(connection, EvidenceKind.test_result, *results)
    about = [each for late in pairs for each in _about(late.row)[1:]]
    await tell_all(connection, "test.result", about)


async def _join(connection: Connection, actor: Actor, pairs: Sequence[Late], at: datetime) -> None:
    await complete_samples(connection, actor, [each.answer for each in pairs])
    results = [each.row["result_id"] for each in pairs]
    await connection.execute(_DISCARD, results, at, actor.worker, _WHY)
    await connection.execute(_PLACE, results, [each.row["id"] for each in pairs])
    pools = [each for each in pairs if each.row["pooled"]]
    pooled = [each.row["result_id"] for each in pools]
    await evidence_discarded(connection, EvidenceKind.test_result, *pooled)
    alone = {e.row["result_id"]: e.row["id"] for e in pairs if not e.row["pooled"]}
    await evidence_moved(connection, EvidenceKind.test_result, alone)
    about = [each for late in pairs for each in _about(late.row)]
    await tell_all(connection, "test.result", about)
    mixed = [each.answer for each in pools if each.answer.is_mixed]
    await open_alerts(connection, [pool_finding(actor, each) for each in mixed])


_DISCARD = """
    WITH former AS (
        INSERT INTO revisions (
            id, kind, record_id, version, body, replaced_at, replaced_by, reason, duty_id, reach
        )
        SELECT gen_random_uuid(), 'diagnostic_tests', id, version, to_jsonb(t) - 'changed_xid', $2,
            $3, $4, quarantine_id, reach
        FROM diagnostic_tests AS t WHERE id = ANY ($1)
    )
    UPDATE diagnostic_tests SET discarded_at = $2, version = version + 1,
        changed_xid = pg_current_xact_id()
    WHERE id = ANY ($1)
"""

_PLACE = """
    UPDATE taken_results AS t SET test_id = moved.after
    FROM unnest($1::uuid[], $2::uuid[]) AS moved (before, after)
    WHERE t.resident_id = (SELECT resident_id FROM diagnostic_tests WHERE id = moved.before)
        AND t.test_id = moved.before
"""


def _about(row: Any) -> tuple[About, About]:
    """The sample, which has a result now, and the test that counts no more."""
    return (
        About(row["id"], row["of_reach"], row["of_grid_id"], row["quarantine_id"]),
        About(row["result_id"], row["told_reach"], row["told_grid_id"], row["told_quarantine_id"]),
    )


def _answer(row: Any) -> Answer:
    person = Known(
        row["resident_id"],
        row["household_id"],
        row["told_grid_id"],
        row["told_reach"],
        row["name"],
        None,
        None,
    )
    told = ResultTold(
        id=row["result_id"],
        content=row["content"],
        person=person,
        kind=DiagnosticKind(row["kind"]),
        outcome=DiagnosticOutcome(row["outcome"]),
        sampled_at=row["told_sampled_at"],
        reported_at=row["reported_at"],
        laboratory=row["laboratory"],
        tube_code=row["tube_code"],
    )
    return Answer(told, row)
