"""Changes of people's codes: kept part by part, in whatever order they come.

Most are told for the first time of somebody who is known by their document: such a part is kept in
one statement, which finds the people itself. Whatever else there is, is taken up after them.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from api.foundation import clock
from api.foundation.beside import beside
from api.health_records.code_states import (
    REASON,
    CodeStateTold,
    Taken,
    as_told,
    code_states_kept,
    differing,
    sound,
    take_code_states,
)
from api.inbound.desk import Desk, Reader, Sent, differs, fate, note_by_grid, sort
from api.inbound.holding import hold
from api.inbound.items import NO_ITEMS, Part, in_parts
from api.inbound.models import EventKind
from api.inbound.schemas import CodeChange, Fate, InboundOutcome, ItemFate
from api.inbound.settling import Kept, Told

_READER = Reader(
    EventKind.code_change, TypeAdapter(list[CodeChange]), ("changed_at", "reported_at")
)
_FIRST, _PART = 100, 300
"""While PostgreSQL keeps so many, as many more are read; it waits for the first of them alone, and
each part costs a round trip."""


async def take_changes(desk: Desk, items: Sequence[Any]) -> InboundOutcome:
    """Keep what another system says of people's codes; each item has its own fate.

    A state that is older than what is known already is kept as history. A red one that is current
    opens an alert in this transaction.
    """
    kept = Kept()
    first, *others = in_parts(items, _PART, first=_FIRST)
    told, said = _read(desk, kept, first)
    for following in (*others, NO_ITEMS):
        taking = take_code_states(desk.connection, desk.caller, said, by_document=True)
        answer, after = await beside(taking, partial(_read, desk, kept, following))
        kept.unsettled.append((told, answer))
        told, said = after
    kept.settle()
    await _take_the_rest(desk, kept)
    # Once for all: alerts are locked last and in one statement, so that nobody waits in a ring.
    await note_by_grid(desk.connection, desk.caller, _ACTION, kept.by_grid, counted="code_states")
    await sound(desk.connection, desk.caller, kept.red)
    return InboundOutcome.of([kept.fates[place] for place in range(len(items))])


_ACTION = "code_states.record_all"


def _read(desk: Desk, kept: Kept, part: Part) -> tuple[Told, str]:
    """What Python does while PostgreSQL keeps a part: settle the one before, read the next.

    Whoever is told by document is found by the statement that keeps it. Returns those items, and
    their states as it reads them.
    """
    kept.settle()
    read = _READER.read(desk, part)
    kept.fates.update(read.fates)
    kept.left.extend(each for each in read.sent if each.traces.document is None)
    told = [(each, _state(desk, each)) for each in read.sent if each.traces.document is not None]
    return told, as_told([state for _, state in told])


async def _take_the_rest(desk: Desk, kept: Kept) -> None:
    """What was told before, or of somebody who is not here by that document."""
    if not kept.left:
        return
    rest = await sort(desk, kept.left)
    told = [(each.sent, _state(desk, each.sent, each.person.id)) for each in rest.found]
    said = as_told([state for _, state in told])
    taken = Taken.of(await take_code_states(desk.connection, desk.caller, said, by_document=False))
    gone = [told[place][0] for place in taken.unknown]  # found, and away before it was kept
    repeated = [each for each in kept.kept(told, taken) if each[0] not in gone]
    before = await code_states_kept(desk.connection, {sent.id for sent, _ in repeated})
    kept.fates |= rest.fates
    kept.fates |= {
        sent.place: _repeated(desk, sent, state, before.get(sent.id)) for sent, state in repeated
    }
    unknown = [*rest.unknown, *gone]
    plain = [_plain(desk, each) for each in unknown]
    reasons = [_reason(desk, each) for each in unknown]
    kept.fates |= await hold(desk, EventKind.code_change, unknown, plain, reasons)


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


def _state(desk: Desk, sent: Sent, resident: UUID | None = None) -> CodeStateTold:
    said: CodeChange = sent.said
    return CodeStateTold(
        id=sent.id,
        resident_id=resident,
        document_lookup=sent.traces.document,
        system=system_of(desk, said.system),
        state=said.state,
        changed_at=said.changed_at,
        fetched_at=said.reported_at or clock.now(),
        reason_sealed=_reason(desk, sent),
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
