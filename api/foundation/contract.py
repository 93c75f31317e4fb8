"""The contract (OpenAPI 3.1): how operations are named, and how problems stand in it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

import yaml
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from api.foundation.problems import (
    PROBLEMS,
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
    PostingChanged,
    Problem,
)

_ABOUT = """\
乡镇疫情防控“一张网”的服务接口。

- 先 `POST /v1/sign-in` 取得令牌,其后每次请求带 `Authorization: Bearer <access_token>`。
- 记录的编号(UUID)由手机生成;同一编号、同一内容重发不会重复,答 200;内容不同答 409。
- 列表按游标翻页:把 `next_cursor` 作为 `cursor` 传回,直到它为 null。
- 修改须带 `If-Match`,内容为所依据的版本号。
- 一切错误都是 `application/problem+json`,`type` 供程序判断,`detail` 给人看,`errors` 指向字段。
- 时间为 ISO 8601 并带时区;“天”为北京时间的日期;坐标注明 WGS-84 或 GCJ-02。
"""

PROBLEM_MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field that does not hold what it must."""

    pointer: str = Field(description="JSON Pointer,指向有误的字段", examples=["/body/value_c"])
    detail: str = Field(description="中文说明", examples=["请填写数字。"])


class ProblemBody(BaseModel):
    """Everything wrong leaves in this form (RFC 9457); further members depend on the type."""

    model_config = {"extra": "allow"}

    type: str = Field(description="错误类型,供程序判断", examples=["/problems/not-found"])
    title: str = Field(description="中文标题")
    status: int = Field(description="HTTP 状态码")
    detail: str = Field(description="给使用者看的中文说明")
    errors: list[FieldError] | None = Field(default=None, description="有误的字段")


_TOLD: set[type[Problem]] = set()
"""The problems that some operation names: the others are the edge's own."""

EVERYWHERE: tuple[type[Problem], ...] = (DatabaseUnavailable, InternalError)
SIGNED_IN: tuple[type[Problem], ...] = (NotSignedIn, PostingChanged, NotPermitted, InvalidInput)
WITH_BODY: tuple[type[Problem], ...] = (
    MalformedBody,
    BodyTooLarge,
    NotAcceptable,
    OutsideYourGrid,
    InvalidInput,
)


def room(tag: str, *, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """A room's router: its tag, and the problems that every signed-in operation may answer."""
    return APIRouter(
        prefix="/v1",
        tags=[tag],
        responses=problems(*SIGNED_IN),
        generate_unique_id_function=operation_name,
        route_class=route_class,
    )


def operation_name(route: APIRoute) -> str:
    return route.name


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    _TOLD.update(kinds, EVERYWHERE)
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in (*kinds, *EVERYWHERE):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _response(group) for status, group in by_status.items()}


def found(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """As `problems`, for an operation on one record that may not be there."""
    return problems(NotFound, *kinds)


def writes(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """As `problems`, for an operation that carries a body."""
    return problems(*WITH_BODY, NotSignedIn, PostingChanged, NotPermitted, *kinds)


def _response(group: Iterable[type[Problem]]) -> dict[str, Any]:
    kinds = {kind.slug(): kind for kind in group}
    return {
        "description": "; ".join(f"{slug} {kind.title}" for slug, kind in kinds.items()),
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemBody"},
                "examples": {slug: {"$ref": f"#/components/examples/{slug}"} for slug in kinds},
            }
        },
    }


def install(app: FastAPI) -> None:
    """Complete the generated document: what no route says of itself."""
    generated = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(generated())
        return app.openapi_schema

    app.openapi = complete


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    body = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(body.pop("$defs", {}))
    schemas["ProblemBody"] = body
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["info"] |= {
        "description": _ABOUT,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    document["servers"] = [{"url": "/", "description": "本服务"}]
    for operation in _operations(document):
        operation.setdefault("security", [])  # open to anybody, and said so
        summary, _, rest = operation.get("description", "").partition("\n")
        operation |= {"summary": summary, "description": rest.strip() or summary}
    document["components"]["examples"] = {
        slug: {"summary": kind.title, "value": kind().body()}
        for slug, kind in sorted(PROBLEMS.items())
        if kind in _TOLD
    }
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _with_nulls(example, schema, schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _with_nulls(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Put back what FastAPI leaves out of examples: the members that are null, but always there."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(example, dict):
        told = cast("dict[str, Any]", example)
        for name in schema.get("required", ()):
            told.setdefault(name, None)
        for name, part in schema.get("properties", {}).items():
            _with_nulls(told.get(name), part, schemas)
    elif isinstance(example, list):
        for item in cast("list[Any]", example):
            _with_nulls(item, schema.get("items", {}), schemas)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (part for name, part in path.items() if name in _METHODS)


_METHODS = {"get", "post", "put", "patch", "delete"}


def as_yaml(document: dict[str, Any]) -> str:
    """The document as it is committed: readable Chinese, the order of the code, no references."""
    return yaml.dump(
        document, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100, indent=2
    )


def as_json(schema: dict[str, Any]) -> str:
    """A JSON Schema as it is committed, in the order of the code."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


class _Plain(yaml.SafeDumper):
    """Repeats what is repeated, instead of pointing back to it with anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library asks for each value
        return True


def catalogue(document: dict[str, Any]) -> str:
    """Every problem and every enumeration on one page, for whoever writes a client."""
    problem_rows = (
        f"| `{slug}` | {kind.status} | {kind.title} | {kind.detail} |"
        for slug, kind in sorted(PROBLEMS.items())
    )
    schemas: dict[str, Any] = document["components"]["schemas"]
    enums = {name: schema for name, schema in schemas.items() if "x-enum-labels" in schema}
    return "\n".join(
        [
            "# 错误与选项目录",
            "",
            "由 `make openapi` 生成,请勿手改。",
            "",
            "## 错误(`application/problem+json` 的 `type` 为 `/problems/<名称>`)",
            "",
            "| 名称 | 状态码 | 标题 | 说明 |",
            "|---|---|---|---|",
            *problem_rows,
            "",
            "## 选项",
            *(line for name, schema in enums.items() for line in _enum_lines(name, schema)),
            "",
        ]
    )


def _enum_lines(name: str, schema: dict[str, Any]) -> list[str]:
    labels: dict[str, str] = schema["x-enum-labels"]
    rows = [f"| `{value}` | {label} |" for value, label in labels.items()]
    return ["", f"### {name}", "", "| 值 | 含义 |", "|---|---|", *rows]
