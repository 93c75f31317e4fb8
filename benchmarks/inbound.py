"""`python -m benchmarks.inbound`: a thousand code changes over HTTP against their bare insert."""

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import uvloop

from api.clients.models import ClientCredential, MachineClient, Proof
from api.clients.scopes import Scope
from api.clients.service import digest_of
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.identity import synthetic_identity_number
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.settings import Settings
from benchmarks.load import asking, times
from benchmarks.run import _serving, _settings
from benchmarks.township import CELL, build

TURNS, ITEMS = 15, 1000
SECRET = "of-a-benchmark"

_INSERT = """
    INSERT INTO code_states (id, version, reach, grid_id, resident_id, system, state, changed_at,
        fetched_at, recorded_at, received_at, performed_by, entered_by, source)
    SELECT t.id, 1, reach, grid_id, resident_id, 'bare', 'green', at, at, at, at, $1, $1, 'device'
    FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[])
        AS t (id, reach, grid_id, resident_id, at)
"""
_PEOPLE = "SELECT id, reach, grid_id FROM residents ORDER BY id"
_KNOWN = """
    UPDATE residents AS r SET document_kind = 'resident_identity', document_lookup = t.lookup,
        document_sealed = t.sealed
    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS t (id, lookup, sealed) WHERE r.id = t.id
"""


def main() -> None:
    """Measure and print; takes about half a minute."""
    with tempfile.TemporaryDirectory(prefix="onegrid-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as addresses:
            settings = _settings(addresses)
            asyncio.run(build(addresses, settings))
            with _serving("api.app:app_from_environment", settings) as port:
                uvloop.run(_measure(addresses, settings, port))


async def _measure(addresses: Addresses, settings: Settings, port: int) -> None:
    owner = await asyncpg.connect(addresses.owner)
    await owner.execute(f"SET search_path TO {cell_schema(CELL)}, public")
    people = await _identified(owner, settings.keyring())
    token = await _token(addresses, settings, port)
    rows = await owner.fetch(_PEOPLE)
    sent = _requests(people, token)
    bare: list[float] = []
    over_http: list[float] = []
    for turn in range(TURNS + 1):
        taken = [await _inserted(owner, rows, turn)]
        bare += taken if turn else []
        taken = await times(port, sent.__next__, requests=1)
        over_http += taken if turn else []
    await owner.close()
    raw, inbound = ITEMS / median(bare), ITEMS / median(over_http)
    print(f"{ITEMS} code changes   bare {raw:8,.0f}/s   over HTTP {inbound:8,.0f}/s   ", end="")
    print(f"{inbound / raw:4.0%} of it")


async def _identified(owner: asyncpg.Connection, keyring: Keyring) -> list[str]:
    """Give people identity numbers, by which they are found."""
    ids: list[UUID] = [row["id"] for row in await owner.fetch(_PEOPLE)]
    numbers = [_number(place) for place in range(len(ids))]
    lookups = [keyring.lookup(number, context="document") for number in numbers]
    sealed = [keyring.seal(number, context="residents.document") for number in numbers]
    await owner.execute(_KNOWN, ids, lookups, sealed)
    await owner.execute("ANALYZE")
    return numbers


def _number(place: int) -> str:
    born = datetime(1950, 1, 1, tzinfo=UTC).date() + timedelta(days=place)
    return synthetic_identity_number(division="451422", born=born, sequence=place % 1000)


async def _token(addresses: Addresses, settings: Settings, port: int) -> str:
    database = Database(addresses.owner, settings.keyring())
    now = datetime.now(UTC)
    root = await _root(addresses)
    client = MachineClient(
        id=new_id(),
        cell=CELL,
        grid_id=root,
        name="某系统",
        scopes=[Scope.health_codes_write.value],
        allowed_addresses=[],
        proof=Proof.secret,
        created_at=now,
        created_by=root,
        expires_at=now + timedelta(days=1),
    )
    async with database.session(Entry.outside()) as session:
        session.add(client)
        await session.flush()
        session.add(
            ClientCredential(
                id=new_id(),
                client_id=client.id,
                digest=digest_of(SECRET),
                made_at=now,
                made_by=root,
            )
        )
    await database.close()
    form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": SECRET}
    async with httpx.AsyncClient() as asking_for:
        answer = await asking_for.post(f"http://127.0.0.1:{port}/v1/oauth/token", data=form)
    return answer.json()["access_token"]


async def _root(addresses: Addresses) -> UUID:
    owner = await asyncpg.connect(addresses.owner)
    root: UUID = await owner.fetchval(f"SELECT id FROM {cell_schema(CELL)}.grids WHERE level = 1")
    await owner.close()
    return root


def _requests(people: list[str], token: str) -> Iterator[bytes]:
    """Each a thousand changes that were never sent before, a minute later than the last."""
    begin = datetime.now(UTC) - timedelta(hours=2)
    for turn in count():
        at = (begin + timedelta(minutes=turn)).isoformat()
        items = [_item(f"{turn}-{place}", people[place], at) for place in range(ITEMS)]
        body = orjson.dumps({"items": items})
        yield asking("POST", "/v1/health-codes/changes", token, body)


def _item(event: str, number: str, at: str) -> dict[str, Any]:
    return {
        "event_id": event,
        "document_kind": "resident_identity",
        "document": number,
        "state": "green",
        "changed_at": at,
        "reported_at": at,
        "system": "guangxi",
    }


async def _inserted(owner: asyncpg.Connection, rows: list[Any], turn: int) -> float:
    """The seconds that the same rows take where nothing is asked of them."""
    at = datetime.now(UTC) - timedelta(hours=2) + timedelta(minutes=turn)
    began = perf_counter()
    some = rows[:ITEMS]
    async with owner.transaction():
        await owner.execute(
            _INSERT,
            some[0]["id"],
            [new_id() for _ in some],
            [row["reach"] for row in some],
            [row["grid_id"] for row in some],
            [row["id"] for row in some],
            [at for _ in some],
        )
    return perf_counter() - began


if __name__ == "__main__":
    main()
