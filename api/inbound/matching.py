"""Held events meet their person: once somebody is registered, what was told of them counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.health_records.code_states import CodeStateTold, keep_code_states
from api.health_records.models import CodeState, DiagnosticOutcome
from api.inbound.answered import keep_results
from api.inbound.desk import grid_of, note_by_grid
from api.inbound.models import EventKind
from api.inbound.people import Known, Register, SeveralPeople, Traces, register_of
from api.inbound.samples import ResultTold
from api.inbound.waiting import count_forgotten, count_matched
from api.protocols.models import DiagnosticKind

_AT_ONCE = 2_000

# By hash; row security of the house sees the whole cell, so the client's own reach is asked here.
_MET = f"""
    SELECT h.* FROM held_events AS h
    WHERE h.expires_at > $1 AND EXISTS (
        SELECT FROM residents AS r
        WHERE (r.document_lookup = h.document_lookup OR r.phone_lookup = h.phone_lookup)
            AND r.reach >= h.reach AND r.reach < h.reach || '/'
            AND r.discarded_at IS NULL AND (r.left_on IS NULL
                OR r.document_lookup = h.document_lookup AND r.left_on >=
                    ((h.told ->> 'sampled_at')::timestamptz AT TIME ZONE 'Asia/Shanghai')::date)
    )
    ORDER BY h.client_id, h.kind, h.event_id COLLATE "C" LIMIT {_AT_ONCE}
    FOR UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """The client whose events are matched, as who did it: it told them, nobody else did."""

    client: UUID

    @property
    def worker(self) -> UUID:
        return self.client

    @property
    def post(self) -> UUID:
        return self.client

    @property
    def session(self) -> UUID:
        return self.client


class Met(NamedTuple):
    """A held event and the resident it turned out to be about."""

    row: Any
    person: Known


@every(seconds=60, name="inbound.match")
async def match(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001
    """Keep as records what is held of people registered since; how many that were."""
    rows = await connection.fetch(_MET, at)
    register = await register_of(connection, [_traces(row) for row in rows])
    met = [Met(row, person) for row in rows if (person := _found(register, row)) is not None]
    for (client, kind), group in groupby(met, key=_client_and_kind):
        keep = _keep_states if kind == EventKind.code_change.value else _keep_results
        await keep(connection, OnBehalf(client), list(group))
    await count_matched(connection, [each.row["id"] for each in met], clock.local_day(at))
    return len(met)


@every(seconds=60, name="inbound.forget")
async def forget(connection: Connection, cell: str, at: datetime) -> int:  # noqa: ARG001
    """Forget what nobody was found for in its time; how many events that were."""
    return await count_forgotten(connection, at, clock.local_day(at))


def _client_and_kind(met: Met) -> tuple[UUID, str]:
    return met.row["client_id"], met.row["kind"]


def _traces(row: Any) -> Traces:
    return Traces(row["id"], row["document_lookup"], row["phone_lookup"], row["name_digest"])


def _found(register: Register, row: Any) -> Known | None:
    """Who is meant within the reach of the client; a phone that is shared stays undecided.

    A sample of before somebody was born is somebody else's.
    """
    try:
        person = register.find(_traces(row), on=_sampled_on(row))
    except SeveralPeople:
        return None
    if person is None or not person.reach.startswith(f"{row['reach']}.") or _unborn(person, row):
        return None
    return person


def _sampled_on(row: Any) -> date | None:
    sampled_at = orjson.loads(row["told"]).get("sampled_at")
    return clock.local_day(datetime.fromisoformat(sampled_at)) if sampled_at else None


def _unborn(person: Known, row: Any) -> bool:
    day = _sampled_on(row)
    return day is not None and person.birth_date is not None and day < person.birth_date


async def _keep_states(connection: Connection, client: OnBehalf, met: Sequence[Met]) -> None:
    await keep_code_states(connection, client, [_state(each) for each in met])


async def _keep_results(connection: Connection, client: OnBehalf, met: Sequence[Met]) -> None:
    await keep_results(connection, client, [_result(each) for each in met], note=None)
    taken = Counter(grid_of(each.person) for each in met)
    await note_by_grid(connection, client, "tests.receive", taken, counted="items")


def _state(met: Met) -> CodeStateTold:
    told = orjson.loads(met.row["told"])
    return CodeStateTold(
        id=met.row["id"],
        resident_id=met.person.id,
        system=told["system"],
        state=CodeState(told["state"]),
        changed_at=datetime.fromisoformat(told["changed_at"]),
        fetched_at=datetime.fromisoformat(told["fetched_at"]),
        reason_sealed=met.row["reason_sealed"],
        event_id=met.row["event_id"],
    )


def _result(met: Met) -> ResultTold:
    told = orjson.loads(met.row["told"])
    return ResultTold(
        id=met.row["id"],
        content=met.row["content"],
        person=met.person,
        kind=DiagnosticKind(told["kind"]),
        outcome=DiagnosticOutcome(told["outcome"]),
        sampled_at=datetime.fromisoformat(told["sampled_at"]),
        reported_at=datetime.fromisoformat(told["reported_at"]),
        laboratory=told["laboratory"],
        tube_code=told["tube_code"],
    )
