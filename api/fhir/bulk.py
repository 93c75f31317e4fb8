"""All resources at once, as lines of JSON: the Bulk Data export without anything kept for it.

What is exported is told by its address alone, so there is no job to wait for: the status is
complete when it is first asked for, and a file is written while it is read. Each page of it enters
anew, so that a client that is shut out meanwhile gets no more.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson

from api.access.audit import NOTED, noted
from api.fhir.caller import Reader
from api.fhir.controls import Search
from api.fhir.dates import dated
from api.fhir.formats import LINES
from api.fhir.kinds import KINDS, ResourceType
from api.fhir.outcomes import NotUnderstood
from api.fhir.resources import Resource, View, instant
from api.fhir.searching import Found, page_of
from api.foundation import clock
from api.foundation.database import Connection

KEPT = timedelta(hours=1)
"""How long the list of files may be used before it is asked for again."""

UNDER_WAY = timedelta(minutes=1)
"""Whoever writes since longer is cut off by the database; what is younger may not be seen yet."""

_PAGE = 500

_NOTE = f"""
    INSERT INTO audit_entries ({NOTED}, subject_id, details, reach)
    SELECT $1, $2, $3, $4, $5, $6, $7, g.id, $8, g.path FROM grids AS g WHERE g.id = $9
"""


def refuse_format(told: str | None) -> None:
    """Raises `NotUnderstood` for files of another form than there are."""
    if told is not None and told.replace(" ", "+") not in LINES:
        raise NotUnderstood("_outputFormat 只支持 application/fhir+ndjson。")


def refuse_unknown(names: Iterable[str]) -> None:
    """Raises `NotUnderstood` for what would narrow an export and does not: it would have all."""
    for name in names:
        if name not in _NARROWING:
            raise NotUnderstood(f"批量导出不支持参数 {name}。")


_NARROWING = {"_type", "_since", "_outputFormat", "_format"}


def types_of(told: str | None, reader: Reader) -> list[ResourceType]:
    """The resources asked for, or all that the reader may read; raises `NotUnderstood`."""
    if told is None:
        return [kind for kind in ResourceType if reader.may_read(kind)]
    try:
        return [ResourceType(each) for each in told.split(",")]
    except ValueError:
        raise NotUnderstood(f"_type 中有不支持的资源：{told}。") from None


def manifest(
    request_url: str, base: str, kinds: Sequence[ResourceType], since: str | None
) -> Resource:
    """What a finished export says: one file for each type, read with the same token.

    All that was changed up to its `transactionTime` is in the files, also what was written then and
    committed later; so the next export, that goes on from there, misses nothing.
    """
    query = f"?{urlencode({'_since': since})}" if since else ""
    return {
        "transactionTime": instant(clock.now() - UNDER_WAY),
        "request": request_url,
        "requiresAccessToken": True,
        "output": [
            {"type": kind.value, "url": f"{base}/{kind}/$export-file{query}"} for kind in kinds
        ],
        "error": [],
    }


def since(told: str | None, kind: ResourceType | None = None) -> Search:
    """Everything, or what changed since an instant; raises `NotUnderstood`.

    What was not in reach then is new to its reader, though nobody changed it.
    """
    search = Search(count=_PAGE)
    if told is not None:
        changed, values = dated("updated_at", f"ge{told}")
        came = KINDS[kind].came if kind else ""
        changed = " OR ".join(each for each in (changed.replace("{}", "{0}"), came) if each)
        search.conditions.append((f"({changed})", values))
    return search


async def lines(
    reader: Reader, base: str, kind: ResourceType, wanted: Search
) -> AsyncGenerator[bytes]:
    """The resources one to a line; the first page, with what may be wrong, before anything is sent.

    Raises `NotPermitted` and what entering raises.
    """
    reader.admit(kind)
    view = View(base, reader.identify)
    async with reader.door(noting=True) as connection:
        await _note(connection, reader, kind)
        first = await page_of(connection, kind, wanted, view)
    return _following(reader, kind, wanted, view, first)


async def _following(
    reader: Reader, kind: ResourceType, wanted: Search, view: View, found: Found
) -> AsyncGenerator[bytes]:
    while True:
        yield b"".join(
            orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in found.resources
        )
        if found.after is None:
            return
        wanted.after = found.after
        async with reader.door() as connection:
            found = await page_of(connection, kind, wanted, view)


async def _note(connection: Connection, reader: Reader, kind: ResourceType) -> None:
    details = orjson.dumps({"type": kind.value}).decode()
    note: tuple[Any, ...] = noted(reader.claims, "fhir.export")
    await connection.execute(_NOTE, *note, details, reader.claims.grid)


def moment(at: datetime) -> str:
    """An instant as HTTP writes it (RFC 9110 §5.6.7)."""
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")
