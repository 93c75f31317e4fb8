"""One open alert for each cause and subject, whoever opens it; who is told, step by step."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from api.access.permissions import Role
from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, evidence_discarded, open_alert, open_alerts
from api.foundation import clock
from api.foundation.database import Database
from api.foundation.records import new_id
from tests.alerts.conftest import HOUSE, finding
from tests.cast import Town, grid_id, id_of


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
    assert await opened(town.database, more, said, more) == [first, None, None]
    evidence = await owner.fetchval(
        "SELECT count(*) FROM alert_evidence WHERE alert_id = $1", first
    )
    hops = await owner.fetchval("SELECT count(*) FROM alert_hops WHERE alert_id = $1", first)
    assert (evidence, hops) == (2, 1)
    told = await owner.fetch("SELECT kind FROM events WHERE subject_id = $1 ORDER BY seq", first)
    assert [each["kind"] for each in told] == ["alert.opened", "alert.evidence"]


async def test_many_who_open_at_once_open_one(town: Town, owner: asyncpg.Connection):
    subject = new_id()
    every = await asyncio.gather(
        *(opened(town.database, finding(subject_id=subject)) for _ in range(8))
    )
    assert len({alert for [alert] in every}) == 1
    hops = await owner.fetchval("SELECT count(*) FROM alert_hops WHERE alert_id = $1", every[0][0])
    assert hops == 1


@pytest.fixture
async def steps(owner: asyncpg.Connection) -> AsyncGenerator[Any]:
    """Puts other steps in the place of those of the urgent policy, until the story ends."""
    urgent = "UPDATE alert_policies SET steps = $1 WHERE code = 'urgent'"
    former = await owner.fetchval("SELECT steps FROM alert_policies WHERE code = 'urgent'")

    async def put(*told: tuple[str, list[Role], int]) -> None:
        said = [dict(zip(("grid_kind", "roles", "minutes"), each, strict=True)) for each in told]
        await owner.execute(urgent, orjson.dumps(said).decode())

    yield put
    await owner.execute(urgent, former)


async def _hops(owner: asyncpg.Connection, alert: UUID | None) -> list[tuple[Any, ...]]:
    rows = await owner.fetch(
        "SELECT h.number, h.step, h.vacant, array_agg(t.worker_name ORDER BY t.worker_name) "
        "FILTER (WHERE t.id IS NOT NULL) AS told FROM alert_hops h LEFT JOIN alert_tellings t "
        "ON t.alert_id = h.alert_id AND t.hop = h.number WHERE h.alert_id = $1 "
        "GROUP BY h.number, h.step, h.vacant ORDER BY h.number",
        alert,
    )
    return [tuple(row) for row in rows]


async def test_where_nobody_serves_the_next_step_is_told_at_once(
    town: Town, owner: asyncpg.Connection, steps: Any
):
    await steps(("basic", [Role.medic], 10), ("area", [Role.grid_worker], 20))
    [alert] = await opened(town.database, finding())
    assert await _hops(owner, alert) == [(1, 1, True, None), (2, 2, False, ["李委员"])]
    row = await owner.fetchrow("SELECT * FROM alerts WHERE id = $1", alert)
    assert row is not None
    assert row["climbs_at"] is None
    assert (row["answer_by"] - row["opened_at"]).total_seconds() == 30 * 60


async def test_behind_an_empty_chain_stand_those_who_lead_the_township(
    town: Town, owner: asyncpg.Connection, steps: Any
):
    await steps(("micro", [Role.grid_leader], 10), ("township", [Role.police_officer], 20))
    [alert] = await opened(town.database, finding())
    assert await _hops(owner, alert) == [
        (1, 1, True, None),
        (2, 2, True, None),
        (3, 3, False, ["周书记", "顾管理"]),
    ]


async def test_who_holds_two_posts_is_told_once(town: Town, owner: asyncpg.Connection, steps: Any):
    await steps(("village", [Role.grid_leader, Role.cadre], 10))
    post = "INSERT INTO posts (id, version, worker_id, grid_id, role, began_at, reach) "
    values = "VALUES ($1, 1, $2, $3, 'cadre', $4, 't.01.01')"
    told = (new_id(), id_of("lin"), grid_id("t.01.01"), clock.now())
    await owner.execute(post + values, *told)
    [alert] = await opened(town.database, finding())
    await owner.execute("DELETE FROM posts WHERE id = $1", told[0])
    assert await _hops(owner, alert) == [(1, 1, False, ["单干部", "林支书"])]


async def test_whoever_has_left_or_not_begun_is_not_told(
    town: Town, owner: asyncpg.Connection, steps: Any
):
    await steps(("village", [Role.grid_leader], 10), ("township", [Role.grid_leader], 20))
    post = "UPDATE posts SET ended_at = $1 WHERE worker_id = $2"
    await owner.execute(post, clock.now(), id_of("lin"))
    [alert] = await opened(town.database, finding())
    await owner.execute(post, None, id_of("lin"))
    assert await _hops(owner, alert) == [(1, 1, True, None), (2, 2, False, ["周书记"])]


async def test_the_plan_of_a_quarantine_names_the_policy_and_else_the_newest_that_holds_the_cause(
    town: Town, owner: asyncpg.Connection
):
    newer = (
        "INSERT INTO alert_policies SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', gen_random_uuid(), 'code', 'of_late', 'effective_from', '2021-01-01'))).* "
        "FROM alert_policies p WHERE code = 'routine'"
    )
    await owner.execute(newer)
    of = "SELECT code FROM alerts a JOIN alert_policies p ON p.id = a.policy_id WHERE a.id = $1"
    for cause, code in ((Cause.fever, "urgent"), (Cause.absence, "of_late")):
        [alert] = await opened(town.database, finding(cause=cause))
        assert await owner.fetchval(of, alert) == code
    await owner.execute(
        "UPDATE alert_policies SET effective_to = '2021-12-31' WHERE code = 'of_late'"
    )
    [alert] = await opened(town.database, finding(cause=Cause.absence))
    assert await owner.fetchval(of, alert) == "routine"
    await owner.execute("UPDATE alert_policies SET causes = '{fever}' WHERE code = 'routine'")
    [alert] = await opened(town.database, finding(cause=Cause.refusal))
    assert await owner.fetchval(of, alert) is not None


async def test_both_doors_open_the_same(town: Town, owner: asyncpg.Connection):
    said = finding(note_sealed=b"\\x01")
    async with town.database.session(HOUSE) as session:
        first = await open_alert(session, said)
    async with town.database.connection(HOUSE) as connection:
        again = await open_alert(connection, said)
    kept = await owner.fetchval("SELECT note_sealed FROM alert_evidence WHERE alert_id = $1", first)
    assert (again, kept) == (None, said.note_sealed)


async def test_what_is_discarded_says_since_when_it_shows_nothing(
    town: Town, owner: asyncpg.Connection
):
    said = finding()
    await opened(town.database, said)
    async with town.database.connection(HOUSE) as connection:
        await evidence_discarded(connection, EvidenceKind.report, said.record_id)
    at = "SELECT discarded_at FROM alert_evidence WHERE record_id = $1"
    assert await owner.fetchval(at, said.record_id) == clock.now()


async def test_many_who_open_many_at_once_never_lock_each_other_up(town: Town):
    subjects = [new_id() for _ in range(30)]

    async def told(order: int) -> list[UUID | None]:
        wanted = subjects[::order]
        return await opened(town.database, *(finding(subject_id=each) for each in wanted))

    forth, back = await asyncio.gather(told(1), told(-1))
    assert forth == back[::-1]
