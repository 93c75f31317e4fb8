"""Finding the operation of a request by the beginning of its path.

There are hundreds of them; asking each in turn whether it is meant takes up to a millisecond, more
than most statements do, and what FastAPI includes it prepares when it is first asked for.
"""

from collections.abc import Iterable, Iterator

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

Beginning = tuple[str, ...]


class Directory(BaseRoute):
    """Many routes in the place of one, by the first two parts of their paths."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._routes: dict[Beginning, list[APIRoute]] = {}
        for route in routes:
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
        """By the route that was found, which has put itself into the scope."""
        await scope["route"].handle(scope, receive, send)


def _beginning(path: str) -> Beginning:
    return tuple(path.split("/", 3)[1:3])
