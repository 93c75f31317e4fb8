"""A result that is taken back shows nothing more, and told again it shows it anew (M3.5)."""

from typing import Any

import httpx
import pytest

from api.foundation import clock
from tests.builders import a_diagnostic_test, a_household, a_sample_tube, synthetic_resident
from tests.cast import grid_id


@pytest.fixture
async def people(lin: httpx.AsyncClient) -> list[str]:
    told = [synthetic_resident(relation=each) for each in ("head", "spouse")]
    home = await a_household(lin, grid=grid_id("t.01.01.01"), residents=told)
    return [each["id"] for each in home["residents"]]


async def _says(lin: httpx.AsyncClient, address: str, outcome: str, **told: Any) -> None:
    version = (await lin.get(address)).json()["version"]
    headers = {"If-Match": f'"{version}"'}
    body = {"outcome": outcome, "reason": "化验单登记有误"} | told
    done = await lin.patch(address, json=body, headers=headers)
    assert done.status_code == 200, done.text


async def _alert(lin: httpx.AsyncClient, record: str) -> tuple[str, list[bool]]:
    """Where the alert stands that a record opened, and which of its evidence still counts."""
    listed = await lin.get("/v1/alerts", params={"cause": "positive_test", "limit": 500})
    for each in listed.json()["items"]:
        whole = (await lin.get(f"/v1/alerts/{each['id']}")).json()
        counts = [e["discarded_at"] is None for e in whole["evidence"] if e["record_id"] == record]
        if counts:
            return whole["status"], counts
    raise AssertionError("no such alert")


async def _resolved(lin: httpx.AsyncClient, record: str) -> None:
    listed = (await lin.get("/v1/alerts", params={"cause": "positive_test", "limit": 500})).json()
    for each in listed["items"]:
        path = f"/v1/alerts/{each['id']}"
        shown = (await lin.get(path)).json()["evidence"]
        if record in {e["record_id"] for e in shown}:
            for step, body in (("acknowledge", {}), ("handle", {}), ("resolve", {"note": "误报"})):
                done = await lin.post(f"{path}/{step}", json=body)
                assert done.status_code == 200, done.text
            return
    raise AssertionError("no such alert")


async def test_a_test_that_was_positive_by_mistake_and_then_is_after_all(
    lin: httpx.AsyncClient, people: list[str]
):
    now = clock.now().isoformat()
    told = {"outcome": "positive", "sampled_at": now, "reported_at": now}
    test = (await a_diagnostic_test(lin, people[0], **told))["id"]
    address = f"/v1/tests/{test}"
    assert await _alert(lin, test) == ("open", [True])
    await _says(lin, address, "positive", laboratory="县疾控中心")
    assert await _alert(lin, test) == ("open", [True])
    await _says(lin, address, "negative")
    assert await _alert(lin, test) == ("open", [False])
    await _resolved(lin, test)
    await _says(lin, address, "positive")
    assert await _alert(lin, test) == ("open", [False, True])


async def test_a_pool_that_was_positive_by_mistake_and_then_is_after_all(
    lin: httpx.AsyncClient, people: list[str]
):
    tube = (await a_sample_tube(lin, people))["id"]
    address = f"/v1/sample-tubes/{tube}"
    await _says(lin, address, "positive")
    assert await _alert(lin, tube) == ("open", [True])
    await _says(lin, address, "negative")
    assert await _alert(lin, tube) == ("open", [False])
    await _resolved(lin, tube)
    await _says(lin, address, "inconclusive")
    assert await _alert(lin, tube) == ("open", [False, True])


async def test_a_tube_of_one_is_told_again_as_a_test_of_its_own(
    lin: httpx.AsyncClient, people: list[str]
):
    tube = await a_sample_tube(lin, people[:1], pool_size=1)
    address, test = f"/v1/sample-tubes/{tube['id']}", tube["members"][0]["test_id"]
    await _says(lin, address, "positive")
    assert await _alert(lin, test) == ("open", [True])
    await _says(lin, address, "negative")
    assert await _alert(lin, test) == ("open", [False])
    await _says(lin, address, "positive")
    assert await _alert(lin, test) == ("open", [False, True])
