"""Events about people unknown here: kept for the time set, hashed and sealed, then forgotten."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from api.foundation import clock
from api.foundation.database import Connection
from api.inbound.desk import Desk, Note, Sent, content_of, differs, fate, note_all
from api.inbound.models import EventKind
from api.inbound.schemas import Fate, ItemFate

_HOLD = """
    INSERT INTO held_events (
        id, version, client_id, grid_id, reach, kind, event_id, content, document_lookup,
        phone_lookup, name_digest, told, reason_sealed, received_at, expires_at
    )
    SELECT id, 1, $1, $2, current_setting('onegrid.reach_from'), $3, event_id, content,
        document_lookup, phone_lookup, name_digest, told::jsonb, reason_sealed, $4, $5
    FROM unnest(
        $6::uuid[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::text[],
        $13::bytea[]
    ) AS t (
        id, event_id, content, document_lookup, phone_lookup, name_digest, told, reason_sealed
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""


async def hold(
    desk: Desk,
    kind: EventKind,
    unknown: Sequence[Sent],
    told: Sequence[Mapping[str, Any]],
    reasons: Sequence[bytes | None],
) -> dict[int, ItemFate]:
    """Keep what was `told` of people unknown here; what became of each item, by its place.

    An event that is held already is no news; with other content it is refused.
    """
    if not unknown:
        return {}
    now = clock.now()
    contents = {each.place: content_of(desk, each) for each in unknown}
    rows = await desk.connection.fetch(
        _HOLD,
        *(desk.caller.client, desk.caller.grid, kind.value, now, now + desk.retention),
        *([each.id for each in unknown], [each.event_id for each in unknown]),
        [contents[each.place] for each in unknown],
        [each.traces.document for each in unknown],
        [each.traces.phone for each in unknown],
        [each.traces.name for each in unknown],
        [orjson.dumps(each).decode() for each in told],
        list(reasons),
    )
    new: set[UUID] = {row["id"] for row in rows}
    if new:
        await _note(desk, len(new))
    before = await _held_before(desk.connection, unknown if len(new) < len(unknown) else ())
    fates: dict[int, ItemFate] = {}
    for each in unknown:
        if each.id in new:
            new.remove(each.id)  # the same event further on in this request is a repetition
            fates[each.place] = fate(each.event_id, Fate.held)
        elif before.get(each.id) == contents[each.place]:
            fates[each.place] = fate(each.event_id, Fate.unchanged)
        else:
            fates[each.place] = differs(each.event_id, [])
    return fates


async def _note(desk: Desk, number: int) -> None:
    reach: str = await desk.connection.fetchval("SELECT current_setting('onegrid.reach_from')")
    held = Note(desk.caller.client, reach, {"items": number})
    await note_all(desk.connection, desk.caller, "inbound.hold", [held])


async def _held_before(connection: Connection, sent: Sequence[Sent]) -> dict[UUID, bytes]:
    rows = await connection.fetch(
        "SELECT id, content FROM held_events WHERE id = ANY ($1)", [each.id for each in sent]
    )
    return {row["id"]: row["content"] for row in rows}
