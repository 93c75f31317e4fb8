"""What every request passes on its way in and out: its id, its size, its line in the log."""

import re
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.foundation.handlers import answer
from api.foundation.logs import begin_request, fault_of
from api.foundation.problems import BodyTooLarge, InternalError
from api.foundation.records import new_id

_HEADER = "x-request-id"
# A proxy's id is taken over, but nothing in which a phone or identity number could come along.
_SANE = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?!.*\d{7})[\w.-]{1,64}",
    re.ASCII | re.IGNORECASE,
)
_OF_THE_DOCUMENTATION = ("text/", "image/", "application/javascript")
_log = structlog.get_logger()


class Edge:
    """Pure ASGI, since Starlette's middleware base class costs more than all of this."""

    def __init__(self, app: ASGIApp, *, body_limit: int) -> None:
        self._app = app
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        passage = _Passage(scope, receive, send, self._body_limit)
        begin_request(passage.request_id)
        try:
            await self._pass(scope, passage)
        finally:
            _log.info(
                "request",
                method=scope["method"],
                # The template: the path itself and the query carry ids and names.
                route=getattr(scope.get("route"), "path", None),
                status=passage.status,
                duration_ms=round((perf_counter() - started) * 1000, 1),
            )

    async def _pass(self, scope: Scope, passage: "_Passage") -> None:
        try:
            if passage.declared_size > self._body_limit:
                await answer(BodyTooLarge())(scope, passage.receive, passage.send)
            else:
                await self._app(scope, passage.receive, passage.send)
        except Exception as error:
            _log.exception("fault", exc_info=False, **fault_of(error))
            if passage.status is not None:
                raise
            problem = InternalError(request_id=passage.request_id)
            await answer(problem)(scope, passage.receive, passage.send)


_CANNOT_READ_GZIP = re.compile(rb"\bgzip *; *q=0(\.0*)? *(,|$)", re.IGNORECASE)


class Compressed(GZipMiddleware):
    """As Starlette's, which looks for the word alone, but not for whoever says `gzip;q=0`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, said in scope.get("headers", ()):
            if name == b"accept-encoding" and _CANNOT_READ_GZIP.search(said):
                scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != name]}
                break
        await super().__call__(scope, receive, send)


class _Passage:
    """One request's messages: counted on the way in, signed with its id on the way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, body_limit: int) -> None:
        headers = Headers(scope=scope)
        said = headers.get(_HEADER, "")
        length = headers.get("content-length", "")
        self.request_id = said if _SANE.fullmatch(said) else str(new_id())
        self.declared_size = int(length) if length.isascii() and length.isdigit() else 0
        self.status: int | None = None
        self._receive = receive
        self._send = send
        self._left = body_limit

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            # FastAPI lets only this class through when it reads a body; it becomes the problem.
            raise HTTPException(BodyTooLarge.status)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[_HEADER] = self.request_id
            if not headers.get("content-type", "").startswith(_OF_THE_DOCUMENTATION):
                # Names and whereabouts: no browser of a shared computer keeps what it was told.
                headers.setdefault("cache-control", "no-store")
        await self._send(message)
