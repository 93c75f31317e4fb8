"""Whoever is killed at whatever moment, receiver or worker: every event arrives, and in order."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from tests.builders import a_quarantine
from tests.cast import Town
from tests.machines import a_machine

HERE = Path(__file__).parent
HOUSE = HERE.parents[1]
PATIENCE_SECONDS = 300
ROUNDS, PERSONS, CHANGES = 6, 5, 3


@dataclass
class Stage:
    """The processes that are on, each with the command that it is replaced by."""

    environment: dict[str, str]
    log: Path
    on: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *command: str | Path) -> None:
        with self.log.open("ab") as log:
            self.on[name] = subprocess.Popen(
                (sys.executable, *command), env=self.environment, stdout=log, stderr=log
            )

    def told(self) -> str:
        return self.log.read_text()[-4000:]

    def kill(self, name: str) -> None:
        with suppress(ProcessLookupError):
            self.on[name].kill()
        self.on[name].wait()


@pytest.fixture
def stage(
    addresses: Addresses, secrets_of_the_run: tuple[str, str], tmp_path: Path
) -> Iterator[Stage]:
    sealing, lookup = secrets_of_the_run
    environment = {
        **os.environ,
        "PYTHONPATH": str(HOUSE),
        "ONEGRID_DATABASE_URL": addresses.service,
        "ONEGRID_OWNER_DATABASE_URL": addresses.owner,
        "ONEGRID_SEALING_KEYS": sealing,
        "ONEGRID_LOOKUP_KEY": lookup,
        "ONEGRID_WEBHOOK_PRIVATE_ADDRESSES": "127.0.0.1/32",
        "ONEGRID_WEBHOOK_PLAIN_HTTP": "true",
    }
    stage = Stage(environment, tmp_path / "processes.log")
    yield stage
    for name in stage.on:
        stage.kill(name)


async def _subscribe(town: Town, port: int) -> tuple[httpx.AsyncClient, str, str]:
    """A machine, its subscription's address, and the secret."""
    machine = await a_machine(town, "webhooks:manage", "status:read")
    told = {"id": str(new_id()), "url": f"http://127.0.0.1:{port}/hook"}
    types = ["quarantine.started", "quarantine.changed"]
    answer = await machine.post("/v1/webhook-subscriptions", json=told | {"event_types": types})
    assert answer.status_code == 201, answer.text
    return machine, f"/v1/webhook-subscriptions/{told['id']}", answer.json()["secret"]


async def _changed(lin: httpx.AsyncClient, quarantine: str) -> None:
    path = f"/v1/quarantines/{quarantine}"
    for _ in range(CHANGES):
        version = (await lin.get(path)).headers["etag"]
        body = {"reason": "close_contact", "change_reason": "核实"}
        answer = await lin.patch(path, json=body, headers={"If-Match": version})
        assert answer.status_code == 200, answer.text


_OWED = """
    SELECT subject_id::text, array_agg('msg_' || replace(id::text, '-', '') ORDER BY seq) AS ids
    FROM webhook_deliveries GROUP BY subject_id
"""


def _lines(kept: Path) -> list[str]:
    return kept.read_text().splitlines()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


async def test_a_receiver_and_workers_killed_at_random_miss_nothing_and_keep_the_order(
    town: Town, stage: Stage, owner: asyncpg.Connection, tmp_path: Path
):
    chance, port, kept = random.Random(2022), _free_port(), tmp_path / "kept"
    machine, subscription, secret = await _subscribe(town, port)
    receiver = (HERE / "receiver.py", str(port), secret, kept)
    workers = dict.fromkeys(("first", "second"), (HERE / "impatient.py", "worker"))
    stage.start("receiver", *receiver)
    for name, command in workers.items():
        stage.start(name, *command)
    lin = await town.as_("lin")
    begun = [(await a_quarantine(lin))["id"] for _ in range(PERSONS)]
    await _until(owner, f"SELECT count(*) >= {PERSONS} FROM webhook_attempts", stage)
    for turn in range(ROUNDS):
        stage.kill("receiver")
        await asyncio.gather(*(_changed(lin, each) for each in begun))
        if turn == 0:
            failed = "SELECT count(*) > 0 FROM webhook_attempts WHERE failure IS NOT NULL"
            await _until(owner, failed, stage)
        stage.start("receiver", *receiver)
        await asyncio.sleep(2 * chance.random())
        if turn % 2:
            name = chance.choice(list(workers))
            stage.kill(name)
            stage.start(name, *workers[name])
    owed = PERSONS * (1 + ROUNDS * CHANGES)
    delivered = f"SELECT count(*) = {owed} FROM webhook_deliveries WHERE status = 'delivered'"
    await _until(owner, delivered, stage)
    waiting = (await machine.get(subscription)).json()
    assert (waiting["waiting"], waiting["parked"]) == (0, 0)
    await _holds(owner, _lines(kept), begun)


async def _until(owner: asyncpg.Connection, it_is_so: str, stage: Stage) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await owner.fetchval(it_is_so):
        assert time.monotonic() < deadline, stage.told()
        await asyncio.sleep(0.2)


async def _holds(owner: asyncpg.Connection, kept: list[str], begun: list[str]) -> None:
    expected = {row["subject_id"]: row["ids"] for row in await owner.fetch(_OWED)}
    assert expected.keys() == set(begun)
    assert {len(ids) for ids in expected.values()} == {1 + ROUNDS * CHANGES}
    arrived: dict[str, list[str]] = defaultdict(list)
    for line in kept:
        identity, _, subject, _ = json.loads(line)
        if not arrived[subject] or arrived[subject][-1] != identity:
            arrived[subject].append(identity)
    # What came twice came twice in a row: nothing later was sent before it was known to be there.
    assert arrived == expected
