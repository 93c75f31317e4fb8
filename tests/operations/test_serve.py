"""`onegrid serve` as processes: found ready, wounded, stopped, and read in its log."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from asyncpg.transaction import Transaction

from api.foundation.embedded import Addresses
from api.foundation.sealed import new_key
from tests.cast import PASSWORD, id_of

IDENTITY_NUMBER = "11010519491231002X"  # the example printed in GB 11643 itself
PHONE, NAME = "13800138000", "韦小宝"
READY_SECONDS = 120


@dataclass
class Service:
    """A running `onegrid serve`, and what it wrote."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(READY_SECONDS)

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in found.split() if _is_worker(int(each))]

    def answers(self, path: str = "/readyz") -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(self.url + path).status_code == 200
        return False


def _is_worker(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


Starter = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    running: list[Service] = []

    def started(*options: str, **settings: str) -> Service:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        log = tmp_path / f"{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                (Path(sys.executable).with_name("onegrid"), "serve", "--port", port, *options),
                env={**os.environ, **{f"ONEGRID_{k}".upper(): v for k, v in settings.items()}},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        running.append(Service(process, f"http://127.0.0.1:{port}", log))
        until(lambda: process.poll() is not None or running[-1].answers())
        return running[-1]

    yield started
    for each in running:
        with suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.wait()


@pytest.fixture(scope="module")
def addresses(server: Addresses, template: str) -> Iterator[Addresses]:
    """As everywhere in the tests, for tests that are not coroutines."""
    name = f"town_{int(time.time())}_{secrets.token_hex(4)}"
    _execute(server.superuser, f"CREATE DATABASE {name} TEMPLATE {template} OWNER onegrid_owner")
    yield server.database(name)
    _execute(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


@pytest.fixture
def known(addresses: Addresses, secrets_of_the_run: tuple[str, str]) -> dict[str, str]:
    sealing, lookup = secrets_of_the_run
    return {"database_url": addresses.service, "sealing_keys": sealing, "lookup_key": lookup}


def test_one_worker_killed_the_service_goes_on_and_the_worker_is_replaced(
    start: Starter, known: dict[str, str]
):
    service = start("--workers", "2", **known)
    until(lambda: len(service.children()) == 2)
    before = service.children()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(service.children()) - set(before)) == 1)
    until(service.answers)
    assert service.stop() == 0


def test_when_the_parent_is_killed_no_worker_stays_behind_with_the_port(
    start: Starter, known: dict[str, str]
):
    service = start("--workers", "2", **known)
    until(lambda: len(service.children()) == 2)
    workers = service.children()
    service.stop(signal.SIGKILL)
    until(lambda: not any(_is_worker(each) for each in workers))


class Holding(NamedTuple):
    lock: Transaction
    asked: asyncio.Task[httpx.Response]


@asynccontextmanager
async def signing_in(service: Service, addresses: Addresses) -> AsyncGenerator[Holding]:
    """A request under way: it waits for a table that somebody else has locked."""
    holder = await asyncpg.connect(addresses.owner)
    lock = holder.transaction()
    await lock.start()
    await holder.execute("LOCK TABLE public.accounts IN ACCESS EXCLUSIVE MODE")
    async with httpx.AsyncClient(base_url=service.url, timeout=READY_SECONDS) as client:
        said = {"login": "ming", "password": PASSWORD}
        asked = asyncio.create_task(client.post("/v1/sign-in", json=said))
        while not await holder.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not asked.done(), await asked
            await asyncio.sleep(0.02)
        yield Holding(lock, asked)
    await holder.close()


async def test_a_request_under_way_is_answered_when_the_service_is_told_to_stop(
    start: Starter, known: dict[str, str], addresses: Addresses
):
    service = await asyncio.to_thread(start, **known)
    async with signing_in(service, addresses) as under_way:
        service.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(until, lambda: "Shutting down" in service.log.read_text())
        await under_way.lock.rollback()
        assert (await under_way.asked).status_code == 200
    assert await asyncio.to_thread(service.process.wait, READY_SECONDS) == 0


async def test_a_request_that_never_ends_does_not_keep_the_service_from_stopping(
    start: Starter, known: dict[str, str], addresses: Addresses
):
    service = await asyncio.to_thread(start, **known, stop_seconds="1")
    async with signing_in(service, addresses) as under_way:
        assert await asyncio.to_thread(service.stop) == 0
        await asyncio.gather(under_way.asked, return_exceptions=True)
        await under_way.lock.rollback()


def test_without_an_address_the_service_brings_its_own_database_and_takes_it_down_again(
    start: Starter,
):
    folder = Path(tempfile.mkdtemp(prefix="serve-"))
    folder.chmod(0o755)  # when root runs this, the database's own user must be able to enter
    try:
        own = {"sealing_keys": f"own:{new_key()}", "lookup_key": new_key()}
        service = start("--workers", "2", data_folder=str(folder), **own)
        assert service.answers()
        assert service.stop() == 0
        assert not list(folder.rglob("postmaster.pid"))
    finally:
        shutil.rmtree(folder)


def test_the_log_tells_ids_and_routes_but_nothing_of_a_person(
    start: Starter, known: dict[str, str]
):
    service = start(**known, log_level="debug")
    with httpx.Client(base_url=service.url) as client:
        said = {"login": "ming", "password": PASSWORD}
        signed_in = client.post("/v1/sign-in", json=said).json()
        client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        client.get("/v1/me", headers={"X-Request-Id": "me-1"})
        client.get("/v1/residents", params={"identity_number": IDENTITY_NUMBER, "name": NAME})
        client.get(f"/v1/residents/{IDENTITY_NUMBER}")
        client.get(f"/{NAME}/{PHONE}")
        client.post("/v1/households", json={"number": PHONE, "head": {"name": NAME}})
        client.post("/v1/sign-in", json={"login": PHONE, "password": IDENTITY_NUMBER})
        client.post("/v1/sign-in", content=f'{{"login": "{NAME}'.encode())
        client.get("/readyz", headers={"X-Request-Id": IDENTITY_NUMBER})
    assert service.stop() == 0
    log = service.log.read_text()
    told = [IDENTITY_NUMBER, PHONE, NAME, "小明", PASSWORD, signed_in["access_token"]]
    assert not [each for each in told if each in log]
    line = next(line for line in service.lines() if line.get("request_id") == "me-1")
    assert line.pop("duration_ms") > 0
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "me-1",
        "method": "GET",
        "route": "/v1/me",
        "status": 200,
        "worker_id": str(id_of("ming")),
        "post_id": signed_in["post"]["id"],
    }


CONTRACT = "/openapi.json"
"""An answer so long that the system does not keep two of them for whoever does not read."""


def test_somebody_who_listens_and_reads_nothing_does_not_keep_the_service_from_stopping(
    start: Starter, known: dict[str, str]
):
    service = start(**known, stop_seconds="60")
    said = {"login": "ming", "password": PASSWORD}
    token = httpx.post(f"{service.url}/v1/sign-in", json=said).json()["access_token"]
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        line.send(
            "".join(f"GET {path} {head}" for path in (CONTRACT, CONTRACT, "/v1/events")).encode()
        )
        until(lambda: sum(each.get("event") == "request" for each in service.lines()) >= 4)
        time.sleep(0.5)  # nothing tells that the next answer waits
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0


def test_somebody_who_listens_does_not_keep_the_service_from_stopping(
    start: Starter, known: dict[str, str]
):
    service = start("--workers", "2", **known, stop_seconds="60")
    with httpx.Client(base_url=service.url, timeout=READY_SECONDS) as client:
        said = {"login": "ming", "password": PASSWORD}
        token = client.post("/v1/sign-in", json=said).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        with client.stream("GET", "/v1/events", headers=headers) as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            service.process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line.startswith(("event:", "data:"))] == []
    # Well before the minute in which requests under way may end.
    assert service.process.wait(30) == 0
