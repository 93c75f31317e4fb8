"""A knock that finds somebody in quarantine gone or unwilling opens an alert about that person."""

from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import a_household, a_quarantine, a_visit, visit_body

HOME = "t.01.01.01"


@pytest.fixture
async def home(lin: httpx.AsyncClient) -> dict[str, Any]:
    """A household of two, both of them in quarantine at home."""
    home = await a_household(lin, grid=HOME)
    for person in home["residents"]:
        await a_quarantine(lin, resident=person["id"])
    return home


async def _shown(owner: asyncpg.Connection, home: dict[str, Any]) -> list[str]:
    rows = await owner.fetch(
        "SELECT cause FROM alerts JOIN alert_evidence e ON e.alert_id = alerts.id "
        "WHERE household_id = $1 AND e.kind = 'visit' AND e.discarded_at IS NULL ORDER BY cause",
        home["id"],
    )
    return [row["cause"] for row in rows]


async def test_a_household_that_refuses_is_an_alert_for_each_of_its_quarantined(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    await a_visit(lin, home, outcome="refused")
    assert await _shown(owner, home) == ["refusal", "refusal"]


async def test_nobody_at_home_is_an_absence_and_nobody_on_the_telephone_is_not(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    await a_visit(lin, home, outcome="absent", mode="phone")
    assert await _shown(owner, home) == []
    await a_visit(lin, home, outcome="absent")
    assert await _shown(owner, home) == ["absence", "absence"]


async def test_a_household_without_quarantine_may_refuse_without_alarm(
    lin: httpx.AsyncClient, owner: asyncpg.Connection
):
    home = await a_household(lin, grid=HOME)
    await a_visit(lin, home, outcome="refused")
    assert await _shown(owner, home) == []


async def test_a_visit_before_the_quarantine_shows_nothing(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    before = (clock.now() - timedelta(days=2)).isoformat()
    await a_visit(lin, home, outcome="refused", visited_at=before)
    assert await _shown(owner, home) == []


async def test_a_batch_opens_what_each_of_its_visits_shows(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    items = [visit_body(home, outcome="refused"), visit_body(home)]
    for _ in range(2):
        answer = await lin.post("/v1/visits/batch", json={"items": items})
        assert answer.status_code == 200, answer.text
    assert await _shown(owner, home) == ["refusal", "refusal"]


async def test_a_corrected_visit_may_show_it_and_a_discarded_one_shows_it_no_more(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    visit = await a_visit(lin, home, id=str(new_id()))
    path = f"/v1/visits/{visit['id']}"
    said = {"outcome": "refused", "reason": "看错一户"}
    corrected = await lin.patch(path, json=said, headers={"If-Match": '"1"'})
    assert corrected.status_code == 200, corrected.text
    assert await _shown(owner, home) == ["refusal", "refusal"]
    why = {"reason": "登记错了"}
    await lin.post(f"{path}/discard", json=why, headers={"If-Match": '"2"'})
    assert await _shown(owner, home) == []


async def test_a_visit_corrected_shows_what_it_says_now_and_nothing_else(
    lin: httpx.AsyncClient, home: dict[str, Any], owner: asyncpg.Connection
):
    visit = await a_visit(lin, home, id=str(new_id()), outcome="refused")
    path = f"/v1/visits/{visit['id']}"
    for version, (outcome, shown) in enumerate(
        [("absent", ["absence"] * 2), ("met", []), ("refused", ["refusal"] * 2)], start=1
    ):
        said = {"outcome": outcome, "reason": "记错了结果"}
        corrected = await lin.patch(path, json=said, headers={"If-Match": f'"{version}"'})
        assert corrected.status_code == 200, corrected.text
        assert await _shown(owner, home) == shown
