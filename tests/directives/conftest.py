"""Directives as the tests send them."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.jobs import Sweep
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town, grid_id

DIRECTIVES = "/v1/directives"


def directive_body(*, grid: str = "t.01.01", **told: Any) -> dict[str, Any]:
    """The body of a directive to everybody of a grid and below, due in three hours."""
    return {
        "id": str(new_id()),
        "grid_id": str(grid_id(grid)),
        "title": "返乡人员再排查",
        "body": "今日18时前完成再排查，逐户反馈人数。",
        "deadline_at": (clock.now() + timedelta(hours=3)).isoformat(),
        **told,
    }


async def issued(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    """Issue a directive and answer what the service says of it."""
    response = await client.post(DIRECTIVES, json=directive_body(**told))
    assert response.status_code == 201, response.text
    return response.json()


async def receipts(client: httpx.AsyncClient, directive: str, **asked: Any) -> list[dict[str, Any]]:
    """Whom a directive was sent to, as far as this client sees."""
    answer = await client.get(f"{DIRECTIVES}/{directive}/receipts", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def names(client: httpx.AsyncClient, directive: str, **asked: Any) -> set[str]:
    return {each["worker_name"] for each in await receipts(client, directive, **asked)}


async def swept(town: Town, sweep: Sweep, at: datetime) -> int:
    """Let the house look the township over at this instant, as a worker does."""
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        return await sweep(connection, TOWNSHIP, at)
