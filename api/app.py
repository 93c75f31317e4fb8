"""The house put together: settings, doors, rooms, the edge. `create_app` is what a server runs."""

import gc
import multiprocessing
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from threading import Thread
from types import FrameType
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

from api import background, vocabulary
from api.access.keys import KeyRoom
from api.access.tokens import Tokens
from api.checkpoints.rules import RuleShelf
from api.checkpoints.usual import Recollection
from api.doors import opened
from api.duties.remembered import Days
from api.foundation import contract_document, handlers, logs, written_contract
from api.foundation.database import Database
from api.foundation.directory import Directory
from api.foundation.edge import Compressed, Edge
from api.foundation.sealed import new_key
from api.foundation.worker import working
from api.health_codes.documents import system_schema
from api.health_codes.shelf import opened_systems
from api.live.hub import Hub
from api.protocols.documents import document_schema
from api.protocols.queries import PolicyShelf, ProtocolShelf
from api.rooms import OPERATIONS
from api.settings import Settings, load_settings
from api.webhooks import messages as webhook_messages
from api.webhooks.addresses import fence_of
from api.webhooks.sending import sending

__all__ = ["app_from_environment", "background", "contract_files", "create_app"]

_A_PACKET = 1400
"""Bytes that travel at once in any case: what is shorter is not worth compressing."""

_TOLD_FROM_PAGES = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-Id",
)
"""Headers by which a page of another origin may tell something: all that the guide asks of it."""


def app_from_environment() -> FastAPI:
    """What a process of `onegrid serve` runs; as a worker it ends when its parent is gone."""
    settings = load_settings()
    logs.configure(settings.log_level)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_follow, args=(parent,), daemon=True).start()
    app = create_app(settings)
    _end_streams_when_told(app.state.hub)
    # What is made by now stays as long as the process: the collector need not walk it over again.
    gc.collect()
    gc.freeze()
    return app


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end_streams_when_told(hub: Hub) -> None:
    """Told to stop, the server waits for answers to end, and a stream would not by itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        former = signal.getsignal(number)

        def told(number: int, frame: FrameType | None, *, former: Any = former) -> None:
            hub.end_soon()
            if callable(former):
                former(number, frame)

        signal.signal(number, told)


def create_app(settings: Settings) -> FastAPI:
    """The service on a database that is there and migrated; the address must be in `settings`."""
    app = FastAPIOffline(
        title="onegrid 一张网",
        version="0.3.0",
        docs_url="/docs",
        redoc_url="/redoc",
        openapi_url="/openapi.json",
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_open,
        # What is told and what is answered are the same things by the same names.
        separate_input_output_schemas=False,
        webhooks=webhook_messages.told,
    )
    app.state.settings = settings
    app.state.policies = PolicyShelf()
    app.state.days = Days()
    app.state.gate_rules = RuleShelf()
    app.state.usual_at_gates = Recollection()
    app.state.hub = Hub()
    app.state.protocols = ProtocolShelf()
    app.router.routes.insert(0, Directory(OPERATIONS))
    app.router.routes.extend(OPERATIONS)  # not to be found there, but for the contract
    handlers.install(app)
    contract_document.install(app, rooms=vocabulary.ROOMS, members=vocabulary.MEMBERS)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST", "PATCH", "PUT", "DELETE"),
            allow_headers=_TOLD_FROM_PAGES,
            expose_headers=("ETag", "Location", "Retry-After", "X-Request-Id"),
        )
    app.add_middleware(
        Compressed,
        minimum_size=_A_PACKET,
        compresslevel=5,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf"),
    )
    app.add_middleware(Edge, body_limit=settings.body_limit_bytes)
    return app


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncGenerator[None]:
    settings: Settings = app.state.settings
    tokens = Tokens(
        issuer=settings.public_url,
        audience=settings.audience,
        minutes=settings.access_token_minutes,
    )
    overlap = timedelta(minutes=settings.signing_key_overlap_minutes)
    async with (
        opened(settings) as database,
        opened_systems(database, settings.health_code_hosts) as systems,
        _beside(app, database),
    ):
        app.state.database = database
        app.state.health_codes = systems
        app.state.keys = KeyRoom(database, tokens, overlap=overlap)
        await app.state.keys.open()
        yield


@asynccontextmanager
async def _beside(app: FastAPI, database: Database) -> AsyncGenerator[None]:
    """What goes on beside the requests: hearing of events, and background work if asked to."""
    settings: Settings = app.state.settings
    assert settings.database_url is not None  # noqa: S101 - the doors are open
    url = settings.database_url.get_secret_value()
    async with AsyncExitStack() as beside:
        await beside.enter_async_context(app.state.hub.open(url))
        if settings.with_worker:
            await beside.enter_async_context(working(database, url))
            await beside.enter_async_context(sending(database, url, fence_of(settings)))
        yield


def contract_files() -> dict[str, str]:
    """The contract and its catalogue as they are committed in openapi/, by file name."""
    secrets = {"sealing_keys": f"none:{new_key()}", "lookup_key": new_key()}
    document = create_app(Settings.model_validate(secrets)).openapi()
    return {
        "onegrid.yaml": written_contract.as_yaml(document),
        "catalogue.md": written_contract.catalogue(document),
        "protocol.schema.json": written_contract.as_json(document_schema()),
        "health-code-system.schema.json": written_contract.as_json(system_schema()),
    }
