"""Reading resources: one, a page of them as a Bundle, or all of them page by page."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson

from api.fhir.caller import Reader
from api.fhir.controls import MOST, Mark, Search
from api.fhir.kinds import KINDS, ResourceType
from api.fhir.resources import Resource, View, instant, whole
from api.fhir.words import OBSERVATION_VALUE
from api.foundation.database import Connection
from api.foundation.problems import NotFound


@dataclass(frozen=True, slots=True)
class Found:
    """A page of resources, and after what the next one begins."""

    resources: list[Resource]
    after: Mark | None


async def read_one(reader: Reader, base: str, kind: ResourceType, identity: UUID) -> Resource:
    """One resource; raises `NotFound` and `NotPermitted`."""
    reader.admit(kind)
    wanted = Search(conditions=[("id = {}", (identity,))], count=1)
    async with reader.door() as connection:
        found = await page_of(connection, kind, wanted, View(base, reader.identify))
    if not found.resources:
        raise NotFound
    return found.resources[0]


async def search(reader: Reader, base: str, kind: ResourceType, wanted: Search) -> Resource:
    """A page of what is looked for, and how many there are if asked; raises `NotPermitted`."""
    reader.admit(kind)
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    address, query = f"{base}/{kind}", wanted.understood
    links = [{"relation": "self", "url": _address(address, query)}]
    async with reader.door() as connection:
        if wanted.totalled or wanted.only_counted:
            bundle["total"] = await _counted(connection, kind, wanted)
        if wanted.only_counted:
            return {**bundle, "link": links}
        found = await page_of(connection, kind, wanted, View(base, reader.identify))
        if found.after is not None:
            rest = await _rest(connection, kind, wanted, found.after)
            links.append({"relation": "next", "url": _address(address, [*query, rest])})
    entries = [_entry(base, each) for each in found.resources]
    return whole({**bundle, "link": links, "entry": entries})


async def _rest(
    connection: Connection, kind: ResourceType, wanted: Search, after: Mark
) -> tuple[str, str]:
    """The parameter by which the next page is asked for: by where this one ended.

    Whoever was looked for by a document is named by their id from here on, as no address may hold
    the document.
    """
    if not wanted.by_number:
        return "_after", str(after)
    where, values = _where(wanted, after)
    statement = f"SELECT id FROM ({KINDS[kind].sql}) AS found WHERE {where} LIMIT {MOST}"
    rows = await connection.fetch(statement, *values)
    return "_id", ",".join(str(row["id"]) for row in rows)


async def _counted(connection: Connection, kind: ResourceType, wanted: Search) -> int:
    where, values = _where(wanted, None)
    statement = f"SELECT count(*) FROM ({KINDS[kind].sql}) AS found WHERE {where}"
    total: int = await connection.fetchval(statement, *values)
    return total


async def page_of(connection: Connection, kind: ResourceType, wanted: Search, view: View) -> Found:
    """The next resources in the order of their ids, which never change: no page misses any.

    Sorted by when they were updated, one that is updated meanwhile comes again at the end; in the
    other direction it is before what was read already.
    """
    where, values = _where(wanted, wanted.after)
    direction = "DESC" if wanted.descending else "ASC"
    by = f"{wanted.order} {direction}, " if wanted.order else ""
    statement = f"""
        SELECT * FROM ({KINDS[kind].sql}) AS found
        WHERE {where}
        ORDER BY {by}id {direction} LIMIT {wanted.count + 1:d}
    """
    rows = await connection.fetch(statement, *values)
    shown = rows[: wanted.count]
    after = _mark(shown[-1], wanted) if len(rows) > len(shown) else None
    return Found([_resource(kind, row, view, wanted.elements) for row in shown], after)


def _mark(row: Any, wanted: Search) -> Mark:
    return Mark(row["id"], row[wanted.order] if wanted.order else None)


def _where(wanted: Search, after: Mark | None) -> tuple[str, list[Any]]:
    values: list[Any] = []
    conditions = [_placed(text, given, values) for text, given in wanted.conditions]
    if after is not None:
        later = "<" if wanted.descending else ">"
        keys, given = ("id", "{}"), (after.id,)
        if wanted.order:
            keys, given = (f"({wanted.order}, id)", "({}, {})"), (after.at, after.id)
        conditions.append(_placed(f" {later} ".join(keys), given, values))
    return " AND ".join(conditions) or "true", values


def _placed(text: str, given: tuple[Any, ...], values: list[Any]) -> str:
    values.extend(given)
    first = len(values) - len(given) + 1
    return text.format(*(f"${first + place}" for place in range(len(given))))


def _resource(
    kind: ResourceType, record: Any, view: View, elements: frozenset[str] = frozenset()
) -> Resource:
    row = SimpleNamespace(**record)
    if isinstance(getattr(row, "seats", None), str):
        row.seats = orjson.loads(row.seats)
    meta: Resource = {"versionId": str(row.version), "lastUpdated": instant(row.updated_at)}
    told = whole(KINDS[kind].tell(row, view))
    if elements:
        kept = elements | KINDS[kind].mandatory
        told = {name: each for name, each in told.items() if kept & {name, _CHOSEN.get(name)}}
        meta["tag"] = [{"system": OBSERVATION_VALUE, "code": "SUBSETTED"}]
    return {"resourceType": kind.value, "id": str(row.id), "meta": meta, **told}


_CHOSEN = {
    "effectiveDateTime": "effective",
    "occurrenceDateTime": "occurrence",
    "valueQuantity": "value",
}
"""What may be of several types is asked for without the type."""


def _entry(base: str, resource: Resource) -> Resource:
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": "match"}}


def _address(address: str, query: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
