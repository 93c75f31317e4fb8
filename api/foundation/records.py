"""Records as the field makes them: with a device's id, sent perhaps twice, corrected openly."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

import orjson
import uuid_utils.compat
from fastapi import Depends, Header, Response
from pydantic import BaseModel
from pydantic import Field as WireField
from sqlalchemy import DateTime, Table, Text, Uuid, column, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel, col, select

from api.foundation.database import keyring_of
from api.foundation.labels import Labelled, enum_column_type
from api.foundation.problems import (
    DatabaseUnavailable,
    Problem,
    RecordDiffers,
    VersionMissing,
)
from api.foundation.refusals import problem_of
from api.foundation.repeats import differing_fields


class Source(Labelled):
    """How a record came to be known."""

    visit = "visit", "入户"
    phone = "phone", "电话"
    wechat = "wechat", "微信"
    paper = "paper", "纸质"
    excel = "excel", "表格导入"
    self_report = "self_report", "本人填报"
    device = "device", "设备"


class Xid8(UserDefinedType[int]):
    """The transaction that last wrote a row: what pull resumes from (docs/decisions/0005)."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


PATH = Text(collation="C")
INSTANT = DateTime(timezone=True)
_THIS_TRANSACTION: dict[str, Any] = {
    "server_default": text("pg_current_xact_id()"),
    "onupdate": text("pg_current_xact_id()"),
    "nullable": False,
}


class Reached(SQLModel):
    """A row about a place or a person: row security compares its `reach` with the caller's."""

    reach: str = Field(sa_type=PATH)  # pyright: ignore[reportArgumentType]


class Versioned(SQLModel):
    """A row that is changed openly: each change makes a version, the earlier ones are kept."""

    id: UUID = Field(primary_key=True)
    version: int = Field(default=1)
    changed_xid: int | None = Field(
        default=None,
        sa_type=Xid8,
        index=True,
        sa_column_kwargs=_THIS_TRANSACTION,
        exclude=True,
    )


class Recorded(Versioned, Reached):
    """A record a phone can make: when and by whom it was done, and who entered it (M5.6)."""

    recorded_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    received_at: datetime = Field(sa_type=INSTANT)  # pyright: ignore[reportArgumentType]
    performed_by: UUID
    entered_by: UUID
    source: Source = Field(sa_type=enum_column_type(Source, name="source"))  # pyright: ignore[reportArgumentType]
    discarded_at: datetime | None = Field(default=None, sa_type=INSTANT)  # pyright: ignore[reportArgumentType]


class Outcome(Labelled):
    """What became of one item of a batch; nothing is lost silently."""

    created = "created", "已保存"
    unchanged = "unchanged", "此前已保存"
    refused = "refused", "未保存"


class ItemOutcome(BaseModel):
    """One item's outcome; `problem` says why a refused one was not kept."""

    id: UUID
    outcome: Outcome
    problem: dict[str, Any] | None = WireField(description="未保存的原因，格式同单条提交的错误")


class BatchOutcome(BaseModel):
    """Per item outcomes, in the order sent."""

    items: list[ItemOutcome]
    created: int = WireField(description="新保存的条数")
    unchanged: int = WireField(description="此前已保存的条数")
    refused: int = WireField(description="未保存的条数")

    @classmethod
    def of(cls, items: list[ItemOutcome]) -> "BatchOutcome":
        count = {kind: sum(item.outcome is kind for item in items) for kind in Outcome}
        return cls(items=items, **{kind.value: number for kind, number in count.items()})


R = TypeVar("R", bound=Versioned)


class Proposal(Generic[R]):
    """A row about to be kept, with the body it came from: the same id and body again is no news."""

    def __init__(self, said: BaseModel, row: R) -> None:
        self.said = said
        self.row = row


def new_id() -> UUID:
    """An id for what the service itself makes (UUIDv7: sorts by time of making)."""
    return uuid_utils.compat.uuid7()


async def create_once(session: AsyncSession, proposal: Proposal[R]) -> tuple[R, bool]:
    """Keep a record, or find that it is kept already. Returns the kept row and whether it is new.

    Raises `RecordDiffers` with the differing fields when the id was used for another body, and
    whatever problem the database's constraints stand for.
    """
    if await insert_new(session, [proposal.row]):
        return proposal.row, True
    return await kept_before(session, proposal), False


async def create_all(session: AsyncSession, proposals: Sequence[Proposal[R]]) -> list[ItemOutcome]:
    """Keep many rows of one table in one statement; where it is refused, one by one.

    One bad item never costs the others: each gets its own outcome, in the order given.
    """
    try:
        async with session.begin_nested():
            created = await insert_new(session, [proposal.row for proposal in proposals])
    except Exception as error:
        if refusal_of(error) is None or len(proposals) == 0:
            raise
        return [await _create_alone(session, proposal) for proposal in proposals]
    kept = await _kept_by_id(session, [each for each in proposals if each.row.id not in created])
    outcomes: list[ItemOutcome] = []
    for proposal in proposals:
        identity = proposal.row.id
        if identity in created:
            created.remove(identity)  # an item that repeats this id is a repeat like any other
            kept[identity] = proposal.row
            outcomes.append(ItemOutcome(id=identity, outcome=Outcome.created, problem=None))
        else:
            outcomes.append(await _repeated(session, proposal, kept.get(identity)))
    return outcomes


async def _kept_by_id(session: AsyncSession, repeats: Sequence[Proposal[R]]) -> dict[UUID, R]:
    if not repeats:
        return {}
    kind = type(repeats[0].row)
    statement = select(kind).where(col(kind.id).in_({each.row.id for each in repeats}))
    kept = await session.scalars(statement, execution_options={"populate_existing": True})
    return {row.id: row for row in kept}


async def _repeated(session: AsyncSession, proposal: Proposal[R], kept: R | None) -> ItemOutcome:
    try:
        await compare(session, proposal, kept)
    except RecordDiffers as problem:
        refused = Outcome.refused
        return ItemOutcome(id=proposal.row.id, outcome=refused, problem=problem.body())
    return ItemOutcome(id=proposal.row.id, outcome=Outcome.unchanged, problem=None)


async def _create_alone(session: AsyncSession, proposal: Proposal[R]) -> ItemOutcome:
    async def keep() -> bool:
        return (await create_once(session, proposal))[1]

    return await attempt(session, proposal.row.id, keep)


async def attempt(
    session: AsyncSession, identity: UUID, keep: Callable[[], Awaitable[bool]]
) -> ItemOutcome:
    """Keep one item of a batch in a savepoint of its own; `keep` says whether it is new."""
    try:
        async with session.begin_nested():
            new = await keep()
    except Exception as error:
        problem = refusal_of(error)
        if problem is None:
            raise
        return ItemOutcome(id=identity, outcome=Outcome.refused, problem=problem.body())
    outcome = Outcome.created if new else Outcome.unchanged
    return ItemOutcome(id=identity, outcome=outcome, problem=None)


def refusal_of(error: Exception) -> Problem | None:
    """The problem an item is refused with; a database that is gone refuses the whole request."""
    problem = error if isinstance(error, Problem) else problem_of(error)
    return None if isinstance(problem, DatabaseUnavailable) else problem


async def insert_new(session: AsyncSession, rows: Sequence[Versioned]) -> set[UUID]:
    """Insert rows of one table in one statement; returns the ids that were not there before."""
    if not rows:
        return set()
    return await insert_values(session, type(rows[0]), [_columns(row) for row in rows])


async def insert_values(
    session: AsyncSession, kind: type[Versioned], rows: Sequence[Mapping[str, Any]]
) -> set[UUID]:
    """As `insert_new`, of rows as their columns' values: thousands need no objects made of them."""
    if not rows:
        return set()
    table = table_of(kind)
    columns = ", ".join(f'"{name}"' for name in rows[0])
    # One JSON parameter carries any number of rows, arrays and sealed bytes included.
    statement = text(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} "
        f"FROM {_ALONE if len(rows) == 1 else ''} "
        f"json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) "
        "ON CONFLICT (id) DO NOTHING RETURNING id"
    )
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    told = {"rows": json_of(plain).decode()}
    if len(rows) == 1:
        told["id"] = str(rows[0]["id"])
    return set((await session.scalars(statement, told)).all())


# Sent twice in the same moment, the second waits for the first here: within its own INSERT another
# unique index of the table could take it for a rival. Many rows at once are then kept one by one.
_ALONE = "(SELECT pg_advisory_xact_lock(hashtextextended(CAST(:id AS text), 0))) AS alone,"


def row_body(row: SQLModel) -> dict[str, Any]:
    """A row as JSON can carry it, column by column, as PostgreSQL reads it back."""
    return {name: _plain(value) for name, value in _columns(row).items()}


def json_of(body: Any) -> bytes:
    """JSON as PostgreSQL reads it: rows of any kind, sealed bytes included."""
    return orjson.dumps(body, default=_as_postgresql_reads)


def _as_postgresql_reads(value: Any) -> str:
    # The driver's ids are a subclass of UUID, which orjson leaves to its caller.
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    return "\\x" + value.hex() if isinstance(value, bytes) else value


async def kept_before(session: AsyncSession, proposal: Proposal[R]) -> R:
    """The record kept under this id; raises `RecordDiffers` unless the same was said of it."""
    kept = await session.get(type(proposal.row), proposal.row.id, populate_existing=True)
    return await compare(session, proposal, kept)


async def compare(session: AsyncSession, proposal: Proposal[R], kept: R | None) -> R:
    """What was found under this id; raises `RecordDiffers` unless the same was said of it."""
    if kept is None:  # the id was used where the caller does not see
        raise RecordDiffers(fields=[])
    fields = differing_fields(
        proposal.said,
        _columns(proposal.row),
        await _first_said(session, kept),
        table=table_of(type(kept)).name,
        keyring=keyring_of(session),
    )
    if fields:
        raise RecordDiffers(fields=fields)
    return kept


async def _first_said(session: AsyncSession, kept: Versioned) -> Mapping[str, Any]:
    """A record as it was first sent: a late retry must not collide with a correction."""
    if kept.version == 1:
        return _columns(kept)
    first = next(iter(await former(session, kept)), None)
    if first is None or first.said["version"] != 1:  # its history moved out of the caller's sight
        raise RecordDiffers(fields=[])
    return first.said


class Former(NamedTuple):
    """A version of a record before a correction: its columns then, and who replaced it and why."""

    said: dict[str, Any]
    replaced: dict[str, Any]


async def former(session: AsyncSession, row: Versioned) -> list[Former]:
    """The former versions of a record that lie in the caller's reach, oldest first.

    Columns that came to the table later are null.
    """
    table = table_of(type(row))
    columns = [each for each in table.columns if each.name != "changed_xid"]
    statement = text(
        f"SELECT {', '.join(f'said.{each.name}' for each in columns)}, "
        "r.replaced_at, r.replaced_by, r.reason "
        f"FROM revisions AS r, jsonb_populate_record(NULL::{table.name}, r.body) AS said "
        "WHERE r.record_id = :id AND r.kind = :kind ORDER BY r.version"
    ).columns(*columns, *_REPLACED)
    found = await session.execute(statement, {"id": row.id, "kind": table.name})
    names = [str(each.name) for each in columns]
    return [
        Former(
            said=dict(zip(names, each, strict=False)),
            replaced=dict(zip((each.name for each in _REPLACED), each[-3:], strict=True)),
        )
        for each in found
    ]


_REPLACED = (column("replaced_at", INSTANT), column("replaced_by", Uuid), column("reason", Text))


def _columns(row: SQLModel) -> dict[str, Any]:
    names = (str(column.name) for column in table_of(type(row)).columns)
    return {name: getattr(row, name) for name in names if name != "changed_xid"}


async def if_match(
    value: Annotated[
        str | None,
        Header(alias="If-Match", description='所依据的版本号，如 "3"', examples=['"1"']),
    ] = None,
) -> int:
    """The version a correction was made from; raises `VersionMissing` without one."""
    number = (value or "").strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit()) or len(number) > 9:  # noqa: PLR2004 - an int4
        raise VersionMissing
    return int(number)


IfMatch = Annotated[int, Depends(if_match)]


def tell_created(response: Response, location: str, *, version: int, created: bool) -> None:
    """201 with Location for a new record, 200 for one that was kept already."""
    response.status_code = 201 if created else 200
    response.headers["Location"] = location
    response.headers["ETag"] = f'"{version}"'


def table_of(kind: type[SQLModel]) -> Table:
    """The table behind a table class."""
    return cast("Table", vars(kind)["__table__"])
