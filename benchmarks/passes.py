"""`python -m benchmarks.passes`: a pass at a gate beside the floor's single write, all in turn.

The one health-code system of the township accepts connections and never answers.
"""

import asyncio
import itertools
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvloop

from api.foundation import clock
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.health_codes.shelf import SECRETS_CONTEXT
from api.settings import Settings
from benchmarks.load import asking, rate, times
from benchmarks.run import ROUNDS, SECONDS, Readings, _serving, _settings
from benchmarks.township import CELL, Scene, build

TURNS, REQUESTS = 10, 80

_GATE = """
    INSERT INTO checkpoints (id, version, reach, grid_id, name, kind, rule_code, opened_at)
    SELECT $1, 1, path, id, '大桥卡点', 'road', 'three_codes', now() - interval '1 day'
    FROM grids WHERE level = 1
"""
_FREE = """
    UPDATE quarantines SET status = 'released', ended_on = current_date, end_reason = 'completed'
"""
_GREEN = """
    INSERT INTO code_states (id, version, reach, recorded_at, received_at, performed_by, entered_by,
        source, resident_id, grid_id, system, state, changed_at, fetched_at)
    SELECT gen_random_uuid(), 1, reach, now(), now(), entered_by, entered_by, 'device', id, grid_id,
        'mute', 'green', now(), now() FROM residents
"""
_TESTED = """
    INSERT INTO diagnostic_tests (id, version, reach, recorded_at, received_at, performed_by,
        entered_by, source, resident_id, grid_id, kind, outcome, sampled_at, reported_at, samples)
    SELECT gen_random_uuid(), 1, reach, now(), now(), entered_by, entered_by, 'visit', id, grid_id,
        'nucleic_acid', 'negative', now() - interval '9 hours', now(), 1 FROM residents
"""
_MUTE = """
    INSERT INTO health_code_systems (id, version, code, name, base_url, document, secrets_sealed,
        enabled, entered_by, entered_at, changed_at)
    VALUES (gen_random_uuid(), 1, 'mute', '不答的省平台', $1, '{}', $2, true, gen_random_uuid(),
        now(), now())
"""


def main() -> None:
    """Measure and print; takes about a minute."""
    with (
        tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder,
        socket.create_server(("127.0.0.1", 0)) as mute,
    ):
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as addresses:
            settings = _settings(addresses)
            scene = asyncio.run(build(addresses, settings))
            address = f"http://127.0.0.1:{mute.getsockname()[1]}"
            gate, people = asyncio.run(_prepare(addresses, settings, address))
            with (
                _serving("benchmarks.floor:app", settings) as floor,
                _serving("api.app:app_from_environment", settings) as onegrid,
            ):
                uvloop.run(_measure(scene, Passes(scene, gate, people), floor, onegrid))


async def _prepare(addresses: Addresses, settings: Settings, mute: str) -> tuple[UUID, list[UUID]]:
    owner = await asyncpg.connect(addresses.owner)
    await owner.execute(f"SET search_path TO {cell_schema(CELL)}, public")
    gate = new_id()
    await owner.execute(_GATE, gate)
    for statement in (_FREE, _GREEN, _TESTED):
        await owner.execute(statement)
    keyring: Keyring = settings.keyring()
    await owner.execute(_MUTE, mute, keyring.seal("{}", context=SECRETS_CONTEXT))
    people = [row["id"] for row in await owner.fetch("SELECT id FROM residents")]
    await owner.execute("ANALYZE")
    await owner.close()
    return gate, people


class Passes:
    """What three sorts of people are recorded with."""

    def __init__(self, scene: Scene, gate: UUID, people: list[UUID]) -> None:
        self._token = scene.token
        self._target = f"/v1/checkpoints/{gate}/passes"
        self._people = itertools.cycle(people)
        self._phones: Iterator[int] = itertools.count(13_000_000_000)

    def shown(self) -> bytes:
        """A stranger with a green code and a test on the phone."""
        tested = clock.now().isoformat()
        proofs: list[dict[str, Any]] = [
            {"proof": "health_code", "state": "green"},
            {"proof": "negative_test", "sampled_at": tested},
        ]
        return self._pass({"phone": str(next(self._phones)), "name": "某人"}, proofs)

    def known(self) -> bytes:
        """A resident of whom the records know enough."""
        return self._pass({"resident_id": str(next(self._people))}, [])

    def unknown(self) -> bytes:
        """A stranger of whom nothing is known: put into the queue."""
        return self._pass({"phone": str(next(self._phones))}, [])

    def _pass(self, person: dict[str, str], shown: list[dict[str, Any]]) -> bytes:
        body = {"id": str(new_id()), "person": person, "shown": shown, "vehicle_plate": "桂F12345"}
        return asking("POST", self._target, self._token, orjson.dumps(body))


async def _measure(scene: Scene, passes: Passes, floor: int, onegrid: int) -> None:
    # The floor asks nothing of a quarantine, so it still takes a reading of whoever was released.
    sorts: dict[str, tuple[int, Callable[[], bytes]]] = {
        "floor": (floor, Readings(scene).one),
        "shown": (onegrid, passes.shown),
        "known": (onegrid, passes.known),
        "unknown": (onegrid, passes.unknown),
    }
    taken: dict[str, list[float]] = {what: [] for what in sorts}
    for turn in range(TURNS + 1):
        for what, (port, ask) in sorts.items():
            measured = await times(port, ask, requests=REQUESTS)
            taken[what] += measured if turn else []
    alone = median(taken["floor"])
    for what, each in taken.items():
        print(f"pass, {what:8} {median(each) * 1e6:7,.0f} µs   ratio {median(each) / alone:.2f}")
    rates: dict[str, list[float]] = {what: [] for what in sorts}
    for _ in range(ROUNDS):
        for what, (port, ask) in sorts.items():
            rates[what].append(await rate(port, ask, seconds=SECONDS))
    many = median(rates["floor"])
    for what, each in rates.items():
        print(f"passes, {what:8} {median(each):7,.0f}/s   ratio {many / median(each):.2f}")


if __name__ == "__main__":
    main()
