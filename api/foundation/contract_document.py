"""The document of the contract (OpenAPI 3.1), completed by what no route says of itself."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from starlette.routing import Route

from api.foundation.contract import TOLD, ProblemBody
from api.foundation.problems import PROBLEMS

_ABOUT = """\
乡镇疫情防控“一张网”的服务接口。

- 先 `POST /v1/sign-in` 取得令牌，其后每次请求带 `Authorization: Bearer <access_token>`。
- 记录的编号（UUID）由手机生成；同一编号、同一内容重发不会重复，答 200；内容不同答 409。
- 列表按游标翻页：把 `next_cursor` 作为 `cursor` 传回，直到它为 null。
- 修改须带 `If-Match`，内容为所依据的版本号。
- 一切错误都是 `application/problem+json`,`type` 供程序判断，`detail` 给人看，`errors` 指向字段。
- 时间为 ISO 8601 并带时区；“天”为北京时间的日期；坐标注明 WGS-84 或 GCJ-02。
"""


def install(app: FastAPI, *, rooms: Mapping[str, str], members: Mapping[str, str]) -> None:
    """Complete the generated document: what no route says of itself.

    `rooms` tells what each tag holds, `members` what a name means where nothing nearer says it.
    """
    generated = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = _completed(_named(generated()))
            document["tags"] = [{"name": tag, "description": said} for tag, said in rooms.items()]
            _explain(document, members)
            plain: dict[str, Any] = _plain(document)
            app.openapi_schema = plain
        return app.openapi_schema

    app.openapi = complete
    app.router.routes.insert(1, Route("/openapi.json", _telling(complete)))


def _telling(complete: Callable[[], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    """Answers the document, put together when it is first asked for: written once.

    That takes seconds, which nobody else has to wait: whoever asks need not even be signed in.
    """
    writing, written = asyncio.Lock(), b""

    async def tell(_: Request) -> Response:
        nonlocal written
        async with writing:
            written = written or await asyncio.to_thread(lambda: orjson.dumps(complete()))
        return Response(written, media_type="application/json")

    return tell


_SOURCE = r"(?:[MS]\d(?:\.\d+)?|domain [\d.]+|九不准(?:第\d条)?)"
_SOURCES = re.compile(rf"\s*[(\uff08]{_SOURCE}(?:[、,;\uff0c\uff1b ]+{_SOURCE})*[)\uff09]")


def _plain(part: Any) -> Any:
    """The same, each of its objects as whoever builds a client reads it."""
    if isinstance(part, dict):
        told = cast("dict[str, Any]", part)
        return _without_sources(_as_map({name: _plain(value) for name, value in told.items()}))
    if isinstance(part, list):
        return [_plain(each) for each in cast("list[Any]", part)]
    return part


def _without_sources(told: dict[str, Any]) -> dict[str, Any]:
    """Without the sources of its rules, which whoever builds the service reads by."""
    texts = {name: told[name] for name in ("description", "summary") if name in told}
    plain = {name: _SOURCES.sub("", text) for name, text in texts.items() if isinstance(text, str)}
    return told | plain


def _as_map(told: dict[str, Any]) -> dict[str, Any]:
    """A map whose names follow one pattern says so of its names.

    Generators of clients read what a map holds from `additionalProperties` alone.
    """
    if len(told.get("patternProperties", ())) != 1:
        return told
    ((pattern, values),) = told.pop("patternProperties").items()
    told["propertyNames"] = told.get("propertyNames", {}) | {"pattern": pattern}
    return told | {"additionalProperties": values}


def _named(document: dict[str, Any]) -> dict[str, Any]:
    """Call the pages of lists what their class is called: `VisitPage`, not `Page_VisitRead_`."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    names = {name: schema["title"] for name, schema in schemas.items() if name.endswith("_")}
    text = json.dumps(document)
    for name, title in names.items():
        text = text.replace(f'/{name}"', f'/{title}"').replace(f'"{name}":', f'"{title}":')
    return json.loads(text)


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
        _name_form(operation, schemas)
        operation.setdefault("security", [])  # open to anybody, and said so
        if "HTTPValidationError" in str(operation["responses"].get("422")):
            del operation["responses"]["422"]  # the framework's own, which nothing answers
        summary, _, rest = operation.get("description", "").partition("\n")
        # Chinese has no space where a line of the code ends.
        whole = re.sub(r"(?<!\n)\n(?!\n)", "", rest.strip())
        operation |= {"summary": summary, "description": whole or summary}
    document["components"]["examples"] = {
        slug: {"summary": kind.title, "value": kind().body()}
        for slug, kind in sorted(PROBLEMS.items())
        if kind in TOLD
    }
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _with_nulls(example, schema, schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _name_form(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Call the form of an upload by a name that every language has for a class."""
    form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
    if form is not None:
        former = form["schema"]["$ref"].rpartition("/")[2]
        name = "".join(part.capitalize() for part in operation["operationId"].split("_")) + "Form"
        schemas[name] = schemas.pop(former) | {"title": name}
        form["schema"] = {"$ref": f"#/components/schemas/{name}"}


def _with_nulls(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Put back what FastAPI leaves out of examples: the members that are null, but always there."""
    schema = next((each for each in schema.get("anyOf", ()) if "$ref" in each), schema)
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


def _explain(document: dict[str, Any], members: Mapping[str, str]) -> None:
    """Say of every member, parameter and success what it is, where the code left it unsaid."""
    for schema in document["components"]["schemas"].values():
        for name, part in schema.get("properties", {}).items():
            _describe(part, name, members)
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            _describe(parameter, parameter["name"], members)
        for status, response in operation["responses"].items():
            if response["description"] == _UNSAID:
                response["description"] = _SUCCESSES[status]


def _describe(part: dict[str, Any], name: str, members: Mapping[str, str]) -> None:
    if "description" not in part:
        choices: list[dict[str, Any]] = part.get("anyOf", [])
        nearer = (choice["description"] for choice in choices if "description" in choice)
        part["description"] = next(nearer, None) or members.get(name, "")


_UNSAID = "Successful Response"
_SUCCESSES = {"200": "成功", "201": "已保存", "204": "成功，没有内容"}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in (*document["paths"].values(), *document.get("webhooks", {}).values()):
        yield from (part for name, part in path.items() if name in _METHODS)


_METHODS = {"get", "post", "put", "patch", "delete"}
