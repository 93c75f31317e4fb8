"""`python -m benchmarks.stream`: from a COMMIT to the bytes at everybody who listens."""

import asyncio
import tempfile
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from uuid import UUID

import asyncpg
import uvloop

from api.foundation.database import Entry
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.live import tell
from api.foundation.records import new_id
from benchmarks.load import asking
from benchmarks.run import _serving, _settings
from benchmarks.township import CELL, Scene, build

LISTENERS, EVENTS, PAUSE_SECONDS = 500, 60, 0.3


def main() -> None:
    """Measure and print; takes about a minute."""
    with tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as addresses:
            settings = _settings(addresses)
            scene = asyncio.run(build(addresses, settings))
            with _serving("api.app:app_from_environment", settings) as port:
                uvloop.run(measure(addresses, scene, port))


async def measure(addresses: Addresses, scene: Scene, port: int) -> None:
    """Let something happen now and then while all listen; told is the time until each hears."""
    told: dict[UUID, float] = {}
    delays: list[float] = []
    ears = [asyncio.create_task(_listen(port, scene.token, told, delays)) for _ in range(LISTENERS)]
    await asyncio.sleep(5)
    connection = await asyncpg.connect(addresses.service)
    for _ in range(EVENTS):
        subject = new_id()
        await connection.execute(Entry.for_the_house(CELL).opening)
        await tell(connection, "alert.opened", subject=subject, reach="t.01")
        told[subject] = perf_counter()
        await connection.execute("COMMIT")
        await asyncio.sleep(PAUSE_SECONDS)
    await connection.close()
    for ear in ears:
        ear.cancel()
    await asyncio.wait(ears)
    percentiles = quantiles(delays, n=100)
    print(
        f"{LISTENERS} listeners, {EVENTS} events, {len(delays):,} of {LISTENERS * EVENTS:,} heard: "
        f"p50 {median(delays) * 1e3:.0f} ms, p99 {percentiles[98] * 1e3:.0f} ms, "
        f"longest {max(delays) * 1e3:.0f} ms from COMMIT to the bytes"
    )


async def _listen(port: int, token: str, told: dict[UUID, float], delays: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asking("GET", "/v1/events", token))
    mark = b'"subject_id":"'
    while line := await reader.readline():
        found = line.find(mark)
        if found >= 0:
            subject = UUID(line[found + len(mark) : found + len(mark) + 36].decode())
            delays.append(perf_counter() - told[subject])


if __name__ == "__main__":
    main()
