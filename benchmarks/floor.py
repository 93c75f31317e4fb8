"""The floor: a bare Starlette and asyncpg application that writes and lists the same rows.

It verifies the same token with the same code and asks row security nothing: it is what is left when
a service is only a way to the database, and so the measure of what onegrid adds.
"""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access.keys import KeyRoom
from api.access.tokens import Claims, Tokens
from api.foundation.database import Database, cell_schema
from api.settings import load_settings
from benchmarks.township import CELL

# `api` looks for circles seldom from its first import on; a bare service does as Python does.
gc.set_threshold(700, 10, 10)

_INSERT = """
    INSERT INTO readings (
        id, version, recorded_at, received_at, performed_by, entered_by, source, quarantine_id,
        resident_id, grid_id, reach, value_c, method, site, symptoms, measured_at, day, "window",
        timing, abnormal, low
    )
    SELECT $1, 1, $2, $2, $3, $3, 'visit', q.id, q.resident_id, q.grid_id, q.reach, $5::float8,
        $6, $7, $8, $2, $9, $10, 'on_time', $11, $12
    FROM quarantines AS q WHERE q.id = $4
"""
_LIST = """
    SELECT id, version, quarantine_id, resident_id, grid_id, day, "window", timing,
        value_c::float8, method, site, symptoms, measured_at, abnormal, low, recorded_at,
        received_at, performed_by, entered_by, source, discarded_at
    FROM readings WHERE grid_id = $1 AND discarded_at IS NULL
    ORDER BY measured_at DESC, id DESC LIMIT 50
"""


_ONE = """
    SELECT id, version, quarantine_id, resident_id, grid_id, day, "window", timing,
        value_c::float8, method, site, symptoms, measured_at, abnormal, low, recorded_at,
        received_at, performed_by, entered_by, source, discarded_at
    FROM readings WHERE id = $1
"""


async def _caller(request: Request) -> Claims:
    return await request.app.state.keys.read(request.headers["authorization"].partition(" ")[2])


def _json(value: Any, status: int = 200) -> Response:
    body = orjson.dumps(value, default=str, option=orjson.OPT_UTC_Z)
    return Response(body, status_code=status, media_type="application/json")


async def record_reading(request: Request) -> Response:
    caller = await _caller(request)
    said = orjson.loads(await request.body())
    at, value = datetime.fromisoformat(said["measured_at"]).astimezone(UTC), said["value_c"]
    local = at + timedelta(hours=8)
    row = {
        "id": UUID(said["id"]),
        "at": at,
        "worker": caller.worker,
        "quarantine_id": UUID(said["quarantine_id"]),
        "value_c": value,
        "method": said.get("method", "electronic"),
        "site": said.get("site", "axillary"),
        "symptoms": said.get("symptoms", []),
        "day": local.date(),
        "window": "morning" if local.hour < 15 else "evening",
        "abnormal": value >= 37.3,
        "low": value < 35.0,
    }
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(_INSERT, *row.values())
    return _json(row, 201)


async def list_readings(request: Request) -> Response:
    await _caller(request)
    grid = UUID(request.query_params["grid_id"])
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch(_LIST, grid)
    return _json({"items": [dict(row) for row in rows], "next_cursor": None})


async def read_reading(request: Request) -> Response:
    await _caller(request)
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchrow(_ONE, UUID(request.path_params["reading_id"]))
    return _json(dict(row))


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    return None


@asynccontextmanager
async def _open(app: Starlette) -> AsyncGenerator[None]:
    settings = load_settings()
    assert settings.owner_database_url
    assert settings.database_url
    tokens = Tokens(issuer=settings.public_url, audience=settings.audience, minutes=60)
    service = Database(settings.database_url.get_secret_value(), settings.keyring())
    app.state.keys = KeyRoom(service, tokens, overlap=timedelta(minutes=1))
    await app.state.keys.open()
    app.state.pool = await asyncpg.create_pool(
        settings.owner_database_url.get_secret_value(),
        min_size=1,
        max_size=settings.pool_size,
        server_settings={"search_path": f"{cell_schema(CELL)}, public", "jit": "off"},
        reset=_nothing_to_reset,
    )
    yield
    await app.state.pool.close()
    await service.close()


def app() -> Starlette:
    routes = [
        Route("/v1/readings", record_reading, methods=["POST"]),
        Route("/v1/readings", list_readings, methods=["GET"]),
        Route("/v1/readings/{reading_id}", read_reading, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=_open)
