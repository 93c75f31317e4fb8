"""The house put together: settings, doors, rooms, the edge. `create_app` is what a server runs."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.access import routes as access
from api.access.keys import KeyRoom
from api.access.tokens import Tokens
from api.foundation import contract, handlers
from api.foundation.database import Database
from api.registry import routes as registry
from api.settings import Settings

ROOMS = (access.gate, access.router, access.keys, registry.router)


def create_app(settings: Settings) -> FastAPI:
    """The service on a database that is there and migrated; the address must be in `settings`."""
    app = FastAPIOffline(
        title="onegrid 一张网",
        version="0.1.0",
        docs_url="/docs",
        redoc_url="/redoc",
        openapi_url="/openapi.json",
        lifespan=_open,
        max_body_size=settings.body_limit_bytes,
    )
    app.state.settings = settings
    for router in ROOMS:
        app.include_router(router)
    handlers.install(app)
    contract.install(app)
    return app


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncGenerator[None]:
    settings: Settings = app.state.settings
    assert settings.database_url is not None  # noqa: S101 - the caller found or started one
    app.state.database = database = Database(
        settings.database_url.get_secret_value(),
        settings.keyring(),
        pool_size=settings.pool_size,
        statement_timeout=settings.statement_timeout_seconds,
    )
    tokens = Tokens(
        issuer=settings.public_url,
        audience=settings.audience,
        minutes=settings.access_token_minutes,
    )
    overlap = timedelta(minutes=settings.signing_key_overlap_minutes)
    app.state.keys = KeyRoom(database, tokens, overlap=overlap)
    await database.open()
    try:
        await app.state.keys.open()
        yield
    finally:
        await database.close()
