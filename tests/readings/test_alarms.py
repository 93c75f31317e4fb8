"""What is abnormal opens an alert with the record that shows it, however it was told."""

from typing import Any

import asyncpg
import httpx

from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town
from tests.readings.conftest import reading_body, signed_in

Shown = list[tuple[str, str, int, bool]]


async def _shown(owner: asyncpg.Connection, quarantine: dict[str, Any]) -> Shown:
    """Cause, kind, how many records show it, and whether all of them were discarded."""
    rows = await owner.fetch(
        "SELECT cause, min(kind) AS kind, count(*) AS records, "
        "bool_and(discarded_at IS NOT NULL) AS discarded FROM alerts a "
        "JOIN alert_evidence e ON e.alert_id = a.id "
        "WHERE a.quarantine_id = $1 AND a.resident_id = $2 AND a.household_id = $3 "
        "GROUP BY a.id, cause ORDER BY cause",
        *(quarantine[name] for name in ("id", "resident_id", "household_id")),
    )
    return [tuple(row) for row in rows]


async def _sent(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def test_a_normal_temperature_opens_nothing(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await _sent(ming, "/v1/readings", reading_body(quarantine))
    assert await _shown(owner, quarantine) == []


async def test_fever_and_symptoms_are_two_alerts_and_sent_again_they_are_no_more(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    body = reading_body(quarantine, value_c=38.2, symptoms=["dry_cough", "fatigue"])
    for _ in range(2):
        await _sent(ming, "/v1/readings", body)
    wanted = [("fever", "reading", 1, False), ("symptom", "reading", 1, False)]
    assert await _shown(owner, quarantine) == wanted


async def test_symptoms_without_fever_are_one_alert(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await _sent(ming, "/v1/readings", reading_body(quarantine, symptoms=["fatigue"]))
    assert await _shown(owner, quarantine) == [("symptom", "reading", 1, False)]


async def test_one_on_duty_from_elsewhere_opens_it_as_well(
    town: Town, lin: httpx.AsyncClient, owner: asyncpg.Connection
):
    served = await a_quarantine(lin, team=("ming", "pang", "ba", "qin"))
    qin = await signed_in(town, "qin")
    await _sent(qin, "/v1/readings", reading_body(served, value_c=38.2))
    assert await _shown(owner, served) == [("fever", "reading", 1, False)]


async def test_a_round_opens_what_each_of_its_exceptions_shows(
    lin: httpx.AsyncClient, ming: httpx.AsyncClient, owner: asyncpg.Connection
):
    hot, absent, refusing, there = [await a_quarantine(lin) for _ in range(4)]
    exceptions = [
        {"quarantine_id": hot["id"], "value_c": 39.0, "symptoms": []},
        {"quarantine_id": absent["id"], "not_measured": "absent"},
        {"quarantine_id": refusing["id"], "not_measured": "refused"},
        {"quarantine_id": there["id"], "not_measured": "in_hospital"},
    ]
    body = {"id": str(new_id()), "exceptions": exceptions}
    for _ in range(2):
        await _sent(ming, "/v1/rounds", body)
    assert await _shown(owner, hot) == [("fever", "reading", 1, False)]
    assert await _shown(owner, absent) == [("absence", "not_taken", 1, False)]
    assert await _shown(owner, refusing) == [("refusal", "not_taken", 1, False)]
    assert await _shown(owner, there) == []


async def test_a_correction_that_shows_fever_opens_it_and_a_discarded_reading_shows_it_no_more(
    ming: httpx.AsyncClient, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    kept = await _sent(ming, "/v1/readings", reading_body(quarantine))
    path = f"/v1/readings/{kept['id']}"
    await _corrected(ming, kept, 1, 38.5)
    assert await _shown(owner, quarantine) == [("fever", "reading", 1, False)]
    await _corrected(ming, kept, 2, 36.5)
    assert await _shown(owner, quarantine) == [("fever", "reading", 1, True)]
    await _corrected(ming, kept, 3, 38.5)
    assert await _shown(owner, quarantine) == [("fever", "reading", 2, False)]
    await _sent(ming, f"{path}/discard", {"reason": "登记到了别人名下"})
    assert await _shown(owner, quarantine) == [("fever", "reading", 2, True)]


async def test_fever_after_all_is_told_again_when_its_alert_was_closed_because_there_was_none(
    town: Town, ming: httpx.AsyncClient, lin: httpx.AsyncClient, quarantine: dict[str, Any]
):
    kept = await _sent(ming, "/v1/readings", reading_body(quarantine, value_c=38.2))
    await _corrected(ming, kept, 1, 36.2)
    about = {"quarantine_id": quarantine["id"]}
    [alert] = (await lin.get("/v1/alerts", params=about)).json()["items"]
    path, zhou = f"/v1/alerts/{alert['id']}", await town.as_("zhou")
    for client, step in ((lin, "acknowledge"), (lin, "handle"), (lin, "resolve"), (zhou, "verify")):
        await _sent(client, f"{path}/{step}", {"note": "看错了体温计"})
    await _corrected(ming, kept, 2, 38.2)
    opened = (await lin.get("/v1/alerts", params=about | {"status": "open"})).json()["items"]
    assert [each["cause"] for each in opened] == ["fever"]
    assert opened[0]["id"] != alert["id"]


async def _corrected(
    client: httpx.AsyncClient, reading: dict[str, Any], version: int, value: float
) -> None:
    said = {"value_c": value, "reason": "录入时看错一行"}
    headers = {"If-Match": f'"{version}"'}
    done = await client.patch(f"/v1/readings/{reading['id']}", json=said, headers=headers)
    assert done.status_code == 200, done.text
