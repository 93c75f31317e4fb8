"""Keeping what systems and workers say of people's codes; a red one is told upward at once (M3.5).

An older state that comes late is kept as history and overwrites nothing: which one is current is
asked of the records (`standing.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import NOTED, Actor, noted
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.batches import refused
from api.foundation.database import Connection, driver_of
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import ItemOutcome, Outcome, Source
from api.health_records.models import CodeState

REASON = "code_states.reason"
"""The context in which the reason of a state is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStateTold:
    """What a system said of the code of one resident.

    `changed_at` is since when it holds at the source, where that says so, else when it was fetched;
    the same `id` told again is no news.
    """

    id: UUID
    resident_id: UUID
    system: str
    state: CodeState
    changed_at: datetime
    fetched_at: datetime
    valid_until: datetime | None = None
    reason_sealed: bytes | None = None
    event_id: str | None = None


async def keep_code_states(
    door: AsyncSession | Connection,
    actor: Actor,
    told: Sequence[CodeStateTold],
    *,
    source: Source = Source.device,
) -> list[ItemOutcome]:
    """Keep any number of states in one statement; each has its own outcome, in the order told.

    Of the same id, what is told again is compared but for `fetched_at` and the reason.
    """
    connection = await driver_of(door)
    kept = await _keep(connection, actor, told, source)
    fresh: set[UUID] = set(kept["fresh"])
    red = [each.id for each in told if each.state is CodeState.red and each.id in fresh]
    await sound(connection, actor, red)
    before = await _kept_before(connection, told if len(fresh) < len(told) else ())
    return _outcomes(told, fresh, unknown=set(kept["unknown"]), before=before)


def _outcomes(
    told: Sequence[CodeStateTold], fresh: set[UUID], *, unknown: set[int], before: dict[UUID, Any]
) -> list[ItemOutcome]:
    outcomes: list[ItemOutcome] = []
    for place, each in enumerate(told):
        if place + 1 in unknown:
            outcomes.append(refused(each.id, _unknown(place)))
        elif each.id in fresh:
            fresh.remove(each.id)  # an item that repeats this id is a repeat like any other
            outcomes.append(ItemOutcome(id=each.id, outcome=Outcome.created, problem=None))
        else:
            outcomes.append(_repeated(each, before.get(each.id)))
    return outcomes


_KEEP = f"""
    WITH told AS MATERIALIZED (
        SELECT * FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
            $7::timestamptz[], $8::bytea[], $9::text[]
        ) WITH ORDINALITY AS t (
            id, resident_id, system, state, changed_at, fetched_at, valid_until, reason_sealed,
            event_id, nth
        )
    ), placed AS MATERIALIZED (
        SELECT told.*, r.grid_id, r.reach FROM told
        JOIN residents AS r ON r.id = told.resident_id AND r.discarded_at IS NULL
    ), kept AS (
        INSERT INTO code_states (
            id, version, reach, grid_id, resident_id, system, state, changed_at, fetched_at,
            valid_until, reason_sealed, event_id, recorded_at, received_at, performed_by,
            entered_by, source
        )
        SELECT id, 1, reach, grid_id, resident_id, system, state, changed_at, fetched_at,
            valid_until, reason_sealed, event_id, fetched_at, $10, $11, $11, $12
        FROM placed ORDER BY nth
        ON CONFLICT (id) DO NOTHING
        RETURNING id, grid_id, reach
    ), audited AS (
        INSERT INTO audit_entries (subject_id, details, reach, {NOTED})
        SELECT grid_id, jsonb_build_object('code_states', count(*)),
            regexp_replace(reach, '\\.[^.]*$', ''), gen_random_uuid(), $13, $14, $15, $16, $17, $18
        FROM kept
        GROUP BY grid_id, regexp_replace(reach, '\\.[^.]*$', '')
    )
    SELECT ARRAY(SELECT id FROM kept) AS fresh, ARRAY(
        SELECT nth FROM told WHERE NOT EXISTS (SELECT FROM placed WHERE placed.nth = told.nth)
    ) AS unknown
"""


async def _keep(
    connection: Connection, actor: Actor, told: Sequence[CodeStateTold], source: Source
) -> Any:
    columns = [[getattr(each, name) for each in told] for name in _COLUMNS]
    who = [clock.now(), actor.worker, source.value]
    note = noted(actor, "code_states.record_all")[1:]  # each grid's note has an id of its own
    return await connection.fetchrow(_KEEP, *columns, *who, *note)


_COLUMNS = tuple(CodeStateTold.__dataclass_fields__)


async def _kept_before(connection: Connection, told: Sequence[CodeStateTold]) -> dict[UUID, Any]:
    if not told:
        return {}
    rows = await connection.fetch(
        "SELECT * FROM code_states WHERE id = ANY($1)", [each.id for each in told]
    )
    return {row["id"]: row for row in rows}


_COMPARED = ("resident_id", "system", "state", "changed_at", "valid_until", "event_id")


def _repeated(told: CodeStateTold, kept: Any) -> ItemOutcome:
    differing = [name for name in _COMPARED if kept and getattr(told, name) != kept[name]]
    if kept is None or differing:  # an id that was used where the actor does not see
        return refused(told.id, RecordDiffers(fields=differing))
    return ItemOutcome(id=told.id, outcome=Outcome.unchanged, problem=None)


def _unknown(place: int) -> NotFound:
    pointer = f"/body/items/{place}/resident_id"
    return NotFound("没有找到该居民,或不在您的网格范围内。", pointer=pointer)


# Red now: nothing newer is known of that system; and told for the first time since it turned red,
# so that a system that is asked every hour does not say the same thing every hour.
_TURNED_RED = """
    SELECT c.id, c.resident_id, c.grid_id, c.reach, c.fetched_at, r.household_id
    FROM code_states AS c
    JOIN residents AS r ON r.id = c.resident_id
    WHERE c.id = ANY ($1::uuid[]) AND NOT EXISTS (
        SELECT FROM code_states AS other
        WHERE other.resident_id = c.resident_id AND other.system = c.system
            AND other.discarded_at IS NULL AND other.state <> 'unavailable' AND other.id <> c.id
            AND CASE WHEN other.state = 'red' AND other.changed_at = c.changed_at
                THEN (other.fetched_at, other.id) < (c.fetched_at, c.id)
                ELSE (other.changed_at, other.fetched_at, other.id)
                    > (c.changed_at, c.fetched_at, c.id)
                END
    )
"""


async def sound(door: AsyncSession | Connection, actor: Actor, red: Sequence[UUID]) -> None:
    """Open the alert of each of these red states that is current and was not told before."""
    if not red:
        return
    connection = await driver_of(door)
    rows = await connection.fetch(_TURNED_RED, red)
    await open_alerts(connection, [_finding(actor, row) for row in rows])


def _finding(actor: Actor, row: Any) -> Finding:
    return Finding(
        cause=Cause.red_code,
        subject_id=row["resident_id"],
        grid_id=row["grid_id"],
        reach=row["reach"],
        kind=EvidenceKind.code_state,
        record_id=row["id"],
        found_at=row["fetched_at"],
        household_id=row["household_id"],
        resident_id=row["resident_id"],
        told_by=actor.worker,
    )
