"""Start a database and both servers, load them in turn, and print the ratios."""

import asyncio
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import asyncpg
import httpx
import orjson
import uvloop

from api.access.caller import entry_of
from api.access.keys import KeyRoom
from api.access.tokens import Tokens
from api.foundation.database import Database, cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.records import new_id
from api.foundation.sealed import new_key
from api.settings import Settings
from benchmarks.load import CONNECTIONS, Ask, asking, rate, times
from benchmarks.township import CELL, Scene, build

ROUNDS, SECONDS = 7, 1.0
POOL = 10
ROUND = 500


class Readings:
    """Bodies that never meet: each takes the next free window of the next person."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._slots = itertools.count()

    def next(self) -> dict[str, object]:
        turn, place = divmod(next(self._slots), len(self._scene.quarantines))
        at = self._scene.first_day + timedelta(days=turn // 2, hours=10 * (turn % 2))
        return {
            "id": str(new_id()),
            "quarantine_id": str(self._scene.quarantines[place]),
            "value_c": 36.5,
            "symptoms": [],
            "measured_at": at.isoformat(),
        }

    def one(self) -> bytes:
        return asking("POST", "/v1/readings", self._scene.token, orjson.dumps(self.next()))

    def round(self) -> bytes:
        body = {"id": str(new_id()), "readings": [self.next() for _ in range(ROUND)]}
        return asking("POST", "/v1/rounds", self._scene.token, orjson.dumps(body))


def main() -> None:
    """Measure and print; takes about a minute and a half."""
    with tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as addresses:
            settings = _settings(addresses)
            scene = asyncio.run(build(addresses, settings))
            with (
                _serving("benchmarks.floor:app", settings) as floor,
                _serving("api.app:app_from_environment", settings) as onegrid,
            ):
                uvloop.run(_measure(addresses, settings, scene, floor, onegrid))


def _settings(addresses: Addresses) -> Settings:
    return Settings.model_validate(
        {
            "database_url": addresses.service,
            "owner_database_url": addresses.owner,
            "sealing_keys": f"bench:{new_key()}",
            "lookup_key": new_key(),
            "pool_size": POOL,
        }
    )


@contextmanager
def _serving(app: str, settings: Settings) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--factory", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-access-log", "--log-level", "warning"],
        env={**os.environ, **_environment(settings)},
        stdout=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _environment(settings: Settings) -> dict[str, str]:
    assert settings.database_url
    assert settings.owner_database_url
    return {
        "ONEGRID_DATABASE_URL": settings.database_url.get_secret_value(),
        "ONEGRID_OWNER_DATABASE_URL": settings.owner_database_url.get_secret_value(),
        "ONEGRID_SEALING_KEYS": settings.sealing_keys.get_secret_value(),
        "ONEGRID_LOOKUP_KEY": settings.lookup_key.get_secret_value(),
        "ONEGRID_POOL_SIZE": str(settings.pool_size),
    }


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server on port {port} did not start")
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the server on port {port} does not answer")


async def _measure(
    addresses: Addresses, settings: Settings, scene: Scene, floor: int, onegrid: int
) -> None:
    readings = Readings(scene)
    print(f"{ROUNDS} rounds of {SECONDS} s each, in turn, {CONNECTIONS} connections, pool {POOL}")
    await _compare("single reading", readings.one, floor, onegrid)
    grids = itertools.cycle(scene.grids)
    ask = lambda: asking("GET", f"/v1/readings?grid_id={next(grids)}", scene.token)  # noqa: E731
    await _compare("list of 50", ask, floor, onegrid)
    raw, whole = [], []
    for _ in range(ROUNDS):
        raw.append(await _raw_unnest(addresses, scene, readings))
        whole.append(ROUND * await rate(onegrid, readings.round, seconds=SECONDS))
    _tell("round of 500, rows/s", raw, whole)
    await _entry(settings, scene, readings, onegrid)


async def _compare(what: str, ask: Ask, floor: int, onegrid: int) -> None:
    ours, theirs = [], []
    for port in (floor, onegrid):
        await rate(port, ask, seconds=SECONDS)  # statements prepared, caches warm
    for _ in range(ROUNDS):
        theirs.append(await rate(floor, ask, seconds=SECONDS))
        ours.append(await rate(onegrid, ask, seconds=SECONDS))
    _tell(what, theirs, ours)


def _tell(what: str, floor: list[float], ours: list[float]) -> None:
    ratios = [our / their for our, their in zip(ours, floor, strict=True)]
    print(
        f"{what:22} floor {median(floor):8,.0f}/s   onegrid {median(ours):8,.0f}/s   "
        f"ratio {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    )


_UNNEST = """
    INSERT INTO readings (
        id, version, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
        resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at, day, "window",
        timing, abnormal, low
    )
    SELECT said.id, 1, said.at, said.at, $5, $5, 'visit', q.id, q.resident_id, q.grid_id, q.reach,
        36.5, 'electronic', 'axillary', '{}', said.at, (said.at + interval '8 hours')::date,
        CASE WHEN extract(hour FROM said.at + interval '8 hours') < 15 THEN 'morning'
            ELSE 'evening' END,
        'on_time', false, false
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::float8[])
        AS said (id, quarantine_id, at, value_c)
    JOIN quarantines AS q ON q.id = said.quarantine_id
    ON CONFLICT DO NOTHING
"""


async def _raw_unnest(addresses: Addresses, scene: Scene, readings: Readings) -> float:
    """Rows a second of nothing but the insert, by the owner, from as many connections."""
    pool = await asyncpg.create_pool(
        addresses.owner,
        min_size=POOL,
        max_size=POOL,
        server_settings={"search_path": f"{cell_schema(CELL)}, public", "timezone": "UTC"},
    )
    began = time.perf_counter()

    async def insert() -> int:
        count = 0
        while time.perf_counter() < began + SECONDS:
            said = [readings.next() for _ in range(ROUND)]
            columns = [[each[name] for each in said] for name in ("id", "quarantine_id", "value_c")]
            at = [datetime.fromisoformat(str(each["measured_at"])) for each in said]
            await pool.execute(_UNNEST, columns[0], columns[1], at, columns[2], scene.worker)
            count += ROUND
        return count

    rows = sum(await asyncio.gather(*(insert() for _ in range(CONNECTIONS))))
    taken = time.perf_counter() - began
    await pool.close()
    return rows / taken


async def _entry(settings: Settings, scene: Scene, readings: Readings, onegrid: int) -> None:
    """What entering costs beyond a plain BEGIN, as a share of a request that is served alone."""
    assert settings.database_url
    service = Database(settings.database_url.get_secret_value(), settings.keyring())
    await service.open()
    tokens = Tokens(issuer=settings.public_url, audience=settings.audience, minutes=60)
    keys = KeyRoom(service, tokens, overlap=timedelta(minutes=1))
    await keys.open()
    entry = entry_of(await keys.read(scene.token), writing=True)
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    plain, entered, whole = [], [], []
    for _ in range(20):
        plain += [await _begun(connection, "BEGIN") for _ in range(20)]
        entered += [await _begun(connection, entry.opening) for _ in range(20)]
        whole += await times(onegrid, readings.one, requests=20)
    await connection.close()
    await service.close()
    begin, enter, request = median(plain), median(entered), median(whole)
    print(
        f"{'entering':24} {(enter - begin) * 1e6:,.0f} µs beyond BEGIN ({begin * 1e6:,.0f} µs), "
        f"{(enter - begin) / request:.0%} of a request of {request * 1e6:,.0f} µs"
    )


async def _begun(connection: asyncpg.Connection, opening: str) -> float:
    began = time.perf_counter()
    await connection.execute(opening)
    taken = time.perf_counter() - began
    await connection.execute("ROLLBACK")
    return taken


if __name__ == "__main__":
    main()
