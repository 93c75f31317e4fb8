"""The operations of the contract, each with a body that somebody could send."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from api.access.permissions import Permission
from api.clients.scopes import Scope
from api.foundation import clock
from api.foundation.records import new_id

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_METHODS = ("get", "post", "put", "patch", "delete")
ANY_VERSION = {"If-Match": '"1"'}


@dataclass(frozen=True)
class Operation:
    """One operation as its contract tells it; `permission` is None where signing in is enough.

    `scope` is what a machine client needs; only what `for_workers` alone is has a permission.
    """

    name: str
    method: str
    path: str
    is_public: bool
    for_workers: bool
    scope: Scope | None
    permission: Permission | None
    told: dict[str, Any]
    document: dict[str, Any]

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the JSON it is sent, or None where it is sent none."""
        content = self.told.get("requestBody", {}).get("content", {}).get("application/json")
        return self.resolved(content["schema"]) if content else None

    @property
    def sends_a_file(self) -> bool:
        """Whether it is sent something else than JSON."""
        return "requestBody" in self.told and self.body is None

    @property
    def creates(self) -> bool:
        """Whether it keeps a record with the sender's id: new the first time, known the second."""
        return {"200", "201"} <= self.told["responses"].keys()

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """The schemas of its parameters in the path or the query."""
        every = self.told.get("parameters", [])
        return {each["name"]: each["schema"] for each in every if each["in"] == place}

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        reference = schema.get("$ref")
        if reference is None:
            return schema
        return self.document["components"]["schemas"][reference.rpartition("/")[2]]

    def url(self, **known: str) -> str:
        """Its address, with random ids for whatever is not known; a stream for no time at all."""
        parts = {
            name: known.get(name) or self.sample(schema)
            for name, schema in self.parameters("path").items()
        }
        said = self.told["responses"].get("200", {}).get("content", {})
        return self.path.format(**parts) + "?seconds=0" * ("text/event-stream" in said)

    def sample(self, schema: dict[str, Any]) -> Any:
        """A value that holds this schema: its example, or the least that it asks for."""
        schema = self.resolved(schema)
        if "anyOf" in schema:
            return self.sample(schema["anyOf"][0])
        if "examples" in schema:
            return _as_of_today(schema["examples"][0])
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            members: dict[str, Any] = schema.get("properties", {})
            return {name: self.sample(members[name]) for name in schema.get("required", ())}
        if schema.get("type") == "array":
            return [self.sample(schema["items"])] * schema.get("minItems", 0)
        return str(new_id()) if schema.get("format") == "uuid" else None


def _as_of_today(example: Any) -> Any:
    """An example with ids of its own; who comes under control in it does so today."""
    told = example if isinstance(example, dict) else {}
    begins = told.get("control_started_on") or told.get("started_on")
    later = clock.today() - date.fromisoformat(begins) if begins else timedelta(0)
    return _made_new(example, later)


def _made_new(part: Any, later: timedelta) -> Any:
    if isinstance(part, dict):
        return {name: _made_new(value, later) for name, value in part.items()}
    if isinstance(part, list):
        return [_made_new(value, later) for value in part]
    if isinstance(part, str) and _DAY.fullmatch(part):
        return (date.fromisoformat(part) + later).isoformat()
    return str(new_id()) if isinstance(part, str) and _ID.fullmatch(part) else part


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of an OpenAPI document of this service."""
    for path, item in document["paths"].items():
        for method in (name for name in item if name in _METHODS):
            told = item[method]
            needed = {name: said for each in told["security"] for name, said in each.items()}
            held, scopes = needed.get("worker_token"), needed.get("machine_client")
            yield Operation(
                name=told["operationId"],
                method=method.upper(),
                path=path,
                is_public=not needed,
                for_workers=held is not None and scopes is None,
                scope=Scope(scopes[0]) if scopes else None,
                permission=Permission(held[0]) if held else None,
                told=told,
                document=document,
            )
