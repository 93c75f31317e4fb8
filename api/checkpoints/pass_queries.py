"""Reading passes, and the one statement that keeps one; row security says at which gates."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.checkpoints.models import GateDecision, Pass, PassToCheck, RecheckState
from api.checkpoints.pass_schemas import (
    PassHourTally,
    PassRead,
    PassTally,
    RecheckRead,
    Shown,
    ShownCard,
    ShownCode,
    ShownDoses,
    ShownTest,
)
from api.checkpoints.queries import checkpoint_of
from api.checkpoints.verdicts import Finding
from api.foundation import clock
from api.foundation.database import Connection, keyring_of
from api.foundation.identity import DocumentKind, mask_document, mask_name, mask_phone
from api.foundation.logs import request_id
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.foundation.records import json_of, new_id
from api.foundation.sealed import Keyring
from api.registry.masked import opened

Row = dict[str, Any]


def as_told(row: Row) -> str:
    """A pass as the database reads it; what is not said is left out."""
    said = {name: value for name, value in row.items() if value is not None}
    return json_of(said).decode()


class Sight(NamedTuple):
    """Where a pass lies, and of which resident it is: what the database has just seen."""

    person_id: UUID | None
    grid_id: UUID
    reach: str


_KEEP = "SELECT write_pass($1::jsonb, $2::jsonb, $3, $4, $5, $6, $7, $8, $9, $10)"


async def keep(connection: Connection, row: Row, means: bytes, seen: Sight, by: Claims) -> bool:
    """Insert a pass with its note and its place in the queue; False where the id is taken."""
    told = as_told(row), means.decode()
    note = row["received_at"], by.post, by.session, new_id(), request_id.get()
    return await connection.fetchval(_KEEP, *told, *seen, *note)


# What was learnt later makes a version too, but of what was said at the gate it changes nothing.
_FIRST = """
    SELECT said.* FROM revisions AS r, jsonb_populate_record(NULL::passes, r.body) AS said
    WHERE r.record_id = $1 AND r.kind = 'passes' ORDER BY r.version LIMIT 1
"""


async def find(connection: Connection, pass_id: UUID) -> Row | None:
    """A pass as it is kept, with what was `first_said` of it, if the caller sees it."""
    row = await connection.fetchrow("SELECT * FROM passes WHERE id = $1", pass_id)
    if row is None:
        return None
    first = await connection.fetchrow(_FIRST, pass_id) if row["version"] > 1 else None
    return {**row, "first_said": dict(first or row)}


_SHOWN: TypeAdapter[list[ShownCode | ShownCard | ShownTest | ShownDoses]] = TypeAdapter(list[Shown])


def shown_in(row: Mapping[str, Any]) -> list[ShownCode | ShownCard | ShownTest | ShownDoses]:
    """What was shown, as it was told."""
    return _SHOWN.validate_python(_parsed(row["shown"]))


def _parsed(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


_NAMES = ("name", "document", "phone", "vehicle_plate", "from_place", "to_place")
_MEMBERS = tuple(PassRead.model_fields)


def pass_told(row: Mapping[str, Any], plain: Mapping[str, str | None]) -> dict[str, Any]:
    """A pass member by member as the wire shows it, of what is sealed in it in plain: masked."""
    reasons = _parsed(row["reasons"])
    document, phone, name = plain["document"], plain["phone"], plain["name"]
    kind = row["document_kind"]
    told = {
        **row,
        **plain,
        "name": mask_name(name) if name else None,
        "document": mask_document(DocumentKind(kind), document) if kind and document else None,
        "phone": mask_phone(phone) if phone else None,
        "reasons": reasons,
        "later_reasons": _parsed(row["later_reasons"]),
        "recheck": _told_apart(row)
        and any(each["finding"] == Finding.unavailable for each in reasons),
    }
    return {member: told[member] for member in _MEMBERS}


def _told_apart(row: Mapping[str, Any]) -> bool:
    """Whether a system could be asked about them, as `write_pass` sees it: not by a name."""
    return any(row[name] for name in ("person_id", "document_lookup", "phone_lookup"))


def pass_json(told: Mapping[str, Any]) -> bytes:
    """The same as the wire carries it; the driver's ids are a subclass that is written as text."""
    return orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z)


def plain_in(row: Mapping[str, Any], keyring: Keyring) -> dict[str, str | None]:
    """What is sealed in a pass."""
    return {
        name: opened(keyring, row[f"{name}_sealed"], context=f"passes.{name}") for name in _NAMES
    }


def pass_read(row: Mapping[str, Any], keyring: Keyring) -> PassRead:
    """A pass as the wire shows it: who it was, masked."""
    return PassRead.model_validate(pass_told(row, plain_in(row, keyring)))


class PassFilter(BaseModel):
    """Which passes of a checkpoint are wanted; what is left out does not narrow."""

    day: date | None = None
    decision: GateDecision | None = None
    verdict: GateDecision | None = None
    discarded: bool = False


async def passes(
    session: AsyncSession, checkpoint_id: UUID, wanted: PassFilter, page: PageRequest
) -> Page[PassRead]:
    """The passes at a checkpoint, the latest first; raises `NotFound`."""
    await checkpoint_of(session, checkpoint_id)
    statement = select(Pass).where(
        col(Pass.checkpoint_id) == checkpoint_id,
        col(Pass.discarded_at).is_not(None) == wanted.discarded,
    )
    if wanted.day is not None:
        begins, ends = clock.day_bounds(wanted.day)
        statement = statement.where(col(Pass.passed_at) >= begins, col(Pass.passed_at) < ends)
    if wanted.decision is not None:
        statement = statement.where(col(Pass.decision) == wanted.decision)
    if wanted.verdict is not None:
        statement = statement.where(col(Pass.verdict) == wanted.verdict)
    keyring = keyring_of(session)

    def shown(row: Pass) -> PassRead:
        return pass_read(row.model_dump(), keyring)

    keys = [col(Pass.passed_at), col(Pass.id)]
    return await read_page(session, statement, keys, page, present=shown, descending=True)


async def pass_of(session: AsyncSession, pass_id: UUID) -> PassRead:
    """One pass; raises `NotFound`."""
    row = await session.get(Pass, pass_id)
    if row is None:
        raise no_such_pass()
    return pass_read(row.model_dump(), keyring_of(session))


def no_such_pass() -> NotFound:
    """There is none, or no longer, or the caller has neither jurisdiction nor duty there."""
    return NotFound("没有找到该通行记录，或已超过保存期限。")


async def rechecks(
    session: AsyncSession, checkpoint_id: UUID, state: RecheckState | None, page: PageRequest
) -> Page[RecheckRead]:
    """What is to be checked again at a checkpoint, who waits longest first; raises `NotFound`."""
    await checkpoint_of(session, checkpoint_id)
    statement = select(PassToCheck).where(col(PassToCheck.checkpoint_id) == checkpoint_id)
    if state is not None:
        statement = statement.where(col(PassToCheck.state) == state)
    keys = [col(PassToCheck.since_at), col(PassToCheck.id)]

    def shown(row: PassToCheck) -> RecheckRead:
        return RecheckRead.model_validate({**row.model_dump(), "pass_id": row.id})

    return await read_page(session, statement, keys, page, present=shown)


_TALLY = text("""
    SELECT extract(hour FROM passed_at AT TIME ZONE 'Asia/Shanghai')::integer AS hour,
        count(*) FILTER (WHERE decision = 'through') AS through,
        count(*) FILTER (WHERE decision = 'hold') AS hold,
        count(*) FILTER (WHERE decision = 'turn_back') AS turn_back,
        count(*) FILTER (
            WHERE reasons @> '[{"finding": "red"}]' OR later_reasons @> '[{"finding": "red"}]'
        ) AS red
    FROM passes WHERE checkpoint_id = :checkpoint AND passed_at >= :begins AND passed_at < :ends
        AND discarded_at IS NULL
    GROUP BY 1 ORDER BY 1
""")


async def tally(session: AsyncSession, checkpoint_id: UUID, day: date) -> PassTally:
    """How many came by on a local day, by hour and decision; raises `NotFound`."""
    await checkpoint_of(session, checkpoint_id)
    begins, ends = clock.day_bounds(day)
    told = {"checkpoint": checkpoint_id, "begins": begins, "ends": ends}
    hours = [dict(row) for row in (await session.execute(_TALLY, told)).mappings()]
    whole = {name: sum(hour[name] for hour in hours) for name in (*GateDecision.labels(), "red")}
    return PassTally(hours=[PassHourTally.model_validate(hour) for hour in hours], **whole)
