"""What a subscriber is told of an event: read as the subscriber, at the moment of sending.

Row security decides what there is to tell, the client's scopes how much of it: ids and times
always, how things stand with `status:read`, who it is about with `persons:identify`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from api.clients.scopes import Scope
from api.foundation.database import Connection
from api.foundation.fields import Wire
from api.foundation.identity import DocumentKind, mask_document
from api.foundation.sealed import Keyring
from api.registry.masked import opened
from api.webhooks.deliveries import Due
from api.webhooks.event_types import PING, SUBJECTS
from api.webhooks.messages import (
    WebhookAlert,
    WebhookAlertState,
    WebhookQuarantine,
    WebhookQuarantineState,
    WebhookReading,
    WebhookReadingState,
    WebhookTest,
    WebhookTestState,
)


class _Kind(NamedTuple):
    """Where what an event is about is kept, and what is told of it."""

    table: str
    about: type[Wire]
    state: type[Wire]


_KINDS = {
    "quarantine": _Kind("quarantines", WebhookQuarantine, WebhookQuarantineState),
    "reading": _Kind("readings", WebhookReading, WebhookReadingState),
    "test": _Kind("diagnostic_tests", WebhookTest, WebhookTestState),
    "alert": _Kind("alerts", WebhookAlert, WebhookAlertState),
}
_SEEN = "SELECT id, version, to_jsonb({table}) AS row FROM {table} WHERE id = ANY ($1::uuid[])"
_PEOPLE = """
    SELECT id, name, document_kind, document_sealed FROM residents
    WHERE id = ANY ($1::uuid[]) AND discarded_at IS NULL
"""

Row = Mapping[str, Any]


async def bodies(
    connection: Connection, due: Sequence[Due], scopes: Collection[str], keyring: Keyring
) -> dict[UUID, bytes]:
    """The body of each delivery, by its id; what the subscriber may not see has none.

    The connection has entered with the subscriber's reach.
    """
    rows: dict[UUID, Row] = {}
    for noun, kind in _KINDS.items():
        wanted = [each.subject_id for each in due if SUBJECTS.get(each.type) == noun]
        rows |= await _seen(connection, kind, wanted)
    people: dict[str, Row] = {}
    if Scope.persons_identify in scopes:
        people = await _people(connection, rows.values(), keyring)
    return {
        each.id: _body(each, rows.get(each.subject_id), scopes, people)
        for each in due
        if each.type == PING or each.subject_id in rows
    }


async def _seen(
    connection: Connection, kind: _Kind, wanted: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    if not wanted:
        return {}
    found = await connection.fetch(_SEEN.format(table=kind.table), wanted)
    return {row["id"]: orjson.loads(row["row"]) for row in found}


async def _people(
    connection: Connection, rows: Collection[Row], keyring: Keyring
) -> dict[str, Row]:
    wanted = {row["resident_id"] for row in rows if row["resident_id"]}
    return {
        str(row["id"]): {"name": row["name"], "document": _masked(row, keyring)}
        for row in (await connection.fetch(_PEOPLE, wanted) if wanted else ())
    }


def _masked(row: Any, keyring: Keyring) -> str | None:
    number = opened(keyring, row["document_sealed"], context="residents.document")
    kind = row["document_kind"]
    return None if number is None or kind is None else mask_document(DocumentKind(kind), number)


def _body(due: Due, row: Row | None, scopes: Collection[str], people: Mapping[str, Row]) -> bytes:
    told: dict[str, Any] = {}
    if row is not None:
        noun = SUBJECTS[due.type]
        kind = _KINDS[noun]
        told = {name: row[name] for name in kind.about.model_fields if name in row}
        told[f"{noun}_id"] = due.subject_id
        if Scope.status_read in scopes:
            told["state"] = {name: row[name] for name in kind.state.model_fields}
        if row["resident_id"] in people:
            told["person"] = people[row["resident_id"]]
    told["subject_id"] = due.subject_id  # an alert's own subject is whom it is about
    # The driver's ids are a subclass of UUID, which orjson leaves to its caller.
    said = {"type": due.type, "timestamp": due.at, "data": told}
    return orjson.dumps(said, default=str, option=orjson.OPT_UTC_Z)
