"""What nobody measured is told once its grace is over: each window once, and none is lost."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import time_machine

from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town
from tests.readings.conftest import DAY, at, reading_body, signed_in

Look = Callable[..., Awaitable[int]]
MORNING = f"{DAY}/morning"
EVENING = f"{DAY}/evening"


async def _missed(owner: asyncpg.Connection, quarantine: dict[str, Any]) -> list[str]:
    rows = await owner.fetch(
        "SELECT e.key FROM alerts a JOIN alert_evidence e ON e.alert_id = a.id "
        "WHERE a.cause = 'missed_reading' AND a.resident_id = $1 AND a.quarantine_id = $2 "
        "AND e.kind = 'missed_window' AND e.record_id = $2 ORDER BY e.found_at",
        quarantine["resident_id"],
        quarantine["id"],
    )
    return [row["key"] for row in rows]


async def test_a_missed_window_is_told_when_its_grace_is_over_and_not_before(
    look: Look, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await look(8, 20)
    await look(11, 59)
    assert await _missed(owner, quarantine) == []
    await look(12)
    assert await _missed(owner, quarantine) == [MORNING]
    await look(12, 1)
    await look(21, 59)
    assert await _missed(owner, quarantine) == [MORNING]
    await look(22)
    assert await _missed(owner, quarantine) == [MORNING, EVENING]
    alerts = "SELECT count(*) FROM alerts WHERE resident_id = $1"
    assert await owner.fetchval(alerts, quarantine["resident_id"]) == 1


async def test_what_was_measured_or_told_with_a_reason_is_not_missed(
    look: Look, lin: httpx.AsyncClient, ming: httpx.AsyncClient, owner: asyncpg.Connection
):
    measured, absent = await a_quarantine(lin), await a_quarantine(lin)
    await look(8, 20)
    await ming.post("/v1/readings", json=reading_body(measured))
    exceptions = [{"quarantine_id": absent["id"], "not_measured": "absent"}]
    told = await ming.post("/v1/rounds", json={"id": str(new_id()), "exceptions": exceptions})
    assert told.json()["refused"] == 0, told.text
    await look(12)
    assert await _missed(owner, measured) == []
    assert await _missed(owner, absent) == []


async def test_who_is_in_hospital_misses_nothing_while_there(
    town: Town, look: Look, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await look(8, 20)
    ming = await signed_in(town, "ming")
    entry = {"id": str(new_id()), "kind": "in_hospital", "since_at": at(8, 10).isoformat()}
    path = f"/v1/quarantines/{quarantine['id']}/whereabouts"
    assert (await ming.post(path, json=entry)).status_code == 201
    await look(12)
    ming = await signed_in(town, "ming")
    back = {"id": str(new_id()), "kind": "at_home", "since_at": at(11, 30).isoformat()}
    assert (await ming.post(path, json=back)).status_code == 201
    await look(22)
    assert await _missed(owner, quarantine) == [EVENING]


async def test_a_window_that_closed_before_the_quarantine_was_known_was_nobodys(
    town: Town, look: Look, morning: time_machine.Traveller, owner: asyncpg.Connection
):
    await look(8, 20)
    morning.move_to(at(11, 30))
    begun = await a_quarantine(await signed_in(town, "lin"))
    await look(12)
    assert await _missed(owner, begun) == []
    await look(22)
    assert await _missed(owner, begun) == [EVENING]


async def test_after_a_stop_of_days_every_window_of_them_is_found(
    look: Look, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await look(8, 20)
    await look(9, days=3)
    days = [at(0, days=number).date() for number in range(3)]
    every = [f"{day}/{window}" for day in days for window in ("morning", "evening")]
    assert await _missed(owner, quarantine) == every


async def test_whoever_has_no_stage_on_a_day_is_not_missed_on_it(
    look: Look, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    await look(8, 20)
    last = "UPDATE quarantine_stages SET ends_on = starts_on WHERE quarantine_id = $1"
    await owner.execute(last, quarantine["id"])
    await look(9, days=3)
    assert await _missed(owner, quarantine) == [MORNING, EVENING]


async def test_the_plan_of_a_quarantine_may_give_another_grace(
    look: Look, quarantine: dict[str, Any], owner: asyncpg.Connection
):
    protocol = new_id()
    await owner.execute(
        "INSERT INTO protocols (code, revision, name, legal_basis, effective_from, id, version, "
        "disease, issuing_body, source, status, document, activated_at) VALUES "
        "($2, 1, '试行', '试行', '2022-01-01', $1, 1, 'x', 'x', 'x', 'active', '{}', now())",
        protocol,
        f"rule_{protocol.hex[-8:]}",
    )
    await owner.execute(
        "INSERT INTO quarantine_plans (reach, id, version, quarantine_id, protocol_id, plan_code, "
        "clause, facts, alert_policies, decided_at, decided_by) "
        "SELECT reach, gen_random_uuid(), 1, id, $2, 'x', 'x', '{}', "
        """'{"missed_reading": "urgent"}', now(), entered_by """
        "FROM quarantines WHERE id = $1",
        quarantine["id"],
        protocol,
    )
    await look(8, 20)
    await look(10, 59)
    assert await _missed(owner, quarantine) == []
    await look(11)
    assert await _missed(owner, quarantine) == [MORNING]


async def test_it_looks_once_whoever_looks(look: Look, quarantine: dict[str, Any], town: Town):
    await look(8, 20)
    missed = await look(12)
    assert missed >= 1
    assert await look(12) == 0
