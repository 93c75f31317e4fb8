"""A long batch that came again is taken back within seconds: its doubles are told anew at once."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import Engine, event

from tests.builders import a_lead_batch, lead_body

WHY = {"reason": "县里重复下发"}


@contextmanager
def _statements() -> Generator[list[str]]:
    """Every statement that is sent through SQLAlchemy meanwhile."""
    sent: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", count)


async def _taken_back(zhou: httpx.AsyncClient, people: int) -> int:
    """How many statements it takes to take back a batch that came twice more."""
    told = [lead_body() for _ in range(people)]
    batches = [await a_lead_batch(zhou) for _ in range(3)]
    for batch in batches:
        items = [{**each, "id": lead_body()["id"]} for each in told]
        path = f"/v1/lead-batches/{batch['id']}/leads/batch"
        assert (await zhou.post(path, json={"items": items})).json()["created"] == people
    path, version = f"/v1/lead-batches/{batches[0]['id']}/discard", {"If-Match": '"1"'}
    with _statements() as sent:
        assert (await zhou.post(path, json=WHY, headers=version)).status_code == 200
    second, third = [await _leads(zhou, batch) for batch in batches[1:]]
    assert {each["duplicate_of_id"] for each in second} == {None}
    assert {each["duplicate_of_id"] for each in third} == {each["id"] for each in second}
    assert {(each["duplicate"], each["version"]) for each in third} == {("proposed", 2)}
    former = (await zhou.get(f"/v1/leads/{third[0]['id']}/history")).json()["items"]
    assert [each["reason"] for each in former] == ["所指的线索已更正或作废"]
    return len(sent)


async def _leads(zhou: httpx.AsyncClient, batch: dict[str, Any]) -> list[dict[str, Any]]:
    asked = {"batch_id": batch["id"], "limit": 500}
    return (await zhou.get("/v1/leads", params=asked)).json()["items"]


async def test_many_doubles_are_told_anew_in_as_many_statements_as_few(zhou: httpx.AsyncClient):
    assert await _taken_back(zhou, 40) == await _taken_back(zhou, 2)
