"""Keeping what systems and workers say of people's codes; a red one is told upward at once (M3.5).

An older state that comes late is kept as history and overwrites nothing: which one is current is
asked of the records (`standing.py`).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import NOTED, Actor, noted
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.batches import refused
from api.foundation.database import Connection, driver_of
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import ItemOutcome, Outcome, Source, json_of
from api.health_records.models import CodeState, HealthCodeState

REASON = "code_states.reason"
"""The context in which the reason of a state is sealed."""


@dataclass(slots=True, kw_only=True)  # not frozen: thousands are made, in a third of the time
class CodeStateTold:
    """What a system said of the code of one resident.

    `changed_at` is since when it holds at the source, where that says so, else when it was fetched;
    the same `id` told again is no news. Where only the document is known, `document_lookup` stands
    for the resident.
    """

    id: UUID
    resident_id: UUID | None = None
    document_lookup: bytes | None = None
    system: str
    state: CodeState
    changed_at: datetime
    fetched_at: datetime
    valid_until: datetime | None = None
    reason_sealed: bytes | None = None
    event_id: str | None = None

    @property
    def is_red(self) -> bool:
        return self.state is CodeState.red

    def told(self) -> dict[str, Any]:
        """What is said of it; what is not said would be read by PostgreSQL all the same."""
        return {name: value for name in _SAID if (value := getattr(self, name)) is not None}


_SAID = tuple(each.name for each in fields(CodeStateTold))


class Taken(NamedTuple):
    """What became of states that were told: whose the new ones are, which are history already.

    `unknown` are the places in what was told whose resident is not in sight; `by_grid` counts what
    is new by grid and path.
    """

    new: dict[UUID, UUID]
    older: set[UUID]
    unknown: set[int]
    by_grid: Counter[tuple[UUID, str]]

    @classmethod
    def of(cls, answer: Any) -> "Taken":
        """What PostgreSQL answered where it was told something."""
        if answer is None:
            return cls({}, set(), set(), Counter())
        paths = [reach.rpartition(".")[0] for reach in answer["reaches"]]
        return cls(
            dict(zip(answer["new"], answer["whose"], strict=True)),
            {*answer["older"]},
            {nth - 1 for nth in answer["unknown"]},
            Counter(zip(answer["grids"], paths, strict=True)),
        )


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
    note = noted(actor, "code_states.record_all")[1:]  # each grid's note has an id of its own
    said = as_told(told)
    taken = Taken.of(await _take(connection, _TAKE_AND_NOTE, said, actor, source, *note))
    await sound(
        connection, actor, [each.id for each in told if each.id in taken.new and each.is_red]
    )
    repeated = [each.id for each in told] if len(taken.new) < len(told) else ()
    return _outcomes(told, taken, await code_states_kept(connection, repeated))


def as_told(states: Sequence[CodeStateTold]) -> str:
    """States as PostgreSQL reads them."""
    return json_of([each.told() for each in states]).decode()


_NOTHING = as_told([])


async def take_code_states(
    connection: Connection, actor: Actor, told: str, *, by_document: bool
) -> Any:
    """Keep a part of what a system tells; when all is kept, it is put on record and sounded.

    It comes `as_told`, and the answer is for `Taken.of` to read: neither need be waited for.
    """
    if told == _NOTHING:
        return None
    statement = _TAKE_BY_DOCUMENT if by_document else _TAKE
    return await _take(connection, statement, told, actor, Source.device)


def _outcomes(
    told: Sequence[CodeStateTold], taken: Taken, before: Mapping[UUID, Any]
) -> list[ItemOutcome]:
    outcomes: list[ItemOutcome] = []
    for place, each in enumerate(told):
        if place in taken.unknown:
            outcomes.append(refused(each.id, _unknown(place)))
        elif each.id in taken.new:
            del taken.new[each.id]  # an item that repeats this id is a repeat like any other
            outcomes.append(ItemOutcome(id=each.id, outcome=Outcome.created, problem=None))
        else:
            outcomes.append(_repeated(each, before.get(each.id)))
    return outcomes


# A JSON parameter: the driver looks at every value of an array (docs/decisions/0010). Each resident
# is looked up by id, since for some hundred the planner would rather read everybody. What the
# statement itself keeps it does not see: of two states in one statement neither is older here.
_KEPT = """
    WITH told AS MATERIALIZED (
        SELECT * FROM ROWS FROM (json_to_recordset($1::json) AS (
            id uuid, resident_id uuid, system text, state text, changed_at timestamptz,
            fetched_at timestamptz, valid_until timestamptz, reason_sealed bytea, event_id text,
            document_lookup bytea
        )) WITH ORDINALITY AS t (
            id, resident_id, system, state, changed_at, fetched_at, valid_until, reason_sealed,
            event_id, document_lookup, nth
        )
    ), placed AS MATERIALIZED (
        SELECT told.*, r.person, r.grid_id, r.reach FROM told CROSS JOIN LATERAL (
            SELECT id AS person, grid_id, reach FROM residents
            WHERE {person} AND discarded_at IS NULL LIMIT 1
        ) AS r
    ), kept AS (
        INSERT INTO code_states AS c (
            id, version, reach, grid_id, resident_id, system, state, changed_at, fetched_at,
            valid_until, reason_sealed, event_id, recorded_at, received_at, performed_by,
            entered_by, source
        )
        SELECT id, 1, reach, grid_id, person, system, state, changed_at, fetched_at, valid_until,
            reason_sealed, event_id, fetched_at, $2, $3, $3, $4
        FROM placed ORDER BY nth
        ON CONFLICT (id) DO NOTHING
        RETURNING id, resident_id, grid_id, reach, EXISTS (
            SELECT FROM code_states AS newer
            WHERE newer.resident_id = c.resident_id AND newer.system = c.system
                AND newer.changed_at >= c.changed_at
                AND (newer.changed_at, newer.fetched_at, newer.id)
                    > (c.changed_at, c.fetched_at, c.id)
                AND newer.discarded_at IS NULL AND newer.state <> 'unavailable'
        ) AS is_older
    )
"""
_NOTE = f""", noted AS (
        INSERT INTO audit_entries (subject_id, details, reach, {NOTED})
        SELECT grid_id, jsonb_build_object('code_states', count(*)),
            regexp_replace(reach, '\\.[^.]*$', ''), gen_random_uuid(), $5, $6, $7, $8, $9, $10
        FROM kept
        GROUP BY grid_id, regexp_replace(reach, '\\.[^.]*$', '')
    )
"""
_TOLD = """
    SELECT ARRAY(SELECT id FROM kept) AS new, ARRAY(SELECT resident_id FROM kept) AS whose,
        ARRAY(SELECT grid_id FROM kept) AS grids, ARRAY(SELECT reach FROM kept) AS reaches,
        ARRAY(SELECT id FROM kept WHERE is_older) AS older, ARRAY(
            SELECT nth FROM told WHERE NOT EXISTS (SELECT FROM placed WHERE placed.nth = told.nth)
        ) AS unknown
"""
_BY_ID = _KEPT.format(person="id = told.resident_id")
_TAKE, _TAKE_AND_NOTE = _BY_ID + _TOLD, _BY_ID + _NOTE + _TOLD
_TAKE_BY_DOCUMENT = (
    _KEPT.format(person="document_lookup = told.document_lookup AND left_on IS NULL") + _TOLD
)


async def _take(
    connection: Connection, statement: str, told: str, actor: Actor, source: Source, *note: Any
) -> Any:
    return await connection.fetchrow(
        statement, told, clock.now(), actor.worker, source.value, *note
    )


async def code_states_kept(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Any]:
    """What is kept under these ids already, as far as it is in sight."""
    if not ids:
        return {}
    rows = await connection.fetch("SELECT * FROM code_states WHERE id = ANY($1)", list(ids))
    return {row["id"]: row for row in rows}


_COMPARED = ("resident_id", "system", "state", "changed_at", "valid_until", "event_id")


def differing(told: CodeStateTold, kept: Any) -> list[str]:
    """What is told otherwise under an id than it is kept, but for `fetched_at` and the reason."""
    return [name for name in _COMPARED if getattr(told, name) != kept[name]]


def _repeated(told: CodeStateTold, kept: Any) -> ItemOutcome:
    fields = differing(told, kept) if kept else []
    if kept is None or fields:  # an id that was used where the actor does not see
        return refused(told.id, RecordDiffers(fields=fields))
    return ItemOutcome(id=told.id, outcome=Outcome.unchanged, problem=None)


def _unknown(place: int) -> NotFound:
    pointer = f"/body/items/{place}/resident_id"
    return NotFound("没有找到该居民，或不在您的网格范围内。", pointer=pointer)


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


# One that was closed while something newer seemed to hold was closed for that.
_CLOSED = """
    UPDATE alert_evidence AS e SET discarded_at = $2, version = e.version + 1,
        changed_xid = pg_current_xact_id()
    FROM alerts AS a
    WHERE e.kind = 'code_state' AND e.record_id = ANY ($1) AND e.discarded_at IS NULL
        AND a.id = e.alert_id AND a.status = 'verified'
"""


async def sound_standing(
    session: AsyncSession, actor: Actor, gone: HealthCodeState, *, until: datetime
) -> None:
    """A state holds no more: open the alert of another that is red and newest of its system now.

    `until` is since when the one that has gone was said to hold: what is newer was told before.
    """
    connection = await driver_of(session)
    rows = await connection.fetch(_RED, gone.resident_id, gone.system, until, gone.id)
    red = [row["id"] for row in rows]
    if red:
        await connection.execute(_CLOSED, red, clock.now())
        await sound(connection, actor, red)


_RED = """
    SELECT c.id FROM code_states AS c
    WHERE c.resident_id = $1 AND c.system = $2 AND c.discarded_at IS NULL AND c.state = 'red'
        AND c.changed_at = (
            SELECT max(n.changed_at) FROM code_states AS n
            WHERE n.resident_id = $1 AND n.system = $2 AND n.discarded_at IS NULL
                AND n.state <> 'unavailable'
        )
        AND c.changed_at <= $3 AND c.id <> $4
"""


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
