"""The contract (OpenAPI 3.1): how operations are named, and how problems stand in it."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from api.foundation.problems import (
    BodyTooLarge,
    DatabaseUnavailable,
    InternalError,
    InvalidInput,
    MalformedBody,
    NotAcceptable,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    PasswordToBeChanged,
    PostingChanged,
    Problem,
)
from api.foundation.reading import ReadOnce

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field that does not hold what it must."""

    pointer: str = Field(description="JSON Pointer，指向有误的字段", examples=["/body/value_c"])
    detail: str = Field(description="中文说明", examples=["请填写数字。"])


class ProblemBody(BaseModel):
    """Everything wrong leaves in this form (RFC 9457); further members depend on the type."""

    model_config = {"extra": "allow"}

    type: str = Field(description="错误类型，供程序判断", examples=["/problems/not-found"])
    title: str = Field(description="中文标题")
    status: int = Field(description="HTTP 状态码")
    detail: str = Field(description="给使用者看的中文说明")
    errors: list[FieldError] | None = Field(default=None, description="有误的字段")


TOLD: set[type[Problem]] = set()
"""The problems that some operation names: the others are the edge's own."""

EVERYWHERE: tuple[type[Problem], ...] = (DatabaseUnavailable, InternalError)
SIGNED_IN: tuple[type[Problem], ...] = (
    NotSignedIn,
    PostingChanged,
    PasswordToBeChanged,
    NotPermitted,
    InvalidInput,
)
WITH_ANY_PASSWORD = tuple(kind for kind in SIGNED_IN if kind is not PasswordToBeChanged)
"""As `SIGNED_IN`, of the few things that may be done before a first password is changed."""

WITH_BODY: tuple[type[Problem], ...] = (
    MalformedBody,
    BodyTooLarge,
    NotAcceptable,
    OutsideYourGrid,
    InvalidInput,
)


def room(
    tag: str,
    *,
    route_class: type[APIRoute] = ReadOnce,
    refusing: tuple[type[Problem], ...] = SIGNED_IN,
) -> APIRouter:
    """A room's router: its tag, and the problems that every signed-in operation may answer."""
    return APIRouter(
        prefix="/v1",
        tags=[tag],
        responses=problems(*refusing),
        generate_unique_id_function=operation_name,
        route_class=route_class,
    )


def operation_name(route: APIRoute) -> str:
    return route.name


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    TOLD.update(kinds, EVERYWHERE)
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in (*kinds, *EVERYWHERE):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _response(group) for status, group in by_status.items()}


def found(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """As `problems`, for an operation on one record that may not be there."""
    return problems(NotFound, *SIGNED_IN, *kinds)


def writes(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """As `problems`, for an operation that carries a body."""
    return problems(*WITH_BODY, *SIGNED_IN, *kinds)


def _response(group: Iterable[type[Problem]]) -> dict[str, Any]:
    kinds = {kind.slug(): kind for kind in group}
    return {
        "description": "；".join(f"{slug} {kind.title}" for slug, kind in kinds.items()),
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemBody"},
                "examples": {slug: {"$ref": f"#/components/examples/{slug}"} for slug in kinds},
            }
        },
    }
