"""A checkpoint in 柳村 with somebody of the next village on duty, and what a pass is told with."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from tests.builders import a_checkpoint, a_shift
from tests.cast import Town


@pytest.fixture
async def bridge(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A checkpoint in 柳村."""
    return await a_checkpoint(lin, grid="t.01.01")


@pytest.fixture
async def guard(town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]) -> httpx.AsyncClient:
    """覃党员 of 榕村一组, on duty at the bridge since just now."""
    listed = await lin.get("/v1/duty-shifts", params={"place_id": bridge["id"]})
    assert listed.json()["items"] == []
    shifts = await (await town.as_("qin")).get("/v1/duty-shifts")
    for shift in shifts.json()["items"]:
        path = f"/v1/duty-shifts/{shift['id']}/discard"
        headers = {"If-Match": f'"{shift["version"]}"'}
        assert (await lin.post(path, json={"reason": "换岗"}, headers=headers)).status_code == 200
    await a_shift(lin, bridge, worker="qin")
    return await town.as_("qin")


def hours_ago(hours: float) -> str:
    return (clock.now() - timedelta(hours=hours)).isoformat()


def green() -> list[dict[str, Any]]:
    """A green code and a negative test of yesterday."""
    return [
        {"proof": "health_code", "state": "green"},
        {"proof": "negative_test", "sampled_at": hours_ago(20)},
    ]


def code(state: str) -> dict[str, Any]:
    return {"proof": "health_code", "state": state}
