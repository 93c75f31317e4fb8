"""What is wrong, as FHIR says it: below `/fhir` every refusal leaves as an OperationOutcome.

The rest of the service speaks RFC 9457; who reads FHIR has a library that knows this form only
(docs/decisions/0018).
"""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.fhir.formats import MEDIA_TYPE, refuse_other_forms
from api.foundation.handlers import invalid_input
from api.foundation.problems import InternalError, NotFound, Problem

_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
}


class NotUnderstood(Problem):
    """A search parameter that is not known, not supported or not well formed (FHIR R4 §3.1.1)."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "查询参数有误"
    detail: ClassVar[str] = "查询参数有误，请对照 /fhir/metadata。"


def body(resource: dict[str, Any], *, status: int = 200, **headers: str) -> Response:
    """A resource as an answer."""
    return Response(
        orjson.dumps(resource), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


class FhirRoute(APIRoute):
    """A route whose refusals are OperationOutcomes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                refuse_other_forms(request)
                return await handle(request)
            except Problem as problem:
                return outcome(problem)
            except RequestValidationError as error:
                # An id or a type that is none here is somewhere, for whoever asks: not found.
                if any(each["loc"][0] == "path" for each in error.errors()):
                    return outcome(NotFound())
                return outcome(invalid_input(error.errors()))
            except HTTPException as error:
                return outcome(InternalError(str(error.detail)), status=error.status_code)

        return told


def outcome(problem: Problem, *, status: int | None = None) -> Response:
    """The OperationOutcome of a problem: its type for the program, its sentence for people."""
    number = status or problem.status
    issue = {
        "severity": "error",
        "code": _CODES.get(number, "processing"),
        "details": {
            "coding": [{"system": "/problems", "code": problem.slug(), "display": problem.title}],
            "text": problem.said,
        },
    }
    resource = {"resourceType": "OperationOutcome", "issue": [issue]}
    headers = dict(problem.headers)
    retry = problem.members.get("retry_after_seconds")
    return body(resource, status=number, **headers | ({"Retry-After": str(retry)} if retry else {}))
