"""Bodies of events as other systems send them, and what becomes of them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import httpx

from api.foundation import clock

_NTH = count()


def ago(**told: float) -> str:
    return (clock.now() - timedelta(**told)).isoformat()


def by_document(person: dict[str, Any]) -> dict[str, Any]:
    """How another system names somebody of whom it knows the identity number."""
    return {"document_kind": person["document_kind"], "document": person["document"]}


def a_change(person: dict[str, Any], state: str = "green", **told: Any) -> dict[str, Any]:
    """The change of somebody's code an hour ago, with an event id of its own."""
    said = {
        "event_id": f"gx-{next(_NTH)}",
        **by_document(person),
        "state": state,
        "changed_at": ago(hours=1),
        "system": "guangxi",
        **told,
    }
    return {name: value for name, value in said.items() if value is not None}


def a_result(person: dict[str, Any], outcome: str = "negative", **told: Any) -> dict[str, Any]:
    """The result of somebody's sample of this morning, with an event id of its own."""
    said = {
        "event_id": f"lab-{next(_NTH)}",
        **by_document(person),
        "outcome": outcome,
        "sampled_at": ago(hours=8),
        "reported_at": ago(hours=1),
        "laboratory": "县疾控中心",
        **told,
    }
    return {name: value for name, value in said.items() if value is not None}


async def send(
    machine: httpx.AsyncClient, path: str, items: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Send events and answer what became of them."""
    answer = await machine.post(path, json={"items": list(items)})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert [each["event_id"] for each in told["items"]] == [each["event_id"] for each in items]
    return told


def fates(told: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in told["items"]]
