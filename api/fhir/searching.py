"""Reading resources: one, a page of them as a Bundle, or all of them page by page."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson

from api.fhir.caller import Reader
from api.fhir.kinds import KINDS, ResourceType
from api.fhir.parameters import Search
from api.fhir.resources import Resource, View, instant, whole
from api.foundation.database import Connection
from api.foundation.problems import NotFound


@dataclass(frozen=True, slots=True)
class Found:
    """A page of resources, and the id after which the next one begins."""

    resources: list[Resource]
    after: UUID | None


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
    """A page of what is looked for, or how many there are; raises `NotPermitted`."""
    reader.admit(kind)
    if wanted.only_counted:
        return await _counted(reader, base, kind, wanted)
    async with reader.door() as connection:
        found = await page_of(connection, kind, wanted, View(base, reader.identify))
    address = f"{base}/{kind}"
    links = [{"relation": "self", "url": _address(address, wanted.understood)}]
    if found.after is not None:
        query = [*wanted.understood, ("_after", str(found.after))]
        links.append({"relation": "next", "url": _address(address, query)})
    return whole(
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": links,
            "entry": [_entry(base, each) for each in found.resources],
        }
    )


async def _counted(reader: Reader, base: str, kind: ResourceType, wanted: Search) -> Resource:
    where, values = _where(wanted)
    async with reader.door() as connection:
        total: int = await connection.fetchval(
            f"SELECT count(*) FROM ({KINDS[kind].sql}) AS found WHERE {where}", *values
        )
    link = {"relation": "self", "url": _address(f"{base}/{kind}", wanted.understood)}
    return {"resourceType": "Bundle", "type": "searchset", "total": total, "link": [link]}


async def page_of(connection: Connection, kind: ResourceType, wanted: Search, view: View) -> Found:
    """The next resources in the order of their ids, which never change: no page misses any."""
    where, values = _where(wanted)
    statement = f"""
        SELECT * FROM ({KINDS[kind].sql}) AS found
        WHERE {where}
        ORDER BY id LIMIT {wanted.count + 1:d}
    """
    rows = await connection.fetch(statement, *values)
    shown = rows[: wanted.count]
    after = shown[-1]["id"] if len(rows) > len(shown) else None
    return Found([_resource(kind, row, view) for row in shown], after)


def _where(wanted: Search) -> tuple[str, list[Any]]:
    values: list[Any] = []
    conditions = [_placed(text, given, values) for text, given in wanted.conditions]
    if wanted.after is not None:
        conditions.append(_placed("id > {}", (wanted.after,), values))
    return " AND ".join(conditions) or "true", values


def _placed(text: str, given: tuple[Any, ...], values: list[Any]) -> str:
    values.extend(given)
    first = len(values) - len(given) + 1
    return text.format(*(f"${first + place}" for place in range(len(given))))


def _resource(kind: ResourceType, record: Any, view: View) -> Resource:
    row = SimpleNamespace(**record)
    if isinstance(getattr(row, "seats", None), str):
        row.seats = orjson.loads(row.seats)
    meta = {"versionId": str(row.version), "lastUpdated": instant(row.updated_at)}
    told = whole(KINDS[kind].tell(row, view))
    return {"resourceType": kind.value, "id": str(row.id), "meta": meta, **told}


def _entry(base: str, resource: Resource) -> Resource:
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": "match"}}


def _address(address: str, query: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
