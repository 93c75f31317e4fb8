"""Whatever is sent to whatever address, the answer is a problem that says what is wrong."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from api.foundation.problems import (
    BodyTooLarge,
    InvalidInput,
    MalformedBody,
    NotAcceptable,
    NotSignedIn,
    VersionMissing,
)
from tests.cast import Town, assert_problem
from tests.rules.operations import ANY_VERSION, Operation

JSON = {"Content-Type": "application/json"}
TEN_MEGABYTES = 10 * 1024 * 1024
NOT_JSON = (b"{", b"{'name': 1}", b'{"name": 1,}', b"\x00", b"\xef\xbb\xbf{", b"[1, 2")
NOT_UTF_8 = (
    b'{"name": "\xff\xfe"}',
    '{"name": "周书记"}'.encode("gb18030"),
    b'{"name": "\xc0\x80"}',  # NUL in the two bytes that some Java clients send
)
HALF_A_PAIR = (b'{"name": "\xed\xa0\x80"}', b'{"name": "\\ud800"}', b'{"\\udfff": 1}')
NOT_AN_OBJECT = (b"null", b"[]", b"[{}]", b'"text"', b"7", b"true")
TROUBLE = ("\x00", "\ud800", "\x1b[2J", "𠮷'); DROP TABLE residents; --%s{0}$1\"\\")
WRONG_KINDS = (None, True, 10**400, "", [[]], {"a": {}}, "韦" * 5000)


@pytest.fixture
def with_body(contract: list[Operation]) -> list[Operation]:
    return [each for each in contract if each.body is not None]


async def _client(town: Town, operation: Operation) -> httpx.AsyncClient:
    """Gu may do everything; what nobody needs a sign-in for is asked without."""
    return town.nobody() if operation.is_public else await town.as_("gu")


async def _send(town: Town, operation: Operation, content: bytes, **headers: str) -> httpx.Response:
    client = await _client(town, operation)
    told = ANY_VERSION | JSON | headers
    return await client.request(operation.method, operation.url(), content=content, headers=told)


def _check(answer: httpx.Response, *, what: object) -> None:
    """It may be well or be refused; refused it is a problem, in Chinese, pointing at fields."""
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"].startswith("application/problem+json"), what
    body = answer.json()
    assert body["type"].startswith("/problems/"), what
    assert body["status"] == answer.status_code, what
    assert any("一" <= character <= "鿿" for character in body["detail"]), what
    if answer.status_code == InvalidInput.status:
        assert body["errors"], (what, body)
    for error in body.get("errors", ()):
        assert error["pointer"].startswith(("/body", "/path", "/query", "/header")), (what, body)
        assert any("一" <= character <= "鿿" for character in error["detail"]), (what, body)


def _pointers(answer: httpx.Response) -> set[str]:
    return {error["pointer"] for error in assert_problem(answer, InvalidInput)["errors"]}


@pytest.mark.parametrize("content", NOT_JSON)
async def test_what_is_not_json_is_refused_as_malformed(
    town: Town, with_body: list[Operation], content: bytes
):
    for operation in with_body:
        assert_problem(await _send(town, operation, content), MalformedBody)


async def test_no_body_where_there_must_be_one_is_pointed_at(
    town: Town, with_body: list[Operation]
):
    for operation in with_body:
        assert _pointers(await _send(town, operation, b"")) == {"/body"}


@pytest.mark.parametrize("content", NOT_UTF_8)
async def test_what_is_not_utf_8_is_refused_as_malformed(
    town: Town, with_body: list[Operation], content: bytes
):
    for operation in with_body:
        assert_problem(await _send(town, operation, content), MalformedBody)


@pytest.mark.parametrize("content", HALF_A_PAIR)
async def test_half_a_surrogate_pair_is_refused_however_it_is_written(
    town: Town, with_body: list[Operation], content: bytes
):
    for operation in with_body:
        assert_problem(await _send(town, operation, content), InvalidInput)


@pytest.mark.parametrize("content", NOT_AN_OBJECT)
async def test_what_is_no_object_is_pointed_at(
    town: Town, with_body: list[Operation], content: bytes
):
    for operation in with_body:
        answer = await _send(town, operation, content)
        assert _pointers(answer) == {"/body"}, operation.name


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
async def test_what_does_not_say_it_is_json_is_refused_by_its_type(
    town: Town, with_body: list[Operation], kind: str
):
    for operation in with_body:
        assert operation.body is not None
        content = orjson.dumps(operation.sample(operation.body))
        answer = await _send(town, operation, content, **{"Content-Type": kind})
        assert_problem(answer, NotAcceptable)


async def test_a_body_of_ten_megabytes_is_refused_everywhere(
    town: Town, with_body: list[Operation]
):
    content = b'{"name": "' + b"x" * TEN_MEGABYTES + b'"}'
    for operation in with_body:
        assert_problem(await _send(town, operation, content), BodyTooLarge)


async def test_a_member_that_is_not_known_is_pointed_at(town: Town, with_body: list[Operation]):
    for operation in with_body:
        assert operation.body is not None
        content = orjson.dumps(operation.sample(operation.body) | {"a/b~c": 1})
        answer = await _send(town, operation, content)
        assert "/body/a~1b~0c" in _pointers(answer), operation.name


async def test_a_member_that_stands_twice_is_pointed_at(town: Town, with_body: list[Operation]):
    for operation in with_body:
        assert operation.body is not None
        name, value = next(iter(operation.sample(operation.body).items()))
        member = orjson.dumps({name: value})[:-1]
        whole = orjson.dumps(operation.sample(operation.body))
        answer = await _send(town, operation, member + b"," + whole[1:])
        assert _pointers(answer) == {f"/body/{name}"}, operation.name


async def test_who_is_not_admitted_is_not_told_what_is_wrong_in_the_body(
    town: Town, with_body: list[Operation]
):
    for operation in (each for each in with_body if not each.is_public):
        for content in (b'{"a": ', b'{"a": 1, "a": 2}'):
            client, told = town.nobody(), ANY_VERSION | JSON
            answer = await client.request(
                operation.method, operation.url(), content=content, headers=told
            )
            assert_problem(answer, NotSignedIn)


async def test_an_empty_object_is_told_every_member_that_it_lacks(
    town: Town, with_body: list[Operation]
):
    for operation in with_body:
        answer = await _send(town, operation, b"{}")
        _check(answer, what=operation.name)
        assert operation.body is not None
        needed = {f"/body/{name}" for name in operation.body.get("required", ())}
        if needed:
            assert needed <= _pointers(answer), operation.name


async def test_a_correction_without_its_version_is_refused(town: Town, with_body: list[Operation]):
    patches = [each for each in with_body if each.method == "PATCH"]
    assert patches
    for operation in patches:
        assert operation.body is not None
        client, body = await _client(town, operation), operation.sample(operation.body)
        assert_problem(await client.patch(operation.url(), json=body), VersionMissing)
        for version in ("", "*", '"x"', '"-1"', '"1", "2"', '"１"', '"9999999999"', "1.0"):
            told = {"If-Match": version.encode()}
            answer = await client.patch(operation.url(), json=body, headers=told)  # pyright: ignore[reportArgumentType]
            assert_problem(answer, VersionMissing)


async def test_an_address_that_names_no_id_is_pointed_at(town: Town, contract: list[Operation]):
    gu = await town.as_("gu")
    for operation in contract:
        for name in operation.parameters("path"):
            for wrong in ("x", "0", "%00", "..%2f..", "%F0%A0%AE%B7", "';DROP TABLE grids;--"):
                body = None if operation.body is None else operation.sample(operation.body)
                answer = await gu.request(
                    operation.method,
                    operation.url(**{name: wrong}),
                    json=body,
                    headers=ANY_VERSION,
                )
                _check(answer, what=(operation.name, wrong))
                assert answer.status_code in (404, 422), (operation.name, wrong, answer.text)


@pytest.mark.parametrize("wrong", ["", "x", "-1", "0", "1e400", "\x00", "𠮷", "' OR 1=1 --", "nan"])
async def test_a_wrong_filter_or_cursor_is_pointed_at(
    town: Town, contract: list[Operation], wrong: str
):
    gu = await town.as_("gu")
    for operation in (each for each in contract if not each.is_public):
        body = None if operation.body is None else operation.sample(operation.body)
        for name in operation.parameters("query"):
            answer = await gu.request(
                operation.method, operation.url(), params={name: wrong}, json=body
            )
            _check(answer, what=(operation.name, name, wrong))


async def test_whatever_is_read_is_not_narrowed_by_a_name_that_nobody_knows(
    town: Town, contract: list[Operation]
):
    reads = [each for each in contract if each.method == "GET" and each.path.startswith("/v1/")]
    assert len(reads) > 100
    for operation in reads:
        client = await _client(town, operation)
        assert _pointers(await client.get(operation.url(), params={"dai": "1"})) == {"/query/dai"}


def _spoiled(value: Any, wrong: Any) -> Iterator[Any]:
    """The body once for each of its places, with that place spoiled."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from ({**value, name: each} for each in _spoiled(member, wrong))
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from ([*value[:at], each, *value[at + 1 :]] for each in _spoiled(member, wrong))
    else:
        yield wrong


def _bodies(operations: list[Operation], wrong: Any) -> Iterator[tuple[Operation, bytes]]:
    for operation in operations:
        assert operation.body is not None
        for body in _spoiled(operation.sample(operation.body), wrong):
            yield operation, _told(body)


def _told(body: Any) -> bytes:
    """As JSON, escapes included that stand for no character."""
    return json.dumps(body, allow_nan=True).encode()


@pytest.mark.parametrize("wrong", TROUBLE, ids=ascii)
async def test_text_that_harms_or_only_looks_so_is_kept_or_refused_but_never_a_fault(
    town: Town, with_body: list[Operation], wrong: str
):
    guarded = [each for each in with_body if not each.is_public]
    for operation, content in _bodies(guarded, wrong):
        _check(await _send(town, operation, content), what=(operation.name, content))


@pytest.mark.parametrize("wrong", WRONG_KINDS, ids=lambda wrong: ascii(wrong)[:20])
async def test_a_value_of_the_wrong_kind_is_pointed_at(
    town: Town, with_body: list[Operation], wrong: Any
):
    guarded = [each for each in with_body if not each.is_public]
    for operation, content in _bodies(guarded, wrong):
        _check(await _send(town, operation, content), what=(operation.name, content[:300]))
