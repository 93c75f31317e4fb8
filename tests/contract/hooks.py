"""Lets schemathesis ask for things that are there, and check that each problem has its name."""

import json
import os
import random
from typing import Any

import schemathesis

from api.foundation.contract import PROBLEM_MEDIA_TYPE

KNOWN: dict[str, list[str]] = json.loads(os.environ.get("ONEGRID_KNOWN", "{}"))
EARLY = ('"1"', '"2"', '"3"')
"""The versions of what was corrected at most twice."""
BAD_REQUEST = 400

_chance = random.Random(2022)


@schemathesis.hook
def before_call(_: Any, case: schemathesis.Case, __: dict[str, Any]) -> None:
    """Put ids that are known in half of the places that ask for one, and versions likewise."""
    _know(case.path_parameters)
    _know(case.query)
    _know(case.body)
    headers = case.headers
    if headers and "If-Match" in headers and _often():
        headers["If-Match"] = _chance.choice(EARLY)


@schemathesis.check
def problem_is_named(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Every problem that an operation answers stands in its contract by name.

    The token endpoint and FHIR say what is wrong in forms of their own.
    """
    operation = case.operation
    if response.status_code < BAD_REQUEST or case.method.upper() != operation.method.upper():
        return
    if PROBLEM_MEDIA_TYPE not in response.headers.get("content-type", [""])[0]:
        return
    told: dict[str, Any] = operation.definition.raw["responses"].get(str(response.status_code), {})
    named: dict[str, Any] = told.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}).get("examples", {})
    name = response.json()["type"].rpartition("/")[2]
    assert name in named, f"{operation.label} answers {name}, which its contract does not name"


def _know(part: Any) -> None:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in KNOWN and isinstance(value, str) and _often():
                part[name] = _chance.choice(KNOWN[name])
            else:
                _know(value)
    elif isinstance(part, list):
        for each in part:
            _know(each)


def _often() -> bool:
    return _chance.random() < 0.5
