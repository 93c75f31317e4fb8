"""Reading the body of a request: each member once, and refused only to whoever is admitted.

Of a member that stands twice, readers of JSON take the last without a word: one of two temperatures
would be kept, and nobody could tell which was meant.
"""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Scope

_UNREAD = "onegrid.unread"
_NO_BODY = 0
"""What no operation takes for a body: it is refused as such once the caller is admitted."""


class ReadOnce(APIRoute):
    """A route whose body is read by `read_once`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def reading(request: Request) -> Response:
            return await handle(_Reading(request.scope, request.receive))

        return reading


class _Reading(Request):
    async def json(self) -> Any:
        try:
            return read_once(await self.body())
        except RequestValidationError as error:
            self.scope[_UNREAD] = error.errors()
            return _NO_BODY


def found_in_body(scope: Scope) -> list[Any]:
    """What kept the body of a request from being read; empty where nothing did."""
    return scope.get(_UNREAD, [])


def read_once(body: bytes) -> Any:
    """What JSON says; raises `RequestValidationError` where it is none, or a name stands twice."""
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        try:
            return _ONCE.decode(text)
        except _ToldTwice:
            found = [_error("told_twice", at) for at in _places(_MARKING.decode(text))]
    except (ValueError, RecursionError):
        found = [_error("json_invalid", ("body",))]
    raise RequestValidationError(found)


class _ToldTwice(Exception):
    """Some name stands twice in one object, wherever."""


class _Twice(dict[str, Any]):
    """An object in which some names stand more than once."""

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        super().__init__(members)
        seen: set[str] = set()
        self.names = dict.fromkeys(name for name, _ in members if name in seen or seen.add(name))


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(members)
    if len(told) != len(members):
        raise _ToldTwice
    return told


def _marked(members: list[tuple[str, Any]]) -> dict[str, Any]:
    told = _Twice(members)
    return told if told.names else dict(members)


# Made once: making a decoder takes longer than it takes to read a temperature.
_ONCE = json.JSONDecoder(object_pairs_hook=_each_once)
_MARKING = json.JSONDecoder(object_pairs_hook=_marked)


def _places(read: Any) -> Iterator[tuple[str | int, ...]]:
    """Where a name stands twice; of its values only the last is looked into."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [(("body",), read)]
    while waiting:
        at, part = waiting.pop()
        if isinstance(part, _Twice):
            yield from ((*at, name) for name in part.names)
        if isinstance(part, dict):
            members = cast("dict[str, Any]", part).items()
            waiting.extend(((*at, name), each) for name, each in members)
        elif isinstance(part, list):
            waiting.extend(((*at, nth), each) for nth, each in enumerate(cast("list[Any]", part)))


def _error(kind: str, at: tuple[str | int, ...]) -> dict[str, Any]:
    return {"type": kind, "loc": at, "msg": "", "input": None}
