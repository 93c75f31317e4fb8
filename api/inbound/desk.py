"""Where the events of a machine client are taken in: who sends, the open transaction, the keys."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from api.access.audit import NOTED, Actor, noted
from api.clients.caller import ClientClaims
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.field_records import CLOCK_SKEW, EARLIEST, refuse_the_future
from api.foundation.handlers import invalid_input
from api.foundation.problems import Problem, RecordDiffers
from api.foundation.records import json_of
from api.foundation.sealed import Keyring
from api.inbound.items import Part, Unread, read_each
from api.inbound.models import EventKind
from api.inbound.people import Known, NumberOfAFamily, SeveralPeople, Traces, register_of
from api.inbound.schemas import Fate, ItemFate


@dataclass(frozen=True, slots=True)
class Desk:
    """What taking in works with; `retention` is how long an event waits for its person."""

    caller: ClientClaims
    connection: Connection
    keyring: Keyring
    retention: timedelta


class Sent(NamedTuple):
    """An item that could be read: where it stands, under which id it is kept, who it is about."""

    place: int
    id: UUID
    event_id: str
    said: Any
    traces: Traces


class Read(NamedTuple):
    """Items that were looked at: those that can be kept, and the fates of those that cannot."""

    sent: list[Sent]
    fates: dict[int, ItemFate]


class Found(NamedTuple):
    """An item and the resident it is about."""

    sent: Sent
    person: Known


class Sorted(NamedTuple):
    """Items by what can be done with them; `fates` has those of which nobody can say whom."""

    found: list[Found]
    unknown: list[Sent]
    fates: dict[int, ItemFate]


@dataclass(frozen=True, slots=True)
class Reader:
    """How the items of one kind of event are read; `instants` are none that nobody believes."""

    kind: EventKind
    records: TypeAdapter[Any]
    instants: tuple[str, ...]

    def read(self, desk: Desk, part: Part) -> Read:
        """Look at each item for itself: one that cannot be kept costs no other."""
        fates: dict[int, ItemFate] = {}
        sent: list[Sent] = []
        latest = clock.now() + CLOCK_SKEW
        sender = sender_of(desk.caller.client, self.kind)
        for place, item in zip(part, read_each(self.records, part), strict=True):
            if isinstance(item, Unread):
                problem = invalid_input(item.found, within=("body", "items", str(place)))
                fates[place] = fate(item.event_id, Fate.refused, problem)
            elif problem := self._unbelievable(item, place, latest):
                fates[place] = fate(item.event_id, Fate.refused, problem)
            else:
                identity = event_record(sender, item.event_id)
                traces = Traces.of(item, identity, desk.keyring)
                if traces.document is None and traces.phone is None:
                    problem = NumberOfAFamily(pointer=f"/body/items/{place}/document")
                    fates[place] = fate(item.event_id, Fate.refused, problem)
                else:
                    sent.append(Sent(place, identity, item.event_id, item, traces))
        return Read(sent, fates)

    def _unbelievable(self, said: Any, place: int, latest: datetime) -> Problem | None:
        """What stands against an instant that lies in the future, or before anything recorded."""
        for name in self.instants:
            told: datetime | None = getattr(said, name)
            if told is not None and not EARLIEST <= told <= latest:
                try:
                    refuse_the_future(told, pointer=f"/body/items/{place}/{name}")
                except Problem as problem:
                    return problem
        return None


def sender_of(client: UUID, kind: EventKind) -> str:
    """What goes before an event id of a client, so that it is the same event as no other's."""
    return f"{client.hex}{kind}"


def event_record(sender: str, event_id: str) -> UUID:
    """The id under which an event of a client is kept: the same event is the same record."""
    digest = int.from_bytes(hashlib.sha256(f"{sender}{event_id}".encode()).digest()[:16])
    return UUID(int=digest & _NOT_FIXED | _VERSION_4)  # as by `version=4`, in half the time


_VERSION_4 = 4 << 76 | 0b10 << 62
_NOT_FIXED = ~(0xF << 76 | 0b11 << 62)


async def sort(
    desk: Desk, sent: Sequence[Sent], *, on: Callable[[Any], date] | None = None
) -> Sorted:
    """Find out who each item is about, in two statements at most.

    `on` is the day of what an item tells: it may be of somebody who has left since.
    """
    register = await register_of(desk.connection, [each.traces for each in sent])
    sorted_ = Sorted([], [], {})
    for each in sent:
        try:
            person = register.find(each.traces, on=on and on(each.said))
        except SeveralPeople:
            problem = SeveralPeople(pointer=f"/body/items/{each.place}/phone")
            sorted_.fates[each.place] = fate(each.event_id, Fate.refused, problem)
            continue
        if person is None:
            sorted_.unknown.append(each)
        else:
            sorted_.found.append(Found(each, person))
    return sorted_


def fate(event_id: str | None, outcome: Fate, problem: Problem | None = None) -> ItemFate:
    body = None if problem is None else problem.body()
    return ItemFate(event_id=event_id, outcome=outcome, problem=body)


def differs(event_id: str, fields: list[str]) -> ItemFate:
    """The same event with other content: the first one stands."""
    return fate(event_id, Fate.refused, RecordDiffers(fields=fields))


def content_of(desk: Desk, sent: Sent) -> bytes:
    """A keyed hash of all that an item says, to know it again by without keeping it."""
    said = {name: _the_same(value) for name, value in sent.said.model_dump().items()}
    told = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return desk.keyring.lookup(told.decode(), context="inbound")


def _the_same(value: Any) -> Any:
    """An instant is the same with any offset."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


class Note(NamedTuple):
    """What is put on record of a grid or of somebody: how many of what, never who."""

    subject_id: UUID
    reach: str
    details: Mapping[str, int]


def grid_of(person: Known) -> tuple[UUID, str]:
    """The grid of somebody and its path, which is all of their reach but the household."""
    return person.grid_id, person.reach.rpartition(".")[0]


async def note_by_grid(
    connection: Connection,
    actor: Actor,
    action: str,
    numbers: Mapping[tuple[UUID, str], int],
    *,
    counted: str,
) -> None:
    """Put on record how many were taken, once for each grid; never who they are."""
    notes = [Note(grid, path, {counted: number}) for (grid, path), number in numbers.items()]
    await note_all(connection, actor, action, notes)


async def note_all(
    connection: Connection, actor: Actor, action: str, notes: Sequence[Note]
) -> None:
    """Put on record what was done, note by note, in one statement."""
    if notes:
        said = json_of([each._asdict() for each in notes]).decode()
        await connection.execute(_NOTE, said, *noted(actor, action)[1:])  # each has its own id


_NOTE = f"""
    INSERT INTO audit_entries (subject_id, details, reach, {NOTED})
    SELECT subject_id, details, reach, gen_random_uuid(), $2, $3, $4, $5, $6, $7
    FROM json_to_recordset($1::json) AS t (subject_id uuid, details jsonb, reach text)
"""
