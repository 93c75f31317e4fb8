"""One open alert for each cause and subject, whoever opens it; who is told, step by step."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation import clock
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, Town, grid_id, id_of

HOUSE = Entry.for_the_house(TOWNSHIP)
HOME = "t.01.01.01"


def finding(**told: Any) -> Finding:
    said: dict[str, Any] = {
        "cause": Cause.fever,
        "subject_id": new_id(),
        "grid_id": grid_id(HOME),
        "reach": HOME,
        "kind": EvidenceKind.report,
        "record_id": new_id(),
        "found_at": clock.now(),
    }
    return Finding(**said | told)


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    yield connection
    await connection.close()


async def opened(database: Database, *findings: Finding) -> list[UUID | None]:
    async with database.connection(HOUSE) as connection:
        return await open_alerts(connection, findings)


async def test_an_alert_is_told_to_the_leader_of_the_village(town: Town, owner: asyncpg.Connection):
    said = finding()
    [alert] = await opened(town.database, said)
    row = await owner.fetchrow("SELECT * FROM alerts WHERE id = $1", alert)
    assert row is not None
    assert (row["status"], row["hop"], row["step"], row["version"]) == ("open", 1, 1, 1)
    assert (row["climbs_at"] - row["opened_at"]).total_seconds() == 15 * 60
    assert (row["answer_by"] - row["opened_at"]).total_seconds() == 120 * 60
    told = await owner.fetch("SELECT * FROM alert_tellings WHERE alert_id = $1", alert)
    assert [each["worker_id"] for each in told] == [id_of("lin")]
    [hop] = await owner.fetch("SELECT * FROM alert_hops WHERE alert_id = $1", alert)
    assert (hop["number"], hop["vacant"], hop["told_grid_id"]) == (1, False, grid_id("t.01.01"))
    kinds = await owner.fetch("SELECT kind FROM events WHERE subject_id = $1", alert)
    assert [each["kind"] for each in kinds] == ["alert.opened"]


async def test_the_same_evidence_changes_nothing_and_more_of_it_is_added(
    town: Town, owner: asyncpg.Connection
):
    said = finding()
    [first] = await opened(town.database, said)
    assert await opened(town.database, said) == [None]
    more = finding(subject_id=said.subject_id)
    assert await opened(town.database, more, said, more) == [first, None, first]
    evidence = await owner.fetchval(
        "SELECT count(*) FROM alert_evidence WHERE alert_id = $1", first
    )
    hops = await owner.fetchval("SELECT count(*) FROM alert_hops WHERE alert_id = $1", first)
    assert (evidence, hops) == (2, 1)


async def test_many_who_open_at_once_open_one(town: Town, owner: asyncpg.Connection):
    subject = new_id()
    every = await asyncio.gather(
        *(opened(town.database, finding(subject_id=subject)) for _ in range(8))
    )
    assert len({alert for [alert] in every}) == 1
    hops = await owner.fetchval("SELECT count(*) FROM alert_hops WHERE alert_id = $1", every[0][0])
    assert hops == 1
