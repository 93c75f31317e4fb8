"""Keyset pages: `{"items": […], "next_cursor": …}`, without totals and without offsets."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar, cast
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field, TypeAdapter
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped

from api.foundation.problems import InvalidInput

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """One page of a list; pass `next_cursor` back as `cursor` until it is null."""

    items: list[Item] = Field(description="本页各条")
    next_cursor: str | None = Field(description="下一页的游标；没有下一页时为 null")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`VisitPage` of `VisitRead`: a name that every language has for a class."""
        return "".join(kind.__name__.removesuffix("Read") for kind in params) + cls.__name__


class PageRequest(BaseModel):
    """Which page is wanted."""

    limit: int
    cursor: str | None


async def page_request(
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="上一页返回的 next_cursor")
    ] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


async def read_page(
    session: AsyncSession,
    statement: Select[Row],
    keys: Sequence[Mapped[Any]],
    request: PageRequest,
    *,
    present: Callable[[Row], Item],
    descending: bool = False,
) -> Page[Item]:
    """Read one page of entities ordered by `keys`, which end in something unique.

    Raises `InvalidInput` for a cursor that was not made by this list.
    """
    columns = [cast("InstrumentedAttribute[Any]", key) for key in keys]
    if request.cursor is not None:
        after = tuple_(*columns)
        values = tuple_(*decode_cursor(request.cursor, [_python_type(key) for key in columns]))
        statement = statement.where(after < values if descending else after > values)
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key in columns))
    rows = (await session.scalars(ordered.limit(request.limit + 1))).all()
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    last = [getattr(shown[-1], key.key) for key in columns] if more else None
    return Page(
        items=[present(row) for row in shown], next_cursor=encode_cursor(last) if last else None
    )


def as_it_is(row: Row) -> Row:
    """A row that is presented as it is, or with all others of its page afterwards."""
    return row


def start_of(request: PageRequest, kinds: Sequence[type]) -> list[Any]:
    """The key values after which a page begins, for a statement of one's own; None from the first.

    Raises `InvalidInput` as `read_page`.
    """
    if request.cursor is None:
        return [None] * len(kinds)
    return decode_cursor(request.cursor, kinds)


def page_of(
    rows: Sequence[Any],
    request: PageRequest,
    keys: Sequence[str],
    *,
    present: Callable[[dict[str, Any]], Item],
) -> Page[Item]:
    """A page of rows that were read in the order of `keys`, one more than it holds if there is."""
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    cursor = encode_cursor([shown[-1][key] for key in keys]) if more else None
    return Page(items=[present(dict(row)) for row in shown], next_cursor=cursor)


def encode_cursor(values: Sequence[object]) -> str:
    text = json.dumps([str(value) for value in values], ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The key values in a cursor; raises `InvalidInput` when it is not one of this list."""
    try:
        texts = _TEXTS.validate_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_READERS[kind](text) for kind, text in zip(kinds, texts, strict=True)]
    except ValueError:
        raise InvalidInput("分页游标无效，请从第一页重新读取。", pointer="/query/cursor") from None


def _text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("not text")
    return value


_TEXTS = TypeAdapter(list[str])
_READERS: dict[type, Callable[[str], Any]] = {
    UUID: UUID,
    str: _text,
    int: int,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


def _python_type(key: InstrumentedAttribute[Any]) -> type:
    kind: type = key.type.python_type
    return kind if kind in _READERS else str
