"""Alerts climb as they must while the workers that let them climb are killed at random."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from api.alerts.models import Cause, EvidenceKind
from api.alerts.opening import Finding, open_alerts
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from tests.cast import TOWNSHIP, grid_id
from tests.operations.hastened import BEGAN, hastened_now

PROGRAM = Path(__file__).with_name("hastened.py")
PATIENCE_SECONDS = 240
STEPS = [
    {"grid_kind": "basic", "roles": ["grid_worker"], "minutes": 3},
    {"grid_kind": "basic", "roles": ["medic"], "minutes": 2},
    {"grid_kind": "village", "roles": ["grid_leader"], "minutes": 5},
    {"grid_kind": "area", "roles": ["grid_worker"], "minutes": 4},
    {"grid_kind": "township", "roles": ["grid_leader"], "minutes": 7},
]
"""Nobody is a medic of a group of villagers: the second step passes to the third at once."""


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    told = orjson.dumps(STEPS).decode()
    await connection.execute("UPDATE alert_policies SET steps = $1 WHERE code = 'urgent'", told)
    yield connection
    await connection.close()


class Crew:
    """Two workers; whoever is killed is replaced."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._workers = [self._start(), self._start()]

    def _start(self) -> "subprocess.Popen[bytes]":
        command = (sys.executable, PROGRAM, "worker")
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self, number: int) -> None:
        self.end(number)
        self._workers[number] = self._start()

    def end(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._workers[number].kill()
        self._workers[number].wait()


@pytest.fixture
def crew(
    addresses: Addresses,
    secrets_of_the_run: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Crew]:
    monkeypatch.setenv(BEGAN, str(time.time()))
    sealing, lookup = secrets_of_the_run
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ONEGRID_DATABASE_URL": addresses.service,
        "ONEGRID_OWNER_DATABASE_URL": addresses.owner,
        "ONEGRID_SEALING_KEYS": sealing,
        "ONEGRID_LOOKUP_KEY": lookup,
    }
    crew = Crew(environment, tmp_path / "worker.log")
    yield crew
    crew.end(0)
    crew.end(1)


async def _open(addresses: Addresses, number: int) -> None:
    findings = [
        Finding(
            cause=Cause.fever,
            subject_id=new_id(),
            grid_id=grid_id("t.01.01.01"),
            reach="t.01.01.01",
            kind=EvidenceKind.report,
            record_id=new_id(),
            found_at=hastened_now(),
        )
        for _ in range(number)
    ]
    connection = await asyncpg.connect(addresses.service)
    await connection.execute(Entry.for_the_house(TOWNSHIP).opening)
    await open_alerts(connection, findings, at=hastened_now())
    await connection.execute("COMMIT")
    await connection.close()


async def _until(owner: asyncpg.Connection, none_left: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while await owner.fetchval(none_left):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.2)


_HOPS = """
    SELECT h.number, h.step, h.told_at, h.due_at, h.vacant,
        lag(h.due_at) OVER (PARTITION BY h.alert_id ORDER BY h.number) AS former_due,
        (SELECT count(*) FROM alert_tellings t WHERE t.alert_id = h.alert_id AND t.hop = h.number)
            AS told
    FROM alert_hops h ORDER BY h.alert_id, h.number
"""


async def test_two_workers_killed_at_random_tell_every_step_once_and_none_before_its_time(
    addresses: Addresses, owner: asyncpg.Connection, crew: Crew
):
    chance = random.Random(2022)
    for _ in range(5):
        await _open(addresses, 8)
        await asyncio.sleep(2 + 2 * chance.random())
        crew.kill(chance.randrange(2))
    await _until(owner, "SELECT count(*) FROM alerts WHERE climbs_at IS NOT NULL")
    hops: list[Any] = await owner.fetch(_HOPS)
    assert [(hop["number"], hop["step"]) for hop in hops] == [(n, n) for n in (1, 2, 3, 4, 5)] * 40
    assert [(hop["vacant"], hop["told"]) for hop in hops] == [
        (number == 2, 0 if number == 2 else 1) for number in (1, 2, 3, 4, 5)
    ] * 40
    early = [hop for hop in hops if hop["former_due"] and hop["told_at"] < hop["former_due"]]
    assert early == []
    for hop in hops:
        minutes = 0 if hop["vacant"] else STEPS[hop["step"] - 1]["minutes"]
        assert hop["due_at"] - hop["told_at"] == timedelta(minutes=minutes)
    events = await owner.fetch("SELECT kind, count(*) FROM events GROUP BY kind ORDER BY kind")
    # Opened once; then the vacant step and the third at once, the fourth, and the fifth.
    assert [tuple(row) for row in events] == [("alert.climbed", 120), ("alert.opened", 40)]
