"""What a day of duties needs: stages with what is due in them, and the days of those who serve."""

import json
from datetime import date, timedelta
from typing import Any

import httpx

from api.foundation.database import Connection, Database, Entry
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town
from tests.readings.conftest import DAY, signed_in

_LAID = """
    INSERT INTO quarantine_stages (id, version, reach, quarantine_id, ordinal, category, starts_on,
        ends_on, counted_from, day_index_base, credited_days, monitoring_policy_id, care_policy_id,
        tests, test_window_hours, on_missed_test, visits_per_day, calls_per_day, cohabitant_rule,
        leave_home, site_checklist)
    SELECT $1, 1, q.reach, q.id, $2, q.category, $3::date, $4::date, $3::date, 1, 0,
        q.monitoring_policy_id, q.care_policy_id, $5::jsonb, 24, 'reschedule', $6, $7, $8,
        'never', $9::jsonb
    FROM quarantines AS q WHERE q.id = $10
"""


async def lay_stage(
    connection: Connection, quarantine: dict[str, Any], *, ordinal: int = 1, **told: Any
) -> None:
    """One stage of a quarantine, as a protocol would have laid it."""
    starts_on: date = told.get("starts_on", DAY)
    await connection.execute(
        _LAID,
        new_id(),
        ordinal,
        starts_on,
        told.get("ends_on", starts_on + timedelta(days=13)),
        json.dumps(
            [{"kind": "nucleic_acid", "samples": 1, **each} for each in told.get("tests", [])]
        ),
        told.get("visits_per_day", 0),
        told.get("calls_per_day", 0),
        told.get("cohabitant_rule", "none"),
        json.dumps(told.get("site_checklist", [])),
        quarantine["id"],
    )


async def only_stage(owner: Database, quarantine: dict[str, Any], **told: Any) -> None:
    """The quarantine runs through this stage and no other."""
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        gone = "DELETE FROM quarantine_stages WHERE quarantine_id = $1"
        await connection.execute(gone, quarantine["id"])
        await lay_stage(connection, quarantine, **told)


async def my_day(town: Town, name: str) -> dict[str, Any]:
    """Somebody's day, by the moved clock."""
    async with await signed_in(town, name) as client:
        return await day_of(client)


async def day_of(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/my-day")
    assert answer.status_code == 200, answer.text
    return answer.json()


def duties_of(day: dict[str, Any], person: str | None = None) -> list[tuple[str, str]]:
    """Kind and state of everything in a day that concerns this resident, in its order."""
    return [
        (duty["kind"], duty["state"])
        for stop in day["stops"]
        for duty in stop["duties"]
        if person is None or (duty["person"] or {}).get("id") == person
    ]


EVERYBODY = ("han", "wei", "li", "zhou", "lin", "gu")


async def waiting(town: Town, kind: str, subject: str) -> dict[str, str]:
    """Who has something of this kind about this subject in their day, and what they are to do."""
    found: dict[str, str] = {}
    for name in EVERYBODY:
        for stop in (await my_day(town, name))["stops"]:
            for duty in stop["duties"]:
                report = duty["report"]
                if duty["kind"] == kind and subject in {
                    *report["path"].split("/"),
                    *report["body"].values(),
                    (duty["person"] or {}).get("id"),
                }:
                    found[name] = report["path"].rpartition("/")[2]
    return found


async def done(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()
