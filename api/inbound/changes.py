"""Changes of people's codes: kept in one statement, in whatever order they come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from api.foundation import clock
from api.foundation.records import ItemOutcome, Outcome
from api.health_records.code_states import REASON, CodeStateTold, keep_code_states
from api.inbound.desk import Desk, Found, Sent, differs, fate, sort
from api.inbound.holding import hold
from api.inbound.models import EventKind
from api.inbound.schemas import CodeChange, Fate, InboundOutcome, ItemFate, Unread


async def take_changes(desk: Desk, items: Sequence[CodeChange | Unread]) -> InboundOutcome:
    """Keep what another system says of people's codes; each item has its own fate.

    A state that is older than what is known already is kept as history. A red one that is current
    opens an alert in this transaction.
    """
    sorted_ = await sort(desk, EventKind.code_change, items, instants=("changed_at", "reported_at"))
    fates = sorted_.fates
    fates |= await _keep(desk, sorted_.found)
    told = [_plain(desk, each) for each in sorted_.unknown]
    reasons = [_reason(desk, each) for each in sorted_.unknown]
    fates |= await hold(desk, EventKind.code_change, sorted_.unknown, told, reasons)
    return InboundOutcome.of([fates[place] for place in range(len(items))])


async def _keep(desk: Desk, found: Sequence[Found]) -> dict[int, ItemFate]:
    if not found:
        return {}
    told = [_state(desk, each) for each in found]
    outcomes = await keep_code_states(desk.connection, desk.caller, told)
    created = [each.id for each in outcomes if each.outcome is Outcome.created]
    repeated = [each.id for each in outcomes if each.outcome is Outcome.unchanged]
    older = await _superseded(desk, created)
    first = await _first_said(desk, repeated)
    return {
        each.sent.place: _fate(desk, each.sent, outcome, older, first)
        for each, outcome in zip(found, outcomes, strict=True)
    }


def _fate(
    desk: Desk,
    sent: Sent,
    outcome: ItemOutcome,
    older: Collection[UUID],
    first: dict[UUID, Any],
) -> ItemFate:
    if outcome.outcome is Outcome.created:
        return fate(sent.event_id, Fate.superseded if sent.id in older else Fate.created)
    if outcome.outcome is Outcome.unchanged:
        fields = _differing(desk, sent.said, first.get(sent.id))
        return differs(sent.event_id, fields) if fields else fate(sent.event_id, Fate.unchanged)
    return ItemFate(event_id=sent.event_id, outcome=Fate.refused, problem=outcome.problem)


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


_SUPERSEDED = """
    SELECT c.id FROM code_states AS c WHERE c.id = ANY ($1) AND EXISTS (
        SELECT FROM code_states AS newer
        WHERE newer.resident_id = c.resident_id AND newer.system = c.system
            AND newer.changed_at >= c.changed_at
            AND (newer.changed_at, newer.fetched_at, newer.id)
                > (c.changed_at, c.fetched_at, c.id)
            AND newer.discarded_at IS NULL AND newer.state <> 'unavailable'
    )
"""


async def _superseded(desk: Desk, created: Sequence[UUID]) -> set[UUID]:
    """Which of these were history already when they came."""
    if not created:
        return set()
    return {row["id"] for row in await desk.connection.fetch(_SUPERSEDED, created)}


async def _first_said(desk: Desk, repeated: Sequence[UUID]) -> dict[UUID, Any]:
    if not repeated:
        return {}
    rows = await desk.connection.fetch(
        "SELECT id, fetched_at, reason_sealed FROM code_states WHERE id = ANY ($1)", repeated
    )
    return {row["id"]: row for row in rows}


def _differing(desk: Desk, said: CodeChange, first: Any) -> list[str]:
    """What the room of health records does not compare, since others are asked again and again."""
    kept = first["reason_sealed"]
    reason = None if kept is None else desk.keyring.open(kept, context=REASON)
    reported: datetime = first["fetched_at"]
    differing = [] if reason == said.reason else ["reason"]
    return differing if said.reported_at in (None, reported) else [*differing, "reported_at"]
