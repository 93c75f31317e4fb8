"""The edge of the service: every exception leaves as a problem, in Chinese, with a pointer."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.foundation.contract import PROBLEM_MEDIA_TYPE
from api.foundation.problems import (
    BodyTooLarge,
    InternalError,
    InvalidInput,
    MalformedBody,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
)
from api.foundation.reading import found_in_body


def install(app: FastAPI) -> None:
    """Let every exception of `app` leave as a problem."""
    app.add_exception_handler(Problem, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused_by_framework)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(problem.body()),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={**problem.headers, **(headers or {})},
    )


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for problems only
    retry = error.members.get("retry_after_seconds")
    return answer(error, {"Retry-After": str(retry)} if retry is not None else None)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
    found = found_in_body(request.scope) or error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer(MalformedBody())
    if _came_as_something_else(request, found):
        return answer(NotAcceptable())
    return answer(invalid_input(found))


def _came_as_something_else(request: Request, found: Sequence[Any]) -> bool:
    """Whether there was a body, but one that did not say it was JSON and so was not read as it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    unread = any(each["loc"] == ("body",) and each["type"] != "missing" for each in found)
    return unread and not is_json


def invalid_input(found: Sequence[Any], *, within: tuple[str, ...] = ()) -> InvalidInput:
    """Pydantic's findings as the problem that points at each of them, below `within`."""
    return InvalidInput(
        errors=[
            {"pointer": _pointer((*within, *_place(each))), "detail": _chinese(each)}
            for each in found
        ]
    )


def _place(found: dict[str, Any]) -> tuple[int | str, ...]:
    """Where a finding is: of a member's name that is wrong, pydantic adds a word of its own."""
    place: tuple[int | str, ...] = found["loc"]
    of_a_name = place[-1:] == ("[key]",) and found["type"] != "extra_forbidden"
    return place[:-1] if of_a_name else place


def _pointer(location: tuple[int | str, ...]) -> str:
    """RFC 6901: `/body/items/3/phone`; the first part says where (body, query, path, header)."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "/" + "/".join(parts)


_SENTENCES = {
    "missing": "此项必填。",
    "extra_forbidden": "不支持此项，请检查名称。",
    "told_twice": "同一项填写了不止一次，请只填一次。",
    "string_type": "请填写文字。",
    "string_too_short": "内容太短，至少 {min_length} 个字。",
    "string_too_long": "内容太长，最多 {max_length} 个字。",
    "string_pattern_mismatch": "格式不正确。",
    "int_type": "请填写整数。",
    "int_parsing": "请填写整数。",
    "float_type": "请填写数字。",
    "float_parsing": "请填写数字。",
    "finite_number": "请填写有限的数字。",
    "bool_type": "请填写 true 或 false。",
    "bool_parsing": "请填写 true 或 false。",
    "enum": "请从规定的选项中选择：{expected}。",
    "literal_error": "请从规定的选项中选择：{expected}。",
    "uuid_parsing": "编号格式不正确，应为 UUID。",
    "uuid_type": "编号格式不正确，应为 UUID。",
    "greater_than_equal": "不能小于 {ge}。",
    "less_than_equal": "不能大于 {le}。",
    "greater_than": "应大于 {gt}。",
    "less_than": "应小于 {lt}。",
    "too_long": "最多 {max_length} 项。",
    "too_short": "至少 {min_length} 项。",
    "list_type": "请填写列表。",
    "dict_type": "请填写对象。",
    "model_type": "请填写对象。",
    "model_attributes_type": "请填写对象。",
    "date_from_datetime_parsing": "日期格式不正确，应为 2022-02-04。",
    "date_parsing": "日期格式不正确，应为 2022-02-04。",
    "date_type": "日期格式不正确，应为 2022-02-04。",
    "datetime_parsing": "时间格式不正确，应带时区，如 2022-02-04T08:00:00+08:00。",
    "datetime_type": "时间格式不正确，应带时区，如 2022-02-04T08:00:00+08:00。",
    "timezone_aware": "时间须带时区，如 2022-02-04T08:00:00+08:00。",
}


# Of a day that lies beyond a bound, pydantic tells the bound as Python writes it.
_BOUND = re.compile(r"datetime\.date(?:time)?\((\d+), (\d+), (\d+)")


def _chinese(error: dict[str, Any]) -> str:
    """Pydantic's finding as a sentence for the field; the service's own are Chinese already."""
    context = error.get("ctx", {})
    kind = error["type"]
    if kind in ("too_short", "too_long") and context.get("field_type") == "Value":
        kind = f"string_{kind}"  # a text whose length is asked for after it was read
    bound = _BOUND.match(str(context.get("ge", context.get("le", ""))))
    if bound is not None:
        day = date(*map(int, bound.groups()))
        return f"不能{'早' if 'ge' in context else '晚'}于 {day}。"
    sentence = _SENTENCES.get(kind)
    if sentence is not None:
        said = {**context, "expected": _listed(str(context.get("expected", "")))}
        return sentence.format_map(said) if "{" in sentence else sentence
    message = str(context.get("error", "")) or str(error["msg"])
    return message if any("一" <= character <= "鿿" for character in message) else "填写不正确。"


def _listed(options: str) -> str:
    """Pydantic's “'a', 'b' or 'c'” without its English, and without its quotes."""
    return options.replace(" or ", ", ").replace(", ", "、").replace("'", "")


async def _refused_by_framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it only
    by_status: dict[int, type[Problem]] = {
        400: MalformedBody,
        404: NotFound,
        405: MethodNotAllowed,
        413: BodyTooLarge,
        415: NotAcceptable,
    }
    kind = by_status.get(error.status_code, InternalError)
    return answer(kind(), dict(error.headers or {}))
