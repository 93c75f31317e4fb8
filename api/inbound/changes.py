"""Changes of people's codes: kept part by part, in whatever order they come."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from api.foundation import clock
from api.foundation.beside import beside
from api.health_records.code_states import (
    REASON,
    CodeStateTold,
    code_states_kept,
    differing,
    sound,
    take_code_states,
)
from api.inbound.desk import Desk, Found, Read, Reader, Sent, differs, fate, note_by_grid, sort
from api.inbound.holding import hold
from api.inbound.items import NO_ITEMS, Part, in_parts
from api.inbound.models import EventKind
from api.inbound.schemas import CodeChange, Fate, InboundOutcome, ItemFate
from api.inbound.settling import Kept

_READER = Reader(
    EventKind.code_change, TypeAdapter(list[CodeChange]), ("changed_at", "reported_at")
)
_PART = 250
"""While PostgreSQL keeps so many, the next are read; each part costs two round trips."""


async def take_changes(desk: Desk, items: Sequence[Any]) -> InboundOutcome:
    """Keep what another system says of people's codes; each item has its own fate.

    A state that is older than what is known already is kept as history. A red one that is current
    opens an alert in this transaction.
    """
    kept = Kept()
    first, *others = in_parts(items, _PART)
    read = _READER.read(desk, first)
    for following in (*others, NO_ITEMS):
        part = await sort(desk, read)
        states = [_state(desk, each) for each in part.found]
        taking = take_code_states(desk.connection, desk.caller, states)
        taken, read = await beside(taking, partial(_meanwhile, desk, kept, following))
        kept.unsettled.append((part, states, taken))
    kept.settle()
    await _conclude(desk, kept)
    return InboundOutcome.of([kept.fates[place] for place in range(len(items))])


def _meanwhile(desk: Desk, kept: Kept, following: Part) -> Read:
    """What Python does while PostgreSQL keeps a part: settle the one before, read the next."""
    kept.settle()
    return _READER.read(desk, following)


async def _conclude(desk: Desk, kept: Kept) -> None:
    """What is done once for all parts: alerts are locked last, all of them in one statement."""
    connection, caller = desk.connection, desk.caller
    await note_by_grid(
        connection, caller, "code_states.record_all", kept.by_grid, counted="code_states"
    )
    await sound(connection, caller, kept.red)
    before = await code_states_kept(connection, {state.id for _, state in kept.repeated})
    for sent, state in kept.repeated:
        kept.fates[sent.place] = _repeated(desk, sent, state, before.get(sent.id))
    told = [_plain(desk, each) for each in kept.unknown]
    reasons = [_reason(desk, each) for each in kept.unknown]
    kept.fates |= await hold(desk, EventKind.code_change, kept.unknown, told, reasons)


def _repeated(desk: Desk, sent: Sent, told: CodeStateTold, kept: Any) -> ItemFate:
    if kept is None:  # kept where the client does not see it
        return differs(sent.event_id, [])
    fields = [*differing(told, kept), *_differing(desk, sent.said, kept)]
    return differs(sent.event_id, fields) if fields else fate(sent.event_id, Fate.unchanged)


def _differing(desk: Desk, said: CodeChange, first: Any) -> list[str]:
    """What the room of health records does not compare, since others are asked again and again."""
    kept = first["reason_sealed"]
    reason = None if kept is None else desk.keyring.open(kept, context=REASON)
    reported: datetime = first["fetched_at"]
    differing = [] if reason == said.reason else ["reason"]
    return differing if said.reported_at in (None, reported) else [*differing, "reported_at"]


def _state(desk: Desk, found: Found) -> CodeStateTold:
    said: CodeChange = found.sent.said
    return CodeStateTold(
        id=found.sent.id,
        resident_id=found.person.id,
        system=system_of(desk, said.system),
        state=said.state,
        changed_at=said.changed_at,
        fetched_at=said.reported_at or clock.now(),
        reason_sealed=_reason(desk, found.sent),
        event_id=said.event_id,
    )


def system_of(desk: Desk, told: str | None) -> str:
    """The system whose states are compared with each other: as told, else the client's own."""
    return told or f"client.{desk.caller.client.hex}"


def _plain(desk: Desk, sent: Sent) -> dict[str, Any]:
    said: CodeChange = sent.said
    return {
        "system": system_of(desk, said.system),
        "state": said.state,
        "changed_at": said.changed_at,
        "fetched_at": said.reported_at or clock.now(),
    }


def _reason(desk: Desk, sent: Sent) -> bytes | None:
    reason: str | None = sent.said.reason
    return None if reason is None else desk.keyring.seal(reason, context=REASON)
