"""Hot routes: declared like any other, so that the contract knows them, and served by hand.

FastAPI solves a route's dependencies anew for each request, which costs more than the statements of
a simple verb do (benchmarks). A verb that measuring found hot takes what it opens with
(`caller.enters`), what its path and its headers name, perhaps a body, and perhaps the response to
set headers on; nothing else. It answers what is to be told, its JSON, or a whole response.
"""

from collections.abc import Callable, Collection, Coroutine
from inspect import signature
from typing import Any, get_args

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Header
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.caller import Admitting, Enters, Opening
from api.foundation.problems import NotAcceptable
from api.foundation.reading import read_once


class HotRoute(APIRoute):
    """A route without FastAPI's machinery; the caller is admitted before the body is read."""

    def __init__(self, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        # Not in the two exit stacks that FastAPI opens for dependencies: a hot verb has none.
        self.app = _served(self._handle)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        verb, status = _Verb(self.endpoint, self.param_convertors), self.status_code or 200

        async def handle(request: Request) -> Response:
            caller = await verb.admitting(request, verb.needed)
            arguments = verb.read_named(request)
            if verb.body_name is not None:
                arguments[verb.body_name] = verb.read(request, await request.body())
            told = Response(status_code=status, media_type="application/json")
            if verb.response_name is not None:
                arguments[verb.response_name] = told
            async with verb.opening(request, caller) as opened:
                arguments[verb.opening_name] = opened
                answer = await self.endpoint(**arguments)
            if isinstance(answer, Response):
                return answer
            written = isinstance(answer, bytes)
            told.body = answer if written else verb.answer.dump_json(answer, by_alias=True)
            told.headers["content-length"] = str(len(told.body))
            return told

        self._handle = handle
        return handle


def _served(handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


class _Verb:
    """What a hot verb's signature asks for."""

    body_name: str | None = None
    opening_name: str
    opening: Opening
    admitting: Admitting
    response_name: str | None = None

    def __init__(self, verb: Callable[..., Any], in_path: Collection[str]) -> None:
        declared = signature(verb, eval_str=True)
        told = declared.return_annotation
        self.answer: TypeAdapter[Any] = TypeAdapter(Any if told in {Response, bytes} else told)
        self._named: dict[str, tuple[str, str, TypeAdapter[Any]]] = {}
        for name, parameter in declared.parameters.items():
            marks = [each for each in get_args(parameter.annotation) if isinstance(each, Enters)]
            if marks:
                self.opening_name = name
                self.opening, self.admitting = marks[0].opening, marks[0].admitting
                self.needed = SecurityScopes(list(marks[0].scopes or ()))
            elif parameter.annotation is Response:
                self.response_name = name
            elif name in in_path:
                self._named[name] = ("path", name, TypeAdapter(parameter.annotation))
            elif header := _header_of(parameter.annotation):
                self._named[name] = ("header", header, TypeAdapter(parameter.annotation))
            else:
                self.body_name = name
                self._body: TypeAdapter[Any] = TypeAdapter(parameter.annotation)

    def read_named(self, request: Request) -> dict[str, Any]:
        """What path and headers name; raises what FastAPI would, pointing below `/path`."""
        told: dict[str, Any] = {}
        for name, (place, key, kind) in self._named.items():
            source = request.path_params if place == "path" else request.headers
            try:
                told[name] = kind.validate_python(source.get(key))
            except ValidationError as error:
                raise RequestValidationError(
                    [{**each, "loc": (place, key)} for each in error.errors()]
                ) from None
        return told

    def read(self, request: Request, body: bytes) -> Any:
        """The body; raises what FastAPI would, pointing below `/body`."""
        if not body:
            missing = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
            raise RequestValidationError([missing])
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise NotAcceptable
        try:
            return self._body.validate_python(read_once(body))
        except ValidationError as error:
            raise RequestValidationError(
                [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
            ) from None


def _header_of(annotation: Any) -> str | None:
    return next((each.alias for each in get_args(annotation) if isinstance(each, Header)), None)
