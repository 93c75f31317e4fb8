"""Finding the operation of a request by the beginning of its path.

There are hundreds of them; asking each in turn whether it is meant takes up to a millisecond, more
than most statements do, and what FastAPI includes it prepares when it is first asked for.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

Beginning = tuple[str, ...]

_UNKNOWN = "onegrid.unknown_filters"
"""Where a request's scope keeps what is wrong in its query until the caller is admitted."""


class Directory(BaseRoute):
    """Many routes in the place of one, by the first two parts of their paths.

    What is read is narrowed by names that are known: a list that passed over a misspelt one would
    show everybody, a day that passed over a date would be another day. Who admits the caller then
    refuses them (`refuse_unknown_filters`).
    """

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._routes: dict[Beginning, list[APIRoute]] = {}
        self._filters: dict[int, frozenset[str] | None] = {}
        for route in routes:
            self._filters[id(route)] = _filters(route)
            fixed = route.path_format.partition("{")[0].rstrip("/")
            self._routes.setdefault(_beginning(fixed), []).append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route; of those that know the path but not the method, the first."""
        found: tuple[Match, Scope] = Match.NONE, {}
        for route in self._among(scope["path"]):
            match, told = route.matches(scope)
            if match is Match.FULL:
                return match, told
            if found[0] is Match.NONE:
                found = match, told
        return found

    def _among(self, path: str) -> Iterator[APIRoute]:
        beginning = _beginning(path)
        yield from self._routes.get(beginning, ())
        yield from self._routes.get(beginning[:1], ())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the route that was found, which has put itself into the scope.

        Raises `HTTPException` with every method that the path knows, whichever route has it.
        """
        route: APIRoute = scope["route"]
        if scope["method"] not in route.methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._methods(scope)))})
        known = self._filters[id(route)]
        if known is not None and scope["query_string"]:
            unknown = _unknown(scope["query_string"], known)
            if unknown:
                scope[_UNKNOWN] = unknown
        await route.handle(scope, receive, send)

    def _methods(self, scope: Scope) -> set[str]:
        among = self._among(scope["path"])
        knowing = (route for route in among if route.matches(scope)[0] is not Match.NONE)
        return {method for route in knowing for method in route.methods or ()}


def _beginning(path: str) -> Beginning:
    return tuple(path.split("/", 3)[1:3])


def _filters(route: APIRoute) -> frozenset[str] | None:
    """The names that a query may have; None where any: the operation reads it itself, or none."""
    if route.dependant.request_param_name is not None:
        return None
    named = frozenset(_named(route.dependant))
    reads = "GET" in (route.methods or ()) and route.path_format.startswith("/v1/")
    return named if named or reads else None


def _named(needed: Dependant) -> Iterator[str]:
    yield from (each.alias for each in needed.query_params)
    for other in needed.dependencies:
        yield from _named(other)


def _unknown(query: bytes, known: frozenset[str]) -> list[dict[str, Any]]:
    told = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": "", "input": value}
        for name, value in told
        if name not in known
    ]


def refuse_unknown_filters(scope: Scope) -> None:
    """Of a caller who is admitted: whoever is not learns nothing first, not even what is known."""
    unknown = scope.get(_UNKNOWN)
    if unknown is not None:
        raise RequestValidationError(unknown)
