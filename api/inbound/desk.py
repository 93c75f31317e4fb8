"""Where the events of a machine client are taken in: who sends, the open transaction, the keys."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.access.audit import NOTED, Actor, noted
from api.clients.caller import ClientClaims
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.field_records import CLOCK_SKEW, RecordedInTheFuture
from api.foundation.handlers import invalid_input
from api.foundation.problems import Problem, RecordDiffers
from api.foundation.sealed import Keyring
from api.inbound.models import EventKind
from api.inbound.people import Known, Register, SeveralPeople, Traces, register_of
from api.inbound.schemas import Fate, ItemFate, Unread


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

    @property
    def within(self) -> str:
        return f"/body/items/{self.place}"


class Found(NamedTuple):
    """An item and the resident it is about."""

    sent: Sent
    person: Known


class Sorted(NamedTuple):
    """The items of a request by what can be done with them; `fates` has those that are done."""

    found: list[Found]
    unknown: list[Sent]
    fates: dict[int, ItemFate]


def event_record(client: UUID, kind: EventKind, event_id: str) -> UUID:
    """The id under which an event of a client is kept: the same event is the same record."""
    told = f"{client.hex}{kind}{event_id}".encode()
    return UUID(bytes=hashlib.sha256(told).digest()[:16], version=4)


async def sort(
    desk: Desk, kind: EventKind, items: Sequence[Any], *, instants: tuple[str, ...]
) -> Sorted:
    """Read who each item is about, in two statements; what cannot be kept is refused already."""
    fates: dict[int, ItemFate] = {}
    sent: list[Sent] = []
    latest = clock.now() + CLOCK_SKEW
    for place, item in enumerate(items):
        if isinstance(item, Unread):
            problem = invalid_input(item.found, within=("body", "items", str(place)))
            fates[place] = fate(item.event_id, Fate.refused, problem)
            continue
        each = _sent(desk, kind, place, item)
        too_early = _too_early(each, instants, latest)
        if too_early is None:
            sent.append(each)
        else:
            fates[place] = fate(each.event_id, Fate.refused, too_early)
    register = await register_of(desk.connection, [each.traces for each in sent])
    return _sorted(register, sent, fates)


def _sent(desk: Desk, kind: EventKind, place: int, said: Any) -> Sent:
    event: str = said.event_id
    identity = event_record(desk.caller.client, kind, event)
    return Sent(place, identity, event, said, Traces.of(said, identity, desk.keyring))


def _too_early(sent: Sent, instants: tuple[str, ...], latest: datetime) -> Problem | None:
    """The refusal of an item that tells of the future, as `refuse_the_future` words it."""
    for name in instants:
        told: datetime | None = getattr(sent.said, name)
        if told is not None and told > latest:
            return RecordedInTheFuture(pointer=f"{sent.within}/{name}")
    return None


def _sorted(register: Register, sent: Iterable[Sent], fates: dict[int, ItemFate]) -> Sorted:
    """By id, so that two requests with the same events wait for each other, never in a ring."""
    found: list[Found] = []
    unknown: list[Sent] = []
    for each in sorted(sent, key=lambda each: each.id.int):
        try:
            person = register.find(each.traces)
        except SeveralPeople:
            problem = SeveralPeople(pointer=f"{each.within}/phone")
            fates[each.place] = fate(each.event_id, Fate.refused, problem)
            continue
        if person is None:
            unknown.append(each)
        else:
            found.append(Found(each, person))
    return Sorted(found, unknown, fates)


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


async def note_by_grid(
    connection: Connection, actor: Actor, action: str, people: Iterable[Known]
) -> None:
    """Put on record how many were taken, once for each grid; never who they are."""
    counted: dict[tuple[UUID, str], int] = {}
    for person in people:
        grid = (person.grid_id, person.reach.rpartition(".")[0])
        counted[grid] = counted.get(grid, 0) + 1
    for (grid, path), number in counted.items():
        await note(connection, actor, action, subject=grid, reach=path, counted={"items": number})


async def note(
    connection: Connection,
    actor: Actor,
    action: str,
    *,
    subject: UUID,
    reach: str,
    counted: Mapping[str, int],
) -> None:
    told = orjson.dumps(counted).decode()
    await connection.execute(_NOTE, subject, told, reach, *noted(actor, action))


_NOTE = f"""
    INSERT INTO audit_entries (subject_id, details, reach, {NOTED})
    VALUES ($1, $2::jsonb, $3, $4, $5, $6, $7, $8, $9, $10)
"""
