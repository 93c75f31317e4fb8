"""JSON is read as it stands, and refused where a name stands twice in one object."""

import json

import pytest
from fastapi.exceptions import RequestValidationError

from api.foundation.reading import read_once


@pytest.mark.parametrize("told", [{}, [], {"a": [{"b": 1}, {"b": 1}], "b": {"a": None}}, "a", 1.5])
def test_what_stands_once_is_read(told: object):
    assert read_once(json.dumps(told).encode()) == told


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ('{"a": 1, "a": 1}', [("body", "a")]),
        ('{"a": 1, "\\u0061": 2, "b": 3, "a": 4}', [("body", "a")]),
        (
            '[0, {"a": {"b": 1, "c": 2, "b": 3, "c": 4}}]',
            [("body", 1, "a", "b"), ("body", 1, "a", "c")],
        ),
        ('{"a": {"b": 1, "b": 2}, "a": {}}', [("body", "a")]),
        ('{"a/b": {"~": 1, "~": 1}}', [("body", "a/b", "~")]),
    ],
)
def test_what_stands_twice_is_pointed_at(said: str, places: list[tuple[object, ...]]):
    with pytest.raises(RequestValidationError) as refused:
        read_once(said.encode())
    assert [each["loc"] for each in refused.value.errors()] == places


@pytest.mark.parametrize(
    "said", [b"", b"{", b"{'a': 1}", b"\xff", b"[" * 100_000, b"\xef\xbb\xbf{]"]
)
def test_what_is_no_json_is_malformed(said: bytes):
    with pytest.raises(RequestValidationError) as refused:
        read_once(said)
    assert [each["type"] for each in refused.value.errors()] == ["json_invalid"]


def test_however_deep_it_stands():
    deep = b'{"a":' * 400 + b'{"b": 1, "b": 2}' + b"}" * 400
    with pytest.raises(RequestValidationError) as refused:
        read_once(deep)
    assert len(refused.value.errors()[0]["loc"]) == 402
