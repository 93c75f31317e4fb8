"""The database dies in the middle of the work: it is told, nothing is half written, it goes on."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.problems import DatabaseUnavailable
from tests.builders import household_body
from tests.cast import TOWNSHIP, Town, assert_problem, build_towns

HOME = "t.01.01.01"
AT_ONCE = 6
ENOUGH = 30

Sent = list[tuple[dict[str, Any], httpx.Response]]


@pytest.fixture(scope="module")
def own_server() -> Generator[EmbeddedPostgres]:
    """A server for this module alone, durable as in the field, which may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="restart-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(server.place, ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def addresses(own_server: EmbeddedPostgres, secrets_of_the_run: tuple[str, str]) -> Addresses:
    found = own_server.start()
    await build_towns(found, secrets_of_the_run)
    return found


async def _work(town: Town, sent: Sent, done: asyncio.Event) -> None:
    ming = await town.as_("ming")
    while not done.is_set():
        body = household_body(grid=HOME)
        sent.append((body, await ming.post("/v1/households", json=body)))
        await asyncio.sleep(0.005)


def _kill(server: EmbeddedPostgres) -> None:
    """At once and without a goodbye to anybody, as when the power fails."""
    pid = (server.place / "data" / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(pid), signal.SIGKILL)


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.01)


def _with_status(sent: Sent, status: int) -> Sent:
    return [each for each in sent if each[1].status_code == status]


async def _work_through_a_crash(town: Town, server: EmbeddedPostgres) -> Sent:
    sent: Sent = []
    done = asyncio.Event()
    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(_work(town, sent, done))
        await _until(lambda: len(_with_status(sent, 201)) >= ENOUGH)
        _kill(server)
        await _until(lambda: len(_with_status(sent, 503)) >= ENOUGH)
        kept_before = len(_with_status(sent, 201))
        await asyncio.to_thread(server.start)
        await _until(lambda: len(_with_status(sent, 201)) >= kept_before + ENOUGH)
        done.set()
    return sent


async def _kept(addresses: Addresses) -> dict[UUID, tuple[int, int]]:
    """How many residents and notes on record there are for each household that is kept."""
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}")
    rows = await connection.fetch(
        "SELECT h.id, (SELECT count(*) FROM residents WHERE household_id = h.id) AS residents, "
        "(SELECT count(*) FROM audit_entries WHERE subject_id = h.id) AS notes FROM households h"
    )
    strays = await connection.fetchval(
        "SELECT count(*) FROM audit_entries WHERE action = 'households.register' "
        "AND subject_id NOT IN (SELECT id FROM households)"
    )
    await connection.close()
    assert strays == 0
    return {row["id"]: (row["residents"], row["notes"]) for row in rows}


async def test_a_crash_in_the_middle_of_the_work_loses_nothing_and_halves_nothing(
    town: Town, own_server: EmbeddedPostgres, addresses: Addresses
):
    sent = await _work_through_a_crash(town, own_server)
    assert {answer.status_code for _, answer in sent} == {201, 503}
    for _, answer in _with_status(sent, 503):
        assert_problem(answer, DatabaseUnavailable)
        assert answer.headers["retry-after"]
    kept = await _kept(addresses)
    assert set(kept.values()) == {(2, 1)}
    assert {UUID(body["id"]) for body, _ in _with_status(sent, 201)} <= kept.keys()

    ming = await town.as_("ming")
    for body, _ in _with_status(sent, 503):
        again = await ming.post("/v1/households", json=body)
        known = UUID(body["id"]) in kept  # committed, though the answer was lost
        assert again.status_code == (200 if known else 201), again.text
    kept = await _kept(addresses)
    assert kept.keys() == {UUID(body["id"]) for body, _ in sent}
    assert set(kept.values()) == {(2, 1)}
