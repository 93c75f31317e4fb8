"""The items of a request: each is looked at for itself, so that a bad one costs only itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Part = Mapping[int, Any]
"""Some items as they came, by their places in the request."""

NO_ITEMS: Part = {}


@dataclass(frozen=True, slots=True)
class InTurn:
    """An item that is looked at when its turn comes; the contract is that of what it must be."""

    record: type[BaseModel]

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # One level down, where a model stands under its own name and is not written out.
        return handler(core_schema.definitions_schema(self.record.__pydantic_core_schema__, []))


@dataclass(frozen=True, slots=True)
class Unread:
    """An item that could not be read; its event id is told where that could be."""

    event_id: str | None
    found: Sequence[Any]


def in_order(items: Sequence[Any]) -> Part:
    """The items in the order of their events.

    Whoever sends the same events keeps them in the same order, so that two requests wait for each
    other, never in a ring.
    """
    return dict(sorted(enumerate(items), key=lambda each: _event_id(each[1]) or ""))


def in_parts(items: Sequence[Any], size: int, *, first: int) -> list[Part]:
    """The same, so many at a time, and fewer the `first` time."""
    told = [*in_order(items).items()]
    bounds = [0, *range(first, len(told), size), len(told)]
    return [dict(told[begins:ends]) for begins, ends in pairwise(bounds)]


def read_each(records: TypeAdapter[Any], part: Part) -> list[Any]:
    """The items as records or `Unread`: read in one go, and again where some do not hold."""
    try:
        return records.validate_python([*part.values()])
    except ValidationError as error:
        wrong = _unread(part, error)
    rest = iter(records.validate_python([part[place] for place in part if place not in wrong]))
    return [wrong.get(place) or next(rest) for place in part]


def _unread(part: Part, error: ValidationError) -> dict[int, Unread]:
    places, found = [*part], defaultdict[int, list[Any]](list)
    for each in error.errors(include_url=False):
        nth, *inside = each["loc"]
        found[places[cast("int", nth)]].append({**each, "loc": tuple(inside)})
    return {place: Unread(_event_id(part[place]), told) for place, told in found.items()}


def _event_id(item: Any) -> str | None:
    """The event id of an item as it came, where that is legible."""
    event = cast("dict[str, Any]", item).get("event_id") if isinstance(item, dict) else None
    legible = isinstance(event, str) and len(event) <= 64 and event.isascii()  # noqa: PLR2004
    return event if legible else None
