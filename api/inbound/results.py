"""Results of people's samples: one that waits for its result gets it, any other becomes a test."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from api.alerts.opening import NOTE
from api.foundation import clock
from api.foundation.problems import InvalidInput
from api.health_records.birth_and_doses import refuse_before_birth
from api.inbound.answered import keep_results
from api.inbound.desk import (
    Desk,
    Found,
    Reader,
    Sent,
    content_of,
    differs,
    fate,
    grid_of,
    note_by_grid,
    sort,
)
from api.inbound.holding import hold
from api.inbound.items import in_order
from api.inbound.models import EventKind
from api.inbound.samples import ResultTold
from api.inbound.schemas import Fate, InboundOutcome, ItemFate, SampleResult
from api.quarantines.tested import FOLLOWED

_READER = Reader(
    EventKind.test_result, TypeAdapter(list[SampleResult]), ("sampled_at", "reported_at")
)


async def take_results(desk: Desk, items: Sequence[Any]) -> InboundOutcome:
    """Keep the results another system tells; each item has its own fate.

    A positive one opens an alert in this transaction.
    """
    part = in_order(items)
    read = _READER.read(desk, part)
    sorted_ = await sort(desk, read.sent, on=_day)
    fates = read.fates | sorted_.fates
    unborn = _of_nobody_yet(sorted_.found)
    fates |= unborn
    fates |= await _keep(desk, [each for each in sorted_.found if each.sent.place not in unborn])
    told = [_plain(each) for each in sorted_.unknown]
    none = [None] * len(told)
    fates |= await hold(desk, EventKind.test_result, sorted_.unknown, told, none)
    return InboundOutcome.of([fates[place] for place in range(len(items))])


def _day(said: SampleResult) -> date:
    return clock.local_day(said.sampled_at)


def _of_nobody_yet(found: Sequence[Found]) -> dict[int, ItemFate]:
    """What is told of people before they were born: of somebody else, or on another day."""
    fates: dict[int, ItemFate] = {}
    for each in found:
        sent, day = each.sent, _day(each.sent.said)
        try:
            pointer = f"/body/items/{sent.place}/sampled_at"
            refuse_before_birth(each.person.birth_date, day, pointer=pointer)
        except InvalidInput as problem:
            fates[sent.place] = fate(sent.event_id, Fate.refused, problem)
    return fates


async def _keep(desk: Desk, found: Sequence[Found]) -> dict[int, ItemFate]:
    if not found:
        return {}
    told = [_result(desk, each) for each in found]
    note = desk.keyring.seal(FOLLOWED, context=NOTE)
    new = await keep_results(desk.connection, desk.caller, told, note=note)
    taken = Counter(grid_of(each.person) for each in found if each.sent.id in new)
    await note_by_grid(desk.connection, desk.caller, "tests.receive", taken, counted="items")
    before = await _taken_before(desk, told if len(new) < len(told) else ())
    fates: dict[int, ItemFate] = {}
    for each, result in zip(found, told, strict=True):
        sent = each.sent
        if sent.id in new:
            # The same event further on in this request is a repetition.
            fates[sent.place] = fate(sent.event_id, new.pop(sent.id))
        elif before.get(sent.id) == result.content:
            fates[sent.place] = fate(sent.event_id, Fate.unchanged)
        else:
            fates[sent.place] = differs(sent.event_id, [])
    return fates


def _result(desk: Desk, found: Found) -> ResultTold:
    said: SampleResult = found.sent.said
    return ResultTold(
        id=found.sent.id,
        content=content_of(desk, found.sent),
        person=found.person,
        kind=said.kind,
        outcome=said.outcome,
        sampled_at=said.sampled_at,
        reported_at=said.reported_at or max(clock.now(), said.sampled_at),
        laboratory=said.laboratory,
        tube_code=said.tube_code,
    )


def _plain(sent: Sent) -> dict[str, Any]:
    said: SampleResult = sent.said
    return {
        "kind": said.kind,
        "outcome": said.outcome,
        "sampled_at": said.sampled_at,
        "reported_at": said.reported_at or max(clock.now(), said.sampled_at),
        "laboratory": said.laboratory,
        "tube_code": said.tube_code,
    }


async def _taken_before(desk: Desk, told: Sequence[ResultTold]) -> dict[UUID, bytes]:
    if not told:
        return {}
    rows = await desk.connection.fetch(
        "SELECT id, content FROM taken_results WHERE id = ANY ($1)", [each.id for each in told]
    )
    return {row["id"]: row["content"] for row in rows}
